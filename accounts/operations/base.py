"""What every operation shares: require · prepare · lock · guard · change · record · tell."""

import functools
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction

from accounts import audit, ids, policy
from accounts.actions import SHOWN_ANEW, SYSTEM_ACTIONS, Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotAllowed, VersionConflict
from accounts.models import Application, ClaimDefinition, Organization, Role, User
from accounts.models.organizations import SLUG
from accounts.operations import idempotency
from accounts.passwords import hashed, password_checked

__all__ = [
    "OPERATIONS",
    "NewPassword",
    "differences",
    "expect_version",
    "operation",
    "remember_refusal",
    "rolled_back",
    "slug_checked",
]

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Prepare = Callable[[dict[str, Any]], Mapping[str, Any]]

OPERATIONS: dict[str, Action] = {}
"""Every operation by name, with its action; filled by the decorator, read by the matrices."""


def operation(
    action: Action, *, prepare: Prepare | None = None
) -> Callable[[Callable[Parameters, Result]], Callable[Parameters, Result]]:
    """Make a function an operation: judged before any work, prepared outside, then one transaction.

    Inside the transaction the actor is judged anew (``policy.current``), so that whoever was
    suspended or demoted since the request began is refused. What is most sensitive is done in a browser only for
    who showed a short while ago who they are (``SHOWN_ANEW``). A refusal by policy rolls everything back and is then
    recorded in a transaction of its own.

    :param prepare: what is slow and needs no row (hashing); gets the arguments, gives those to replace
    """

    def decorate(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
        OPERATIONS[function.__name__] = action

        @functools.wraps(function)
        def run(*positional: Parameters.args, **arguments: Parameters.kwargs) -> Result:
            actor = cast("Actor", arguments["actor"])
            subject = next((value for value in arguments.values() if isinstance(value, models.Model)), None)
            try:
                policy.require_own_hands(actor, action)
                if action not in SYSTEM_ACTIONS:
                    policy.require_coarse(actor, action)
                _require_shown(actor, action)
                prepared = {**arguments, **(prepare(dict(arguments)) if prepare else {})}
                with transaction.atomic():
                    prepared["actor"] = now = policy.current(actor)
                    policy.require_own_hands(now, action)
                    if action not in SYSTEM_ACTIONS:
                        policy.require_coarse(now, action)
                    _require_shown(now, action)
                    result = function(**prepared)  # type: ignore[call-arg]
                    idempotency.remember(result)
                    return result
            except NotAllowed as refusal:
                remember_refusal(actor, action, subject, refusal)
                raise
            except IntegrityError:
                raise Conflict(
                    "Somebody else changed the same thing at the same moment.", remedy="Try again."
                ) from None

        return run

    return decorate


def _require_shown(actor: Actor, action: Action) -> None:
    if action in SHOWN_ANEW:
        policy.require_shown(actor)


def remember_refusal(actor: Actor, action: Action, subject: models.Model | None, refusal: NotAllowed) -> None:
    """Write down once that policy refused something; a door says so that refused before the operation was asked."""
    if refusal.is_recorded:
        return
    refusal.is_recorded = True
    if subject is not None and not policy.sees(actor, subject):
        subject = None
    audit.refused(actor, action, subject, code=refusal.code)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Try things out: whatever happens in the block is undone at its end, and refusals leave no trace."""
    with audit.unwritten(), transaction.atomic():
        yield
        transaction.set_rollback(True)


class NewPassword:
    """A password on its way in; its text is never shown, and gone once it is hashed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hash = ""

    def __repr__(self) -> str:
        return "NewPassword()"

    def prepared(self, *about: str | None) -> "NewPassword":
        """Check it against the policy and hash it: slow, so before the transaction.

        :raises Invalid: if it may not be used
        """
        ready = NewPassword("")
        ready._hash = hashed(password_checked(self._text, about=[word for word in about if word]))
        return ready

    def is_same_as(self, text: str) -> bool:
        """Say whether it is the password that is in use already."""
        return hmac.compare_digest(self._text.encode("utf-8", "surrogatepass"), text.encode("utf-8", "surrogatepass"))

    @property
    def hash(self) -> str:
        """The hash to store."""
        if not self._hash:
            raise Invalid("The password was not prepared.")
        return self._hash


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give what changed between two states, as the audit trail and a dry run show it."""
    changed = [key for key in after if before.get(key) != after[key]]
    return {"before": {key: before.get(key) for key in changed}, "after": {key: after[key] for key in changed}}


def expect_version(row: User | Organization | Application | Role | ClaimDefinition, expected: int | None) -> None:
    """Refuse a change of something that was changed since the caller looked.

    :raises VersionConflict: if the version is another one
    """
    if expected is not None and row.version != expected:
        raise VersionConflict("It was changed since you looked.")


def slug_checked(slug: str) -> str:
    """Give the slug back if it can be one.

    :raises Invalid: if it cannot, or looks like an id
    """
    try:
        SLUG(slug)
    except ValidationError as error:
        raise Invalid(error.messages[0], fields={"slug": error.messages[0]}) from None
    if ids.looks_like_id(slug):
        raise Invalid("The slug must not look like an id.", fields={"slug": "must not look like an id"})
    return slug
