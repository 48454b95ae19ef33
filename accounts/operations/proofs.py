"""Between the password and the second factor: a signed proof that the password was right, and codes by mail."""

import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple

from django.core import signing
from django.utils.crypto import constant_time_compare

from accounts import audit
from accounts.actions import Action
from accounts.actors import Actor, ActorKind
from accounts.errors import Conflict, NotAuthenticated, NotFound, Throttled
from accounts.models import Factor, FactorKind, Outbox, User
from accounts.operations.base import operation
from accounts.operations.links import CODE
from accounts.operations.outbox import tell

__all__ = [
    "Proof",
    "SecondFactorNeeded",
    "code_mailed",
    "guard_not_too_many",
    "guard_unchanged",
    "mail_code_send",
    "mailed_for",
    "methods_of",
    "proven",
    "second_factor_asked",
]

LIFE: Final = timedelta(minutes=10)
"""How long the password counts while the second factor is looked for: a letter takes its time."""
SALT: Final = "accounts.second-factor"
MARK_BYTES: Final = 12
LETTERS: Final = 5
"""How many codes are mailed to a person in an hour."""


REMEDIES: Final = {
    FactorKind.TOTP: "Enter the code that your authenticator app shows now; each code works once.",
    FactorKind.EMAIL: "Enter the code that was mailed to you, or a recovery code.",
    FactorKind.PASSKEY: "Use your passkey, in a browser, or enter a recovery code.",
}
"""What somebody does who has several, by the first of these that they have."""


class SecondFactorNeeded(NotAuthenticated):
    """The password was right; a second factor is needed too.

    ``proof`` is what to hand in with the code: it says, signed, whose password was right, for ten minutes; ``methods``
    which second factors there are; ``mailed_to`` is the address that a code is on its way to, if one is.
    """

    def __init__(self, message: str, *, proof: str, methods: list[str], mailed_to: str = "") -> None:
        remedy = next((words for kind, words in REMEDIES.items() if kind in methods), "")
        super().__init__(message, remedy=remedy, more={"proof": proof, "methods": methods})
        self.proof, self.methods, self.mailed_to = proof, methods, mailed_to


class Proof(NamedTuple):
    """Whose password was right, which that was, and the mark of this one sign-in."""

    text: str
    user: User
    password_seen: str
    mark: str

    def refusal(self, message: str) -> SecondFactorNeeded:
        """Ask for the second factor again, in the same sign-in."""
        return SecondFactorNeeded(message, proof=self.text, methods=methods_of(self.user))


def proven(proof: str) -> Proof:
    """Read what a proof says.

    :raises NotAuthenticated: if nobody signed it, or too much time went by
    """
    late = NotAuthenticated("That took too long, or the account was changed meanwhile.", remedy="Sign in again.")
    try:
        public_id, password_seen, mark = signing.loads(proof, salt=SALT, max_age=LIFE)
    except signing.BadSignature:
        raise late from None
    user = User.objects.filter(pk=public_id).first()
    if user is None:
        raise late
    return Proof(proof, user, password_seen, mark)


def guard_unchanged(user: User, proof: Proof) -> None:
    """Refuse if the account, locked now, is no longer what the proof is of.

    :raises NotAuthenticated: saying so
    """
    if not constant_time_compare(user.get_session_auth_hash(), proof.password_seen) or not user.may_sign_in:
        raise NotAuthenticated("The account was changed meanwhile.", remedy="Sign in again.")


def methods_of(user: User) -> list[str]:
    """Say by which kinds of second factor somebody can show who they are."""
    return sorted(set(Factor.objects.enrolled().filter(user=user).values_list("kind", flat=True)))


def second_factor_asked(actor: Actor, user: User, *, mails: bool = True) -> SecondFactorNeeded:
    """Ask for the second factor of somebody whose password was right, in the caller's transaction.

    Who has codes by mail alone is mailed one, unless there were too many.

    :param mails: not if the code comes with the password
    """
    methods, mark = methods_of(user), secrets.token_urlsafe(MARK_BYTES)
    proof = signing.dumps([user.public_id, user.get_session_auth_hash(), mark], salt=SALT)
    mailed_to = ""
    has_room = methods == [FactorKind.EMAIL] and not Outbox.objects.seconds_to_room(user, CODE, most=LETTERS)
    if mails and has_room and user.email_verified:
        factor = Factor.objects.enrolled().mailed().get(user=user)
        code_mailed(actor, factor, mailed_for(user, mark))
        mailed_to = user.email or ""
    return SecondFactorNeeded("Your account has a second factor.", proof=proof, methods=methods, mailed_to=mailed_to)


@operation(Action.FACTOR_SEND_CODE)
def mail_code_send(*, actor: Actor, proof: str) -> str:
    """Mail a code to somebody whose password was right; it is good in that sign-in only, and the one before is dead.

    :param proof: from ``SecondFactorNeeded``
    :returns: the address that it goes to
    :raises NotAuthenticated: if too much time went by, the account changed meanwhile, or it is somebody else's
    :raises NotFound: without a second factor by mail
    :raises Conflict: if the address is not confirmed
    :raises Throttled: if too many were mailed in an hour
    """
    shown = proven(proof)
    if actor.user_id is not None and actor.user_id != shown.user.pk:
        raise NotAuthenticated("This is somebody else's account.", remedy="Start again.")
    user = User.objects.locked(shown.user)
    guard_unchanged(user, shown)
    factor = Factor.objects.enrolled().mailed().filter(user=user).first()
    if factor is None:
        raise NotFound("No codes are mailed to this account.", remedy="Use another second factor.")
    if not user.email_verified:
        raise Conflict("The address of the account is not confirmed.", remedy="Use a recovery code.")
    guard_not_too_many(user)
    code_mailed(actor, factor, mailed_for(user, shown.mark))
    return user.email or ""


def mailed_for(user: User, mark: str) -> str:
    """Say what a mailed code is bound to: one sign-in, or one enrolment, and the address that it goes to."""
    return hashlib.sha256(f"{mark} {user.email_key}".encode()).hexdigest()


def code_mailed(actor: Actor, factor: Factor, bound: str) -> None:
    """Put a code into the outbox, in the caller's transaction with the account locked; the worker makes it."""
    user = factor.user
    Outbox.objects.filter(user=user, kind=CODE).drop("another code was asked for")
    factor.wait_for_code(bound)
    tell(user, CODE)
    person = replace(actor, kind=ActorKind.USER, id=user.pk, organization_id=user.organization_id)
    audit.record(person, Action.FACTOR_SEND_CODE, user, factor=factor.public_id)


def guard_not_too_many(user: User) -> None:
    """Refuse another letter with a code where there were enough in the last hour.

    :raises Throttled: saying when there is room again
    """
    if seconds := Outbox.objects.seconds_to_room(user, CODE, most=LETTERS):
        raise Throttled("Too many codes were mailed.", remedy="Use the last one, or wait.", retry_after=seconds)
