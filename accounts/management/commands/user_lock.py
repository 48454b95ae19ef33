"""``manage.py user_lock``."""

from accounts.management.statuses import status_command

Command = status_command("lock")
