"""``manage.py claim_delete``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.management.claims import add_claim, claim_named
from accounts.management.parser import Parser
from accounts.models import ClaimValue
from accounts.operations.claims import claim_delete


class Command(ChangeCommand):
    """Delete a claim."""

    help = "Delete a claim with all of its values, for good."
    examples = ("claim_delete department --dry-run", "claim_delete department --yes --reason 'Not used any more'")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_claim(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Count the values, ask, delete."""
        definition = claim_named(actor, arguments)
        identifier = definition.public_id
        values = ClaimValue.objects.visible_to(actor).filter(definition=definition).count()
        self.ask(f"Delete the claim {definition.word}, and what it says of {values} people?", arguments)
        return self.changed(
            arguments,
            lambda: claim_delete(actor=actor, definition=definition, reason=arguments.reason),
            lambda number: {"id": identifier, "result": "deleted", "values": number},
        )
