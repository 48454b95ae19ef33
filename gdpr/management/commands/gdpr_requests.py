"""``manage.py gdpr_requests``."""

from argparse import Namespace
from typing import Any

from accounts import ids
from accounts.actors import Actor
from accounts.errors import Invalid, NotFound
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, one_named
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.serializers.base import output
from accounts.times import as_start
from gdpr.models import SubjectRequest
from gdpr.operations.requests import request_close, request_extend, request_open
from gdpr.serializers.duties import RequestOutput

COLUMNS = (
    Column("ID", "id"),
    Column("USER", "user"),
    Column("KIND", "kind"),
    Column("STATUS", "state"),
    Column("RECEIVED", "received"),
    Column("DUE", "due"),
    Column("NOTE", "note"),
)


class Command(ChangeCommand):
    """Answer what people ask for about their data, in time."""

    help = (
        "Note what a person asks for about their data, take two months more, note the answer; or list the requests of "
        "an organization that wait, the first to be due first."
    )
    examples = (
        "gdpr_requests open bob@example.com --kind access --received-at 3d --note 'By letter'",
        "gdpr_requests list --org acme --json",
        "gdpr_requests extend dsr_01h455vb4pex5vsknk084sn02q --note 'Six years of history'",
        "gdpr_requests close dsr_01h455vb4pex5vsknk084sn02q --outcome done",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to do and what about."""
        parser.add_argument("verb", choices=("list", "open", "extend", "close"), help="what to do")
        group = parser.add_argument_group("which")
        group.add_argument(
            "user", nargs="?", metavar="USER|REQUEST", help="whose (open, list), or which (extend, close)"
        )
        group.add_argument("--user-id", metavar="ID", help="whose, as an option")
        options.add_org(group)
        options.add_identifiers(parser, many=False)
        parser.add_argument("--kind", default="", help=f"what is asked for: {', '.join(SubjectRequest.KINDS)}")
        parser.add_argument(
            "--received-at", metavar="TIME", help="when it came in (default: now); the month runs from it"
        )
        parser.add_argument(
            "--outcome", choices=(SubjectRequest.DONE, SubjectRequest.REFUSED), default="done", help="how it ended"
        )
        parser.add_argument("--note", metavar="TEXT", default="", help="how it came in; why it is extended or refused")
        parser.add_argument("--all", action="store_true", help="list those that are closed too")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        note = arguments.note or arguments.reason
        if arguments.verb == "list":
            return self.list(actor, arguments)
        if arguments.verb == "open":
            user = find_user(actor, one_named(arguments), arguments.org)
            received_at = as_start(arguments.received_at, field="received_at") if arguments.received_at else None
            return self.changed(
                arguments,
                lambda: request_open(actor=actor, user=user, kind=arguments.kind, received_at=received_at, note=note),
                shown,
            )
        request = self.request(actor, arguments.user)
        if arguments.verb == "extend":
            return self.changed(arguments, lambda: request_extend(actor=actor, request=request, note=note), shown)
        return self.changed(
            arguments,
            lambda: request_close(actor=actor, request=request, outcome=arguments.outcome, note=note),
            shown,
        )

    def request(self, actor: Actor, text: str | None) -> SubjectRequest:
        """Find the request meant."""
        if not text:
            raise Invalid("Which request?", remedy="Name its id, dsr_….", fields={"request": "is required"})
        identifier = ids.decode("dsr", text)
        rows = SubjectRequest.objects.visible_to(actor).select_related("organization")
        found = rows.filter(pk=identifier).first() if identifier else None
        if found is None:
            raise NotFound("Request not found.", remedy="manage.py gdpr_requests list shows them.")
        return found

    def list(self, actor: Actor, arguments: Namespace) -> Rows:
        """List the requests of an organization, or of a person."""
        requests = SubjectRequest.objects.visible_to(actor).select_related("organization")
        if arguments.user or arguments.user_id or arguments.who_email or arguments.who_username:
            requests = requests.filter(user_id=find_user(actor, one_named(arguments), arguments.org).pk)
        else:
            requests = requests.filter(organization=self.organization(actor, arguments))
        rows = requests if arguments.all else requests.open()
        shown_rows = (shown(request) for request in rows.order_by("due_at", "pk").iterator())
        if arguments.format == "table":
            shown_rows = (
                {
                    **row,
                    "state": "OVERDUE" if row["is_overdue"] else row["status"],
                    "received": row["received_at"][:10],
                    "due": row["due_at"][:10],
                }
                for row in shown_rows
            )
        return Rows(shown_rows, COLUMNS, {})


def shown(request: SubjectRequest) -> dict[str, Any]:
    """Show a request."""
    return output(RequestOutput, request)
