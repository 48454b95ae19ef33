"""``manage.py claim_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.definitions import application_named
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
        options.add_app(parser, "only those of this application")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        application = application_named(actor, arguments, organization)
        claims = ClaimDefinition.objects.visible_to(actor).filter(organization=organization)
        scope = organization.public_id
        if application is not None:
            claims, scope = claims.filter(application=application), application.public_id
        return self.listed(
            arguments,
            claims,
            self.order(arguments),
            scope=scope,
            fetched=lambda rows: rows.select_related("organization", "application"),
        )
