"""``manage.py api_key_create``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.base import ChangeCommand
from accounts.management.parser import Parser
from accounts.operations.api_keys import api_key_create
from accounts.serializers.api_keys import APIKeyOutput
from accounts.serializers.base import output
from accounts.times import as_end


class Command(ChangeCommand):
    """Make a key."""

    help = "Make an API key of an organization. Its secret is shown once, here."
    examples = (
        "api_key_create --org acme --name 'HR sync' --scope user.list --scope user.show --expires-at 90d",
        "api_key_create --name tool --scope admin:users --json",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what it is made of."""
        options.add_org(parser)
        parser.add_argument("--name", required=True, help="what it is for")
        parser.add_argument(
            "--scope", action="append", required=True, metavar="S", help="a permission (user.show), or admin:users"
        )
        parser.add_argument("--expires-at", metavar="TIME", help="2026-12-31, 90d (default and at most: 365d)")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it with its secret."""
        organization = self.organization(actor, arguments)
        expires_at = as_end(arguments.expires_at, field="expires_at") if arguments.expires_at else None
        return self.changed(
            arguments,
            lambda: api_key_create(
                actor=actor,
                organization=organization,
                name=arguments.name,
                scopes=arguments.scope,
                expires_at=expires_at,
                reason=arguments.reason,
            ),
            lambda made: {**output(APIKeyOutput, made.key), "secret": made.secret},
        )
