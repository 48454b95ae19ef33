"""After an old backup was restored: erase again whoever was erased since (the ledger lies outside the database)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from threading import Lock
from typing import Any, Final
from uuid import UUID

import structlog
from django.conf import settings
from django.utils import timezone

from accounts import ids, ledger, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Unavailable
from accounts.models import User
from accounts.operations.base import operation
from accounts.statuses import Status
from gdpr.models import Erasure
from gdpr.operations.erasure import carry_out
from gdpr.operations.finish import LEDGER_KIND, Erased, finish

__all__ = ["erasure_replay", "ledger_problem", "replay", "returned"]

log = structlog.get_logger("gdpr.ledger")
CHUNK: Final = 5_000
Line = dict[str, Any]


def returned() -> list[Line]:
    """Give the lines of the ledger about people who are back in the database, oldest first.

    :raises Unavailable: if the ledger cannot be read
    """
    lines = {UUID(line["user"]): line for line, good in ledger.entries(LEDGER_KIND) if good}
    back = _back({user: line["how"] for user, line in lines.items()})
    return sorted((lines[user] for user in back), key=lambda line: str(line["at"]))


def _back(erased: Mapping[UUID, str]) -> list[UUID]:
    """Keep those of whom the database has more than their erasure would have left."""
    people = iter(erased)
    back: list[UUID] = []
    while chunk := list(islice(people, CHUNK)):
        rows = User.objects.filter(pk__in=chunk).values_list("pk", "status")
        back += [pk for pk, status in rows if status != Status.PURGED or erased[pk] == Erasure.DELETE]
    return back


def replay(*, actor: Actor) -> Iterator[Erasure]:
    """Erase again everybody who came back with a restored backup, each in a transaction of their own.

    :raises NotAllowed: for everybody but the operator and super-users
    """
    policy.require_coarse(actor, Action.ERASURE_REPLAY)
    for line in returned():
        user = User.objects.get(pk=line["user"])
        yield from finish([erasure_replay(actor=actor, user=user, line=line)], is_replay=True)


@operation(Action.ERASURE_REPLAY)
def erasure_replay(*, actor: Actor, user: User, line: Line) -> Erased:
    """Erase somebody again as the ledger says; what stood against it then was settled then.

    :raises NotAllowed: for everybody but the operator and super-users
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.ERASURE_REPLAY, user)
    Erasure.objects.standing().filter(user_id=user.pk, how=line["how"]).delete()
    erasure = Erasure(
        pk=ids.decode("ers", line["erasure"]),
        organization_id=user.organization_id,
        user_id=user.pk,
        how=line["how"],
        requested_by_kind=actor.kind,
        requested_by=actor.id,
    )
    return carry_out(actor, user, erasure, action=Action.ERASURE_REPLAY, reason="a backup was restored")


def ledger_problem() -> str:
    """Say why requests must not be served: people are back, or the ledger is not the one of this database."""
    try:
        with _reading:
            known = _read()
            back, lacking = len(_back(known.people)), len(_lacking(known))
    except Unavailable as problem:
        # Anybody may ask for readiness; where the ledger lies is for the log.
        log.warning("ledger", problem=problem.message)
        return "the ledger cannot be read; the log says why"
    if known.is_forged:
        return "a line of the ledger has a bad signature"
    if back:
        return f"a restored backup brought {back} erased people back: manage.py gdpr_replay"
    if lacking:
        return f"the ledger lacks {lacking} erasures of the last {settings.BACKUP_DAYS} days: another one, or cut"
    return ""


@dataclass
class _Known:
    """What the ledger says of erasures, as far as this process has read it."""

    mark: ledger.Mark = field(default_factory=ledger.Mark)
    people: dict[UUID, str] = field(default_factory=dict)
    erasures: set[UUID | None] = field(default_factory=set)
    is_forged: bool = False

    def read_on(self) -> None:
        for line, good in ledger.entries(LEDGER_KIND, self.mark):
            if good:
                self.people[UUID(line["user"])] = line["how"]
                self.erasures.add(ids.decode("ers", line["erasure"]))
            self.is_forged |= not good


_reading: Final = Lock()
_known = _Known()


def _read() -> _Known:
    """Read what is new since the last time: a probe every few seconds must not verify years of lines."""
    global _known  # noqa: PLW0603 -- the memory of this process
    try:
        _known.read_on()
    except ledger.RewrittenError:
        _known = _Known()
        _known.read_on()
    return _known


def _lacking(known: _Known) -> set[UUID]:
    """Keep the erasures that the ledger must know and does not: a backup older than them may still exist."""
    since = timezone.now() - timedelta(days=settings.BACKUP_DAYS)
    recent = Erasure.objects.filter(status=Erasure.COMPLETE, erased_at__gt=since)
    return set(recent.values_list("pk", flat=True)) - known.erasures
