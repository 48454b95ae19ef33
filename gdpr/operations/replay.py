"""After an old backup was restored: erase again whoever was erased since (the ledger lies outside the database)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from accounts import ids, ledger, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.models import User
from accounts.operations.base import operation
from accounts.statuses import Status
from gdpr.models import Erasure
from gdpr.operations.erasure import carry_out
from gdpr.operations.finish import LEDGER_KIND, Erased, finish

__all__ = ["erasure_replay", "ledger_problem", "replay", "returned"]

CHUNK: Final = 500
Line = dict[str, Any]


def returned() -> list[Line]:
    """Give the lines of the ledger about people who are back in the database, oldest first."""
    lines = {line["user"]: line for line, good in ledger.entries(LEDGER_KIND) if good}
    back: list[Line] = []
    for chunk in _chunks([*lines]):
        rows = User.objects.filter(pk__in=chunk).values_list("pk", "status")
        back += [
            lines[str(pk)] for pk, status in rows if status != Status.PURGED or lines[str(pk)]["how"] == Erasure.DELETE
        ]
    return sorted(back, key=lambda line: str(line["at"]))


def _chunks(listed: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]


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
    lines = [(line, good) for line, good in ledger.entries(LEDGER_KIND)]
    if any(not good for _, good in lines):
        return "a line of the ledger has a bad signature"
    if number := len(returned()):
        return f"a restored backup brought {number} erased people back: manage.py gdpr_replay"
    known = {line["erasure"] for line, _ in lines}
    since = timezone.now() - timedelta(days=settings.BACKUP_DAYS)
    newest = Erasure.objects.filter(status=Erasure.COMPLETE, erased_at__gt=since).order_by("-erased_at").first()
    if newest is not None and newest.public_id not in known:
        return "the ledger does not know the last erasure: LEDGER_URL names another one"
    return ""
