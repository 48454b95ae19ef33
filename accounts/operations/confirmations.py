"""Showing once more who one is, in a session that is open: asked for before what a borrowed browser should not do."""

from collections.abc import Callable

from django.utils import timezone

from accounts import audit
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Invalid, NotAuthenticated, NotFound
from accounts.models import Session, User
from accounts.models.factors import has_second_factor
from accounts.operations.base import operation
from accounts.operations.factors import code_used
from accounts.operations.proofs import Proof, SecondFactorNeeded, guard_unchanged, proven, second_factor_asked
from accounts.operations.tries import Tried, confirm_present_password, guard_password_unchanged, try_code

__all__ = ["renewed", "session_confirm", "session_confirm_with_code"]


def session_confirm(*, actor: Actor, user: User, current_password: str, key_hash: str) -> Session:
    """Note that the person of a browser's session showed just now that it is them; the browser gets a fresh key.

    :param key_hash: of the fresh key
    :raises NotFound: if it is somebody else's account, or there is no such session
    :raises Invalid: if it is another password
    :raises SecondFactorNeeded: if the password was right and a second factor is enrolled
    :raises Conflict: if the password was changed at the same moment
    :raises Throttled: after too many wrong ones
    """
    return _confirmed(
        actor,
        lambda: _session_confirm(actor=actor, user=user, current_password=current_password, key_hash=key_hash),
    )


def session_confirm_with_code(*, actor: Actor, proof: str, code: str, key_hash: str) -> Session:
    """Do the same for somebody whose password was right, with the code of their second factor.

    :param proof: from ``SecondFactorNeeded``
    :param key_hash: of the fresh key
    :raises NotAuthenticated: if too much time went by, the account changed meanwhile, or it is somebody else's
    :raises SecondFactorNeeded: if the code is wrong or was used before
    :raises Throttled: after too many wrong ones
    """
    shown = proven(proof)
    if shown.user.pk != actor.user_id:
        raise NotAuthenticated("This is somebody else's account.", remedy="Start again.")
    tried = try_code(actor, shown.user)
    return _confirmed(
        actor,
        lambda: _session_confirm_with_code(actor=actor, proof=shown, code=code, key_hash=key_hash, tried=tried),
    )


def _confirmed(actor: Actor, confirm: Callable[[], Session | SecondFactorNeeded]) -> Session:
    """Give the session, or raise the refusal and record it."""
    try:
        outcome = confirm()
        if isinstance(outcome, SecondFactorNeeded):
            raise outcome
    except (Invalid, NotAuthenticated) as refusal:
        why = type(refusal).__name__
        audit.failed(actor, Action.SESSION_CONFIRM, None, organization_id=actor.organization_id, why=why)
        raise
    return outcome


@operation(Action.SESSION_CONFIRM, prepare=confirm_present_password)
def _session_confirm(
    *, actor: Actor, user: User, current_password: str, key_hash: str, checked: str = ""
) -> Session | SecondFactorNeeded:
    """Renew the session, or return the refusal where the password was right."""
    user = User.objects.locked(user)
    guard_password_unchanged(user, checked)
    if has_second_factor(user):
        return second_factor_asked(actor, user)
    return renewed(actor, user, key_hash, ("pwd",))


@operation(Action.SESSION_CONFIRM)
def _session_confirm_with_code(*, actor: Actor, proof: Proof, code: str, key_hash: str, tried: Tried) -> Session:
    """Renew the session."""
    user = User.objects.locked(proof.user)
    guard_unchanged(user, proof)
    method = code_used(user, code, mark=proof.mark)
    if not method:
        raise proof.refusal("The code is wrong, or was used before.")
    tried.was_right()
    return renewed(actor, user, key_hash, ("pwd", method))


def renewed(actor: Actor, user: User, key_hash: str, methods: tuple[str, ...]) -> Session:
    """Note it in the session's row, in the caller's transaction with the account locked.

    :raises NotFound: if there is no such session of a browser
    """
    mine = Session.objects.live().filter(user=user, kind=Session.BROWSER)
    # SECURITY: what knew the key before may not go on with it once more is permitted (session fixation); and a session
    # that is ended at this moment stays so, which writing back what was read before would undo.
    fresh = {"key_hash": key_hash, "methods": list(methods), "authenticated_at": timezone.now()}
    if not (actor.session_id and mine.filter(pk=actor.session_id).update(**fresh)):
        raise NotFound("Session not found.")
    session = Session.objects.select_related("user__organization").get(pk=actor.session_id)
    audit.record(actor, Action.SESSION_CONFIRM, user, session=session.public_id, methods=list(methods))
    return session
