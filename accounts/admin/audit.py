"""The audit trail: read, filtered, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import models
from django.urls import reverse

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, Listing, Narrowing, Scope
from accounts.admin.site import site
from accounts.admin.tables import Cell, badge, moment
from accounts.admin.verbs import difference_rows, shown
from accounts.errors import Invalid
from accounts.filters import AUDIT_ORDERS, AuditFilter
from accounts.identifiers import text_refused
from accounts.models import AuditEvent, User
from accounts.pagination import Order
from accounts.serializers.audit import AuditEventOutput
from accounts.serializers.base import output
from accounts.times import as_end, as_start

__all__ = ["AuditEventAdmin"]

SUBJECTS = ("usr", "org", "key", "ses", "mem", "ltr")
FILTERS = ("actor", "subject", "action", "outcome", "since", "until")
QUIET = {"autocomplete": "off", "spellcheck": "false"}


class AuditFilterForm(forms.Form):
    """The filters of ``audit_list``, by the same words."""

    action = forms.ChoiceField(
        label="What", required=False, choices=(("", "Anything"), *((str(word), str(word)) for word in sorted(Action)))
    )
    outcome = forms.ChoiceField(
        required=False,
        choices=(("", "Any"), ("done", "Done"), ("refused", "Refused"), ("failed", "Failed")),
    )
    actor = forms.CharField(
        label="By whom",
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "usr_…, key_… or operator", **QUIET}),
    )
    subject = forms.CharField(
        label="To whom or what",
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "usr_…, org_…, key_…", **QUIET}),
    )
    since = forms.CharField(required=False, widget=forms.TextInput(attrs={"placeholder": "7d or 2026-01-01", **QUIET}))
    until = forms.CharField(required=False, widget=forms.TextInput(attrs={"placeholder": "2026-01-31", **QUIET}))


@admin.register(AuditEvent, site=site)
class AuditEventAdmin(HouseAdmin):
    """The audit trail."""

    reading = Action.AUDIT_LIST
    plural = "Audit trail"
    lead = "Who did what to whom, when, through which door and why. Nobody can change it."
    empty = "Nothing happened yet."
    columns = (("When", "occurred_at"), ("What", ""), ("By", ""), ("To", ""), ("Door", ""), ("Why", ""))
    orders = AUDIT_ORDERS
    default_order = "-occurred_at"
    lists_all = True
    filter_form = AuditFilterForm
    detail_template = "event.html"

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch the parts along with each."""
        return rows.prefetch_related("parts")

    def listing(self, actor: Actor, scope: Scope, asked: Narrowing) -> Listing:
        """Give the events that are wanted, the newest first."""
        wanted = audit_filter(asked.words)
        rows = AuditEvent.objects.visible_to(actor)
        if scope.organization:
            rows = rows.filter(organization_id=scope.organization.pk)
        order = Order.parse(asked.order or self.default_order, self.orders)
        return Listing(wanted.apply(rows), order, f"{scope.name} {wanted.scope}")

    def cells_of(self, actor: Actor, rows: Sequence[Any]) -> list[list[Cell]]:
        """Show the events of a page, people by name as far as they exist for the actor."""
        names = names_in(actor, rows)
        return [self._cells(row, names) for row in rows]

    def _cells(self, row: AuditEvent, names: Mapping[UUID, str]) -> list[Cell]:
        facts = output(AuditEventOutput, row)
        return [
            Cell(moment(row.occurred_at), url=self.url("change", row.public_id), at=row.occurred_at.isoformat()),
            Cell(row.action) if row.outcome == "done" else badge(row.outcome, note=row.action),
            acting(row, names),
            who(row.subject_name, row.subject_id, names),
            Cell(row.door),
            Cell(facts["reason"]),
        ]

    def named(self, row: Any) -> Cell:
        """Call an event by what was done."""
        return Cell(row.action)

    def detail(self, actor: Actor, row: Any) -> dict[str, Any]:
        """Show before and after as a table."""
        facts = output(AuditEventOutput, row)
        detail = facts["detail"]
        names = names_in(actor, [row])
        others = [
            (name.replace("_", " "), shown(value))
            for name, value in detail.items()
            if name not in {"before", "after", "ended"}
        ]
        return {
            "facts": facts,
            "at": f"{row.occurred_at:%Y-%m-%d %H:%M:%S} UTC",
            "outcome": badge(row.outcome),
            "actor": who(row.actor_name, row.actor_id, names),
            "acting_as": who(row.acting_as, row.acting_as_id, names) if row.acting_as else None,
            "subject": who(row.subject_name, row.subject_id, names),
            "differences": difference_rows(detail),
            "others": others,
        }


def names_in(actor: Actor, events: Sequence[AuditEvent]) -> dict[UUID, str]:
    """Read the names of the people in some events, as far as they exist for the actor (one query)."""
    wanted = {
        identifier
        for event in events
        for identifier in (event.actor_id, event.acting_as_id, event.subject_id)
        if identifier
    }
    people = User.objects.visible_to(actor).filter(pk__in=wanted)
    return {person.pk: person.display_name or person.email or "" for person in people}


def acting(event: AuditEvent, names: Mapping[UUID, str]) -> Cell:
    """Name who acted, and as whom if that was somebody else: "Alice as Bob"."""
    cell = who(event.actor_name, event.actor_id, names)
    if event.acting_as is None:
        return cell
    return replace(cell, text=f"{cell.text} as {who(event.acting_as, event.acting_as_id, names).text}")


def who(public_id: str, identifier: UUID | None, names: Mapping[UUID, str]) -> Cell:
    """Name an actor or a subject, with a link where there is a page."""
    name = names.get(identifier) if identifier else None
    if name:
        return Cell(name, url=reverse("admin:accounts_user_change", args=[public_id]), note=public_id)
    is_organization = public_id.startswith("org_")
    url = reverse("admin:accounts_organization_change", args=[public_id]) if is_organization else ""
    return Cell(public_id or "—", url=url)


def audit_filter(words: dict[str, str]) -> AuditFilter:
    """Read the filters.

    :raises Invalid: for an unknown word, or a value that is none
    """
    if unknown := sorted(set(words) - set(FILTERS)):
        raise Invalid(f"There is no filter {unknown[0]!r}.", remedy=f"One of: {', '.join(FILTERS)}.")
    subject = None
    if text := words.get("subject"):
        subject = next((found for prefix in SUBJECTS if (found := ids.decode(prefix, text))), None)
        if subject is None:
            raise Invalid("The subject is not an id.", remedy="An id such as usr_…; the person's page shows it.")
    for name in ("actor", "action", "outcome"):
        if problem := text_refused(words.get(name, "")):
            raise Invalid(f"The filter {name} {problem}.")
    return AuditFilter(
        actor=words.get("actor", ""),
        subject_id=subject,
        action=words.get("action", ""),
        outcome=words.get("outcome", ""),
        since=as_start(words["since"], field="since") if "since" in words else None,
        until=as_end(words["until"], field="until") if "until" in words else None,
    )
