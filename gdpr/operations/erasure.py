"""Erasing a person: planned, fenced where it is long, done in one transaction, checked in it, and proven afterwards.

``erase`` is what commands call, and waits for the receipt; other doors leave it to the worker (``background``).
What waits, and what a killed process leaves, is the sweep's (``sweeping``).
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts import audit, ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.audit import moment
from accounts.errors import Conflict, NotFound
from accounts.models import AuditPart, User
from accounts.operations.base import operation
from accounts.operations.credentials import end_credentials
from accounts.profile import reason_checked
from accounts.statuses import Status
from gdpr.models import Erasure, PrivacyTerms, SubjectRequest
from gdpr.operations import plans
from gdpr.operations.erasable import ACTIONS, guard_activities, guard_erasable_by, named_by, words_of
from gdpr.operations.finish import LEASE, Erased, finish, remember
from gdpr.operations.mentions import Mention, erase_mentions, mentions, without
from gdpr.operations.requests import request_answered, request_to_answer
from gdpr.operations.scan import identifiers_of

__all__ = [
    "ResidueError",
    "awaited",
    "carry_out",
    "erase",
    "erase_rows",
    "erasure_cancel",
    "erasure_of",
    "grace_of",
    "new_erasure",
    "plan_erasure",
    "user_delete",
    "user_delete_activities",
    "user_delete_begin",
    "user_purge",
    "user_purge_begin",
]

LONG: Final = 20_000
"""More rows than this to delete are deleted in steps, behind the fence."""
PATIENCE: Final = 60.0
"""How many seconds the second of two waits for the receipt that the first is making."""


class ResidueError(Exception):
    """Something of the person was left where the map says that nothing is: everything was rolled back."""


def erase(
    *,
    actor: Actor,
    user: User,
    how: str,
    reason: str = "",
    at: datetime | None = None,
    request: SubjectRequest | None = None,
) -> Erasure:
    """Erase a person, or plan to: the whole of it, with its receipt. Again gives the same receipt.

    ``purge`` leaves the account's row without personal data; ``delete`` takes it away.

    :param at: not before then; ``None``: after the grace period that the organization settled
    :param request: the person's request that this answers: done when they are erased
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    erased = erase_rows(actor=actor, user=user, how=how, reason=reason, at=at, request=request)
    return finish([erased])[0] if erased.is_fresh else awaited(erased.erasure)


def erase_rows(
    *,
    actor: Actor,
    user: User,
    how: str,
    reason: str = "",
    at: datetime | None = None,
    request: SubjectRequest | None = None,
) -> Erased:
    """Do of ``erase`` what is done in the database; ``finish`` has to follow, for many people at once if need be.

    :raises Unavailable: if the ledger cannot be written: erased, and the sweep finishes
    """
    at = at or timezone.now() + grace_of(user)
    if at <= timezone.now() and _rows_to_go(user) > LONG:
        begin = user_purge_begin if how == Erasure.PURGE else user_delete_begin
        begin(actor=actor, user=user, reason=reason, request=request)
        _shorten(user)
    verb = user_purge if how == Erasure.PURGE else user_delete
    erased = verb(actor=actor, user=user, reason=reason, at=at, request=request)
    if erased.is_fresh:
        remember(erased)
    return erased


def erasure_of(*, actor: Actor, user_id: UUID, how: str) -> Erasure:
    """Find what came of an erasure, or has so far, by the id of whom it was about.

    :raises NotFound: if there is none that the actor may see
    """
    found = Erasure.objects.visible_to(actor).of(user_id, how)
    if found is None:
        raise NotFound("User not found.")
    return found


@operation(Action.USER_PURGE)
def user_purge(
    *, actor: Actor, user: User, reason: str = "", at: datetime | None = None, request: SubjectRequest | None = None
) -> Erased:
    """Erase everything about a person but an empty row that keeps the id from being given away again.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    return _erased_or_planned(actor, user, Erasure.PURGE, reason=reason, at=at, request=request)


@operation(Action.USER_DELETE)
def user_delete(
    *, actor: Actor, user: User, reason: str = "", at: datetime | None = None, request: SubjectRequest | None = None
) -> Erased:
    """Erase everything about a person, the account's row included; also of one who was purged before.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    return _erased_or_planned(actor, user, Erasure.DELETE, reason=reason, at=at, request=request)


@operation(Action.USER_PURGE)
def user_purge_begin(*, actor: Actor, user: User, reason: str = "", request: SubjectRequest | None = None) -> Erasure:
    """Close an account for good before it is erased: every credential dies, and from here it goes only forward.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    return _fenced(actor, user, Erasure.PURGE, reason=reason, request=request)


@operation(Action.USER_DELETE)
def user_delete_begin(*, actor: Actor, user: User, reason: str = "", request: SubjectRequest | None = None) -> Erasure:
    """Close an account for good before it is erased and its row goes; again changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    return _fenced(actor, user, Erasure.DELETE, reason=reason, request=request)


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
def user_delete_activities(
    *, actor: Actor, user: User, reason: str = "", request: SubjectRequest | None = None
) -> tuple[User, list[dict[str, Any]]]:
    """Erase what a person did: sign-ins, sessions, devices and what the trail says of them; says how much.

    The account stays.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for people under legal hold or restriction, and who is being erased
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_DELETE_ACTIVITIES, user)
    guard_activities(user)
    request = request_to_answer(actor, user, request, "activities")
    reason = without(named_by(user), reason_checked(reason))
    counts = _carried_out(plans.activities(user.pk))
    User.objects.filter(pk=user.pk).update(last_sign_in_at=None)
    audit.record_erasure(
        actor,
        Action.USER_DELETE_ACTIVITIES,
        user,
        reason=reason,
        counts=counts,
        request=request.public_id if request else "",
    )
    request_answered(actor, user, request.pk if request else None, is_erased=True)
    return user, counts


# --- the transaction --------------------------------------------------------------------------
def _erased_or_planned(
    actor: Actor, user: User, how: str, *, reason: str, at: datetime | None, request: SubjectRequest | None
) -> Erased:
    user = User.objects.locked(user)
    policy.require(actor, ACTIONS[how], user)
    before = Erasure.objects.of(user.pk, how)
    answered = _answered(actor, user, before, request)
    if before is not None and before.status in {Erasure.ERASED, Erasure.COMPLETE}:
        return Erased(before)
    if before is None or before.status != Erasure.FENCED:
        guard_erasable_by(actor, user, how)
    erasure = before or new_erasure(actor, user, how, reason=reason)
    erasure.request_id = answered
    if at and at > timezone.now():
        return Erased(plan_erasure(actor, ACTIONS[how], user, erasure, at=at))
    return carry_out(actor, user, erasure, action=ACTIONS[how], reason=reason or erasure.reason)


def _fenced(actor: Actor, user: User, how: str, *, reason: str, request: SubjectRequest | None) -> Erasure:
    user = User.objects.locked(user)
    policy.require(actor, ACTIONS[how], user)
    before = Erasure.objects.of(user.pk, how)
    answered = _answered(actor, user, before, request)
    if before is not None and before.status != Erasure.SCHEDULED:
        return before
    guard_erasable_by(actor, user, how)
    erasure = before or new_erasure(actor, user, how, reason=reason)
    erasure.request_id = answered
    end_credentials(user, ACTIONS[how])
    if user.status != Status.PURGED:
        User.objects.filter(pk=user.pk).update(
            status=Status.PURGING, status_reason="", status_until=None, status_before="", version=user.version + 1
        )
    erasure.status = Erasure.FENCED
    erasure.save()
    audit.record_erasure(
        actor, ACTIONS[how], user, erasure=erasure.public_id, begun=True, request=request.public_id if request else ""
    )
    return erasure


def _answered(actor: Actor, user: User, erasure: Erasure | None, request: SubjectRequest | None) -> UUID | None:
    """Give the id of the request that an erasure is done for, once it was made sure that it answers it.

    :raises Conflict: if it is closed, or the erasure was begun without it
    """
    if request is None or (erasure is not None and erasure.request_id == request.pk):
        return erasure.request_id if erasure else None
    if erasure is not None and erasure.status != Erasure.SCHEDULED:
        raise Conflict("The erasure was begun without this request.", remedy="Close the request by itself.")
    held = request_to_answer(actor, user, request, "erasure")
    return held.pk if held else None


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
    audit.record(
        actor,
        action,
        user,
        reason=erasure.reason,
        planned_for=moment(at),
        erasure=erasure.public_id,
        request=_named(erasure),
    )
    return erasure


def carry_out(actor: Actor, user: User, erasure: Erasure, *, action: Action, reason: str) -> Erased:
    """Erase somebody whose row is locked, in the caller's transaction: once begun, all of it or nothing.

    :raises ResidueError: if anything is left that the map says goes; the transaction has to end with it
    """
    known_by = identifiers_of(user)
    words, organizations = words_of(known_by), known_by.organizations
    reason = without(named_by(user), reason_checked(reason))
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
        request=_named(erasure),
    )
    closed = request_answered(actor, user, erasure.request_id, is_erased=True, erasure=erasure.public_id)
    written = {AuditPart: Q(event__in=[event, closed] if closed else [event]), SubjectRequest: Q(pk=erasure.request_id)}
    _assert_nothing_left(steps, [*mentions(words, organizations, among=None if scrubbed else written)])
    if erasure.how == Erasure.DELETE:
        Erasure.objects.unfinished_of(user.pk).exclude(pk=erasure.pk).cancel()
    now = timezone.now()
    erasure.status, erasure.erased_at, erasure.leased_until = Erasure.ERASED, now, now + LEASE
    erasure.counts, erasure.event_id, erasure.reason = {"tables": counts}, event.pk, ""
    erasure.save()
    return Erased(erasure, is_fresh=True, known_by=known_by)


def _named(erasure: Erasure) -> str:
    return ids.encode("dsr", erasure.request_id) if erasure.request_id else ""


def _carried_out(steps: Iterable[plans.Step]) -> list[dict[str, Any]]:
    counts = []
    for step in steps:
        if rows := step.carry_out():
            kept = {"why": step.why, "until": step.until} if step.action == plans.KEEP else {}
            counts.append({"table": step.table.name, "action": step.action, "rows": rows, **kept})
    return counts


def _assert_nothing_left(steps: Sequence[plans.Step], named: Iterable[Mention]) -> None:
    """Look again, in the same transaction; whatever is left undoes it all."""
    left = sorted({step.table.name for step in steps if not step.is_done()})
    left += sorted({found.model._meta.db_table for found in named})
    if left:
        raise ResidueError(f"Erasure left something in {', '.join(left)}; nothing was changed.")


def grace_of(user: User) -> timedelta:
    """Say how long the person's organization lets an erasure wait."""
    terms = PrivacyTerms.objects.filter(organization_id=user.organization_id).first()
    return timedelta(days=terms.erasure_grace_days if terms else 0)


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
def awaited(erasure: Erasure) -> Erasure:
    """Give an erasure with its receipt, which whoever did it may still be making."""
    deadline = time.monotonic() + PATIENCE
    while erasure.status == Erasure.ERASED and time.monotonic() < deadline:
        time.sleep(0.05)
        erasure.refresh_from_db()
    return erasure
