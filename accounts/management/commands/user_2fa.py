"""``manage.py user_2fa``."""

from argparse import Namespace
from typing import Any, Final

from django.utils.dateparse import parse_datetime

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Invalid, NotFound
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, one_named
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.models import Factor, User
from accounts.operations.factors import factor_remove, user_disable_two_factor, user_reset_two_factor
from accounts.policy import require
from accounts.serializers.base import output
from accounts.serializers.factors import FactorOutput, two_factor_of
from accounts.times import ago

COLUMNS = (
    Column("ID", "id"),
    Column("TYPE", "kind"),
    Column("ENROLLED", "enrolled"),
    Column("LAST-USED", "last_used"),
)
QUESTIONS: Final = {
    "disable": "Take all second factors of {} away, and end their sessions?",
    "reset": "Take all second factors of {} away, end their sessions, and ask for a new one at the next sign-in?",
    "remove": "Take this second factor of {} away, and end their sessions?",
}


class Command(ChangeCommand):
    """Look at second factors and take them away."""

    help = (
        "Show whether a user has a second factor, list them, take one or all away, or take all away and demand a new "
        "one at the next sign-in."
    )
    examples = (
        "user_2fa status jane@example.com",
        "user_2fa list jane@example.com",
        "user_2fa reset jane@example.com --reason 'Phone lost' --yes",
        "user_2fa remove jane@example.com --factor-id fct_01h455vb4pex5vsknk084sn02q --yes",
        "user_2fa disable jane@example.com --yes",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to do, whose factors, which."""
        parser.add_argument("verb", choices=("status", "list", "disable", "reset", "remove"), help="what to do")
        options.add_user(parser, many=False)
        options.add_identifiers(parser, many=False)
        parser.add_argument("--factor-id", metavar="F", help="the one to remove")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        user = find_user(actor, one_named(arguments), arguments.org)
        if arguments.verb in {"status", "list"}:
            require(actor, Action.FACTOR_LIST, user)
            return two_factor_of(user) if arguments.verb == "status" else self.list(actor, arguments, user)
        factor = self.factor(actor, arguments, user) if arguments.verb == "remove" else None
        self.ask(QUESTIONS[arguments.verb].format(user.email or user.username or user.public_id), arguments)

        def call() -> User:
            if factor is not None:
                return factor_remove(actor=actor, factor=factor, reason=arguments.reason)
            operation = user_reset_two_factor if arguments.verb == "reset" else user_disable_two_factor
            return operation(actor=actor, user=user, reason=arguments.reason)

        return self.changed(arguments, call, two_factor_of)

    def list(self, actor: Actor, arguments: Namespace, user: User) -> Rows:
        """List the factors, oldest first."""
        factors = Factor.objects.visible_to(actor).enrolled().filter(user=user).order_by("created_at", "id")
        rows = (output(FactorOutput, factor) for factor in factors)
        if arguments.format == "table":
            rows = (
                {
                    **row,
                    "enrolled": row["created_at"][:10],
                    "last_used": ago(parse_datetime(row["last_used_at"])) if row["last_used_at"] else "never",
                }
                for row in rows
            )
        return Rows(rows, COLUMNS, {})

    def factor(self, actor: Actor, arguments: Namespace, user: User) -> Factor:
        """Find the factor meant."""
        if not arguments.factor_id:
            raise Invalid("Which one?", remedy="Name it with --factor-id.", fields={"factor_id": "is required"})
        identifier = ids.decode("fct", arguments.factor_id)
        found = Factor.objects.visible_to(actor).filter(user=user, pk=identifier) if identifier else None
        factor: Factor | None = found.select_related("user").first() if found is not None else None
        if factor is None:
            raise NotFound("Second factor not found.", remedy="manage.py user_2fa list shows them.")
        return factor
