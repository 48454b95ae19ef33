"""``manage.py org_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.models import Organization
from accounts.pagination import Order
from accounts.serializers.organizations import OrganizationOutput


class Command(ListCommand):
    """List organizations."""

    help = "List the organizations, oldest first."
    examples = ("org_list", "org_list --order slug --json")
    serializer = OrganizationOutput
    columns = (Column("ID", "id"), Column("SLUG", "slug"), Column("NAME", "name"), Column("STATUS", "status"))
    orders = {"created_at": Order("created_at"), "slug": Order("slug")}

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        return self.listed(arguments, Organization.objects.visible_to(actor), self.order(arguments), scope="")
