"""Subject requests: what people asked for about their data, and by when it has to be answered."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils import timezone

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.site import site
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, badge, date, moment
from accounts.admin.verbs import Verb, VerbForm, called_on
from accounts.errors import AccountsError
from accounts.models import User
from accounts.pagination import Order
from accounts.times import as_start
from gdpr.admin.base import DutyAdmin, PersonForm, all_of, line
from gdpr.models import Erasure, Export, SubjectRequest
from gdpr.operations.requests import ANSWERS, request_close, request_extend, request_open

__all__ = ["RequestAdmin", "requests_panel"]

SHOWN = 5
ANSWERING = (
    ("Export for this request", "personal-data", Action.USER_EXPORT, {*ANSWERS["access"], *ANSWERS["portability"]}),
    ("Erase for this request", "erasure", Action.USER_PURGE, {*ANSWERS["erasure"]}),
)
"""What is done for a request, on which tab of the person, by whom, and for which kinds."""


class RequestForm(PersonForm):
    """A new request."""

    kind = forms.ChoiceField(
        label="What they ask for", choices=[(kind, kind.capitalize()) for kind in SubjectRequest.KINDS]
    )
    received_at = line(
        label="When it came in",
        help_text="A day such as 2026-11-02; the month runs from it. Empty: today.",
        max_length=40,
    )
    note = line(help_text="How it came in; no more about the person than is needed.", max_length=500)

    def clean_received_at(self) -> Any:
        """Read when it came in."""
        text = self.cleaned_data["received_at"].strip()
        try:
            return as_start(text, field="received_at") if text else None
        except AccountsError as refusal:
            raise forms.ValidationError(f"{refusal.message} {refusal.remedy}") from None


class ExtendForm(VerbForm):
    """Why it takes longer."""

    needs_input = True
    note = line(
        label="Why", help_text="The person has to be told, within the first month.", max_length=500, required=True
    )

    def arguments(self) -> dict[str, Any]:
        """Give the note."""
        return {"note": self.value("note") or ""}


class CloseForm(VerbForm):
    """How it ended."""

    outcome = forms.ChoiceField(choices=[("done", "Done"), ("refused", "Refused")])
    note = line(label="Why", help_text="Needed where it is refused: the person has to be told.", max_length=500)

    def arguments(self) -> dict[str, Any]:
        """Give outcome and note."""
        return {"outcome": self.value("outcome") or "done", "note": self.value("note") or ""}


def is_open(request: Any) -> bool:
    """Say whether it waits."""
    return bool(request.status == SubjectRequest.OPEN)


def due_cell(request: Any) -> Cell:
    """Show when it is due, with words where that is over or near."""
    text = f"{request.due_at:%Y-%m-%d}"
    if is_open(request) and request.due_at < timezone.now():
        return Cell("overdue", badge="overdue", note=text)
    return Cell(text, note="soon" if is_open(request) and request.reminded_at else "")


def due_words(request: Any) -> str:
    """Say how near the day is on which it is due, or how it was met."""
    last = request.closed_at or timezone.now()
    days = (request.due_at.date() - last.date()).days
    number = "1 day" if abs(days) == 1 else f"{abs(days)} days"
    if request.closed_at:
        return f"closed {number} late" if last > request.due_at else "closed in time"
    if last > request.due_at:
        return f"overdue by {number}"
    return f"due in {number}" if days else "due today"


@admin.register(SubjectRequest, site=site)
class RequestAdmin(DutyAdmin):
    """Subject requests."""

    reading = Action.REQUEST_LIST
    plural = "Subject requests"
    lead = "What people asked for about their data. Each is answered within a month of its receipt (Art. 12(3))."
    detail_template = "request.html"
    empty = "Nobody here asked for anything. When somebody does, by letter or at the counter, note it: the month runs."
    columns = (("Person", ""), ("Asks for", ""), ("State", ""), ("Due", ""), ("Received", ""))
    orders: ClassVar[Mapping[str, Order]] = {"created_at": Order("created_at")}
    making = Action.REQUEST_OPEN
    writes: ClassVar[Mapping[str, Action]] = {"add": Action.REQUEST_OPEN}
    make_label = "Note a request"
    make_lead = "The month runs from the day on which it came in, whoever took it."
    making_form = RequestForm
    verbs: ClassVar[dict[str, Verb]] = {
        "close": Verb(
            action=Action.REQUEST_CLOSE,
            label="Close",
            done="is closed",
            summary="Note that a request was answered, or refused and why.",
            call=called_on("request", request_close),
            form=CloseForm,
            fits=is_open,
        ),
        "extend": Verb(
            action=Action.REQUEST_EXTEND,
            label="Extend",
            done="is extended",
            summary="Take two months more, once, in the first month; the person has to be told why in that month.",
            call=called_on("request", request_extend),
            form=ExtendForm,
            fits=lambda request: is_open(request) and request.extended_at is None,
        ),
    }

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch organizations along with each."""
        return rows.select_related("organization")

    def make(self, actor: Actor, user: User, values: Mapping[str, Any]) -> SubjectRequest:
        """Note a request."""
        return request_open(actor=actor, user=user, **values)

    def cells_of(self, actor: Actor, rows: Sequence[Any]) -> list[list[Cell]]:
        """Show the requests of a page."""
        people = self.person_cells(actor, [row.user_id for row in rows])
        return [
            [
                people.get(row.user_id, Cell(ids.encode("usr", row.user_id), note="gone")),
                Cell(row.kind, url=self.url("change", row.public_id), note=row.note, copy=row.public_id),
                badge(row.status),
                due_cell(row),
                Cell(f"{row.received_at:%Y-%m-%d}"),
            ]
            for row in rows
        ]

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer to do what is asked for, to close it, or to extend it."""
        return self._answers(actor, row) + [
            Link(verb.label, f"{self.url('verb', word)}?selected={row.public_id}")
            for word, verb in self.verbs.items()
            if verb.fits(row) and actor.holds(verb.action, row.organization_id)
        ]

    def verb_links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer on its own page what the list offers."""
        return self.links(actor, row)

    def place(self, row: Any) -> str:
        """Go back to the request's own page."""
        return self.url("change", row.public_id)

    def detail(self, actor: Actor, row: Any) -> dict[str, Any]:
        """Show whose it is, by when, how it came, and what was done for it."""
        named = ids.encode("usr", row.user_id)
        person = self.person_cells(actor, [row.user_id]).get(row.user_id, Cell(named, note="gone"))
        trail = f"{reverse('admin:accounts_auditevent_changelist')}?org={row.organization.slug}&subject={named}"
        return {
            "title": f"{row.kind.capitalize()} of {person.text}",
            "state": badge(row.status),
            "due": due_words(row),
            "is_late": is_open(row) and row.due_at < timezone.now(),
            "article": SubjectRequest.ARTICLES[row.kind],
            "person": person,
            "facts": [
                (label, value)
                for label, value in (
                    ("Received", f"{row.received_at:%Y-%m-%d}"),
                    ("Due", f"{row.due_at:%Y-%m-%d}"),
                    ("Extended", f"{moment(row.extended_at)} UTC" if row.extended_at else ""),
                    ("Closed", f"{moment(row.closed_at)} UTC" if row.closed_at else ""),
                    ("How it came" if is_open(row) else "Note", row.note),
                )
                if value
            ],
            "table": self._answered_by(actor, row, named),
            "trail": trail if actor.holds(Action.AUDIT_LIST, row.organization_id) else "",
        }

    def _answered_by(self, actor: Actor, row: Any, named: str) -> Table:
        """List the copies and erasures that answer it, as far as they exist for the actor."""
        copies = Export.objects.visible_to(actor).filter(user_id=row.user_id, request_id=row.pk)
        erasures = Erasure.objects.visible_to(actor).filter(user_id=row.user_id, request_id=row.pk)
        tab = reverse("admin:accounts_user_personal-data", args=[named])
        rows = [
            TableRow(
                [Cell("Copy of their data", url=tab, note=entry.public_id), badge(entry.status), date(entry.created_at)]
            )
            for entry in copies.order_by("-created_at", "-id")[:SHOWN]
        ]
        rows += [
            TableRow(
                [
                    Cell(
                        "Erasure, with its receipt" if entry.receipt else "Erasure",
                        url=reverse("admin:gdpr_erasure_change", args=[entry.public_id]),
                        note=entry.public_id,
                    ),
                    badge(entry.status),
                    date(entry.created_at),
                ]
            )
            for entry in erasures.order_by("-created_at", "-id")[:SHOWN]
        ]
        columns = [Column("What"), Column("State"), Column("Begun")]
        return Table("What was done for it", columns, rows, "No copy and no erasure names this request.")

    def _answers(self, actor: Actor, row: Any) -> list[Link]:
        """Lead to where it is done, on the person's page."""
        if not is_open(row) or not actor.holds(Action.REQUEST_CLOSE, row.organization_id):
            return []
        person = ids.encode("usr", row.user_id)
        return [
            Link(label, f"{reverse(f'admin:accounts_user_{tab}', args=[person])}?request={row.public_id}")
            for label, tab, action, kinds in ANSWERING
            if row.kind in kinds and actor.holds(action, row.organization_id)
        ]

    def named(self, row: Any) -> Cell:
        """Call a request by what is asked for, and by whom."""
        return Cell(f"{row.kind} of {ids.encode('usr', row.user_id)}", note=f"due {row.due_at:%Y-%m-%d}")


def requests_panel(actor: Actor) -> Table | None:
    """Say which requests are due, the first first."""
    if not (actor.everything or actor.organizations_where(Action.REQUEST_LIST)):
        return None
    waiting = SubjectRequest.objects.visible_to(actor).open().select_related("organization")
    requests = list(waiting.order_by("due_at", "pk")[:SHOWN])
    people = User.objects.visible_to(actor).in_bulk([request.user_id for request in requests])
    rows = [
        TableRow([Cell(_called(request, people), url=_page_of(request), note=request.kind), due_cell(request)])
        for request in requests
    ]
    columns = [Column("Person"), Column("Due")]
    return Table("Subject requests by due date", columns, rows, "No request waits.", extra=all_of(requests))


def _page_of(request: SubjectRequest) -> str:
    return reverse("admin:gdpr_subjectrequest_change", args=[request.public_id])


def _called(request: SubjectRequest, people: Mapping[UUID, User]) -> str:
    user = people.get(request.user_id)
    return (user and (user.display_name or user.email)) or ids.encode("usr", request.user_id)
