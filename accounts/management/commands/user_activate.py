"""``manage.py user_activate``."""

from accounts.management.statuses import status_command

Command = status_command("activate")
