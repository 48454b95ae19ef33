"""``manage.py user_roles``."""

from argparse import Namespace
from typing import Any

from accounts import ids
from accounts.actors import Actor
from accounts.errors import Invalid, NotFound
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, one_named
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_organization, find_user
from accounts.models import Membership
from accounts.operations.roles import role_assign, role_remove, roles_named
from accounts.serializers.roles import assignments_of
from accounts.times import as_end

COLUMNS = (
    Column("APPLICATION", "application"),
    Column("ROLE", "role"),
    Column("SINCE", "since"),
    Column("UNTIL", "until"),
)


class Command(ChangeCommand):
    """Look at roles, give and take them."""

    help = "List the roles of a user by application, give one for good or until a day, or take one away."
    examples = (
        "user_roles list bob@example.com --org acme",
        "user_roles assign bob@example.com --org acme --role helpdesk --until 2099-12-31",
        "user_roles assign bob@example.com --org acme --app billing --role clerk",
        "user_roles remove bob@example.com --org acme --role reader",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to do, whose roles, which."""
        parser.add_argument("verb", choices=("list", "assign", "remove"), help="what to do")
        options.add_user(parser, many=False)
        options.add_identifiers(parser, many=False)
        parser.add_argument("--role", "--role-id", dest="role", metavar="ROLE", help="id, slug, or application/slug")
        options.add_app(parser, "of which application the role is")
        parser.add_argument("--until", metavar="TIME", help="when it ends: 2026-12-31, 30d (default: never)")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        membership = self.membership(actor, arguments)
        if arguments.verb == "list":
            return self.shown(actor, arguments, membership)
        if not arguments.role:
            raise Invalid("Which role?", remedy="Name it with --role.", fields={"role": "is required"})
        named = f"{arguments.app}/{arguments.role}" if arguments.app else arguments.role
        (role,) = roles_named(membership.organization, [named])
        if arguments.verb == "remove":
            return self.changed(
                arguments,
                lambda: role_remove(actor=actor, membership=membership, role=role, reason=arguments.reason),
                lambda changed: self.shown(actor, arguments, changed),
            )
        until = as_end(arguments.until, field="until") if arguments.until else None
        return self.changed(
            arguments,
            lambda: role_assign(actor=actor, membership=membership, role=role, until=until, reason=arguments.reason),
            lambda changed: self.shown(actor, arguments, changed),
        )

    def membership(self, actor: Actor, arguments: Namespace) -> Membership:
        """Find where the user belongs: at home, or as a guest of ``--org``, by id or e-mail address.

        :raises NotFound: if nobody like that belongs there whom the actor may see
        """
        text = one_named(arguments)
        visible = Membership.objects.visible_to(actor).select_related("user", "organization")
        try:
            found = visible.of_person(find_user(actor, text, arguments.org).pk, None).first()
        except NotFound:
            if arguments.org is None:
                raise
            guests = visible.filter(organization=find_organization(actor, arguments.org))
            identifier = ids.decode("usr", text)
            named = guests.filter(user_id=identifier) if identifier else guests.filter(user__email_key=text.casefold())
            found = named.first() if len(named[:2]) == 1 else None
            if found is None:
                raise
        if found is None:
            raise NotFound("User not found.", remedy="Check the spelling and the organization (--org).")
        return found

    def shown(self, actor: Actor, arguments: Namespace, membership: Membership) -> Rows:
        """Show the roles as they are now."""
        fresh = Membership.objects.visible_to(actor).with_shown().get(pk=membership.pk)
        rows = assignments_of(fresh)
        if arguments.format == "table":
            rows = [
                {
                    **row,
                    "application": row["application"] or "-",
                    "since": row["since"][:10],
                    "until": (row["until"] or "")[:16].replace("T", " "),
                }
                for row in rows
            ]
        return Rows(rows, COLUMNS, {})
