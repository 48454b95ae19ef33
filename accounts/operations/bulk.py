"""The same verb on many: a result and a transaction for each row; and trying a verb out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.db import models, transaction

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import AccountsError
from accounts.filters import UserFilter
from accounts.models import Installation, Organization, User
from accounts.models.users import UserQuerySet
from accounts.operations.base import rolled_back

__all__ = ["DRY_RUN_ROWS", "RowResult", "each", "matching", "tried"]

Row = TypeVar("Row")

DRY_RUN_ROWS: Final = 1_000
"""How many rows a dry run tries; beyond that it says that it estimates."""


@dataclass(frozen=True)
class RowResult:
    """What came of one row."""

    key: str
    result: str
    error: AccountsError | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Give the result as the doors print it."""
        shown: dict[str, Any] = {"id": self.key, "result": self.result}
        if self.changes:
            shown["changes"] = self.changes
        if self.error is not None:
            shown["error"] = self.error.as_dict()
        return shown


def matching(*, actor: Actor, organization: Organization, wanted: UserFilter) -> UserQuerySet:
    """Find everybody whom ``user_suspend_matching`` means; each is then suspended by ``user_suspend``.

    :raises NotFound: if the organization does not exist for the actor
    :raises NotAllowed: without the permission
    """
    policy.require_coarse(actor, Action.USER_SUSPEND_MATCHING)
    policy.require(actor, Action.USER_SUSPEND_MATCHING, organization)
    users = User.objects.visible_to(actor).filter(organization=organization).select_related("organization")
    return wanted.apply(users)


def each(rows: Iterable[Row], call: Callable[[Row], Any], *, key: Callable[[Row], str]) -> Iterator[RowResult]:
    """Do something to each row, each in its own transaction; a refusal of one is its result, not the end.

    ``unchanged`` is a row for which nothing was recorded: it was already so.
    """
    for row in rows:
        with audit.collected() as recorded:
            try:
                call(row)
            except AccountsError as refusal:
                yield RowResult(key(row), "failed", refusal)
                continue
        yield RowResult(key(row), "ok" if recorded else "unchanged")


def tried(
    rows: Sequence[Row],
    call: Callable[[Row], Any],
    *,
    key: Callable[[Row], str],
    about: Callable[[Row], object] = lambda row: row,
) -> list[RowResult]:
    """Say what ``each`` would do: the same operations, in savepoints of one transaction that is rolled back.

    One transaction holds what all the rows need, so it takes that before the first row, in the one lock order.

    :param about: gives the model's row, where what is tried is not that itself
    """
    results: list[RowResult] = []
    with rolled_back():
        _hold([about(row) for row in rows])
        for row in rows:
            with audit.collected() as recorded:
                try:
                    with transaction.atomic():
                        call(row)
                except AccountsError as refusal:
                    results.append(RowResult(key(row), "failed", refusal))
                    continue
            changes = [{"action": str(entry.event.action), **entry.detail} for entry in recorded]
            results.append(RowResult(key(row), "ok" if recorded else "unchanged", changes=changes))
    return results


def _hold(subjects: Sequence[object]) -> None:
    """Hold the people and organizations that some rows are about, in the one lock order."""
    found = [subject for subject in subjects if isinstance(subject, models.Model)]
    people = {row.pk if isinstance(row, User) else getattr(row, "user_id", None) for row in found}
    places = {getattr(row, "organization_id", None) for row in found}
    if any(isinstance(row, Organization) for row in found):
        Installation.objects.locked()
    if len(found) > 1:
        User.objects.all_locked(filter(None, people), also=filter(None, places))
