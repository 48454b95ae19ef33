"""``manage.py user_archive``."""

from accounts.management.statuses import status_command

Command = status_command("archive")
