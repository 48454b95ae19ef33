"""``manage.py claim_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.claims import add_app
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.models import ClaimDefinition
from accounts.pagination import Order
from accounts.serializers.claims import ClaimOutput


class Command(ListCommand):
    """List claims."""

    help = "List the claims that an organization and its applications define, oldest first."
    examples = ("claim_list --org acme", "claim_list --org acme --app crm --json")
    serializer = ClaimOutput
    columns = (
        Column("ID", "id"),
        Column("APPLICATION", "application"),
        Column("CLAIM", "name"),
        Column("TYPE", "type"),
        Column("PERSONAL", "is_personal"),
        Column("EDITABLE", "is_editable"),
        Column("APPEARS-IN", "appears_in"),
    )
    orders = {"created_at": Order("created_at")}

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose."""
        options.add_org(parser)
        add_app(parser, "only those of this application")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        claims = ClaimDefinition.objects.visible_to(actor).filter(organization=organization)
        return self.listed(
            arguments,
            claims.of_application(arguments.app) if arguments.app else claims,
            self.order(arguments),
            scope=f"{organization.public_id} {arguments.app}",
            fetched=lambda rows: rows.select_related("organization", "application"),
        )
