"""``manage.py user_set_password``."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import UserChangeCommand, password_of
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.users import user_set_password


class Command(UserChangeCommand):
    """Set a password."""

    help = "Give a user another password; all their sessions end. It is to be changed at the next sign-in."
    examples = (
        "user_set_password bob@example.com --generate-password",
        "user_set_password bob@example.com --password-stdin --no-must-change < password.txt",
    )
    takes_many = False

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add how the password comes in."""
        options.add_password(parser)
        parser.add_argument("--keep-sessions", action="store_true", help="do not end the sessions")
        parser.add_argument("--no-must-change", action="store_true", help="the password may stay")

    def prepare(self, actor: Actor, arguments: Namespace) -> None:
        """Get the password."""
        password, self.shown_once = password_of(self, arguments, ask=True)
        if password is None:
            raise Invalid("There is no password.", remedy="Use --generate-password or --password-stdin.")
        self.password = password

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Set it."""
        return user_set_password(
            actor=actor,
            user=user,
            password=self.password,
            must_change_password=not arguments.no_must_change,
            keep_sessions=arguments.keep_sessions,
            reason=arguments.reason,
        )

    def shown(self, actor: Actor, user: User) -> Mapping[str, Any]:
        """Show the user, with the generated password."""
        shown = super().shown(actor, user)
        return {**shown, "password": self.shown_once} if self.shown_once else shown
