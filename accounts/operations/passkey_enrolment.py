"""Making a passkey: the question lies in the row that it makes, for one session and five minutes."""

from typing import Any, NamedTuple

from django.utils import timezone
from webauthn.helpers import generate_challenge

from accounts import audit
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import Factor, FactorKind, User
from accounts.operations.base import operation
from accounts.operations.credentials import require_recent
from accounts.operations.factors import NAME_LENGTH, Enrolled, factor_counts, make_room, oneself
from accounts.operations.passkeys import LIFE, METHODS, credentials_of, home_of_passkeys
from accounts.passkeys import Refused, as_bytes, as_text, credential_digest, options_to_enrol, read_enrolled
from accounts.profile import text_checked

__all__ = ["PasskeyEnrolment", "passkey_enrol_finish", "passkey_enrol_start", "passkey_enrolment_of"]


class PasskeyEnrolment(NamedTuple):
    """A passkey that is to be made."""

    factor: Factor
    options: dict[str, Any]


@operation(Action.FACTOR_ENROL)
def passkey_enrol_start(*, actor: Actor, user: User) -> PasskeyEnrolment:
    """Begin to enrol a passkey; it counts once it was made, within five minutes and in the same session.

    What was begun before and not finished goes.

    :raises NotFound: if it is somebody else's account
    :raises Conflict: if there are ten second factors already, or the service has no name that a passkey could be for
    :raises NotRecent: if it was longer ago that the person showed who they are
    """
    user = oneself(actor, user)
    require_recent(actor)
    home_of_passkeys()
    make_room(user)
    factor = Factor(
        organization_id=user.organization_id, user=user, kind=FactorKind.PASSKEY, name="Passkey", confirmed=False
    )
    factor.held = {"challenge": as_text(generate_challenge()), "session": str(actor.session_id)}
    factor.save()
    audit.record(actor, Action.FACTOR_ENROL, user, factor=factor.public_id, kind=factor.kind, begun=True)
    return _enrolment(user, factor)


def passkey_enrolment_of(actor: Actor, user: User) -> PasskeyEnrolment:
    """Give again what was begun in this session and is not finished.

    :raises NotFound: if nothing was, or it was too long ago
    """
    return _enrolment(user, _begun(actor, user))


def _enrolment(user: User, factor: Factor) -> PasskeyEnrolment:
    options = options_to_enrol(
        home_of_passkeys(),
        challenge=as_bytes(factor.held["challenge"]),
        handle=user.pk.bytes,
        login=user.email or user.username or user.public_id,
        name=user.display_name,
        there=credentials_of(user),
    )
    return PasskeyEnrolment(factor, options)


def _begun(actor: Actor, user: User) -> Factor:
    begun = Factor.objects.filter(user=user, kind=FactorKind.PASSKEY, confirmed=False)
    for factor in begun.filter(created_at__gt=timezone.now() - LIFE):
        if factor.held.get("session") == str(actor.session_id):
            return factor
    raise NotFound("There is no passkey to finish, or it took longer than five minutes.", remedy="Begin again.")


@operation(Action.FACTOR_ENROL)
def passkey_enrol_finish(*, actor: Actor, user: User, answer: str, name: str = "", key_hash: str = "") -> Enrolled:
    """Enrol the passkey that was made; the first second factor brings recovery codes, shown once.

    The session that it is done in counts as signed in with it from now on.

    :param answer: what the authenticator said, as JSON
    :param name: what the person calls it
    :param key_hash: of the fresh key of the browser that it is done in
    :raises NotFound: if it is somebody else's account, or nothing was begun in this session in the last five minutes
    :raises Invalid: if it is no such answer, or the name cannot be one; what was begun stays
    :raises Conflict: if that passkey is enrolled already, by whomever
    """
    user = oneself(actor, user)
    factor = _begun(actor, user)
    name = text_checked("name", name or "Passkey", longest=NAME_LENGTH)
    try:
        made = read_enrolled(answer, at=home_of_passkeys(), challenge=as_bytes(factor.held["challenge"]))
    except Refused:
        raise Invalid(
            "The passkey was not made as it has to be.",
            remedy="Try again, and unlock it when you are asked to.",
            fields={"answer": "is not the answer to what was asked"},
        ) from None
    digest = credential_digest(made.credential)
    if Factor.objects.filter(credential=digest).exists():
        raise Conflict("This passkey is enrolled already.", remedy="Use another one, or another authenticator.")
    factor.name, factor.credential = name, digest
    factor.held = {
        "credential": as_text(made.credential),
        "key": as_text(made.public_key),
        "count": made.sign_count,
        "backed_up": made.is_backed_up,
        "asked_at": factor.created_at.isoformat(),
    }
    factor.save(update_fields=["name", "credential", "secret"])
    return factor_counts(actor, user, factor, methods=METHODS, key_hash=key_hash)
