"""``manage.py org_members``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid, NotFound
from accounts.management import parser as options
from accounts.management.base import ChangeCommand
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.models import Membership, Organization, User
from accounts.operations.organizations import membership_add, membership_remove
from accounts.pagination import Order
from accounts.serializers.base import output
from accounts.serializers.organizations import MembershipOutput


class Command(ListCommand, ChangeCommand):
    """Look at members and change guests."""

    help = "List everybody with a membership in an organization; make somebody a guest, or end that."
    examples = (
        "org_members list --org acme",
        "org_members add usr_01h455vb4pex5vsknk084sn02q --org acme --role moderator",
        "org_members remove dave@example.com --home other --org acme",
    )
    serializer = MembershipOutput
    columns = (
        Column("ID", "id"),
        Column("USER", "user"),
        Column("EMAIL", "email"),
        Column("NAME", "name"),
        Column("HOME", "home"),
        Column("ROLES", "roles"),
    )
    orders = {"created_at": Order("created_at")}

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to do, with whom, where."""
        parser.add_argument("verb", choices=("list", "add", "remove"), help="what to do")
        parser.add_argument("user", nargs="?", metavar="USER", help="whom to add or remove")
        options.add_org(parser)
        parser.add_argument("--home", metavar="SLUG|ID", help="where USER is at home, if named by e-mail or username")
        parser.add_argument("--role", action="append", default=[], help="roles to give (default: member)")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        organization = self.organization(actor, arguments)
        if arguments.verb == "list":
            members = Membership.objects.visible_to(actor).filter(organization=organization)
            scope = organization.public_id
            return self.listed(
                arguments, members, self.order(arguments), scope=scope, fetched=lambda rows: rows.with_shown()
            )
        if not arguments.user:
            raise Invalid("Which USER?", fields={"user": "is required"})
        user = find_user(actor, arguments.user, arguments.home)
        return (self.add if arguments.verb == "add" else self.remove)(actor, arguments, organization, user)

    def add(self, actor: Actor, arguments: Namespace, organization: Organization, user: User) -> Any:
        """Make somebody a guest, or give them more roles."""
        return self.changed(
            arguments,
            lambda: membership_add(
                actor=actor,
                organization=organization,
                user=user,
                roles=arguments.role or ["member"],
                reason=arguments.reason,
            ),
            lambda made: output(MembershipOutput, Membership.objects.with_shown().get(pk=made.pk)),
        )

    def remove(self, actor: Actor, arguments: Namespace, organization: Organization, user: User) -> Any:
        """End a guest's membership."""
        memberships = Membership.objects.visible_to(actor).select_related("user", "organization")
        membership = memberships.filter(organization=organization, user=user).first()
        if membership is None:
            raise NotFound("Membership not found.", remedy="manage.py org_members list shows them.")
        identifier = membership.public_id
        return self.changed(
            arguments,
            lambda: membership_remove(actor=actor, membership=membership, reason=arguments.reason),
            lambda _: {"id": identifier, "result": "removed"},
        )
