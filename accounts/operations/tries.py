"""Guessing is slow: each try counts as failed before it is looked at, and no longer once it was right.

Counted first, so that of many at the same moment none is free; each in a transaction of its own, so that no refusal
takes the count back. After ten in a row one waits, twice as long each time; at a hundred the account is locked for an
hour. Where the person was signed in from before is counted apart, and a link by letter sets all counts back, so that
nobody can keep somebody else out. (NIST SP 800-63B-4, 3.2.2; docs/signing-in.md)
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound, Throttled
from accounts.models import FailedTries, Session, Throttle, TriesOf, User
from accounts.operations.base import operation
from accounts.operations.credentials import require_recent
from accounts.operations.statuses import change_status
from accounts.operations.throttles import bounded
from accounts.passwords import verified
from accounts.statuses import Status

__all__ = [
    "Tried",
    "check_present_password",
    "confirm_present_password",
    "forget_tries",
    "guard_password_unchanged",
    "try_code",
    "try_passkey",
    "try_password",
]

FREE: Final = 10
"""How many may fail in a row before one waits."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
MOST_DOUBLINGS: Final = 7
MOST: Final = 100
"""At which try in a row the account is locked, for as long as the longest wait."""
PER_NETWORK: Final = 100
"""How many may fail from one network within an hour, whomever they name."""
REMEDY: Final = "Wait, then try again; or ask for a link to set a new password."
KEPT: Final = timedelta(days=30)
"""After how long without a try a row of failures is forgotten."""
NAMES_OF_NOBODY: Final = 65_536


@dataclass(frozen=True)
class Tried:
    """A try that was counted, for whoever finds that it was right."""

    kind: TriesOf
    person_id: UUID
    bucket: str

    def was_right(self) -> None:
        """Count it no longer, and forget what failed in a row; in the caller's transaction.

        SECURITY: of a network only this one try is taken back: whoever has an account may not set its count back.
        """
        FailedTries.objects.filter(kind=self.kind, person_id=self.person_id).delete()
        Throttle.objects.give_back(self.bucket)


def try_password(actor: Actor, user: User | None, *, named: str) -> Tried:
    """Count a try of somebody's password.

    :param user: whose, if the name is anybody's
    :param named: what was typed, with the organization
    :raises Throttled: if it is not to be looked at
    """
    is_there = user is not None and user.status not in {Status.PURGING, Status.PURGED}
    person_id = user.pk if user and is_there else _nobody(named)
    # SECURITY: the same queries whether there is such an account or not.
    is_known = actor.ip is not None and Session.objects.own().filter(user_id=person_id, ip=actor.ip).exists()
    kind = TriesOf.PASSWORD_FROM_KNOWN if is_known else TriesOf.PASSWORD_FROM_ELSEWHERE
    return _tried(actor, kind, person_id, user)


def try_code(actor: Actor, user: User) -> Tried:
    """Count a try of somebody's second factor.

    :raises Throttled: if it is not to be looked at
    """
    return _tried(actor, TriesOf.CODE, user.pk, user)


def try_passkey(actor: Actor) -> str:
    """Count a try with a passkey, for the network alone; gives the counter, for whoever finds that it was right.

    Nobody guesses a passkey: whoever has one does not wait for what others tried.

    :raises Throttled: if it is not to be looked at
    """
    return bounded("sign-in", actor, most=PER_NETWORK, remedy=REMEDY) if actor.ip else ""


def check_present_password(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Check that the actor of an operation knows the password of the account, which is their own: slow, so before it.

    :raises NotRecent: if they showed too long ago who they are: a password alone may be less than that took
    :raises NotFound: if it is somebody else's account
    :raises Invalid: if it is another password
    :raises Throttled: after too many wrong ones
    """
    require_recent(arguments["actor"])
    return confirm_present_password(arguments)


def confirm_present_password(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Do the same for who showed long ago who they are, and does it now.

    :raises NotFound: if it is somebody else's account
    :raises Invalid: if it is another password
    :raises Throttled: after too many wrong ones
    """
    user = arguments["user"]
    if user.pk != arguments["actor"].user_id:
        raise NotFound("User not found.")
    tried = try_password(arguments["actor"], user, named="")
    if not verified(arguments["current_password"], user.password):
        raise Invalid(
            "The present password is wrong.",
            remedy="Type the one you signed in with.",
            fields={"current_password": "is wrong"},
        )
    tried.was_right()
    return {"checked": user.password, "current_password": ""}


def guard_password_unchanged(user: User, checked: str) -> None:
    """Refuse if the password is another one than was checked before the account was locked.

    :raises Conflict: saying so
    """
    if not constant_time_compare(user.password, checked):
        raise Conflict("The password was changed at the same moment.", remedy="Sign in with it, then repeat.")


def _nobody(named: str) -> UUID:
    digest = salted_hmac("accounts.tries", named.strip().casefold().encode("utf-8", "surrogatepass")).digest()
    return UUID(int=1 + int.from_bytes(digest[:4]) % NAMES_OF_NOBODY)


def _tried(actor: Actor, kind: TriesOf, person_id: UUID, user: User | None) -> Tried:
    bucket = try_passkey(actor)
    if _count(kind, person_id) and user is not None:
        with suppress(Conflict, NotFound):  # the last owner, or locked already: the wait remains
            _lock_out(actor=policy.system(), user=user)
    return Tried(kind, person_id, bucket)


@transaction.atomic
def _count(kind: TriesOf, person_id: UUID) -> bool:
    """Count one more in a row; says whether that makes it the last."""
    now = timezone.now()
    # Whoever is erased meanwhile leaves no count behind: it would stand after everything else is gone.
    if User.objects.erased(person_id):
        return False
    row = FailedTries.objects.held(kind, person_id)
    if row.blocked_until is not None and row.blocked_until > now:
        raise _too_many(row.blocked_until - now)
    row.count += 1
    row.last_at = now
    is_last = row.count >= MOST
    if is_last:
        row.count, row.blocked_until = 0, now + LONGEST_WAIT
    elif row.count >= FREE:
        doublings = min(row.count - FREE, MOST_DOUBLINGS)
        row.blocked_until = now + min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    row.save()
    return is_last


def _too_many(wait: timedelta) -> Throttled:
    seconds = max(1, round(wait.total_seconds()))
    length = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
    return Throttled(
        f"Too many tries in a row were wrong. The next is looked at in {length}.",
        remedy=REMEDY,
        retry_after=seconds,
    )


@operation(Action.USER_LOCK)
def _lock_out(*, actor: Actor, user: User) -> None:
    """Lock whose password or code somebody tried to guess, until the wait is over; what they hold works again then."""
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_LOCK, user)
    reason = "Too many tries to sign in were wrong."
    changed, _ = change_status(user, "lock", reason=reason, until=timezone.now() + LONGEST_WAIT, ends_credentials=False)
    audit.record(actor, Action.USER_LOCK, user, reason=reason, **changed)


def forget_tries() -> int:
    """Forget what nobody tried again for long; says of how many people."""
    return FailedTries.objects.filter(last_at__lte=timezone.now() - KEPT).delete()[0]
