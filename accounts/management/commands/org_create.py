"""``manage.py org_create``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.management.organizations import shown
from accounts.management.parser import Parser
from accounts.operations.organizations import org_create


class Command(ChangeCommand):
    """Make an organization."""

    help = "Make an organization. Give it its first owner with user_create --role owner."
    examples = ("org_create --slug globex --name 'Globex Ltd'",)

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what it is made of."""
        parser.add_argument("--slug", required=True, help="short name for addresses and --org")
        parser.add_argument("--name", required=True, help="name as people read it")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it."""
        return self.changed(
            arguments,
            lambda: org_create(actor=actor, slug=arguments.slug, name=arguments.name, reason=arguments.reason),
            shown,
        )
