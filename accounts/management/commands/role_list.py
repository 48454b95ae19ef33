"""``manage.py role_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.definitions import application_named
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.models import Role
from accounts.pagination import Order
from accounts.serializers.roles import RoleOutput


class Command(ListCommand):
    """List roles."""

    help = (
        "List the roles of an organization: the four built-in ones, its own, those of its applications; oldest first."
    )
    examples = ("role_list --org acme", "role_list --org acme --app billing --json")
    serializer = RoleOutput
    columns = (
        Column("ID", "id"),
        Column("APPLICATION", "application"),
        Column("SLUG", "slug"),
        Column("NAME", "name"),
        Column("PERMISSIONS", "number"),
    )
    orders = {"created_at": Order("created_at"), "slug": Order("slug")}

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose."""
        options.add_org(parser)
        options.add_app(parser, "those of this application alone")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        application = application_named(actor, arguments, organization)
        roles = Role.objects.visible_to(actor).of(organization.pk)
        scope = organization.public_id
        if application is not None:
            roles, scope = roles.filter(application=application), application.public_id
        return self.listed(arguments, roles, self.order(arguments), scope=scope, fetched=lambda rows: rows.with_shown())

    def cells(self, row: dict[str, Any]) -> dict[str, Any]:
        """Count what it permits."""
        return {**row, "application": row["application"] or "-", "number": len(row["permissions"])}
