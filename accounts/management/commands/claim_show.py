"""``manage.py claim_show``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import Command as BaseCommand
from accounts.management.claims import add_claim, claim_named
from accounts.management.parser import Parser
from accounts.serializers.base import output
from accounts.serializers.claims import ClaimOutput


class Command(BaseCommand):
    """Show a claim."""

    help = "Show what a claim is."
    examples = ("claim_show department", "claim_show crm/tier --org acme --json")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_claim(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show it."""
        return output(ClaimOutput, claim_named(actor, arguments))
