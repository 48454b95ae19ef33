"""``manage.py gdpr_hold``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import NotFound
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, one_named
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.models import User
from accounts.serializers.base import output
from accounts.times import as_end
from gdpr.models import LegalHold
from gdpr.operations.holds import EXEMPTIONS, hold_place, hold_release, hold_review
from gdpr.serializers.duties import HoldOutput

COLUMNS = (
    Column("ID", "id"),
    Column("USER", "user"),
    Column("EXEMPTION", "exemption"),
    Column("REVIEW", "review"),
    Column("REASON", "reason"),
    Column("RELEASED", "released"),
)


class Command(ChangeCommand):
    """Keep people's data from being erased."""

    help = (
        "Keep a person's data from being erased (Art. 17(3)), look at the hold again, release it; or list the holds of "
        "an organization, those to be looked at first."
    )
    examples = (
        "gdpr_hold place bob@example.com --exemption e --reason 'Case 7 against Bob' --review-at 60d",
        "gdpr_hold list --org acme",
        "gdpr_hold review jane@example.com --reason 'Case 7 goes on'",
        "gdpr_hold release jane@example.com --reason 'Case 7 is closed'",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to do and whose data."""
        parser.add_argument("verb", choices=("place", "list", "review", "release"), help="what to do")
        options.add_user(parser, many=False)
        options.add_identifiers(parser, many=False)
        parser.add_argument(
            "--exemption",
            metavar="LETTER",
            default="",
            help=f"the letter of Art. 17(3) that allows it: {', '.join(EXEMPTIONS)} (e: legal claims)",
        )
        parser.add_argument("--review-at", metavar="TIME", help="when to look at it again (default and most: 90d)")
        parser.add_argument("--all", action="store_true", help="list those that were released too")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        if arguments.verb == "list":
            return self.list(actor, arguments)
        user = find_user(actor, one_named(arguments), arguments.org)
        review_at = as_end(arguments.review_at, field="review_at") if arguments.review_at else None
        if arguments.verb == "place":
            return self.changed(
                arguments,
                lambda: hold_place(
                    actor=actor,
                    user=user,
                    reason=arguments.reason,
                    exemption=arguments.exemption,
                    review_at=review_at,
                ),
                shown,
            )
        hold = self.hold(actor, user)
        if arguments.verb == "review":
            return self.changed(
                arguments,
                lambda: hold_review(actor=actor, hold=hold, review_at=review_at, reason=arguments.reason),
                shown,
            )
        return self.changed(arguments, lambda: hold_release(actor=actor, hold=hold, reason=arguments.reason), shown)

    def hold(self, actor: Actor, user: User) -> LegalHold:
        """Find the hold on somebody."""
        held = LegalHold.objects.visible_to(actor).active().filter(user=user).select_related("user", "organization")
        found = held.first()
        if found is None:
            raise NotFound("There is no hold.", remedy="manage.py gdpr_hold list shows them.")
        return found

    def list(self, actor: Actor, arguments: Namespace) -> Rows:
        """List the holds of an organization, or of a person."""
        holds = LegalHold.objects.visible_to(actor).select_related("user", "organization")
        if arguments.user or arguments.user_id or arguments.who_email or arguments.who_username:
            holds = holds.filter(user=find_user(actor, one_named(arguments), arguments.org))
        else:
            holds = holds.filter(organization=self.organization(actor, arguments))
        rows = holds if arguments.all else holds.active()
        shown_rows = (shown(hold) for hold in rows.order_by("review_at", "pk").iterator())
        if arguments.format == "table":
            shown_rows = (
                {**row, "review": row["review_at"][:10], "released": (row["released_at"] or "")[:10]}
                for row in shown_rows
            )
        return Rows(shown_rows, COLUMNS, {})


def shown(hold: LegalHold) -> dict[str, Any]:
    """Show a hold."""
    return output(HoldOutput, hold)
