"""Who is erased and what names them, who may not be, and what an erasure would do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from accounts import policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import AccountsError, Conflict
from accounts.models import User
from accounts.operations.bulk import RowResult
from accounts.operations.credentials import guard_leaving
from accounts.statuses import Status
from gdpr.models import Erasure, LegalHold, SubjectRequest
from gdpr.operations import plans
from gdpr.operations.mentions import mentions
from gdpr.operations.requests import guard_answer
from gdpr.operations.scan import identifiers_of
from gdpr.traces import Identifiers

__all__ = [
    "ACTIONS",
    "ACTIVITIES",
    "MOST",
    "ErasurePlan",
    "erasure_plan",
    "guard_activities",
    "guard_erasable",
    "guard_erasable_by",
    "merged",
    "named_by",
    "selection_plan",
    "words_of",
]

ACTIVITIES: Final = "activities"
"""Not the person but what they did: the account stays."""
ACTIONS: Final[Mapping[str, Action]] = {
    Erasure.PURGE: Action.USER_PURGE,
    Erasure.DELETE: Action.USER_DELETE,
    ACTIVITIES: Action.USER_DELETE_ACTIVITIES,
}
MOST: Final = 100
"""How many people a page or a request erases: the plan of each is counted first, table by table."""


@dataclass(frozen=True)
class ErasurePlan:
    """What would happen to which rows, and what stands against it."""

    user: User
    how: str
    steps: list[dict[str, Any]]
    mentions: dict[str, int]
    refusal: AccountsError | None = field(default=None)

    @property
    def rows(self) -> int:
        """How many rows go or change."""
        going = (int(step["rows"]) for step in self.steps if step["action"] != plans.KEEP)
        return sum(going) + sum(self.mentions.values())

    @property
    def result(self) -> RowResult:
        """Give it as one of many, as the doors print it."""
        if self.refusal:
            return RowResult(self.user.public_id, "failed", self.refusal)
        return RowResult(self.user.public_id, "ok", changes=[{"action": str(ACTIONS[self.how]), "rows": self.rows}])


def erasure_plan(*, actor: Actor, user: User, how: str, request: SubjectRequest | None = None) -> ErasurePlan:
    """Say what an erasure would do, table by table, and whether it would be refused; changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    """
    policy.require(actor, ACTIONS[how], user)
    found: dict[str, int] = {}
    known_by = identifiers_of(user)
    for mention in mentions(words_of(known_by), known_by.organizations) if how != ACTIVITIES else ():
        if not _is_theirs(mention.row, user):
            table = mention.model._meta.db_table
            found[table] = found.get(table, 0) + 1
    return ErasurePlan(user, how, _steps_of(user, how), found, _refusal(actor, user, how, request))


def selection_plan(*, actor: Actor, users: Sequence[User], how: str) -> list[ErasurePlan]:
    """Say of each what an erasure would do, and whether it would be refused; changes nothing.

    Text of others is not looked through: that takes as long for each as for one.
    """
    planned = []
    for user in users:
        refusal: AccountsError | None = None
        try:
            policy.require(actor, ACTIONS[how], user)
        except AccountsError as problem:
            refusal = problem
        refusal = refusal or _refusal(actor, user, how)
        planned.append(ErasurePlan(user, how, [] if refusal else _steps_of(user, how), {}, refusal))
    return planned


def _steps_of(user: User, how: str) -> list[dict[str, Any]]:
    """Say what happens to the rows that lead to a person, and count them."""
    if how == ACTIVITIES:
        return [step.described() for step in plans.activities(user.pk)]
    return [step.described() for step in plans.erasure(user.pk, removing_account=how == Erasure.DELETE)]


def merged(planned: Iterable[ErasurePlan]) -> list[dict[str, Any]]:
    """Add the steps of plans up, table by table."""
    steps: dict[tuple[Any, ...], dict[str, Any]] = {}
    for step in (step for plan in planned for step in plan.steps):
        key = (step["table"], step["action"], *step["columns"], step["why"], step["until"])
        same = steps.setdefault(key, {**step, "rows": 0})
        same["rows"] += step["rows"]
    return list(steps.values())


def _refusal(actor: Actor, user: User, how: str, request: SubjectRequest | None = None) -> AccountsError | None:
    try:
        guard_activities(user) if how == ACTIVITIES else guard_erasable_by(actor, user, how)
        if request is not None:
            guard_answer(actor, user, request, ACTIVITIES if how == ACTIVITIES else "erasure")
    except AccountsError as problem:
        return problem
    return None


# --- guards -----------------------------------------------------------------------------------
def guard_erasable_by(actor: Actor, user: User, how: str) -> None:
    """Refuse oneself, and whom ``guard_erasable`` refuses.

    :raises Conflict: with what to do first
    """
    if user.pk == actor.user_id:
        raise Conflict("You cannot erase yourself here.", remedy="Delete your own account on its own pages.")
    guard_erasable(user, how)


def guard_erasable(user: User, how: str) -> None:
    """Refuse whom the law, or the organization's life, does not let go.

    :raises Conflict: with what to do first
    """
    status = user.current_status
    if status is Status.RESTRICTED:
        raise Conflict(
            "The account is restricted: its data is to be kept.", remedy="Lift the restriction first (unrestrict)."
        )
    if status is Status.PURGED and how == Erasure.PURGE:
        raise Conflict("The account was erased before.", remedy="Nothing is left of it to erase.")
    if user.is_superuser:
        raise Conflict("Super-users are not erased.", remedy="Take the super-user's rights away first.")
    _guard_hold(user)
    if status is not Status.PURGED:
        guard_leaving(user)


def guard_activities(user: User) -> None:
    """Refuse erasing the history of whom the law does not let go, or who is being erased.

    :raises Conflict: with what to do first
    """
    if user.current_status in {Status.RESTRICTED, Status.PURGING, Status.PURGED}:
        raise Conflict(f"The account is {user.current_status}.", remedy="Its history cannot be erased apart from it.")
    _guard_hold(user)


def _guard_hold(user: User) -> None:
    hold = LegalHold.objects.active().filter(user=user).first()
    if hold is not None:
        raise Conflict(
            f"The account is under legal hold until {hold.review_at:%Y-%m-%d} at least.",
            remedy="Release the hold first, if its reason is gone.",
        )


# --- who it is --------------------------------------------------------------------------------
def words_of(known_by: Identifiers) -> tuple[str, ...]:
    """Give what names this person and nobody else; a short username is a word like others."""
    return tuple(dict.fromkeys(text for texts in known_by.named.values() for text in texts))


def named_by(user: User) -> tuple[str, ...]:
    """Give every name too, for text that is about this person."""
    names = (user.display_name, user.name, user.given_name, user.family_name, user.nickname, user.username)
    return (*words_of(identifiers_of(user)), *(name for name in names if name))


def _is_theirs(row: Any, user: User) -> bool:
    return user.pk in {row.pk, getattr(row, "user_id", None), getattr(row, "person_id", None)}
