"""``manage.py user_unrestrict``."""

from accounts.management.statuses import status_command

Command = status_command("unrestrict")
