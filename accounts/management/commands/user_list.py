"""``manage.py user_list``."""

from accounts.management.lists import UserListCommand


class Command(UserListCommand):
    """List users."""

    help = "List the users of an organization, oldest first."
    examples = (
        "user_list --org acme --status suspended",
        "user_list --search jane --order name --limit 50",
        "user_list --claim department=Engineering",
        "user_list --all --format jsonl",
    )
