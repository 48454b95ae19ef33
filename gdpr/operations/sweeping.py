"""Erasures that were begun with, those whose day has come, and what a killed process left.

The worker takes them up when a door tells it (``background``), the sweep once a minute.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import structlog
from django.utils import timezone

from accounts import policy
from accounts.errors import AccountsError, Unavailable
from accounts.models import User
from gdpr.models import Erasure
from gdpr.operations.erasure import ResidueError, erase_rows, erasure_cancel
from gdpr.operations.finish import Erased, finish, remember

__all__ = ["erasures_finish"]

log = structlog.get_logger("gdpr.erasure")
AT_ONCE: Final = 500
"""So many people at most are looked for in one pass: what they were known by lies in memory until then."""
TURN: Final = 300.0
"""After so many seconds the next sweep goes on: other work waits behind this one."""


def erasures_finish(now: datetime | None = None) -> int:
    """Carry out what has waited long enough, and finish what a killed process left; says how many.

    What is refused meanwhile (a hold, the last owner) stays due, is named in the log and tried again.

    :raises Unavailable: if the ledger cannot be written
    """
    deadline, erased, called_off = time.monotonic() + TURN, list[Erased](), 0
    try:
        for outcome in _taken_up(now or timezone.now()):
            erased += [outcome] if outcome.is_fresh else []
            called_off += outcome.erasure.status == Erasure.CANCELLED
            if len(erased) >= AT_ONCE or time.monotonic() > deadline:
                break
    finally:
        finished = finish(erased) if erased else []
    return called_off + len(finished)


def _taken_up(now: datetime) -> Iterator[Erased]:
    """Do of each what is done in the database."""
    for erasure in Erasure.objects.unfinished().order_by("created_at", "pk"):
        try:
            if erasure.status == Erasure.ERASED:
                yield _stopped(erasure, now)
            else:
                yield _due(erasure, now)
        except Unavailable:
            raise  # what follows an erasure cannot be done now: the next ones wait for it
        except ResidueError as problem:
            log.error("residue", erasure=erasure.public_id, why=str(problem))  # noqa: TRY400 -- a trace could quote anybody
        except AccountsError as refusal:
            log.warning("erasure refused", erasure=erasure.public_id, code=refusal.code, why=refusal.message)


def _stopped(erasure: Erasure, now: datetime) -> Erased:
    """Take up what was erased and not finished, once whoever did it must be dead."""
    erased = Erased(erasure, is_fresh=erasure.leased_until is None or erasure.leased_until <= now)
    if erased.is_fresh:
        remember(erased)
    return erased


def _due(erasure: Erasure, now: datetime) -> Erased:
    """Erase somebody, or call it off for whoever came back since it was planned.

    :raises AccountsError: if it is refused
    """
    actor, user = policy.system(), User.objects.select_related("organization").get(pk=erasure.user_id)
    came_back = user.last_sign_in_at is not None and user.last_sign_in_at > erasure.created_at
    if erasure.status == Erasure.SCHEDULED and came_back:
        return Erased(erasure_cancel(actor=actor, user=user, reason="signed in since it was planned"))
    return erase_rows(actor=actor, user=user, how=erasure.how, at=now)
