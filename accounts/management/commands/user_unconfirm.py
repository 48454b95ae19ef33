"""``manage.py user_unconfirm``."""

from accounts.management.confirmation import ConfirmationCommand
from accounts.operations.users import user_unconfirm


class Command(ConfirmationCommand):
    """Mark addresses."""

    help = "Mark the e-mail address of a user as not confirmed; again is no error."
    examples = ("user_unconfirm bob@example.com", "user_unconfirm --all --org acme --yes")
    verb = "Unconfirm"
    operation = staticmethod(user_unconfirm)
