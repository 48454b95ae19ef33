"""``manage.py user_set``."""

from argparse import Namespace

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.users import user_set

FLAGS = {
    "admin": "the role admin",
    "moderator": "the role moderator",
    "confirmed": "a confirmed e-mail address",
    "locked": "locked out",
}


class Command(UserChangeCommand):
    """Set roles, confirmation and lock at once."""

    help = "Set what is named and leave the rest, in one transaction; what is so already changes nothing."
    examples = ("user_set bob@example.com --moderator --confirmed", "user_set bob@example.com --no-admin --dry-run")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add the flags."""
        for name, text in FLAGS.items():
            options.add_flag(parser, name, text)

    def prepare(self, actor: Actor, arguments: Namespace) -> None:
        """Refuse a call that sets nothing."""
        if all(getattr(arguments, name) is None for name in FLAGS):
            raise Invalid("There is nothing to set.", remedy="Name a flag: --admin, --no-locked, …")

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Set the flags of one user."""
        flags = {name: getattr(arguments, name) for name in FLAGS}
        return user_set(actor=actor, user=user, reason=arguments.reason, **flags)
