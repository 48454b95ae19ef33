"""Guessing is slow: each try counts as failed before it is looked at, and no longer once it was right.

Counted first, so that of many at the same moment none is free; each in a transaction of its own, so that no refusal
takes the count back. After ten in a row one waits, twice as long each time; at a hundred the account is locked for an
hour. Where the person was signed in from before is counted apart, and a link by letter sets all counts back, so that
nobody can keep somebody else out. (NIST SP 800-63B-4, 3.2.2; docs/signing-in.md)
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, NotFound, Throttled
from accounts.models import FailedTries, Session, TriesOf, User
from accounts.models.tries import NOBODY
from accounts.operations.base import operation
from accounts.operations.statuses import change_status

__all__ = ["Tried", "forget_tries", "network_of", "try_code", "try_password"]

FREE: Final = 10
"""How many may fail in a row before one waits."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(hours=1)
MOST_DOUBLINGS: Final = 7
MOST: Final = 100
"""At which try in a row the account is locked, for as long as the longest wait."""
PER_NETWORK: Final = 100
"""How many may fail from one network within ``WINDOW``, whomever they name."""
WINDOW: Final = timedelta(hours=1)
KEPT: Final = timedelta(days=30)
"""After how long without a try a row of failures is forgotten."""
NAMES_OF_NOBODY: Final = 65_536


@dataclass(frozen=True)
class Tried:
    """A try that was counted, for whoever finds that it was right."""

    kind: TriesOf
    person_id: UUID
    network: str

    def was_right(self) -> None:
        """Count it no longer, and forget what failed in a row; in the caller's transaction.

        SECURITY: of a network only this one try is taken back: whoever has an account may not set its count back.
        """
        FailedTries.objects.filter(kind=self.kind, person_id=self.person_id, network="").delete()
        FailedTries.objects.filter(kind=TriesOf.NETWORK, network=self.network, count__gt=0).update(count=F("count") - 1)


def try_password(actor: Actor, user: User | None, *, named: str) -> Tried:
    """Count a try of somebody's password.

    :param user: whose, if the name is anybody's
    :param named: what was typed, with the organization
    :raises Throttled: if it is not to be looked at
    """
    person_id = user.pk if user else _nobody(named)
    # SECURITY: the same queries whether there is such an account or not.
    is_known = actor.ip is not None and Session.objects.filter(user_id=person_id, ip=actor.ip).exists()
    kind = TriesOf.PASSWORD_FROM_KNOWN if is_known else TriesOf.PASSWORD_FROM_ELSEWHERE
    return _tried(actor, kind, person_id, user)


def try_code(actor: Actor, user: User) -> Tried:
    """Count a try of somebody's second factor.

    :raises Throttled: if it is not to be looked at
    """
    return _tried(actor, TriesOf.CODE, user.pk, user)


def network_of(ip: str | None) -> str:
    """Name the network that an address is one of: of IPv6 the /64 that one subscriber has."""
    if ip is None:
        return ""
    address = ip_address(ip)
    return str(ip_network(f"{ip}/64", strict=False)) if isinstance(address, IPv6Address) else str(address)


def _nobody(named: str) -> UUID:
    digest = salted_hmac("accounts.tries", named.strip().casefold().encode("utf-8", "surrogatepass")).digest()
    return UUID(int=1 + int.from_bytes(digest[:4]) % NAMES_OF_NOBODY)


def _tried(actor: Actor, kind: TriesOf, person_id: UUID, user: User | None) -> Tried:
    network = network_of(actor.ip)
    if network:
        _count_network(network)
    if _count(kind, person_id) and user is not None:
        with suppress(Conflict, NotFound):  # the last owner, or locked already: the wait remains
            _lock_out(actor=policy.system(), user=user)
    return Tried(kind, person_id, network)


@transaction.atomic
def _count_network(network: str) -> None:
    now = timezone.now()
    row, _ = FailedTries.objects.select_for_update().get_or_create(kind=TriesOf.NETWORK, network=network)
    if row.first_at <= now - WINDOW:
        row.count, row.first_at = 0, now
    if row.count >= PER_NETWORK:
        raise _too_many("from your network", row.first_at + WINDOW - now)
    row.count += 1
    row.last_at = now
    row.save()


@transaction.atomic
def _count(kind: TriesOf, person_id: UUID) -> bool:
    """Count one more in a row; says whether that makes it the last."""
    now = timezone.now()
    row, _ = FailedTries.objects.select_for_update().get_or_create(kind=kind, person_id=person_id)
    if row.blocked_until is not None and row.blocked_until > now:
        raise _too_many("in a row", row.blocked_until - now)
    row.count += 1
    row.last_at = now
    is_last = row.count >= MOST
    if is_last:
        row.count, row.first_at, row.blocked_until = 0, now, now + LONGEST_WAIT
    elif row.count >= FREE:
        doublings = min(row.count - FREE, MOST_DOUBLINGS)
        row.blocked_until = now + min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    row.save()
    return is_last


def _too_many(which: str, wait: timedelta) -> Throttled:
    seconds = max(1, round(wait.total_seconds()))
    length = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
    return Throttled(
        f"Too many tries {which} were wrong. The next is looked at in {length}.",
        remedy="Wait, then try again; or ask for a link to set a new password.",
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
    """Forget what nobody tried again for long; says of how many."""
    now = timezone.now()
    networks = FailedTries.objects.filter(person_id=NOBODY, last_at__lte=now - WINDOW)
    people = FailedTries.objects.filter(last_at__lte=now - KEPT)
    return networks.delete()[0] + people.delete()[0]
