"""Every way an operation can refuse, with its code, HTTP status, exit code and remedy in one table.

Doors translate these and nothing else; a message never holds a secret and never says that
something exists which the actor may not see. A remedy names verbs (``org_activate``: a command, an
``operationId``, a button); how a command line is spelled is for commands to say.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, ClassVar

__all__ = [
    "AccountsError",
    "Conflict",
    "Exit",
    "Internal",
    "Invalid",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotRecent",
    "Throttled",
    "Unavailable",
    "VersionConflict",
]


class Exit(IntEnum):
    """What a command tells the shell (INTERFACE section 3)."""

    DONE = 0
    GENERIC = 1
    NOT_ALLOWED = 2
    NOT_FOUND = 3
    INVALID = 4
    SERVER = 5


class AccountsError(Exception):
    """A refusal that the caller can act upon.

    ``fields`` maps the name of an input to what is wrong with it; ``more`` is what the API's problem says beside
    (RFC 9457, 3.2), where a refusal has a list that helps to decide.
    """

    code: ClassVar[str] = "INTERNAL"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[Exit] = Exit.SERVER
    default_remedy: ClassVar[str] = "Look at the log for the request id and report it."

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        fields: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy or self.default_remedy
        self.fields: dict[str, str] = dict(fields or {})
        self.more: dict[str, Any] = dict(more or {})

    def as_dict(self) -> dict[str, object]:
        """Give the error as the doors print it."""
        return {"code": self.code, "message": self.message, "remedy": self.remedy, "fields": self.fields}


class NotAuthenticated(AccountsError):
    """Nobody is signed in, or what they signed in with is no longer good."""

    code = "UNAUTHENTICATED"
    http_status = 401
    exit_code = Exit.NOT_ALLOWED
    default_remedy = "Sign in again, or use a live key."


class NotRecent(NotAuthenticated):
    """The person showed too long ago who they are for what they want to do now (RFC 9470)."""

    default_remedy = "Sign in again; in a browser, confirm on the account pages that it is you."

    def __init__(self) -> None:
        super().__init__("For this you have to have shown a short while ago that it is you.")


class NotAllowed(AccountsError):
    """The actor sees the thing but may not do this to it."""

    code = "FORBIDDEN"
    http_status = 403
    exit_code = Exit.NOT_ALLOWED
    default_remedy = "Ask an owner or admin of the organization for the permission."
    is_recorded = False
    """Whether the audit trail has it already."""


class NotFound(AccountsError):
    """It does not exist, or not for this actor: both look the same."""

    code = "NOT_FOUND"
    http_status = 404
    exit_code = Exit.NOT_FOUND
    default_remedy = "Check the spelling and the organization."


class Invalid(AccountsError):
    """The input is wrong."""

    code = "VALIDATION"
    http_status = 422
    exit_code = Exit.INVALID
    default_remedy = "Correct the named input and try again."


class Conflict(AccountsError):
    """The input is right, but not in the present state of things."""

    code = "CONFLICT"
    http_status = 409
    exit_code = Exit.INVALID
    default_remedy = "Look at the present state and decide again."


class VersionConflict(Conflict):
    """It was changed since the caller looked (``If-Match``)."""

    http_status = 412
    default_remedy = "Look again, then repeat the change."


class Throttled(AccountsError):
    """Too many tries.

    ``retry_after`` says in how many seconds there is room again.
    """

    code = "THROTTLED"
    http_status = 429
    exit_code = Exit.SERVER
    default_remedy = "Wait, then try again."

    def __init__(self, message: str, *, remedy: str = "", retry_after: int = 60) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after


class Unavailable(AccountsError):
    """The database, or something else that is needed, does not answer."""

    code = "UNAVAILABLE"
    http_status = 503
    exit_code = Exit.SERVER
    default_remedy = "Nothing was changed. Try again in a moment."


class Internal(AccountsError):
    """A fault of ours."""
