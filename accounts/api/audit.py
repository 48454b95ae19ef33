"""``/audit-events/``."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import ids
from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.errors import Invalid
from accounts.filters import AUDIT_ORDERS, AuditFilter
from accounts.models import AuditEvent
from accounts.serializers.audit import AuditEventOutput
from accounts.times import as_end, as_start

__all__ = ["AuditEventViewSet"]

SUBJECTS = ("usr", "org", "key", "ses", "mem", "ltr")


class AuditEventViewSet(HouseViewSet):
    """The audit trail: read only."""

    prefix, thing, shown = "evt", "Audit event", AuditEventOutput
    orders = AUDIT_ORDERS
    default_order = "-occurred_at"
    endpoints = {
        "list": Endpoint(
            name="audit_list",
            reading=Action.AUDIT_LIST,
            output=AuditEventOutput,
            paged=True,
            filters=("org", "all_orgs", "actor", "subject", "action", "outcome", "since", "until"),
        ),
        "retrieve": Endpoint(name="audit_show", reading=Action.AUDIT_LIST, output=AuditEventOutput),
    }

    def rows(self) -> Any:
        """Give the events that exist for the actor."""
        return AuditEvent.objects.visible_to(self.actor).prefetch_related("parts")

    def list(self, request: Request) -> Response:
        """List what was done, newest first."""
        events, scope = self.within(AuditEvent.objects.visible_to(self.actor), self.asked, Action.AUDIT_LIST)
        since, until = self.asked.get("since"), self.asked.get("until")
        wanted = AuditFilter(
            actor=self.asked.get("actor", ""),
            subject_id=_subject(self.asked.get("subject", "")),
            action=self.asked.get("action", ""),
            outcome=self.asked.get("outcome", ""),
            since=as_start(since, field="since") if since is not None else None,
            until=as_end(until, field="until") if until is not None else None,
        )
        return self.listed(
            wanted.apply(events),
            self.asked,
            scope=f"{scope} {wanted.scope}",
            fetched=lambda rows: rows.prefetch_related("parts"),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show an event."""
        return self.answer(self.row(id))


def _subject(text: str) -> UUID | None:
    if not text:
        return None
    for prefix in SUBJECTS:
        if identifier := ids.decode(prefix, text):
            return identifier
    raise Invalid("The subject is not an id.", fields={"subject": "is not an id"})
