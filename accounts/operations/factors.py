"""Second factors: enrolled by the person, taken away by them or by an admin, checked at sign-in."""

import secrets
from base64 import b32encode
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import django_otp
from django.db import transaction
from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import Factor, FactorKind, RecoveryCode, Session, User
from accounts.models.factors import NO_CODE, code_digest, has_second_factor
from accounts.operations.base import expect_version, operation
from accounts.operations.credentials import end_credentials, guard_changeable, renew_key, require_recent
from accounts.operations.outbox import tell
from accounts.operations.proofs import code_mailed, guard_not_too_many, mailed_for
from accounts.operations.tries import try_code
from accounts.profile import reason_checked, text_checked

__all__ = [
    "NAME_LENGTH",
    "Enrolled",
    "Enrolment",
    "code_used",
    "enrolment_of",
    "factor_counts",
    "factor_enrol_finish",
    "factor_enrol_start",
    "factor_remove",
    "factors_resealed",
    "make_room",
    "oneself",
    "recovery_codes_renew",
    "user_disable_two_factor",
    "user_reset_two_factor",
]

MOST: Final = 10
"""How many second factors a person may have."""
KEY_BYTES: Final = 20
"""Of an app's key: 160 bits, as RFC 4226 recommends."""
CODES: Final = 10
"""How many recovery codes a person gets at a time."""
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Of recovery codes: 32 letters and digits that are not taken for one another (Crockford)."""
NAMES: Final[dict[str, str]] = {FactorKind.TOTP: "Authenticator app", FactorKind.EMAIL: "Codes by mail"}
METHODS: Final[dict[str, str]] = {FactorKind.TOTP: "otp", FactorKind.EMAIL: "mail"}
"""What a session and a token say of each (``amr``; RFC 8176 has no word for mail)."""
WRONG: Final[dict[str, str]] = {
    FactorKind.TOTP: "Enter the code that the app shows now. If it never fits, set the clock of the phone.",
    FactorKind.EMAIL: "Enter the eight digits of the last letter. They are good for ten minutes.",
}
GROUPS: Final = 4
GROUP: Final = 6
NAME_LENGTH: Final = 64
BATCH: Final = 500


class Enrolment(NamedTuple):
    """What is to be shown to work: of an app its key, to be typed, and as the address in a QR code."""

    factor: Factor
    key: str
    address: str


class Enrolled(NamedTuple):
    """A second factor that counts from now on, and recovery codes, if it is the first."""

    factor: Factor
    codes: Sequence[str]


@operation(Action.FACTOR_ENROL)
def factor_enrol_start(*, actor: Actor, user: User, name: str = "", kind: str = FactorKind.TOTP) -> Enrolment:
    """Begin to enrol an authenticator app, or codes by mail; it counts once a code of it was shown.

    What was begun before and not finished goes.

    :param name: what the person calls it
    :param kind: ``totp`` or ``email``
    :raises NotFound: if it is somebody else's account
    :raises Invalid: if the name cannot be one, or there is no such kind
    :raises Conflict: if there are ten already; of codes by mail if they are not for this person, there are some, or the
        address is not confirmed
    :raises Throttled: if too many codes were mailed in an hour
    :raises NotRecent: if it was longer ago that the person showed who they are
    """
    user = oneself(actor, user)
    require_recent(actor)
    make_room(user)
    if kind not in NAMES:
        words = ", ".join(NAMES)
        raise Invalid(f"A second factor is one of: {words}.", fields={"kind": f"must be one of: {words}"})
    is_mailed = kind == FactorKind.EMAIL
    if is_mailed:
        _guard_may_be_mailed(user)
    factor = Factor(
        organization_id=user.organization_id,
        user=user,
        kind=kind,
        name=text_checked("name", name or NAMES[kind], longest=NAME_LENGTH),
        confirmed=False,
    )
    factor.held = NO_CODE if is_mailed else {"key": b32encode(secrets.token_bytes(KEY_BYTES)).decode(), "step": -1}
    factor.save()
    audit.record(actor, Action.FACTOR_ENROL, user, factor=factor.public_id, kind=factor.kind, begun=True)
    if is_mailed:
        code_mailed(actor, factor, mailed_for(user, str(factor.pk)))
    return _enrolment(factor)


def _guard_may_be_mailed(user: User) -> None:
    """Refuse codes by mail where they would be no second factor.

    :raises Conflict: saying why
    :raises Throttled: if too many were mailed in an hour
    """
    if not policy.may_have_mail_codes(user):
        raise Conflict(
            "Codes by mail are not for this account: its organization does not allow them, or it runs something.",
            remedy="Use an authenticator app.",
        )
    if Factor.objects.mailed().filter(user=user).exists():
        raise Conflict("Codes are mailed to you already.")
    if not user.email_verified:
        raise Conflict("Your address is not confirmed.", remedy="Open the link in the letter that was sent to it.")
    guard_not_too_many(user)


def _enrolment(factor: Factor) -> Enrolment:
    key = factor.held.get("key", "")
    return Enrolment(factor, key, _address(factor.user, key) if key else "")


def make_room(user: User) -> None:
    """Take away what was begun and not finished, before something else is.

    :raises Conflict: if there are ten already
    """
    Factor.objects.filter(user=user, confirmed=False).delete()
    if Factor.objects.filter(user=user).count() >= MOST:
        raise Conflict(f"There are {MOST} second factors already.", remedy="Remove one that you do not use.")


def enrolment_of(user: User) -> Enrolment:
    """Give again what was begun and is not finished.

    :raises NotFound: if nothing was
    """
    return _enrolment(_begun(user))


def _begun(user: User) -> Factor:
    factor: Factor | None = Factor.objects.filter(user=user, confirmed=False).exclude(kind=FactorKind.PASSKEY).first()
    if factor is None:
        raise NotFound("There is no second factor to finish.", remedy="Begin again.")
    return factor


def _address(user: User, key: str) -> str:
    """Write the address that apps read from a QR code (Key Uri Format)."""
    issuer = user.organization.name
    label = quote(f"{issuer}:{user.email or user.username}")
    return f"otpauth://totp/{label}?{urlencode({'secret': key, 'issuer': issuer}, quote_via=quote)}"


def _counted(arguments: dict[str, Any]) -> dict[str, Any]:
    if arguments["user"].pk != arguments["actor"].user_id:  # nobody uses up the tries of somebody else
        raise NotFound("User not found.")
    return {"tried": try_code(arguments["actor"], arguments["user"])}


@operation(Action.FACTOR_ENROL, prepare=_counted)
def factor_enrol_finish(*, actor: Actor, user: User, code: str, key_hash: str = "", tried: Any = None) -> Enrolled:
    """Enrol what was begun, by a code of it; the first brings recovery codes, shown once.

    The session that it is done in counts as signed in with it from now on.

    :param key_hash: of the fresh key of the browser that it is done in
    :raises NotFound: if it is somebody else's account, or nothing was begun
    :raises Invalid: if the code is wrong; what was begun stays
    :raises Throttled: after too many wrong ones
    """
    user = oneself(actor, user)
    factor = _begun(user)
    if not django_otp.verify_token(user, factor.persistent_id, _token(factor, code, mark=str(factor.pk))):
        raise Invalid("The code is wrong.", remedy=WRONG[factor.kind], fields={"code": "is wrong"})
    tried.was_right()
    return factor_counts(actor, user, factor, methods=(METHODS[factor.kind],), key_hash=key_hash)


def factor_counts(actor: Actor, user: User, factor: Factor, *, methods: Sequence[str], key_hash: str) -> Enrolled:
    """Let a second factor that was shown to work count from now on, in the caller's transaction.

    :param methods: what the session that it is done in is signed in with besides (``amr``)
    :param key_hash: of the fresh key of the browser that it is done in
    """
    is_first = not has_second_factor(user)
    Factor.objects.filter(pk=factor.pk).update(confirmed=True)
    factor.refresh_from_db()
    codes = _fresh_codes(user) if is_first else []
    _signed_in_with_it(actor, user, methods)
    if key_hash:
        renew_key(actor, user, key_hash)
    audit.record(actor, Action.FACTOR_ENROL, user, factor=factor.public_id, kind=factor.kind)
    tell(user, "factor_added")
    return Enrolled(factor, codes)


def _signed_in_with_it(actor: Actor, user: User, methods: Sequence[str]) -> None:
    if user.must_enrol:
        user.must_enrol = False
        user.save()
    session = Session.objects.filter(pk=actor.session_id, user=user).first() if actor.session_id else None
    if session is not None:
        session.must_enrol = False
        session.methods = [*dict.fromkeys([*session.methods, *methods])]
        session.save(update_fields=["must_enrol", "methods"])


@operation(Action.FACTOR_RENEW_CODES)
def recovery_codes_renew(*, actor: Actor, user: User) -> Sequence[str]:
    """Give ten new recovery codes, shown once; the ones before open nothing any more.

    :raises NotFound: if it is somebody else's account
    :raises Conflict: without a second factor
    :raises NotRecent: if it was longer ago that the person showed who they are
    """
    user = oneself(actor, user)
    require_recent(actor)
    if not has_second_factor(user):
        raise Conflict("There is no second factor.", remedy="Enrol one first; recovery codes come with it.")
    codes = _fresh_codes(user)
    audit.record(actor, Action.FACTOR_RENEW_CODES, user)
    tell(user, "recovery_codes")
    return codes


def _fresh_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP)) for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, code_hash=code_digest(code)) for code in codes)
    return ["-".join(code[start : start + GROUP] for start in range(0, len(code), GROUP)) for code in codes]


def oneself(actor: Actor, user: User) -> User:
    """Hold the actor's own account.

    :raises NotFound: if it is somebody else's
    """
    if user.pk != actor.user_id:
        raise NotFound("User not found.")
    user = User.objects.locked(user)
    guard_changeable(user)
    return user


@operation(Action.FACTOR_REMOVE)
def factor_remove(*, actor: Actor, factor: Factor, reason: str = "") -> User:
    """Take a second factor away; without another one, and not by the person, that is a reset.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if it is one's own last one, where one is asked for
    :raises NotRecent: if it is one's own, and it was longer ago that the person showed who they are
    """
    user = User.objects.locked(factor.user)
    policy.require(actor, Action.FACTOR_REMOVE, user)
    policy.require_all_theirs(actor, Action.FACTOR_REMOVE, user)
    guard_changeable(user)
    own = user.pk == actor.user_id
    if own:
        require_recent(actor)
    if not Factor.objects.filter(pk=factor.pk).delete()[0]:
        raise NotFound("Second factor not found.")
    is_last = not has_second_factor(user)
    if is_last:
        RecoveryCode.objects.filter(user=user).delete()
    if is_last and own:
        _guard_not_asked_for(user)
    ended = _ended(actor, Action.FACTOR_REMOVE, user, must_enrol=is_last and not own)
    audit.record(
        actor,
        Action.FACTOR_REMOVE,
        user,
        reason=reason_checked(reason),
        factor=factor.public_id,
        kind=factor.kind,
        ended=ended,
    )
    tell(user, "factor_removed")
    return user


@operation(Action.USER_DISABLE_TWO_FACTOR)
def user_disable_two_factor(*, actor: Actor, user: User, reason: str = "", expected_version: int | None = None) -> User:
    """Take all second factors away; one is asked for again only where it is required. None changes nothing.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if the account is restricted or being erased, the version is another one, or one is asked for of
        the actor, whose own they are
    :raises NotRecent: if they are one's own, and it was longer ago that one showed who one is
    """
    return _all_removed(actor, Action.USER_DISABLE_TWO_FACTOR, user, reason, expected_version, must_enrol=False)


@operation(Action.USER_RESET_TWO_FACTOR)
def user_reset_two_factor(*, actor: Actor, user: User, reason: str = "", expected_version: int | None = None) -> User:
    """Take all second factors away, and ask for a new one at the next sign-in.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if the account is restricted or being erased, or the version is another one
    :raises NotRecent: if they are one's own, and it was longer ago that one showed who one is
    """
    return _all_removed(actor, Action.USER_RESET_TWO_FACTOR, user, reason, expected_version, must_enrol=True)


def _all_removed(
    actor: Actor, action: Action, user: User, reason: str, expected_version: int | None, *, must_enrol: bool
) -> User:
    user = User.objects.locked(user)
    policy.require(actor, action, user)
    # SECURITY: with the password of somebody, whoever takes their second factor away can act as them everywhere.
    policy.require_all_theirs(actor, action, user)
    expect_version(user, expected_version)
    guard_changeable(user)
    if user.pk == actor.user_id:
        require_recent(actor)
        if not must_enrol:
            _guard_not_asked_for(user)
    removed = Factor.objects.filter(user=user, confirmed=True).count()
    Factor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    if not removed and user.must_enrol == must_enrol:
        return user
    ended = _ended(actor, action, user, must_enrol=must_enrol)
    audit.record(actor, action, user, reason=reason_checked(reason), removed=removed, ended=ended)
    if removed:
        tell(user, "factor_removed")
    return user


def _ended(actor: Actor, action: Action, user: User, *, must_enrol: bool) -> dict[str, int]:
    """Settle what the next sign-in asks for, and end what somebody else's account is signed in with; says what."""
    if user.must_enrol != must_enrol:
        user.must_enrol = must_enrol
        user.save()
    return {} if user.pk == actor.user_id else end_credentials(user, action, keys=False)


def _guard_not_asked_for(user: User) -> None:
    if policy.needs_second_factor(user):
        raise Conflict(
            "Your organization asks for a second factor, and this is the last.", remedy="Enrol another one first."
        )


def _token(factor: Factor, code: str, *, mark: str) -> str:
    return f"{mailed_for(factor.user, mark)} {code}" if factor.is_mailed else code


def code_used(user: User, code: str, *, mark: str) -> str:
    """Use a code up, of an app, by mail or for recovery; says which it was (``amr``), nothing if it is none.

    In the caller's transaction, with the account locked and the try counted.

    :param mark: of the sign-in that a mailed code is bound to
    """
    # SECURITY: verify_token locks the device's row; the device's own method accepts one code twice in a race.
    for factor in Factor.objects.enrolled().by_code().filter(user=user).select_related("user").order_by("pk"):
        if django_otp.verify_token(user, factor.persistent_id, _token(factor, code, mark=mark)):
            return METHODS[factor.kind]
    bare = code.replace("-", "").lower()
    if len(bare) == GROUPS * GROUP and RecoveryCode.objects.use(user.pk, bare, at=timezone.now()):
        tell(user, "recovery_code_used")
        return "recovery"
    return ""


def factors_resealed() -> int:
    """Encrypt with the present key what an older one encrypted; says how many were there."""
    rows = list(Factor.objects.sealed_before().order_by("pk")[:BATCH])
    for row in rows:
        with suppress(NotFound), transaction.atomic():
            factor = Factor.objects.held(row)
            if content := factor.held:  # what no key opens is left as it is
                factor.held = content
                factor.save(update_fields=["secret"])
    return len(rows)
