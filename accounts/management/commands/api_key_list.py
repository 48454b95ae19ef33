"""``manage.py api_key_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.models import APIKey
from accounts.pagination import Order
from accounts.serializers.api_keys import APIKeyOutput


class Command(ListCommand):
    """List keys."""

    help = "List the API keys of an organization, oldest first; never their secrets."
    examples = ("api_key_list --org acme", "api_key_list --revoked --json")
    serializer = APIKeyOutput
    columns = (
        Column("ID", "id"),
        Column("NAME", "name"),
        Column("SCOPES", "scopes"),
        Column("EXPIRES", "expires_at"),
        Column("LAST-USED", "last_used_at"),
        Column("REVOKED", "revoked_at"),
    )
    orders = {"created_at": Order("created_at")}

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose."""
        options.add_org(parser)
        parser.add_argument("--revoked", action="store_true", help="also those that are revoked or have run out")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        every = APIKey.objects.visible_to(actor).filter(organization=organization)
        return self.listed(
            arguments,
            every if arguments.revoked else every.live(),
            self.order(arguments),
            scope=f"{organization.public_id} {arguments.revoked}",
            fetched=lambda rows: rows.select_related("organization", "made_by"),
        )
