"""Erasing a person: planned, fenced where it is long, done in one transaction, checked in it, and proven afterwards.

``erase`` is what doors call. What waits, and what a killed process leaves, is the sweep's (``sweeping``).
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.audit import moment
from accounts.errors import AccountsError, Conflict, NotFound
from accounts.models import User
from accounts.operations.base import operation
from accounts.operations.credentials import end_credentials, guard_leaving
from accounts.profile import reason_checked
from accounts.statuses import Status
from gdpr.models import Erasure, LegalHold, PrivacyTerms
from gdpr.operations import plans
from gdpr.operations.finish import Erased, finish, remember
from gdpr.operations.mentions import erase_mentions, mentions, without
from gdpr.operations.scan import identifiers_of
from gdpr.traces import Identifiers

__all__ = [
    "ErasurePlan",
    "ResidueError",
    "activities_plan",
    "carry_out",
    "erase",
    "erase_rows",
    "erasure_cancel",
    "erasure_of",
    "erasure_plan",
    "grace_of",
    "guard_erasable",
    "new_erasure",
    "plan_erasure",
    "user_delete",
    "user_delete_activities",
    "user_purge",
]

LONG: Final = 20_000
"""More rows than this to delete are deleted in steps, behind the fence."""
PATIENCE: Final = 60.0
"""How many seconds the second of two waits for the receipt that the first is making."""
ACTIONS: Final[Mapping[str, Action]] = {Erasure.PURGE: Action.USER_PURGE, Erasure.DELETE: Action.USER_DELETE}


class ResidueError(Exception):
    """Something of the person was left where the map says that nothing is: everything was rolled back."""


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


def erasure_plan(*, actor: Actor, user: User, how: str) -> ErasurePlan:
    """Say what an erasure would do, table by table, and whether it would be refused; changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    """
    policy.require(actor, ACTIONS[how], user)
    found: dict[str, int] = {}
    known_by = identifiers_of(user)
    for mention in mentions(_words(known_by), known_by.organizations):
        if not _is_theirs(mention.row, user):
            table = mention.model._meta.db_table
            found[table] = found.get(table, 0) + 1
    refusal: AccountsError | None = None
    try:
        _guard(actor, user, how)
    except AccountsError as problem:
        refusal = problem
    steps = plans.erasure(user.pk, removing_account=how == Erasure.DELETE)
    return ErasurePlan(user, how, [step.described() for step in steps], found, refusal)


def activities_plan(*, actor: Actor, user: User) -> ErasurePlan:
    """Say what ``user_delete_activities`` would do, and whether it would be refused; changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    """
    policy.require(actor, Action.USER_DELETE_ACTIVITIES, user)
    refusal: AccountsError | None = None
    try:
        _guard_activities(user)
    except AccountsError as problem:
        refusal = problem
    return ErasurePlan(user, "activities", [step.described() for step in plans.activities(user.pk)], {}, refusal)


def erase(*, actor: Actor, user: User, how: str, reason: str = "", at: datetime | None = None) -> Erasure:
    """Erase a person, or plan to: the whole of it, with its receipt. Again gives the same receipt.

    ``purge`` leaves the account's row without personal data; ``delete`` takes it away.

    :param at: not before then; ``None``: after the grace period that the organization settled
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    erased = erase_rows(actor=actor, user=user, how=how, reason=reason, at=at)
    return finish([erased])[0] if erased.is_fresh else _awaited(erased.erasure)


def erase_rows(*, actor: Actor, user: User, how: str, reason: str = "", at: datetime | None = None) -> Erased:
    """Do of ``erase`` what is done in the database; ``finish`` has to follow, for many people at once if need be.

    :raises Unavailable: if the ledger cannot be written: erased, and the sweep finishes
    """
    at = at or timezone.now() + grace_of(user)
    if at <= timezone.now() and _rows_to_go(user) > LONG:
        erasure_fence(actor=actor, user=user, how=how, reason=reason)
        _shorten(user)
    verb = user_purge if how == Erasure.PURGE else user_delete
    erased = verb(actor=actor, user=user, reason=reason, at=at)
    if erased.is_fresh:
        remember(erased)
    return erased


def erasure_of(*, actor: Actor, user_id: UUID, how: str) -> Erasure:
    """Find what came of an erasure, by the id of whom it was about.

    :raises NotFound: if there is none that the actor may see
    """
    found = Erasure.objects.visible_to(actor).of(user_id, how)
    if found is None:
        raise NotFound("User not found.")
    return _awaited(found)


@operation(Action.USER_PURGE)
def user_purge(*, actor: Actor, user: User, reason: str = "", at: datetime | None = None) -> Erased:
    """Erase everything about a person but an empty row that keeps the id from being given away again.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    return _erased_or_planned(actor, user, Erasure.PURGE, reason=reason, at=at)


@operation(Action.USER_DELETE)
def user_delete(*, actor: Actor, user: User, reason: str = "", at: datetime | None = None) -> Erased:
    """Erase everything about a person, the account's row included; also of one who was purged before.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    return _erased_or_planned(actor, user, Erasure.DELETE, reason=reason, at=at)


@operation(Action.USER_PURGE)
def erasure_fence(*, actor: Actor, user: User, how: str, reason: str = "") -> Erasure:
    """Close an account for good before a long erasure: every credential dies, and from here it goes only forward.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    user = User.objects.locked(user)
    policy.require(actor, ACTIONS[how], user)
    _guard(actor, user, how)
    erasure = new_erasure(actor, user, how, reason=reason)
    end_credentials(user, ACTIONS[how])
    User.objects.filter(pk=user.pk).update(
        status=Status.PURGING, status_reason="", status_until=None, status_before="", version=user.version + 1
    )
    erasure.status = Erasure.FENCED
    erasure.save()
    audit.record_erasure(actor, ACTIONS[how], user, erasure=erasure.public_id, begun=True)
    return erasure


@operation(Action.ERASURE_CANCEL)
def erasure_cancel(*, actor: Actor, user: User, reason: str = "") -> Erasure:
    """Call off an erasure that still waits.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if none waits
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.ERASURE_CANCEL, user)
    waiting = Erasure.objects.filter(user_id=user.pk, status=Erasure.SCHEDULED).order_by("created_at").first()
    if waiting is None:
        raise Conflict("No erasure of this account waits.", remedy="There is nothing to call off.")
    waiting.status, waiting.cancelled_at = Erasure.CANCELLED, timezone.now()
    waiting.save()
    audit.record(
        actor, Action.ERASURE_CANCEL, user, reason=reason_checked(reason), erasure=waiting.public_id, how=waiting.how
    )
    return waiting


@operation(Action.USER_DELETE_ACTIVITIES)
def user_delete_activities(*, actor: Actor, user: User, reason: str = "") -> list[dict[str, Any]]:
    """Erase what a person did: sign-ins, sessions, devices and what the trail says of them. The account stays.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for people under legal hold or restriction, and who is being erased
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_DELETE_ACTIVITIES, user)
    _guard_activities(user)
    reason = without(_known_by(user), reason_checked(reason))
    counts = _carried_out(plans.activities(user.pk))
    User.objects.filter(pk=user.pk).update(last_sign_in_at=None)
    audit.record_erasure(actor, Action.USER_DELETE_ACTIVITIES, user, reason=reason, counts=counts)
    return counts


# --- the transaction --------------------------------------------------------------------------
def _erased_or_planned(actor: Actor, user: User, how: str, *, reason: str, at: datetime | None) -> Erased:
    user = User.objects.locked(user)
    policy.require(actor, ACTIONS[how], user)
    before = Erasure.objects.of(user.pk, how)
    if before is not None and before.status in {Erasure.ERASED, Erasure.COMPLETE}:
        return Erased(before)
    if before is None or before.status != Erasure.FENCED:
        _guard(actor, user, how)
    erasure = before or new_erasure(actor, user, how, reason=reason)
    if at and at > timezone.now():
        return Erased(plan_erasure(actor, ACTIONS[how], user, erasure, at=at))
    return carry_out(actor, user, erasure, action=ACTIONS[how], reason=reason or erasure.reason)


def new_erasure(actor: Actor, user: User, how: str, *, reason: str = "") -> Erasure:
    """Make the row of an erasure, not stored yet."""
    return Erasure(
        organization_id=user.organization_id,
        user_id=user.pk,
        how=how,
        status=Erasure.SCHEDULED,
        reason=reason_checked(reason),
        requested_by_kind=actor.kind,
        requested_by=actor.id,
    )


def plan_erasure(actor: Actor, action: Action, user: User, erasure: Erasure, *, at: datetime) -> Erasure:
    """Let an erasure wait for its day, in the caller's transaction.

    :raises Conflict: if it waits already
    """
    if not erasure._state.adding:
        raise Conflict(
            f"The erasure is planned for {moment(erasure.due_at or timezone.now())[:16]} UTC already.",
            remedy="Call it off first, or let it happen now.",
        )
    erasure.due_at = at
    erasure.save(force_insert=True)
    audit.record(actor, action, user, reason=erasure.reason, planned_for=moment(at), erasure=erasure.public_id)
    return erasure


def carry_out(actor: Actor, user: User, erasure: Erasure, *, action: Action, reason: str) -> Erased:
    """Erase somebody whose row is locked, in the caller's transaction: once begun, all of it or nothing.

    :raises ResidueError: if anything is left that the map says goes; the transaction has to end with it
    """
    known_by = identifiers_of(user)
    words, organizations = _words(known_by), known_by.organizations
    reason = without(_known_by(user), reason_checked(reason))
    steps = plans.erasure(user.pk, removing_account=erasure.how == Erasure.DELETE)
    counts = _carried_out(steps)
    scrubbed, events = erase_mentions(words, organizations)
    counts += [{"table": name, "action": "scrub", "rows": rows} for name, rows in sorted(scrubbed.items())]
    event = audit.record_erasure(
        actor,
        action,
        user,
        reason=reason,
        erasure=erasure.public_id,
        counts={entry["table"]: entry["rows"] for entry in counts if entry["action"] != plans.KEEP},
        parts=events,
    )
    _assert_nothing_left(steps, words, organizations)
    if erasure.how == Erasure.DELETE:
        Erasure.objects.unfinished_of(user.pk).exclude(pk=erasure.pk).cancel()
    erasure.status, erasure.erased_at = Erasure.ERASED, timezone.now()
    erasure.counts, erasure.event_id, erasure.reason = {"tables": counts}, event.pk, ""
    erasure.save()
    return Erased(erasure, is_fresh=True, known_by=known_by)


def _carried_out(steps: Iterable[plans.Step]) -> list[dict[str, Any]]:
    counts = []
    for step in steps:
        if rows := step.carry_out():
            kept = {"why": step.why, "until": step.until} if step.action == plans.KEEP else {}
            counts.append({"table": step.table.name, "action": step.action, "rows": rows, **kept})
    return counts


def _assert_nothing_left(steps: Sequence[plans.Step], words: Sequence[str], organizations: Sequence[UUID]) -> None:
    """Look again, in the same transaction; whatever is left undoes it all."""
    left = sorted({step.table.name for step in steps if not step.is_done()})
    left += sorted({found.model._meta.db_table for found in mentions(words, organizations)})
    if left:
        raise ResidueError(f"Erasure left something in {', '.join(left)}; nothing was changed.")


# --- guards -----------------------------------------------------------------------------------
def _guard(actor: Actor, user: User, how: str) -> None:
    """Refuse oneself, and whom ``guard_erasable`` refuses."""
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


def _guard_activities(user: User) -> None:
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


def grace_of(user: User) -> timedelta:
    """Say how long an erasure waits in somebody's organization."""
    terms = PrivacyTerms.objects.filter(organization_id=user.organization_id).first()
    return timedelta(days=terms.erasure_grace_days if terms else 0)


# --- who it is --------------------------------------------------------------------------------
def _words(known_by: Identifiers) -> tuple[str, ...]:
    """Give what names this person and nobody else; a short username is a word like others."""
    return tuple(dict.fromkeys(text for texts in known_by.named.values() for text in texts))


def _known_by(user: User) -> tuple[str, ...]:
    """Give every name too, for text that is about this person."""
    names = (user.display_name, user.name, user.given_name, user.family_name, user.nickname, user.username)
    return (*_words(identifiers_of(user)), *(name for name in names if name))


def _is_theirs(row: Any, user: User) -> bool:
    return user.pk in {row.pk, getattr(row, "user_id", None), getattr(row, "person_id", None)}


# --- long histories ---------------------------------------------------------------------------
def _rows_to_go(user: User) -> int:
    steps = plans.erasure(user.pk, removing_account=False)
    return sum(step.rows.count() for step in steps if step.action == plans.DELETE)


def _shorten(user: User) -> None:
    for step in plans.erasure(user.pk, removing_account=False):
        if step.action == plans.DELETE:
            for _ in step.shorten():
                pass


# --- those who wait ---------------------------------------------------------------------------
def _awaited(erasure: Erasure) -> Erasure:
    """Give an erasure with its receipt, which whoever did it may still be making."""
    deadline = time.monotonic() + PATIENCE
    while erasure.status == Erasure.ERASED and time.monotonic() < deadline:
        time.sleep(0.05)
        erasure.refresh_from_db()
    return erasure
