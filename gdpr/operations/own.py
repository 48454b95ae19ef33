"""Deleting one's own account: asked for by the person, carried out by the sweep, called off until then.

It is the sweep's because whoever asks is gone in the middle of it: their session dies first.
"""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts import audit
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import AccountsError, Conflict, Invalid, NotFound
from accounts.models import User
from accounts.operations.base import operation
from accounts.operations.credentials import require_recent
from accounts.operations.outbox import tell
from gdpr.letters import DELETION_PLANNED
from gdpr.models import Erasure
from gdpr.operations.erasable import guard_erasable
from gdpr.operations.erasure import grace_of, new_erasure, plan_erasure

__all__ = ["LONGEST", "account_delete", "account_keep", "deletion_refusal"]

LONGEST: Final = timedelta(days=30)


@operation(Action.ACCOUNT_DELETE)
def account_delete(*, actor: Actor, user: User, email: str, at: datetime | None = None) -> Erasure:
    """Have one's own account deleted, when the grace period of the organization is over; signing in calls it off.

    A letter says when, and how to call it off.

    :param email: the account's address, typed, so that nobody does it by a slip
    :param at: not before then, where the organization settled to wait less; at most 30 days ahead
    :raises NotFound: if it is somebody else's account
    :raises NotRecent: if they showed too long ago who they are
    :raises Invalid: if it is another address, or the day is too far away
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and if it waits already
    """
    user = _oneself(actor, user)
    require_recent(actor)
    problems = {"email": "is not the account's address"} if email.strip() != (user.email or user.public_id) else {}
    now = timezone.now()
    if at and at > now + LONGEST:
        problems["after"] = "is more than 30 days away"
    if problems:
        raise Invalid("It cannot be deleted like that. Nothing was changed.", fields=problems)
    guard_erasable(user, Erasure.DELETE)
    if waiting := _waiting(user):
        when = f"{waiting.due_at:%Y-%m-%d %H:%M} UTC" if waiting.due_at else "soon"
        raise Conflict(f"The account is to be erased already: {when}.", remedy="Wait, or call it off first.")
    erasure = new_erasure(actor, user, Erasure.DELETE)
    planned = plan_erasure(actor, Action.ACCOUNT_DELETE, user, erasure, at=max(at or now, now + grace_of(user)))
    tell(user, DELETION_PLANNED.kind)
    return planned


@operation(Action.ACCOUNT_KEEP)
def account_keep(*, actor: Actor, user: User) -> Erasure:
    """Call off the deletion of one's own account that one asked for and that still waits.

    :raises NotFound: if it is somebody else's account
    :raises Conflict: if none waits that the person asked for
    """
    user = _oneself(actor, user)
    waiting = _waiting(user)
    if waiting is None or waiting.status != Erasure.SCHEDULED or waiting.requested_by != actor.user_id:
        raise Conflict("No deletion that you asked for waits.", remedy="There is nothing to call off.")
    waiting.status, waiting.cancelled_at = Erasure.CANCELLED, timezone.now()
    waiting.save()
    audit.record(actor, Action.ACCOUNT_KEEP, user, erasure=waiting.public_id)
    return waiting


def deletion_refusal(user: User) -> AccountsError | None:
    """Say what stands against deleting somebody; changes nothing."""
    try:
        guard_erasable(user, Erasure.DELETE)
    except Conflict as refusal:
        return refusal
    return None


def _oneself(actor: Actor, user: User) -> User:
    if user.pk != actor.user_id:
        raise NotFound("User not found.")
    return User.objects.locked(user)


def _waiting(user: User) -> Erasure | None:
    return Erasure.objects.unfinished_of(user.pk).order_by("created_at", "pk").first()
