"""The start page: what needs attention, and the last thirty days."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils import timezone

from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.tables import Cell, Column, Table, TableRow, moment
from accounts.models import AuditEvent, User
from accounts.statuses import Status

__all__ = ["PANELS", "start_context"]

DAYS: Final = 30
NEWEST: Final = 10_000
"""How many rows a plot reads at most; beyond that it covers fewer days and says so."""
NOBODY: Final = UUID(int=0)
LOOKED_AT: Final = 1_000
SHOWN: Final = 5
WIDTH, HEIGHT, BAR = 20, 96, 14
PANELS: Final[list[Callable[[Actor], Table | None]]] = []
"""What other rooms have to say of what needs attention; ``None`` to whom it is not shown. Filled at start."""


@dataclass(frozen=True)
class Bar:
    """A day of a plot."""

    x: int
    y: int
    height: int
    day: date
    number: int


@dataclass(frozen=True)
class Plot:
    """Numbers by day, as bars and as words."""

    title: str
    bars: list[Bar]
    total: int
    most: int
    is_cut: bool

    @property
    def days(self) -> list[Bar]:
        """The days on which there was something, for those who cannot see bars."""
        return [bar for bar in self.bars if bar.number]


def plot(title: str, moments: Iterable[datetime], *, today: date) -> Plot:
    """Count by day."""
    listed = list(moments)
    counts = Counter(at.date() for at in listed)
    most = max(counts.values(), default=0)
    bars = []
    for index in range(DAYS):
        day = today - timedelta(days=DAYS - 1 - index)
        number = counts[day]
        height = max(2, round(number / most * HEIGHT)) if number else 0
        bars.append(Bar(index * WIDTH + (WIDTH - BAR) // 2, HEIGHT - height, height, day, number))
    return Plot(title, bars, len(listed), most, len(listed) == NEWEST)


def start_context(actor: Actor) -> dict[str, Any]:
    """Gather the start page: a fixed number of bounded queries, each along an index."""
    since = timezone.now() - timedelta(days=DAYS)
    today = timezone.now().date()
    context: dict[str, Any] = {"plots": [], "attention": []}
    homes = actor.organizations_where(Action.USER_SHOW)
    if actor.everything or homes:
        users = User.objects.visible_to(actor)
        users = users if actor.everything else users.filter(organization_id__in=homes)
        newest = users.filter(created_at__gte=since).order_by("-created_at", "-id")
        context["plots"].append(plot("New people", newest.values_list("created_at", flat=True)[:NEWEST], today=today))
        context["attention"].append(_people(users, Status.LOCKED, "Locked accounts", "Nobody is locked out."))
    if actor.everything or actor.organizations_where(Action.AUDIT_LIST):
        events = AuditEvent.objects.visible_to(actor).filter(occurred_at__gte=since).order_by("-occurred_at", "-id")
        sign_ins = events.filter(action=Action.SESSION_START, outcome="done")
        moments = sign_ins.values_list("occurred_at", flat=True)[:NEWEST]
        context["plots"].insert(0, plot("Sign-ins", moments, today=today))
        refused = [event for event in events[:LOOKED_AT] if event.outcome != "done"]
        context["refusals"] = _refusals(refused)
    context["attention"] += [table for panel in PANELS if (table := panel(actor)) is not None]
    others = User.objects.visible_to(actor).exclude(pk=actor.id or NOBODY)
    context["is_new"] = bool(actor.everything or homes) and not others.exists()
    return context


def _people(users: Any, status: Status, title: str, empty: str) -> Table:
    rows = [
        TableRow(
            [
                Cell(
                    user.display_name or user.username or user.email,
                    url=reverse("admin:accounts_user_change", args=[user.public_id]),
                    note=user.email or "",
                ),
                Cell(f"until {moment(user.status_until)}" if user.status_until else "", note=user.status_reason),
            ]
        )
        for user in users.in_status([status]).order_by("-created_at", "-id")[:SHOWN]
    ]
    url = f"{reverse('admin:accounts_user_changelist')}?status={status}"
    return Table(title, [Column("Person"), Column("Why")], rows, empty, extra={"url": url})


def _refusals(events: list[AuditEvent]) -> Table:
    rows = [
        TableRow(
            [
                Cell(
                    moment(event.occurred_at), url=reverse("admin:accounts_auditevent_change", args=[event.public_id])
                ),
                Cell(event.outcome, badge=event.outcome, note=event.action),
                Cell(event.actor_name),
            ]
        )
        for event in events[:SHOWN]
    ]
    columns = [Column("When"), Column("What"), Column("By")]
    url = f"{reverse('admin:accounts_auditevent_changelist')}?outcome=refused"
    return Table("Refused and failed", columns, rows, "Nothing was refused, no sign-in failed.", extra={"url": url})
