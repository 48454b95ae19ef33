"""Bounds on what a network may try without end: the same for every door."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.actors import Actor
from accounts.errors import Throttled
from accounts.models import Throttle

__all__ = ["bounded", "failures_bounded", "forget_throttles", "network_of"]

INVITES: Final = 60
"""How many secrets of invites that open nothing one network may try in an hour."""


def network_of(ip: str | None) -> str:
    """Name the network that an address is one of: of IPv6 the /64 that one subscriber has."""
    if ip is None:
        return ""
    address = ip_address(ip)
    return str(ip_network(f"{ip}/64", strict=False)) if isinstance(address, IPv6Address) else str(address)


def bounded(what: str, actor: Actor, *, most: int, remedy: str) -> str:
    """Count a try of the actor's network, in a transaction of its own; gives the counter.

    :param most: how often within an hour
    :raises Throttled: if there were as many
    """
    # SECURITY: a bare digest of an address is as good as the address; with the key it is not.
    bucket = salted_hmac("accounts.throttle", f"{what} {network_of(actor.ip)}", algorithm="sha256").hexdigest()
    with transaction.atomic():
        has_room = Throttle.objects.count_one(bucket, most=most)
    if not has_room:
        raise Throttled(
            "Too many requests came from your network.",
            remedy=remedy,
            retry_after=Throttle.objects.seconds_left(bucket),
        )
    return bucket


@contextmanager
def failures_bounded(what: str, actor: Actor) -> Iterator[None]:
    """Count what is refused in the block, and nothing else: people of one house who all come in have no bound.

    It is counted before it is tried and taken off again, so that of many at once none is looked at beyond the bound.

    :raises Throttled: if too much was refused within the hour
    """
    bucket = bounded(what, actor, most=INVITES, remedy="Wait an hour, or ask whoever invited you for another link.")
    yield
    Throttle.objects.give_back(bucket)


def forget_throttles() -> int:
    """Delete the counters that bound nothing any more; says how many."""
    return Throttle.objects.over(at=timezone.now()).delete()[0]
