"""``manage.py user_search``."""

from argparse import Namespace

from accounts.errors import Invalid
from accounts.management.lists import UserListCommand
from accounts.management.parser import Parser
from accounts.models.users import UserQuerySet
from accounts.pagination import Order


class Command(UserListCommand):
    """Search users."""

    help = "Search users by e-mail, name, username or id, the best fit first."
    examples = ("user_search jane", "user_search '@example.com' --json")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to search for."""
        parser.add_argument("query", metavar="QUERY", help="part of an e-mail address, name or username, or an id")
        super().add_arguments(parser)

    def narrowed(self, users: UserQuerySet, arguments: Namespace) -> tuple[UserQuerySet, Order]:
        """Keep who fits, the best first."""
        if not arguments.query.strip():
            raise Invalid("There is nothing to search for.", fields={"query": "is empty"})
        if arguments.order:
            return super().narrowed(users, arguments)
        return users.ranked(arguments.query), Order("rank")

    def filters(self, arguments: Namespace) -> dict[str, object]:
        """Search for the query."""
        return {**super().filters(arguments), "search": arguments.query}
