"""``manage.py user_suspend``."""

from accounts.management.statuses import status_command

Command = status_command("suspend")
