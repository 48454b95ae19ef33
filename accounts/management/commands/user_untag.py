"""``manage.py user_untag``."""

from accounts.management.tags import TagCommand
from accounts.operations.users import user_untag


class Command(TagCommand):
    """Change the tags of a user."""

    help = "Take tags off a user."
    examples = ("user_untag bob@example.com vip 'night shift'", "user_untag --username bob vip --dry-run")
    operation = staticmethod(user_untag)
