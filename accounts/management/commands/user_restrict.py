"""``manage.py user_restrict``."""

from accounts.management.statuses import status_command

Command = status_command("restrict")
