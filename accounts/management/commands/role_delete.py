"""``manage.py role_delete``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.management.definitions import add_named, find_role
from accounts.management.parser import Parser
from accounts.operations.roles import role_delete


class Command(ChangeCommand):
    """Delete a role."""

    help = "Delete a role, which ends it for everybody who has it; asks first."
    examples = ("role_delete helpdesk --org acme --dry-run", "role_delete billing/clerk --org acme --yes")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_named(parser, "role")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Ask, delete it, and say what ended with it."""
        role = find_role(actor, arguments.role, arguments.org)
        identifier = role.public_id
        self.ask(f"Delete the role {role.full_slug}? It ends for everybody who has it; --dry-run counts.", arguments)
        return self.changed(
            arguments,
            lambda: role_delete(actor=actor, role=role, reason=arguments.reason),
            lambda ended: {"id": identifier, "ended": ended},
        )
