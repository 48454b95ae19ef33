"""``manage.py user_confirm``."""

from accounts.management.confirmation import ConfirmationCommand
from accounts.operations.users import user_confirm


class Command(ConfirmationCommand):
    """Mark addresses."""

    help = "Mark the e-mail address of a user as confirmed; again is no error."
    examples = ("user_confirm bob@example.com", "user_confirm --all --org acme --yes")
    verb = "Confirm"
    operation = staticmethod(user_confirm)
