"""``manage.py org_update``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import ChangeCommand
from accounts.management.organizations import add_named, named, shown
from accounts.management.parser import Parser
from accounts.operations.organizations import org_update


class Command(ChangeCommand):
    """Change an organization."""

    help = "Rename an organization, or give it another slug."
    examples = ("org_update acme --name 'Acme International'",)

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what can be changed."""
        add_named(parser)
        parser.add_argument("--slug", help="new short name")
        parser.add_argument("--name", help="new name")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Change it and show it."""
        if arguments.slug is None and arguments.name is None:
            raise Invalid("There is nothing to change.", remedy="Name a field: --name, --slug.")
        organization = named(actor, arguments)
        return self.changed(
            arguments,
            lambda: org_update(
                actor=actor,
                organization=organization,
                slug=arguments.slug,
                name=arguments.name,
                reason=arguments.reason,
            ),
            shown,
        )
