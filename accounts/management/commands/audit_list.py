"""``manage.py audit_list``."""

from argparse import Namespace
from typing import Any
from uuid import UUID

from accounts import ids
from accounts.actors import Actor
from accounts.filters import AUDIT_ORDERS, AuditFilter
from accounts.management import parser as options
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.models import AuditEvent
from accounts.serializers.audit import AuditEventOutput
from accounts.times import as_end, as_start

SUBJECTS = ("usr", "org", "key", "ses", "mem", "ltr")


class Command(ListCommand):
    """List the audit trail."""

    help = "List what was done, newest first: who, to whom, when, through which door, why."
    examples = (
        "audit_list --org acme --subject bob@example.com",
        "audit_list --all-orgs --action user.suspend --since 7d --json",
    )
    serializer = AuditEventOutput
    columns = (
        Column("TIME", "time"),
        Column("ACTION", "action"),
        Column("ACTOR", "actor"),
        Column("SUBJECT", "subject"),
        Column("DOOR", "door"),
        Column("REASON", "reason"),
    )
    orders = AUDIT_ORDERS
    default_order = "-occurred_at"

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add the filters."""
        group = parser.add_argument_group("filters")
        options.add_org(group)
        group.add_argument("--all-orgs", action="store_true", help="of every organization, and of the installation")
        group.add_argument("--actor", default="", metavar="ID", help="who did it: an id, operator, system, anonymous")
        group.add_argument("--subject", metavar="USER|ID", help="to whom or what it was done")
        group.add_argument("--action", default="", metavar="WORD", help="what was done: user.suspend")
        group.add_argument("--outcome", choices=("done", "refused", "failed"), default="", help="how it ended")
        group.add_argument("--since", metavar="TIME", help="from then on (2026-01-01, 7d)")
        group.add_argument("--until", metavar="TIME", help="up to then (2026-01-31: through that day)")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        events = AuditEvent.objects.visible_to(actor)
        scope = "all"
        if not arguments.all_orgs:
            organization = self.organization(actor, arguments)
            events, scope = events.filter(organization_id=organization.pk), organization.public_id
        wanted = AuditFilter(
            actor=arguments.actor,
            subject_id=self.subject(actor, arguments),
            action=arguments.action,
            outcome=arguments.outcome,
            since=as_start(arguments.since, field="since") if arguments.since else None,
            until=as_end(arguments.until, field="until") if arguments.until else None,
        )
        return self.listed(
            arguments,
            wanted.apply(events),
            self.order(arguments),
            scope=f"{scope} {wanted.scope}",
            fetched=lambda rows: rows.prefetch_related("parts"),
        )

    def subject(self, actor: Actor, arguments: Namespace) -> UUID | None:
        """Read the subject: an id of whatever kind, gone things included, or somebody who is there."""
        if not arguments.subject:
            return None
        for prefix in SUBJECTS:
            if identifier := ids.decode(prefix, arguments.subject):
                return identifier
        return find_user(actor, arguments.subject, arguments.org).pk

    def cells(self, row: dict[str, Any]) -> dict[str, Any]:
        """Show times as people read them, and say what was refused."""
        marks = "" if row["outcome"] == "done" else f" ({row['outcome']})"
        actor = f"{row['actor']} as {row['acting_as']}" if row["acting_as"] else row["actor"]
        time = row["occurred_at"][:19].replace("T", " ")
        return {**row, "time": time, "action": f"{row['action']}{marks}", "actor": actor}
