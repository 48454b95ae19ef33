"""Signing in and out, and the sessions that come of it."""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import django_otp
from django.conf import settings
from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Invalid, NotAuthenticated, NotFound
from accounts.models import Organization, Session, User
from accounts.models.two_factor import has_second_factor
from accounts.operations.base import operation
from accounts.passwords import hashed, needs_rehash, verified
from accounts.profile import reason_checked

__all__ = [
    "SecondFactorNeeded",
    "open_session",
    "session_end",
    "session_revoke",
    "session_revoke_all",
    "session_seen",
    "session_start",
]

TOUCH_INTERVAL: Final = timedelta(minutes=1)
LIFETIME: Final = timedelta(seconds=settings.SESSION_COOKIE_AGE)


class SecondFactorNeeded(NotAuthenticated):
    """The password was right; a code is needed too."""

    default_remedy = "Enter the code of your second factor."


def _find_and_verify(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Look the account up and check the password: one hash, whoever it is, outside the transaction."""
    user: User | None = None
    with suppress(Invalid):
        user = User.objects.named(arguments["login"], organization_id=arguments["organization"].pk).first()
    encoded = user.password if user and user.has_usable_password() else _stand_in()
    right = verified(arguments["password"], encoded) and user is not None and user.has_usable_password()
    fresh = hashed(arguments["password"]) if right and needs_rehash(encoded) else ""
    return {"found": user if right else None, "checked": encoded, "fresh": fresh, "password": ""}


_stand_in_hash = ""


def _stand_in() -> str:
    """Give a hash that no password has, of the same cost as a real one."""
    global _stand_in_hash  # noqa: PLW0603 -- made once a process
    _stand_in_hash = _stand_in_hash or hashed("no account has this password")
    return _stand_in_hash


def session_start(
    *,
    actor: Actor,
    organization: Organization,
    login: str,
    password: str,
    key_hash: str,
    code: str = "",
) -> Session:
    """Sign somebody in with their password, and with a code where a second factor is enrolled.

    The same answer and the same work for an unknown account, a wrong password and one that may not
    sign in; a failure is recorded in a transaction of its own.

    :param login: e-mail address, username or id
    :param key_hash: of the browser's fresh session key
    :raises NotAuthenticated: if it is not to be
    :raises SecondFactorNeeded: if the password was right and the code is missing or wrong
    """
    try:
        session = _session_start(
            actor=actor, organization=organization, login=login, password=password, key_hash=key_hash, code=code
        )
        if session is None:
            raise SecondFactorNeeded("The code of your second factor is missing or wrong.")
    except NotAuthenticated as refusal:
        audit.failed(actor, Action.SESSION_START, None, organization_id=organization.pk, why=type(refusal).__name__)
        raise
    return session


@operation(Action.SESSION_START, prepare=_find_and_verify)
def _session_start(
    *,
    actor: Actor,
    organization: Organization,
    login: str,
    password: str,
    key_hash: str,
    code: str,
    found: User | None = None,
    checked: str = "",
    fresh: str = "",
) -> Session | None:
    """Open the session; ``None`` if the code is missing or wrong."""
    if found is None:
        raise NotAuthenticated("E-mail, username or password is wrong.")
    user = User.objects.locked(found)
    if not hmac.compare_digest(user.password, checked) or not (user.is_active and user.organization.is_active):
        raise NotAuthenticated("E-mail, username or password is wrong.")
    if has_second_factor(user) and not _code_is_right(user, code):
        # SECURITY: an exception would roll back the failure that the device counted, and with it the throttle.
        return None
    if fresh:
        user.password = fresh
    return open_session(actor, user, key_hash=key_hash)


def _code_is_right(user: User, code: str) -> bool:
    # SECURITY: verify_token locks the device's row; the device's own method accepts one code twice in a race.
    return bool(code) and any(
        django_otp.verify_token(user, device.persistent_id, code) for device in django_otp.devices_for_user(user)
    )


def open_session(actor: Actor, user: User, *, key_hash: str) -> Session:
    """Make the session's row, in the caller's transaction with the account locked and judged."""
    now = timezone.now()
    user.last_sign_in_at = now
    user.save()
    session = Session.objects.create(
        organization_id=user.organization_id,
        user=user,
        key_hash=key_hash,
        expires_at=now + LIFETIME,
        ip=actor.ip,
        device=actor.device,
    )
    audit.record(actor, Action.SESSION_START, user, session=session.public_id)
    return session


@operation(Action.SESSION_END)
def session_end(*, actor: Actor, session: Session) -> Session:
    """Sign out of one's own session; again changes nothing.

    :raises NotFound: if it is somebody else's
    """
    if session.user_id != actor.user_id:
        raise NotFound("Session not found.")
    if Session.objects.filter(pk=session.pk).end("signed out"):
        audit.record(actor, Action.SESSION_END, session.user, session=session.public_id)
    return session


@operation(Action.SESSION_REVOKE)
def session_revoke(*, actor: Actor, session: Session, reason: str = "") -> Session:
    """End one session of a person; one that has ended changes nothing.

    :raises NotFound: if the session does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    """
    user = User.objects.locked(session.user)
    policy.require(actor, Action.SESSION_REVOKE, user)
    if Session.objects.filter(pk=session.pk).end(Action.SESSION_REVOKE):
        audit.record(actor, Action.SESSION_REVOKE, user, reason=reason_checked(reason), session=session.public_id)
    session.refresh_from_db()
    return session


@operation(Action.SESSION_REVOKE)
def session_revoke_all(*, actor: Actor, user: User, reason: str = "") -> int:
    """End every session of a person; says how many.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.SESSION_REVOKE, user)
    ended = Session.objects.filter(user=user).end(Action.SESSION_REVOKE)
    if ended:
        audit.record(actor, Action.SESSION_REVOKE, user, reason=reason_checked(reason), ended={"sessions": ended})
    return ended


def session_seen(session: Session) -> None:
    """Note that a session is in use, at most once a minute; no event, it changes nothing for anybody."""
    now = timezone.now()
    if now - session.last_active_at >= TOUCH_INTERVAL:
        Session.objects.live().filter(pk=session.pk).update(last_active_at=now)
