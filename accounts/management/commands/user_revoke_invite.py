"""``manage.py user_revoke_invite``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.management.invites import add_invite, invite_named, shown
from accounts.management.parser import Parser
from accounts.operations.invites import user_revoke_invite


class Command(ChangeCommand):
    """Revoke an invite."""

    help = (
        "Revoke an invite, at once and for good: its message and address go, and the account that waits for it is "
        "archived. Again changes nothing."
    )
    examples = ("user_revoke_invite inv_01h455vb4pex5vsknk084sn02q --reason 'Wrong address'",)

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_invite(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Revoke it and show it."""
        invite = invite_named(actor, arguments)
        return self.changed(
            arguments,
            lambda: user_revoke_invite(actor=actor, invite=invite, reason=arguments.reason),
            lambda revoked: shown(actor, revoked),
        )
