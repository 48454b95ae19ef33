"""``manage.py user_tag``."""

from accounts.management.tags import TagCommand
from accounts.operations.users import user_tag


class Command(TagCommand):
    """Change the tags of a user."""

    help = "Pin tags to a user."
    examples = ("user_tag bob@example.com vip 'night shift'", "user_tag --username bob vip --dry-run")
    operation = staticmethod(user_tag)
