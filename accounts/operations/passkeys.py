"""Passkeys: alone, or beside the password, they show who somebody is.

A passkey is unlocked by its person (PIN, finger, face), so that it is two factors by itself. What a browser asks an
authenticator is signed and given out with the question, not stored; it is good for five minutes, for one purpose and
one browser, person or session, and of a passkey's answers each has to be to a later question than the one before.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.core import signing
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from webauthn.helpers import generate_challenge

from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, NotAuthenticated, NotFound
from accounts.models import Factor, Organization, Session, Throttle, User
from accounts.operations.base import operation
from accounts.operations.confirmations import renewed
from accounts.operations.outbox import tell
from accounts.operations.proofs import Proof, guard_unchanged, proven
from accounts.operations.sessions import open_session, recorded
from accounts.operations.tries import try_passkey
from accounts.passkeys import (
    MINUTES,
    Home,
    Refused,
    as_bytes,
    as_text,
    credential_digest,
    credential_in,
    home,
    options_to_show,
    read_shown,
)

__all__ = [
    "LIFE",
    "METHODS",
    "Asked",
    "CopiedPasskey",
    "ask_anybody",
    "ask_person",
    "ask_second",
    "credentials_of",
    "home_of_passkeys",
    "session_confirm_with_passkey",
    "session_start_with_passkey",
    "session_start_with_second_passkey",
]

METHODS: Final = ("pop", "user")
"""A passkey in ``amr`` (RFC 8176): a key that its holder has, which the person unlocked."""
LIFE: Final = timedelta(minutes=MINUTES)
STATE: Final = "accounts.passkeys"
NOT_TAKEN: Final = "The passkey was not taken."


class Ceremony(StrEnum):
    """What somebody shows a passkey for."""

    SIGN_IN = "sign-in"
    SECOND = "second"
    CONFIRM = "confirm"


class Asked(NamedTuple):
    """What a browser is to ask an authenticator, and what it hands in with the answer."""

    options: dict[str, Any]
    state: str


class CopiedPasskey(NotAuthenticated):
    """The passkey has signed more often than this one says: there are two of it."""


# --- asking ------------------------------------------------------------------------------------


def ask_anybody(browser: str) -> Asked | None:
    """Ask for any passkey of this service, to sign in with; nothing, where there can be none.

    :param browser: a word that only this browser knows
    """
    at = home()
    return _asked(at, Ceremony.SIGN_IN, browser) if at else None


def ask_second(proof: str) -> Asked | None:
    """Ask somebody whose password was right for a passkey of theirs; nothing, if they have none.

    :param proof: from ``SecondFactorNeeded``
    :raises NotAuthenticated: if it is none any more
    """
    shown = proven(proof)
    return _asked_of(shown.user, Ceremony.SECOND, shown.mark)


def ask_person(actor: Actor, user: User) -> Asked | None:
    """Ask somebody who is signed in for a passkey of theirs; nothing, if they have none."""
    return _asked_of(user, Ceremony.CONFIRM, str(actor.session_id))


def _asked_of(user: User, ceremony: Ceremony, whose: str) -> Asked | None:
    at, credentials = home(), credentials_of(user)
    return _asked(at, ceremony, whose, credentials) if at and credentials else None


def _asked(at: Home, ceremony: Ceremony, whose: str, of: list[bytes] | None = None) -> Asked:
    challenge = generate_challenge()
    state = signing.dumps([_mark(ceremony, whose), as_text(challenge), timezone.now().isoformat()], salt=STATE)
    return Asked(options_to_show(at, challenge=challenge, of=of or []), state)


def _mark(ceremony: Ceremony, whose: str) -> str:
    # SECURITY: a digest, because the state lies open in a page, and must not give away what only the browser knows.
    return salted_hmac(STATE, f"{ceremony} {whose}", algorithm="sha256").hexdigest()


def _question(state: str, ceremony: Ceremony, whose: str) -> tuple[bytes, datetime]:
    """Read what was asked, and when.

    :raises Refused: if it was for something or somebody else, or too long ago
    """
    try:
        mark, challenge, asked_at = signing.loads(state, salt=STATE, max_age=LIFE)
    except signing.BadSignature:
        raise Refused from None
    if not constant_time_compare(mark, _mark(ceremony, whose)):
        raise Refused
    return as_bytes(challenge), datetime.fromisoformat(asked_at)


# --- showing -----------------------------------------------------------------------------------


def session_start_with_passkey(
    *, actor: Actor, organization: str, browser: str, state: str, answer: str, key_hash: str
) -> Session:
    """Sign somebody in with a passkey alone, which says who they are.

    The same answer for a passkey that is not known, of somebody who may not sign in, or of another organization.

    :param organization: the id or slug that was named; empty, if none was
    :param browser: the word that only this browser knows
    :param state: from the question
    :param answer: what the authenticator said, as JSON
    :param key_hash: of the browser's fresh session key
    :raises NotAuthenticated: if it is not to be
    :raises Throttled: after too many wrong ones from this network
    """
    bucket = try_passkey(actor)
    found = _found(answer)
    home_id = found.organization_id if found else None
    named = Organization.objects.named(organization.lower()).first() if organization else None
    # SECURITY: an organization that is not there is nobody's, and not one that was left out.
    named_id = (named.pk if named else None) if organization else home_id

    def attempt() -> Session | NotAuthenticated:
        if found is None or named_id != home_id:
            raise _wrong()
        return _session_start_with_passkey(
            actor=actor, factor=found, state=state, browser=browser, answer=answer, key_hash=key_hash, bucket=bucket
        )

    return recorded(actor, Action.SESSION_START, named_id, attempt)


@operation(Action.SESSION_START)
def _session_start_with_passkey(
    *, actor: Actor, factor: Factor, browser: str, state: str, answer: str, key_hash: str, bucket: str
) -> Session | NotAuthenticated:
    """Open a session, or return the refusal where the person is told."""
    user = User.objects.locked(factor.user)
    if not user.may_sign_in:
        raise _wrong()
    try:
        is_copied = _used(factor, user, answer, _question(state, Ceremony.SIGN_IN, browser), needs_handle=True)
    except (Refused, NotFound):
        raise _wrong() from None
    if is_copied:
        return _copied(user)
    Throttle.objects.give_back(bucket)
    return open_session(actor, user, key_hash=key_hash, methods=METHODS)


def session_start_with_second_passkey(*, actor: Actor, proof: str, state: str, answer: str, key_hash: str) -> Session:
    """Sign somebody in whose password was right, with a passkey of theirs.

    :param proof: from ``SecondFactorNeeded``
    :param state: from the question
    :param answer: what the authenticator said, as JSON
    :param key_hash: of the browser's fresh session key
    :raises NotAuthenticated: if too much time went by, or the account changed meanwhile
    :raises SecondFactorNeeded: if it is not the answer
    :raises Throttled: after too many wrong ones from this network
    """
    shown = proven(proof)
    bucket = try_passkey(actor)
    return recorded(
        actor,
        Action.SESSION_START,
        shown.user.organization_id,
        lambda: _session_start_with_second_passkey(
            actor=actor, proof=shown, state=state, answer=answer, key_hash=key_hash, bucket=bucket
        ),
    )


@operation(Action.SESSION_START)
def _session_start_with_second_passkey(
    *, actor: Actor, proof: Proof, state: str, answer: str, key_hash: str, bucket: str
) -> Session | NotAuthenticated:
    """Open a session, or return the refusal where the person is told."""
    user = User.objects.locked(proof.user)
    guard_unchanged(user, proof)
    factor = _found(answer, user)
    if factor is None:
        raise proof.refusal(NOT_TAKEN)
    try:
        is_copied = _used(factor, user, answer, _question(state, Ceremony.SECOND, proof.mark))
    except (Refused, NotFound):
        raise proof.refusal(NOT_TAKEN) from None
    if is_copied:
        return _copied(user)
    Throttle.objects.give_back(bucket)
    return open_session(actor, user, key_hash=key_hash, methods=("pwd", *METHODS))


def session_confirm_with_passkey(*, actor: Actor, user: User, state: str, answer: str, key_hash: str) -> Session:
    """Note that the person of a browser's session showed just now, by a passkey, that it is them.

    :param state: from the question
    :param answer: what the authenticator said, as JSON
    :param key_hash: of the browser's fresh key
    :raises NotFound: if it is somebody else's account, or there is no such session
    :raises NotAuthenticated: if it is not the answer
    :raises Throttled: after too many wrong ones from this network
    """
    if user.pk != actor.user_id:
        raise NotFound("User not found.")
    bucket = try_passkey(actor)
    return recorded(
        actor,
        Action.SESSION_CONFIRM,
        user.organization_id,
        lambda: _session_confirm_with_passkey(
            actor=actor, user=user, state=state, answer=answer, key_hash=key_hash, bucket=bucket
        ),
    )


@operation(Action.SESSION_CONFIRM)
def _session_confirm_with_passkey(
    *, actor: Actor, user: User, state: str, answer: str, key_hash: str, bucket: str
) -> Session | NotAuthenticated:
    """Renew the session, or return the refusal where the person is told."""
    user = User.objects.locked(user)
    factor = _found(answer, user)
    if factor is None:
        raise _wrong()
    try:
        is_copied = _used(factor, user, answer, _question(state, Ceremony.CONFIRM, str(actor.session_id)))
    except (Refused, NotFound):
        raise _wrong() from None
    if is_copied:
        return _copied(user)
    Throttle.objects.give_back(bucket)
    return renewed(actor, user, key_hash, METHODS)


def _found(answer: str, user: User | None = None) -> Factor | None:
    """Find the passkey that an answer is of, the person's if one is named."""
    try:
        digest = credential_digest(credential_in(answer))
    except Refused:
        return None
    rows = Factor.objects.passkeys().filter(credential=digest).select_related("user")
    factor: Factor | None = (rows.filter(user=user) if user else rows).first()
    return factor


def _used(
    factor: Factor, user: User, answer: str, question: tuple[bytes, datetime], *, needs_handle: bool = False
) -> bool:
    """Use an answer up, in the caller's transaction with the account locked; says whether it is of a copy.

    :raises Refused: if it does not answer the question, or answered it before
    :raises NotFound: if the passkey was taken away meanwhile
    """
    factor = Factor.objects.held(factor)
    challenge, asked_at = question
    held = factor.held
    if not held:
        raise Refused  # no key opens what is kept of it
    shown = read_shown(answer, at=home_of_passkeys(), challenge=challenge, public_key=as_bytes(held["key"]))
    if shown.handle != user.pk.bytes and (needs_handle or shown.handle is not None):
        raise Refused
    # SECURITY: passkeys that are kept in several places have no counter; this is what makes each answer good once.
    if asked_at <= datetime.fromisoformat(held["asked_at"]):
        raise Refused
    if (shown.sign_count or held["count"]) and shown.sign_count <= held["count"]:
        return True
    factor.held = {
        **held,
        "count": shown.sign_count,
        "backed_up": shown.is_backed_up,
        "asked_at": asked_at.isoformat(),
    }
    factor.last_used_at = timezone.now()
    factor.save(update_fields=["secret", "last_used_at"])
    return False


def _copied(user: User) -> CopiedPasskey:
    tell(user, "passkey_copied")
    wrong = _wrong()
    return CopiedPasskey(wrong.message, remedy=wrong.remedy)


def _wrong() -> NotAuthenticated:
    return NotAuthenticated(NOT_TAKEN, remedy="Try again, or use your password.")


def credentials_of(user: User) -> list[bytes]:
    """Give the ids of somebody's passkeys, as their authenticators know them."""
    rows = Factor.objects.passkeys().filter(user=user).order_by("pk")
    return [as_bytes(held["credential"]) for held in (row.held for row in rows) if held]


def home_of_passkeys() -> Home:
    """Say where passkeys are good.

    :raises Conflict: where there can be none
    """
    at = home()
    if at is None:
        raise Conflict(
            "Passkeys are bound to a name, and this service has a number for an address.",
            remedy="Use an authenticator app. Whoever runs the service can give it a name (PUBLIC_URL).",
        )
    return at
