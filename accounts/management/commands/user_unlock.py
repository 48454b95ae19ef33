"""``manage.py user_unlock``."""

from accounts.management.statuses import status_command

Command = status_command("unlock")
