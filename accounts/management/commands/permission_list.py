"""``manage.py permission_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.base import Command as BaseCommand
from accounts.management.definitions import application_named
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.models import Permission
from accounts.serializers.roles import permissions_shown

COLUMNS = (Column("APPLICATION", "application"), Column("PERMISSION", "permission"), Column("MEANING", "description"))


class Command(BaseCommand):
    """List permissions."""

    help = (
        "List the words that a role can hold: the service's own, and those that the organization's applications define "
        "for themselves (app_update --add-permission)."
    )
    examples = ("permission_list --org acme", "permission_list --org acme --app billing --json")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose."""
        options.add_org(parser)
        options.add_app(parser, "those of this application alone")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        application = application_named(actor, arguments, organization)
        free = Permission.objects.visible_to(actor).listed_of(organization, application)
        rows = permissions_shown(free, own=application is None)
        if arguments.format == "table":
            rows = [{**row, "application": row["application"] or "-"} for row in rows]
        return Rows(rows, COLUMNS, {})
