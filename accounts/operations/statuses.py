"""The status verbs: one declaration, from which operation, command, endpoint and admin action come."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid
from accounts.models import FailedTries, User
from accounts.operations.base import differences, expect_version, operation
from accounts.operations.credentials import end_credentials, guard_leaving
from accounts.operations.outbox import tell
from accounts.profile import reason_checked
from accounts.statuses import Status, next_status

__all__ = [
    "STATUS_VERBS",
    "StatusVerb",
    "change_status",
    "user_activate",
    "user_archive",
    "user_lock",
    "user_restrict",
    "user_suspend",
    "user_unlock",
    "user_unrestrict",
]


class StatusOperation(Protocol):
    """How a status verb is called."""

    def __call__(
        self,
        *,
        actor: Actor,
        user: User,
        reason: str = "",
        until: datetime | None = None,
        expected_version: int | None = None,
    ) -> User: ...


@dataclass(frozen=True)
class StatusVerb:
    """One status verb, for the doors to offer."""

    action: Action
    summary: str
    run: StatusOperation

    @property
    def word(self) -> str:
        """The verb alone: ``suspend``."""
        return self.action.partition(".")[2]

    @property
    def takes_end(self) -> bool:
        """Whether the status can be given an end."""
        return self.action is Action.USER_LOCK


STATUS_VERBS: Final[dict[str, StatusVerb]] = {}
SHOWN: Final = ("status", "status_reason", "status_until")
LETTERS: Final = {"suspend": "account_suspended", "lock": "account_locked"}
"""What the person is told of, by the verb."""


def change_status(
    user: User, verb: str, *, reason: str, until: datetime | None = None, ends_credentials: bool = True
) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """Lead a locked account to where the verb leads; gives what changed and what died of it.

    :param ends_credentials: what opens a door for them opens none any more, not even after they came back
    :raises Conflict: if the verb leads nowhere from here, or somebody goes who must remain
    """
    target = next_status(verb, user.current_status, Status(user.status_before) if user.status_before else None)
    if target is None:
        raise Conflict(
            f"A user who is {user.current_status} cannot be changed by {verb}.",
            remedy=f"Look at the account first: user_show {user.public_id}",
        )
    before = {field: getattr(user, field) for field in SHOWN}
    ended: dict[str, int] = {}
    if target is not Status.ACTIVE:
        guard_leaving(user)
        ended = end_credentials(user, f"user.{verb}") if ends_credentials else {}
    if Status.RESTRICTED in {user.current_status, target}:
        until = user.status_until if Status.LOCKED in {user.current_status, target} else None
    user.enter(target, reason=reason, until=until)
    user.touch()
    user.save()
    if verb == "unlock":
        FailedTries.objects.set_back(user.pk)
    if verb in LETTERS:
        tell(user, LETTERS[verb])
    return differences(before, {field: getattr(user, field) for field in SHOWN}), ended


def _status_verb(action: Action, summary: str) -> StatusOperation:
    def run(
        *,
        actor: Actor,
        user: User,
        reason: str = "",
        until: datetime | None = None,
        expected_version: int | None = None,
    ) -> User:
        user = User.objects.locked(user)
        policy.require(actor, action, user)
        expect_version(user, expected_version)
        if until is not None and not verb.takes_end:
            raise Invalid(f"{verb.word.capitalize()} takes no end.", fields={"until": "only a lock has an end"})
        if until is not None and until <= timezone.now():
            raise Invalid("The end lies in the past.", fields={"until": "must be in the future"})
        reason = reason_checked(reason)
        changed, ended = change_status(user, verb.word, reason=reason, until=until)
        audit.record(actor, action, user, reason=reason, **changed, ended=ended)
        return user

    run.__name__ = f"user_{action.partition('.')[2]}"
    run.__qualname__ = run.__name__
    run.__doc__ = (
        f"{summary}\n\n:raises NotFound: if the account does not exist for the actor\n"
        ":raises NotAllowed: without the permission, or on somebody more powerful\n"
        ":raises Conflict: if the status cannot be left that way, or for the last owner and last super-user"
    )
    verb = StatusVerb(action, summary, operation(action)(run))
    STATUS_VERBS[verb.word] = verb
    return verb.run


user_suspend = _status_verb(Action.USER_SUSPEND, "Stop a user from signing in until an admin lifts it.")
user_activate = _status_verb(Action.USER_ACTIVATE, "Let a suspended or archived user sign in again.")
user_lock = _status_verb(Action.USER_LOCK, "Lock a user out for security, for good or until a moment.")
user_unlock = _status_verb(Action.USER_UNLOCK, "Lift a lock.")
user_archive = _status_verb(Action.USER_ARCHIVE, "Put a user away: no sign-in, hidden from lists.")
user_restrict = _status_verb(Action.USER_RESTRICT, "Keep a user's data but do not use it (GDPR Art. 18).")
user_unrestrict = _status_verb(Action.USER_UNRESTRICT, "Lift a restriction: back to the status before it.")
