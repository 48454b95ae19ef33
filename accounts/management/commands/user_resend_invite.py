"""``manage.py user_resend_invite``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.management.invites import add_invite, invite_named, made_shown
from accounts.management.parser import Parser
from accounts.operations.invites import user_resend_invite


class Command(ChangeCommand):
    """Send an invite again."""

    help = (
        "Send an invite again, to the address that the account has now, for the usual time from now: the old link "
        "dies. An open link is shown anew."
    )
    examples = (
        "user_resend_invite inv_01h455vb4pex5vsknk084sn02q",
        "user_resend_invite inv_01h455vb4pex5vsknk084sn02q --print-link",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which, and how."""
        add_invite(parser)
        parser.add_argument("--print-link", action="store_true", help="print the link, and send no letter")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Send it and show it."""
        invite = invite_named(actor, arguments)
        return self.changed(
            arguments,
            lambda: user_resend_invite(
                actor=actor, invite=invite, print_link=arguments.print_link, reason=arguments.reason
            ),
            lambda made: made_shown(actor, made),
        )
