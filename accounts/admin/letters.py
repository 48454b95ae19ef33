"""Letters: what was sent to whom, what waits, what failed; tried again by a click."""

from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.db import models
from django.urls import reverse

from accounts import letter_files
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, Listing, Narrowing, Scope
from accounts.admin.site import site
from accounts.admin.start import PANELS
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, badge, moment
from accounts.admin.verbs import Verb, called_on
from accounts.errors import Invalid
from accounts.mail import LETTERS
from accounts.models import Outbox
from accounts.operations.outbox import letter_retry
from accounts.pagination import Order

__all__ = ["LetterAdmin", "letters_panel"]

SHOWN: Final = 5


class LetterFilterForm(forms.Form):
    """What became of them."""

    state = forms.ChoiceField(
        required=False,
        choices=(
            ("", "Any"),
            ("queued", "Queued: still to be sent"),
            ("sent", "Sent"),
            ("failed", "Failed for good"),
            ("dropped", "Dropped: no longer true"),
        ),
    )


def title_of(letter: Outbox) -> str:
    """Call a letter as people do."""
    known = LETTERS.get(letter.kind)
    return known.title if known else letter.kind


def may_see_person(actor: Actor, letter: Outbox) -> bool:
    """Say whether the actor sees the person behind a letter, or their id alone."""
    return actor.everything or actor.holds(Action.USER_SHOW, letter.organization_id)


def person_cell(actor: Actor, letter: Outbox) -> Cell:
    """Show whom a letter is to, and at which address."""
    user = letter.user
    if not may_see_person(actor, letter):
        return Cell(user.public_id)
    url = reverse("admin:accounts_user_change", args=[user.public_id])
    return Cell(user.display_name or user.username or user.public_id, url=url, note=letter.address)


@admin.register(Outbox, site=site)
class LetterAdmin(HouseAdmin):
    """Letters."""

    reading = Action.LETTER_LIST
    plural = "Letters"
    lead = "What the service writes to people. What the mail server does not take is tried eight times."
    empty = "No letter was written yet."
    columns = (("Letter", ""), ("To", ""), ("State", ""), ("Tries", ""), ("Written", "created_at"))
    lists_all = True
    filter_form = LetterFilterForm
    verbs: ClassVar[dict[str, Verb]] = {
        "retry": Verb(
            action=Action.LETTER_RETRY,
            label="Try again",
            done="is queued again",
            summary="Try a letter again that failed for good. It is sent at once, with a new link if it has one.",
            call=called_on("letter", letter_retry),
            fits=lambda letter: letter.state == Outbox.FAILED,
        )
    }

    def listing(self, actor: Actor, scope: Scope, asked: Narrowing) -> Listing:
        """Give the letters of one state, or all."""
        words = dict(asked.words)
        state = words.pop("state", "")
        if state and state not in Outbox.STATES:
            raise Invalid(f"There is no state {state!r}.", remedy=f"One of: {', '.join(Outbox.STATES)}.")
        listing = super().listing(actor, scope, Narrowing(words, asked.order, asked.cursor))
        rows = listing.rows.in_state(state) if state else listing.rows  # type: ignore[attr-defined]
        return Listing(rows, Order.parse(asked.order or self.default_order, self.orders), f"{scope.name} {state}")

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch people along with each."""
        return rows.select_related("user", "organization")

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a letter: what became of it, never what it says."""
        return [
            Cell(title_of(row)),
            person_cell(actor, row),
            badge(row.state, note=state_note(row)),
            Cell(str(row.attempts)),
            Cell(moment(row.created_at), at=row.created_at.isoformat(), copy=row.public_id),
        ]

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer to try it again."""
        if row.state != Outbox.FAILED or not actor.holds(Action.LETTER_RETRY, row.organization_id):
            return []
        return [Link("Try again", f"{self.url('verb', 'retry')}?selected={row.public_id}")]

    def named(self, row: Any) -> Cell:
        """Call a letter by what it is about."""
        return Cell(title_of(row), note=row.public_id)

    def tools(self, actor: Actor) -> list[Link]:
        """Lead to the letters themselves, where they lie as files."""
        return [Link("Read the letters", reverse("letters"))] if actor.everything and letter_files.are_files() else []


def state_note(letter: Outbox) -> str:
    """Say more about a state: when, and why."""
    if letter.state == Outbox.SENT:
        return moment(letter.delivered_at)
    if letter.state == Outbox.QUEUED and letter.attempts:
        return f"{letter.last_error}; again at {moment(letter.next_attempt_at)}"
    return letter.last_error


def letters_panel(actor: Actor) -> Table | None:
    """Say which letters failed for good, the newest first."""
    if not (actor.everything or actor.organizations_where(Action.LETTER_LIST)):
        return None
    failed = Outbox.objects.visible_to(actor).in_state(Outbox.FAILED).select_related("user")
    rows = [
        TableRow([Cell(title_of(letter), note=moment(letter.dead_at)), Cell(letter.last_error)])
        for letter in failed.order_by("-created_at", "-id")[:SHOWN]
    ]
    url = f"{reverse('admin:accounts_outbox_changelist')}?state=failed"
    return Table(
        "Letters that did not arrive",
        [Column("Letter"), Column("Why")],
        rows,
        "Every letter arrived.",
        extra={"url": url},
    )


PANELS.append(letters_panel)
