"""The list commands: filters, keyset pages, everything at once."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.db import models
from django.utils.dateparse import parse_datetime

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.filters import USER_ORDERS, UserFilter
from accounts.management import parser as options
from accounts.management.base import Command
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_organization
from accounts.models import Membership, User
from accounts.models.users import UserQuerySet
from accounts.pagination import LIMIT, Order, estimate, page_at, page_of, walk
from accounts.serializers.base import Output, output
from accounts.serializers.users import GuestOutput, UserOutput
from accounts.times import ago

__all__ = ["ListCommand", "UserListCommand"]

MEMBER_ORDER: Final = Order("created_at")
USER_COLUMNS: Final = (
    Column("ID", "id"),
    Column("EMAIL", "email"),
    Column("NAME", "name"),
    Column("STATUS", "status"),
    Column("ROLE", "role"),
    Column("CREATED", "created"),
    Column("LAST-SEEN", "last_seen"),
)


class ListCommand(Command):
    """A list: a page of it, or everything in constant memory."""

    serializer: ClassVar[type[Output[Any]]]
    columns: ClassVar[Sequence[Column]]
    orders: ClassVar[Mapping[str, Order]]
    default_order: ClassVar[str] = "created_at"

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which stretch of the list."""
        group = parser.add_argument_group("pages")
        group.add_argument("--limit", type=int, default=LIMIT, metavar="N", help="rows a page, 1 to 100 (default: 20)")
        group.add_argument("--cursor", default="", metavar="CURSOR", help="go on where a page ended")
        group.add_argument("--page", type=int, metavar="N", help="the page by number, from 1; up to row 10,000")
        group.add_argument("--offset", type=int, metavar="N", help="leave out so many rows; up to row 10,000")
        group.add_argument("--all", action="store_true", help="every row, as they come")
        group.add_argument(
            "--total", nargs="?", choices=("exact", "estimate"), const="exact", help="say how many there are"
        )
        group.add_argument(
            "--order", metavar="WORD", help=f"one of {', '.join(self.orders)}; with - in front turned round"
        )

    def listed(
        self,
        arguments: Namespace,
        queryset: models.QuerySet[Any],
        order: Order,
        *,
        scope: str,
        fetched: Callable[[Any], models.QuerySet[Any]] = lambda rows: rows,
    ) -> Rows:
        """Give the stretch that was asked for.

        :param fetched: adds to the query what each row shows
        """
        around: dict[str, Any] = {}
        if arguments.all:
            rows: Any = walk(fetched(queryset), order)
        elif arguments.page is not None or arguments.offset is not None:
            offset = self._offset(arguments)
            rows = page_at(fetched(queryset), order, limit=arguments.limit, offset=offset).rows
            around = {"limit": arguments.limit, "offset": offset, "total": queryset.count()}
        else:
            page = page_of(fetched(queryset), order, limit=arguments.limit, cursor=arguments.cursor, scope=scope)
            rows = page.rows
            around = {"next_cursor": page.next_cursor, "previous_cursor": page.previous_cursor}
            if page.next_cursor and arguments.format in {"table", "csv"}:
                self.note(f"More: --cursor {page.next_cursor}")
        if arguments.total:
            around["total"] = queryset.count() if arguments.total == "exact" else estimate(queryset)
            if arguments.format in {"table", "csv"}:
                self.note(f"Total: {around['total']}")
        shown = (self.represented(row) for row in rows)
        if arguments.format == "table":
            shown = (self.cells(row) for row in shown)
        return Rows(shown, self.columns, around)

    def represented(self, row: Any) -> dict[str, Any]:
        """Give a row as JSON shows it."""
        return output(self.serializer, row)

    def order(self, arguments: Namespace) -> Order:
        """Read the order."""
        return Order.parse(arguments.order or self.default_order, self.orders)

    def cells(self, row: dict[str, Any]) -> dict[str, Any]:
        """Give a row as the table shows it."""
        return row

    def _offset(self, arguments: Namespace) -> int:
        if arguments.page is not None and arguments.offset is not None:
            raise Invalid("A list is by --page or by --offset.", fields={"page": "not with --offset"})
        if arguments.page is None:
            return int(arguments.offset)
        if arguments.page < 1:
            raise Invalid("Pages count from 1.", fields={"page": "from 1"})
        return int((arguments.page - 1) * arguments.limit)


class UserListCommand(ListCommand):
    """A list of users with the filters of INTERFACE."""

    serializer = UserOutput
    columns = USER_COLUMNS
    orders = USER_ORDERS

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add the filters."""
        group = parser.add_argument_group("filters")
        options.add_org(group)
        group.add_argument("--all-orgs", action="store_true", help="the users of every organization")
        group.add_argument("--member-of", metavar="SLUG|ID", help="everybody with a membership there, guests too")
        group.add_argument("--status", metavar="WORDS", help="status words (a,b), unverified, all")
        group.add_argument("--search", metavar="TEXT", help="by e-mail, name, username or id")
        group.add_argument("--role", metavar="ROLE", help="who has this role: its id, slug or application/slug")
        group.add_argument("--tag", metavar="TAG", help="who has this tag")
        group.add_argument("--claim", metavar="NAME=VALUE", help="of whom a claim says this; crm/tier=gold of an app's")
        group.add_argument("--email-domain", metavar="DOMAIN", help="whose address is in this domain")
        group.add_argument("--unverified", action="store_true", default=None, help="whose address is not confirmed")
        group.add_argument("--never-signed-in", action="store_true", default=None, help="who never signed in")
        group.add_argument("--inactive-since", metavar="TIME", help="who did not sign in since (2026-01-01, 90d)")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        if arguments.member_of:
            return self.members(actor, arguments)
        users = User.objects.visible_to(actor)
        scope = "all"
        if not arguments.all_orgs:
            organization = self.organization(actor, arguments)
            users = users.filter(organization=organization)
            scope = organization.public_id
        wanted = UserFilter.build({key: value for key, value in self.filters(arguments).items() if value is not None})
        users, order = self.narrowed(wanted.apply(users), arguments)
        return self.listed(
            arguments,
            users,
            order,
            scope=f"{scope} {wanted.scope}",
            fetched=lambda rows: rows.with_shown(),
        )

    def members(self, actor: Actor, arguments: Namespace) -> Any:
        """Give everybody with a membership in an organization, in the order in which they came."""
        narrowing = [name for name, value in self.filters(arguments).items() if value]
        if narrowing or arguments.order or arguments.org or arguments.all_orgs:
            raise Invalid(
                "--member-of is a list of its own, in the order in which people came.",
                remedy="Leave the other filters and --order out.",
                fields={"member_of": "not with other filters"},
            )
        organization = find_organization(actor, arguments.member_of)
        members = Membership.objects.visible_to(actor).filter(organization=organization)
        return self.listed(
            arguments,
            members,
            MEMBER_ORDER,
            scope=f"members {organization.public_id}",
            fetched=lambda rows: rows.with_people(),
        )

    def represented(self, row: Any) -> dict[str, Any]:
        """Show a user, of a guest no more than id, e-mail, name and roles."""
        if isinstance(row, Membership):
            return output(UserOutput, row.user) if row.is_home else output(GuestOutput, row)
        return super().represented(row)

    def filters(self, arguments: Namespace) -> dict[str, Any]:
        """Give the filters by their words."""
        return {
            name: getattr(arguments, name)
            for name in (
                "status",
                "search",
                "role",
                "tag",
                "claim",
                "email_domain",
                "unverified",
                "never_signed_in",
                "inactive_since",
            )
        }

    def narrowed(self, users: UserQuerySet, arguments: Namespace) -> tuple[UserQuerySet, Order]:
        """Say in which order."""
        return users, self.order(arguments)

    def cells(self, row: dict[str, Any]) -> dict[str, Any]:
        """Show dates as people read them."""
        if "created_at" not in row:
            return {**row, "status": "guest", "role": ", ".join(row["roles"])}
        return {**row, "created": row["created_at"][:10], "last_seen": _last_seen(row["last_sign_in_at"])}


def _last_seen(moment: str | None) -> str:
    return ago(parse_datetime(moment)) if moment else "never"
