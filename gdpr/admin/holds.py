"""Legal holds: who is not erased for now, why, and when that is looked at again."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.utils import timezone

from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.site import site
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, badge, date
from accounts.admin.verbs import EndField, ReasonForm, Verb, called_on
from accounts.models import User
from accounts.pagination import Order
from gdpr.admin.base import DutyAdmin, PersonForm, all_of, line, list_of
from gdpr.models import LegalHold
from gdpr.operations.holds import EXEMPTIONS, hold_place, hold_release, hold_review

__all__ = ["HoldAdmin", "holds_panel"]

SHOWN = 5
REVIEW = "60d, or a day such as 2026-12-31. Empty: 90 days, which is the most."
MEANINGS = {
    "a": "freedom of expression",
    "b": "a legal obligation",
    "c": "public health",
    "d": "archiving and research",
    "e": "legal claims",
}


class HoldForm(PersonForm):
    """A new hold."""

    reason = line(help_text="Why, such as the case it is about.", max_length=500, required=True)
    exemption = forms.ChoiceField(
        label="What allows it",
        help_text="Art. 17(3) of the GDPR.",
        choices=[(letter, f"{letter}: {MEANINGS[letter]}") for letter in EXEMPTIONS],
        initial="e",
    )
    review_at = EndField(label="Look at it again", help_text=REVIEW)


class ReviewForm(ReasonForm):
    """When to look at it next."""

    review_at = EndField(label="Look at it again", help_text=REVIEW)

    def arguments(self) -> dict[str, Any]:
        """Give the reason and the time."""
        return {**super().arguments(), "review_at": self.value("review_at")}


def is_active(hold: Any) -> bool:
    """Say whether it still holds."""
    return hold.released_at is None


@admin.register(LegalHold, site=site)
class HoldAdmin(DutyAdmin):
    """Legal holds."""

    reading = Action.HOLD_LIST
    plural = "Legal holds"
    lead = "Whose data is not erased for now, although they or the organization may want it."
    empty = "Nobody here is under a hold. Place one where a case or a law needs somebody's data for now."
    columns = (("Person", ""), ("State", ""), ("Why", ""), ("Look again", ""), ("Since", "created_at"))
    orders: ClassVar[Mapping[str, Order]] = {"created_at": Order("created_at")}
    making = Action.HOLD_PLACE
    writes: ClassVar[Mapping[str, Action]] = {"add": Action.HOLD_PLACE}
    make_label = "Place a hold"
    make_lead = "The person is not erased before it is released. Look at it again within 90 days."
    making_form = HoldForm
    verbs: ClassVar[dict[str, Verb]] = {
        "review": Verb(
            action=Action.HOLD_REVIEW,
            label="Still needed",
            done="is looked at again later",
            summary="Find that a hold is still needed, and say when it is looked at again: within 90 days.",
            call=called_on("hold", hold_review),
            form=ReviewForm,
            fits=is_active,
        ),
        "release": Verb(
            action=Action.HOLD_RELEASE,
            label="Release",
            done="is released",
            summary="Let a person's data be erased again; an erasure that waited for it can be asked for anew.",
            call=called_on("hold", hold_release),
            is_grave=True,
            fits=is_active,
        ),
    }

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch people along with each."""
        return rows.select_related("user", "organization")

    def make(self, actor: Actor, user: User, values: Mapping[str, Any]) -> LegalHold:
        """Place a hold."""
        return hold_place(actor=actor, user=user, **values)

    def cells_of(self, actor: Actor, rows: Sequence[Any]) -> list[list[Cell]]:
        """Show the holds of a page."""
        people = self.person_cells(actor, [row.user_id for row in rows])
        return [
            [
                people.get(row.user_id, Cell(row.user.public_id)),
                badge("released" if row.released_at else "overdue" if row.review_at < timezone.now() else "active"),
                Cell(row.reason, note=f"Art. {row.exemption}", copy=row.public_id),
                Cell("" if row.released_at else f"{row.review_at:%Y-%m-%d}"),
                date(row.created_at),
            ]
            for row in rows
        ]

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer to look at it again, or to release it."""
        if not is_active(row):
            return []
        return [
            Link(verb.label, f"{self.url('verb', word)}?selected={row.public_id}", is_grave=verb.is_grave)
            for word, verb in self.verbs.items()
            if actor.holds(verb.action, row.organization_id)
        ]

    def named(self, row: Any) -> Cell:
        """Call a hold by its person."""
        return Cell(row.user.display_name or row.user.email or row.user.public_id, note=row.reason)


def holds_panel(actor: Actor) -> Table | None:
    """Say which holds are to be looked at again, the first first."""
    if not (actor.everything or actor.organizations_where(Action.HOLD_LIST)):
        return None
    now = timezone.now()
    active = LegalHold.objects.visible_to(actor).active().select_related("user", "organization")
    holds = list(active.order_by("review_at", "pk")[:SHOWN])
    rows = [
        TableRow(
            [
                Cell(hold.user.display_name or hold.user.public_id, url=list_of(hold), note=hold.reason),
                Cell("overdue", badge="overdue", note=f"{hold.review_at:%Y-%m-%d}")
                if hold.review_at < now
                else Cell(f"{hold.review_at:%Y-%m-%d}"),
            ]
        )
        for hold in holds
    ]
    columns = [Column("Person"), Column("Look at it again")]
    return Table("Legal holds by review", columns, rows, "Nobody is under a hold.", extra=all_of(holds))
