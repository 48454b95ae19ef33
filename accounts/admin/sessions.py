"""Sessions: who is signed in, where; ended at once."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.urls import reverse

from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin
from accounts.admin.site import site
from accounts.admin.tables import Cell, Link, badge, moment, since
from accounts.admin.verbs import Verb, called_on
from accounts.models import Session, User
from accounts.operations.sessions import session_revoke

__all__ = ["SessionAdmin", "device_cell", "impersonators"]


@admin.register(Session, site=site)
class SessionAdmin(HouseAdmin):
    """Sessions."""

    reading = Action.SESSION_LIST
    plural = "Sessions"
    lead = "Who is signed in, or was, and with what. Ending one takes effect at the next request."
    empty = "Nobody signed in yet."
    columns = (("Person", ""), ("State", ""), ("Device", ""), ("Since", "created_at"), ("Last active", ""))
    verbs: ClassVar[dict[str, Verb]] = {
        "revoke": Verb(
            action=Action.SESSION_REVOKE,
            label="End",
            done="is signed out there",
            summary="End a session. Whoever uses it is signed out at their next click.",
            call=called_on("session", session_revoke),
            is_grave=True,
            fits=lambda session: session.is_live,
            subject=lambda session: session.user,
        )
    }

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch people along with each."""
        return rows.select_related("user__organization")

    def cells_of(self, actor: Actor, rows: Sequence[Any]) -> list[list[Cell]]:
        """Show the sessions of a page, who acts in them by name as far as they exist for the actor."""
        names = impersonators(actor, rows)
        return [self._cells(actor, row, names) for row in rows]

    def _cells(self, actor: Actor, row: Any, names: Mapping[UUID, str]) -> list[Cell]:
        name = row.user.display_name or row.user.email or row.user.public_id
        mine = row.pk == actor.session_id
        return [
            Cell(name, url=reverse("admin:accounts_user_change", args=[row.user.public_id]), note=row.user.email or ""),
            badge("live" if row.is_live else "ended", note="this one" if mine else row.end_reason),
            device_cell(row, names),
            Cell(moment(row.created_at)),
            since(row.last_active_at),
        ]

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer to end it; whether policy allows it is asked on the next page."""
        if not row.is_live or not actor.holds(Action.SESSION_REVOKE, row.organization_id):
            return []
        return [Link("End", f"{self.url('verb', 'revoke')}?selected={row.public_id}", is_grave=True)]

    def named(self, row: Any) -> Cell:
        """Call a session by the person and the device."""
        name = row.user.display_name or row.user.email or row.user.public_id
        return Cell(name, note=row.device)

    def place(self, row: Any) -> str:
        """Go back to the person's sessions."""
        return reverse("admin:accounts_user_sessions", args=[row.user.public_id])


def impersonators(actor: Actor, sessions: Sequence[Session]) -> dict[UUID, str]:
    """Read the names of those who act in some sessions, as far as they exist for the actor (one query)."""
    wanted = {session.impersonator_id for session in sessions if session.impersonator_id}
    people = User.objects.visible_to(actor).filter(pk__in=wanted)
    return {person.pk: person.display_name or person.email or "" for person in people}


def device_cell(session: Session, names: Mapping[UUID, str]) -> Cell:
    """Show with what and from where; of an impersonation who acts, and why."""
    note = session.ip or ""
    if session.impersonator:
        who = (names.get(session.impersonator_id) if session.impersonator_id else "") or session.impersonator
        note = f"{who} acts as this person: {session.reason}"
    return Cell(session.device or "Unknown device", note=note, copy=session.public_id)
