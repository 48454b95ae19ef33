"""The life of a user as data: the statuses, and every change from one to another (INTERFACE section 2)."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["ALIASES", "HIDDEN", "TRANSITIONS", "OrganizationStatus", "Status", "next_status"]


class Status(StrEnum):
    """What an account may do, and how far its erasure has come."""

    INVITED = "invited"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    LOCKED = "locked"
    RESTRICTED = "restricted"
    ARCHIVED = "archived"
    PURGING = "purging"
    PURGED = "purged"


class OrganizationStatus(StrEnum):
    """What an organization's people may do."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ARCHIVED = "archived"


HIDDEN: Final = (Status.ARCHIVED, Status.RESTRICTED, Status.PURGING, Status.PURGED)
"""Left out of lists unless asked for by name."""

ALIASES: Final[Mapping[str, Status]] = {
    "enabled": Status.ACTIVE,
    "disabled": Status.SUSPENDED,
    "pending": Status.INVITED,
    "inactive": Status.ARCHIVED,
}
"""Words of other systems: read, never printed."""

RETURN: Final = "return"
"""The status that stood before the restriction."""

TRANSITIONS: Final[Mapping[str, tuple[tuple[Status, ...], Status | str]]] = {
    "suspend": ((Status.ACTIVE, Status.LOCKED), Status.SUSPENDED),
    "activate": ((Status.SUSPENDED, Status.ARCHIVED), Status.ACTIVE),
    "lock": ((Status.ACTIVE,), Status.LOCKED),
    "unlock": ((Status.LOCKED,), Status.ACTIVE),
    "archive": ((Status.INVITED, Status.ACTIVE, Status.SUSPENDED, Status.LOCKED), Status.ARCHIVED),
    "restrict": ((Status.ACTIVE, Status.SUSPENDED, Status.LOCKED, Status.ARCHIVED), Status.RESTRICTED),
    "unrestrict": ((Status.RESTRICTED,), RETURN),
}
"""Verb: from which statuses, to which. Anything else, the same again included, is a conflict."""


def next_status(verb: str, status: Status, before: Status | None = None) -> Status | None:
    """Say where a verb leads from a status, or ``None`` where it leads nowhere."""
    sources, target = TRANSITIONS[verb]
    if status not in sources:
        return None
    return before if target == RETURN else Status(target)
