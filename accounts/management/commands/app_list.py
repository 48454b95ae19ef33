"""``manage.py app_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.models import Application
from accounts.pagination import Order
from accounts.serializers.applications import ApplicationOutput


class Command(ListCommand):
    """List applications."""

    help = "List the applications of an organization, oldest first."
    examples = ("app_list --org acme", "app_list --order slug --json")
    serializer = ApplicationOutput
    columns = (
        Column("ID", "id"),
        Column("SLUG", "slug"),
        Column("NAME", "name"),
        Column("PERMISSIONS", "permissions"),
    )
    orders = {"created_at": Order("created_at"), "slug": Order("slug")}

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose."""
        options.add_org(parser)
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        return self.listed(
            arguments,
            Application.objects.visible_to(actor).filter(organization=organization),
            self.order(arguments),
            scope=organization.public_id,
            fetched=lambda rows: rows.with_shown(),
        )

    def cells(self, row: dict[str, Any]) -> dict[str, Any]:
        """Show the words without their meanings."""
        return {**row, "permissions": ", ".join(row["permissions"])}
