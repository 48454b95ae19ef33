"""``manage.py user_reset_password``."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.recovery import user_reset_link, user_reset_password


class Command(UserChangeCommand):
    """Let people set a new password."""

    help = (
        "Send a user a letter with a link to set a new password: once, within an hour. "
        "The present password works until then; no second factor is skipped."
    )
    examples = (
        "user_reset_password bob@example.com",
        "user_reset_password bob@example.com --print-link --reason 'No mailbox yet'",
        "user_reset_password --query 'tag=contractor' --yes",
    )
    verb = "Send a reset link to"
    link = ""

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add the way past the mailbox."""
        parser.add_argument("--print-link", action="store_true", help="print the link, and send no letter")

    def prepare(self, actor: Actor, arguments: Namespace) -> None:
        """Refuse to print what nobody could tell apart."""
        if arguments.print_link and self._is_many(arguments):
            raise Invalid("--print-link is for one user at a time.", fields={"print_link": "for one user"})

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Send the letter, or make the link."""
        if not arguments.print_link:
            return user_reset_password(actor=actor, user=user, reason=arguments.reason)
        self.link = user_reset_link(actor=actor, user=user, reason=arguments.reason)
        return user

    def shown(self, actor: Actor, user: User) -> Mapping[str, Any]:
        """Show the user, with the link."""
        shown = super().shown(actor, user)
        return {**shown, "link": self.link} if self.link else shown
