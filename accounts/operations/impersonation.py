"""Acting as somebody else, for a while and on record.

An impersonation is a session of the person, in which whoever acts is named. A program gets an access token for it,
and no refresh token; a browser gets a fresh key, and its own session waits until it comes back.
"""

from datetime import timedelta
from typing import Final, NamedTuple

from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import AuditEvent, Session, User
from accounts.operations.base import operation
from accounts.profile import reason_checked
from accounts.secrets import generate
from accounts.times import duration_text
from accounts.tokens import signed_token

__all__ = ["Impersonation", "impersonation_stop", "user_impersonate"]

USUAL: Final = timedelta(minutes=30)
LEAST: Final = timedelta(minutes=1)


class Impersonation(NamedTuple):
    """What was begun: the session, and the event that says why."""

    session: Session
    event: AuditEvent

    @property
    def access_token(self) -> str:
        """What a program acts with until the impersonation ends."""
        session = self.session
        token, _ = signed_token(
            user_id=session.user_id,
            session_id=session.pk,
            organization_id=session.organization_id,
            methods=session.methods,
            more={"act": {"sub": session.impersonator}},
            ends=session.expires_at,
        )
        return token


@operation(Action.USER_IMPERSONATE)
def user_impersonate(
    *, actor: Actor, user: User, reason: str, duration: timedelta | None = None, key_hash: str = ""
) -> Impersonation:
    """Act as somebody who may do less, until it is stopped, its time is over, or either of the two leaves.

    Whoever acts as the same person already begins anew: the impersonation before ends.

    :param duration: half an hour if not said, or what the organization allows if that is less
    :param key_hash: of the browser's fresh session key, where a browser begins; its own session then waits
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, as oneself, a super-user, or anybody who may not do strictly less
    :raises Invalid: without a reason, or for longer than the organization allows
    :raises Conflict: if the account is not active
    """
    held = User.objects.all_locked(key for key in (user.pk, actor.user_id) if key)
    if user.pk not in held:
        raise NotFound("User not found.")
    user = held[user.pk]
    actor = policy.current(actor)
    policy.require(actor, Action.USER_IMPERSONATE, user)
    reason = reason_checked(reason)
    if not reason:
        raise Invalid("Say why.", remedy="A ticket number is enough.", fields={"reason": "is required"})
    if not user.may_sign_in:
        raise Conflict("Nobody can act as an account that is not active.", remedy="Activate the account first.")
    own = Session.objects.filter(pk=actor.session_id).first() if actor.session_id else None
    ends = timezone.now().replace(microsecond=0) + _duration_checked(user, duration)
    ended = Session.objects.by(actor.kind, [actor.id]).filter(user=user).end(Action.USER_IMPERSONATE)
    session = Session.objects.create(
        organization_id=user.organization_id,
        user=user,
        kind=Session.IMPERSONATION,
        methods=own.methods if own else [],
        key_hash=key_hash or generate("imp").hash,
        authenticated_at=own.authenticated_at if own else timezone.now(),
        idle_at=ends,
        expires_at=min(ends, own.expires_at) if own else ends,
        ip=actor.ip,
        device=actor.device,
        impersonator_kind=actor.kind,
        impersonator_id=actor.id,
        started_in=actor.session_id,
        reason=reason,
    )
    if key_hash and own:
        BrowserSession.objects.filter(session_key=own.key_hash).delete()
        Session.objects.filter(pk=own.pk).update(key_hash=_waiting(session))
    event = audit.record(
        actor,
        Action.USER_IMPERSONATE,
        user,
        reason=reason,
        session=session.public_id,
        until=session.expires_at.isoformat(),
        ended={"sessions": ended} if ended else {},
    )
    return Impersonation(session, event)


@operation(Action.IMPERSONATION_STOP)
def impersonation_stop(*, actor: Actor, session: Session, key_hash: str = "") -> Session:
    """Stop acting as somebody; one that is over changes nothing but where the browser is.

    A program stops with the impersonation's own token. A browser stops as whoever it belongs to, in the session that
    waits for it: nobody is named, and that session is judged like any other.

    :param key_hash: of the fresh key with which a browser goes back to its own session
    :raises NotFound: if it is somebody else's, or the browser went back before
    """
    mine = actor.session_id
    if session.kind != Session.IMPERSONATION or mine is None or mine not in {session.pk, session.started_in}:
        raise NotFound("Impersonation not found.")
    own = Session.objects.select_related("user__organization").filter(pk=mine)
    # SECURITY: once, by a conditional update: a key of the impersonation that somebody saw opens nothing afterwards.
    if key_hash and not own.filter(key_hash=_waiting(session)).update(key_hash=key_hash):
        raise NotFound("Impersonation not found.")
    if Session.objects.filter(pk=session.pk).end(Action.IMPERSONATION_STOP):
        audit.record(actor, Action.IMPERSONATION_STOP, session.user, session=session.public_id)
    return own.get()


def _duration_checked(user: User, duration: timedelta | None) -> timedelta:
    most = user.organization.impersonation_max
    if duration is None:
        return min(USUAL, most)
    if not LEAST <= duration <= most:
        longest = duration_text(most)
        raise Invalid(
            f"An impersonation lasts from 1m to {longest} here.",
            remedy="Ask for less; the organization settles how long (impersonation_max).",
            fields={"duration": f"must be 1m to {longest}"},
        )
    return duration


def _waiting(session: Session) -> str:
    """Give what a browser's own session has for a key while it waits: no hash of any key, good for this one alone."""
    return f"waits-{session.pk.hex}"
