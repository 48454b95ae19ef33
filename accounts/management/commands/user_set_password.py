"""``manage.py user_set_password``."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any, ClassVar

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import WHO, UserChangeCommand, password_of
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.bulk import tried
from accounts.operations.recovery import password_reset
from accounts.operations.users import user_set_password


class Command(UserChangeCommand):
    """Set a password."""

    help = (
        "Give a user another password; all their sessions end. It is to be changed at the next sign-in. "
        "With --reset-token-stdin it completes a mailed reset instead: the token says who is meant."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "user_set_password bob@example.com --generate-password",
        "user_set_password bob@example.com --password-stdin --no-must-change < password.txt",
        "user_set_password --reset-token-stdin --password-stdin < reset.txt",
    )
    takes_many = False

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add how the password comes in."""
        options.add_password(parser)
        parser.add_argument("--keep-sessions", action="store_true", help="do not end the sessions")
        parser.add_argument("--no-must-change", action="store_true", help="the password may stay")
        parser.add_argument(
            "--reset-token-stdin",
            action="store_true",
            help="complete a mailed reset: its token is the first line of standard input, the password the next",
        )

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Set it for whom is named, or for whom the token of a letter names."""
        if not arguments.reset_token_stdin:
            return super().run(actor, arguments)
        named = [name for name in WHO if getattr(arguments, name, None)]
        if named or arguments.keep_sessions:
            raise Invalid("The token says who is meant; their sessions end.", remedy="Name no USER beside it.")
        token = sys.stdin.readline().strip().rstrip("/").rpartition("/")[2]
        self.prepare(actor, arguments)
        if not arguments.dry_run:
            return self.shown(actor, self.reset(actor, token))
        (result,) = tried([None], lambda _: self.reset(actor, token), key=lambda _: "")
        if result.error:
            raise result.error
        return {"dry_run": True, "result": result.result, "changes": result.changes}

    def reset(self, actor: Actor, token: str) -> User:
        """Complete a reset."""
        return password_reset(actor=actor, token=token, password=self.password)

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
