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

    help = "Rename an organization, give it another slug, or settle how long its invites live."
    examples = ("org_update acme --name 'Acme International'", "org_update acme --invite-days 14")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what can be changed."""
        add_named(parser)
        parser.add_argument("--slug", help="new short name")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--invite-days", type=int, metavar="N", help="how long invites live, 1 to 90 days")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Change it and show it."""
        if arguments.slug is None and arguments.name is None and arguments.invite_days is None:
            raise Invalid("There is nothing to change.", remedy="Name a field: --name, --slug, --invite-days.")
        organization = named(actor, arguments)
        return self.changed(
            arguments,
            lambda: org_update(
                actor=actor,
                organization=organization,
                slug=arguments.slug,
                name=arguments.name,
                invite_days=arguments.invite_days,
                reason=arguments.reason,
            ),
            shown,
        )
