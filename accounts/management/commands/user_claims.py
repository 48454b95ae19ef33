"""``manage.py user_claims``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.claims import read
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, one_named
from accounts.management.claims import find_claim
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.models import User
from accounts.operations.claims import user_claims_remove, user_claims_set
from accounts.serializers.claims import claims_of

COLUMNS = (
    Column("APPLICATION", "application"),
    Column("CLAIM", "claim"),
    Column("TYPE", "type"),
    Column("VALUE", "value"),
)


class Command(ChangeCommand):
    """Look at claims and change them."""

    help = "List what claims say of a user, set one, or take one away. Set and remove answer with the list."
    examples = (
        "user_claims list bob@example.com",
        "user_claims set bob@example.com --claim department --value Sales",
        "user_claims set bob@example.com --claim languages --value '[\"en\", \"de\"]' --reason 'Ticket 12'",
        "user_claims set bob@example.com --org acme --app crm --claim tier --value gold",
        "user_claims remove bob@example.com --claim department",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to do, and whose claims."""
        parser.add_argument("verb", choices=("list", "set", "remove"), help="what to do")
        options.add_user(parser, many=False)
        options.add_identifiers(parser, many=False)
        parser.add_argument("--claim", "--claim-id", dest="claim", metavar="C", help="name, APP/NAME or id")
        options.add_app(parser, "the application that the claim belongs to")
        parser.add_argument("--value", metavar="V", help="JSON unless the claim is a string or a date")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        user = find_user(actor, one_named(arguments), arguments.org)
        if arguments.verb == "list":
            return self.list(user)
        if not arguments.claim:
            raise Invalid("Which claim?", remedy="Name it with --claim.", fields={"claim": "is required"})
        definition = find_claim(actor, arguments.claim, user.organization, arguments.app)
        if arguments.verb == "remove":
            return self.changed(
                arguments,
                lambda: user_claims_remove(actor=actor, user=user, definition=definition, reason=arguments.reason),
                self.list,
            )
        if arguments.value is None:
            raise Invalid("Which value?", remedy="Give it with --value.", fields={"value": "is required"})
        value = read(definition.type, arguments.value)
        return self.changed(
            arguments,
            lambda: user_claims_set(
                actor=actor, user=user, definition=definition, value=value, reason=arguments.reason
            ),
            self.list,
        )

    def list(self, user: User) -> Rows:
        """List the claims, the organization's own first."""
        return Rows(claims_of(user), COLUMNS, {})
