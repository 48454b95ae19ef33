"""Signing in and out, and the sessions that come of it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import audit, ids, policy
from accounts.actions import Action
from accounts.actors import Actor, ActorKind
from accounts.errors import Invalid, NotAuthenticated, NotFound
from accounts.models import Organization, RefreshToken, Session, User
from accounts.models.factors import has_second_factor
from accounts.operations.base import operation
from accounts.operations.factors import code_used
from accounts.operations.outbox import tell
from accounts.operations.proofs import Proof, guard_unchanged, proven, second_factor_asked
from accounts.operations.tries import Tried, try_code, try_password
from accounts.passwords import hashed, needs_rehash, verified
from accounts.profile import reason_checked
from accounts.secrets import GeneratedSecret

__all__ = [
    "ADMIN_LIMITS",
    "LIMITS",
    "MOST",
    "Limits",
    "limits_of",
    "open_session",
    "recorded",
    "session_end",
    "session_revoke",
    "session_revoke_all",
    "session_seen",
    "session_start",
    "session_start_with_code",
]

TOUCH_INTERVAL: Final = timedelta(minutes=1)
MOST: Final = 20
"""How many live sessions a person has; the next one ends the oldest."""
TOO_MANY: Final = "too many sessions"


class Limits(NamedTuple):
    """How long a session lives at most, and how long nobody may use it."""

    lifetime: timedelta
    idle: timedelta


LIMITS: Final = Limits(lifetime=timedelta(days=30), idle=timedelta(days=7))
ADMIN_LIMITS: Final = Limits(lifetime=timedelta(hours=12), idle=timedelta(hours=1))
"""Of owners, admins and super-users."""


def _wrong() -> NotAuthenticated:
    return NotAuthenticated(
        "E-mail, username or password is wrong.",
        remedy="Check them and the organization, or ask an administrator for a new link.",
    )


def session_start(
    *,
    actor: Actor,
    organization: Organization | None,
    login: str,
    password: str,
    key_hash: str = "",
    refresh: GeneratedSecret | None = None,
    code_follows: bool = False,
) -> Session:
    """Sign somebody in with their password.

    The same answer and the same work for an unknown organization or account, a wrong password, none
    set, and an account that may not sign in; a failure is recorded in a transaction of its own.

    :param organization: the one that was named, if there is one
    :param login: e-mail address, username or id
    :param key_hash: of the browser's fresh session key
    :param refresh: of a program instead, its first refresh token
    :param code_follows: so none is mailed
    :raises NotAuthenticated: if it is not to be
    :raises SecondFactorNeeded: if the password was right and a second factor is enrolled
    :raises Throttled: after too many wrong ones, for this account or from this network
    """
    return recorded(
        actor,
        Action.SESSION_START,
        organization.pk if organization else None,
        lambda: _session_start(
            actor=actor,
            organization=organization,
            login=login,
            password=password,
            key_hash=key_hash,
            refresh=refresh,
            code_follows=code_follows,
        ),
    )


def session_start_with_code(
    *, actor: Actor, proof: str, code: str, key_hash: str = "", refresh: GeneratedSecret | None = None
) -> Session:
    """Sign somebody in whose password was right, with the code of their second factor.

    :param proof: from ``SecondFactorNeeded``
    :param key_hash: of the browser's fresh session key
    :param refresh: of a program instead, its first refresh token
    :raises NotAuthenticated: if too much time went by, or the account changed meanwhile
    :raises SecondFactorNeeded: if the code is wrong or was used before
    :raises Throttled: after too many wrong ones
    """
    shown = proven(proof)
    tried = try_code(actor, shown.user)
    return recorded(
        actor,
        Action.SESSION_START,
        shown.user.organization_id,
        lambda: _session_start_with_code(
            actor=actor,
            proof=shown,
            code=code,
            key_hash=key_hash,
            refresh=refresh,
            tried=tried,
        ),
    )


def recorded(
    actor: Actor, action: Action, organization_id: UUID | None, attempt: Callable[[], Session | NotAuthenticated]
) -> Session:
    """Give the session, or raise the refusal and record it."""
    try:
        outcome = attempt()
        if isinstance(outcome, NotAuthenticated):
            raise outcome
    except NotAuthenticated as refusal:
        audit.failed(actor, action, None, organization_id=organization_id, why=type(refusal).__name__)
        raise
    return outcome


def _find_and_verify(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Look the account up and check the password: one hash, whoever it is, outside the transaction."""
    organization: Organization | None = arguments["organization"]
    user: User | None = None
    with suppress(Invalid):
        # SECURITY: the same queries whether organization and person exist or not.
        home = organization.pk if organization else ids.new()
        user = User.objects.named(arguments["login"], organization_id=home).first()
    tried = try_password(arguments["actor"], user, named=f"{organization and organization.pk}/{arguments['login']}")
    # SECURITY: checking against "no password" costs the same as checking against one.
    encoded = user.password if user else hashed(None)
    right = verified(arguments["password"], encoded)
    fresh = hashed(arguments["password"]) if right and needs_rehash(encoded) else ""
    return {"found": user if right else None, "checked": encoded, "fresh": fresh, "password": "", "tried": tried}


@operation(Action.SESSION_START, prepare=_find_and_verify)
def _session_start(
    *,
    actor: Actor,
    organization: Organization | None,
    login: str,
    password: str,
    key_hash: str,
    refresh: GeneratedSecret | None,
    code_follows: bool,
    found: User | None = None,
    checked: str = "",
    fresh: str = "",
    tried: Tried | None = None,
) -> Session | NotAuthenticated:
    """Open a session, or return the refusal where what was changed is to stay."""
    if found is None or tried is None:
        raise _wrong()
    user = User.objects.locked(found)
    if not constant_time_compare(user.password, checked) or not user.may_sign_in:
        raise _wrong()
    tried.was_right()
    if fresh:
        user.password = fresh
        user.save()
    if has_second_factor(user):
        return second_factor_asked(actor, user, mails=not code_follows)
    return _opened(actor, user, key_hash, refresh, ("pwd",))


@operation(Action.SESSION_START)
def _session_start_with_code(
    *,
    actor: Actor,
    proof: Proof,
    code: str,
    key_hash: str,
    refresh: GeneratedSecret | None,
    tried: Tried,
) -> Session | NotAuthenticated:
    """Open a session, or return the refusal where what was changed is to stay."""
    user = User.objects.locked(proof.user)
    guard_unchanged(user, proof)
    method = code_used(user, code, mark=proof.mark)
    if not method:
        raise proof.refusal("The code is wrong, or was used before.")
    tried.was_right()
    return _opened(actor, user, key_hash, refresh, ("pwd", method))


def _opened(
    actor: Actor, user: User, key_hash: str, refresh: GeneratedSecret | None, methods: tuple[str, ...]
) -> Session | NotAuthenticated:
    """Open a session; a program gets none where a second factor is still to be enrolled, for which it has no page."""
    if refresh and policy.must_enrol(user, methods):
        return NotAuthenticated(
            "Your account is to have a second factor, and has none yet that is enough.",
            remedy="Sign in with a browser, and enrol one.",
        )
    return open_session(actor, user, key_hash=key_hash, refresh=refresh, methods=methods)


def open_session(
    actor: Actor,
    user: User,
    *,
    key_hash: str,
    refresh: GeneratedSecret | None = None,
    methods: tuple[str, ...] = ("pwd",),
) -> Session:
    """Make the session's row, in the caller's transaction with the account locked and judged.

    Without the second factor that is asked for, it opens nothing but the page where one is enrolled. From a device that
    none of their sessions has, other than at the first sign-in ever, the person is told. Where there are too many
    sessions now, the oldest end.
    """
    now, limits = timezone.now(), limits_of(user)
    is_new_device = (
        user.last_sign_in_at is not None and not Session.objects.own().filter(user=user, device=actor.device).exists()
    )
    user.last_sign_in_at = now
    user.save()
    session = Session.objects.create(
        organization_id=user.organization_id,
        user=user,
        kind=Session.API if refresh else Session.BROWSER,
        key_hash=refresh.hash if refresh else key_hash,
        methods=list(methods),
        must_enrol=policy.must_enrol(user, methods),
        authenticated_at=now,
        idle_at=now + limits.idle,
        expires_at=now + limits.lifetime,
        ip=actor.ip,
        device=actor.device,
    )
    if refresh:
        RefreshToken.objects.create(session=session, lookup=refresh.lookup, secret_hash=refresh.hash)
    person = replace(
        actor, kind=ActorKind.USER, id=user.pk, organization_id=user.organization_id, session_id=session.pk
    )
    beyond = (
        Session.objects.live()
        .own()
        .filter(user=user)
        .order_by("-created_at", "-id")
        .values_list("pk", flat=True)[MOST:]
    )
    ended = Session.objects.filter(pk__in=list(beyond)).end(TOO_MANY)
    closed = {"sessions": ended} if ended else {}
    audit.record(person, Action.SESSION_START, user, session=session.public_id, ended=closed)
    if is_new_device:
        tell(user, "new_sign_in")
    return session


def limits_of(user: User) -> Limits:
    """Say how long somebody's sessions live: shorter for whoever runs anything."""
    return ADMIN_LIMITS if policy.administers(user) else LIMITS


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
    """Note that a session is in use, at most once a minute; no event, it changes nothing for anybody.

    Whoever came to administer something since it began gets the shorter limits now.
    """
    now = timezone.now()
    if now - session.last_active_at >= TOUCH_INTERVAL:
        limits = limits_of(session.user)
        Session.objects.live().filter(pk=session.pk).update(
            last_active_at=now,
            idle_at=now + limits.idle,
            expires_at=min(session.expires_at, session.created_at + limits.lifetime),
        )
