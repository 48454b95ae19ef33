"""Ways back in: sign-in links and lost passwords."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.utils import timezone
from django_tasks import task

from accounts import audit, ids, policy
from accounts.actions import Action
from accounts.actors import Actor, Door
from accounts.errors import Invalid
from accounts.models import FailedTries, Organization, Outbox, Purpose, ResetRequest, Session, User
from accounts.models.factors import has_second_factor
from accounts.operations.base import NewPassword, expect_version, operation
from accounts.operations.credentials import end_credentials, guard_changeable
from accounts.operations.links import guard_may_sign_in, link_find, link_used, mint
from accounts.operations.outbox import tell
from accounts.operations.sessions import open_session
from accounts.operations.throttles import bounded, network_of
from accounts.profile import reason_checked

__all__ = [
    "RESETS",
    "Redeemed",
    "admin_link",
    "answer_reset_request",
    "forget_reset_requests",
    "link_redeem",
    "password_reset",
    "password_reset_request",
    "user_reset_link",
    "user_reset_password",
]

RESETS: Final = (Purpose.PASSWORD_RESET, Purpose.WELCOME)
WINDOW: Final = timedelta(hours=1)
REQUESTS: Final = 30
"""How often one network may ask in an hour, whomever it names."""
LETTERS: Final = 3
"""How many letters an account gets in an hour because somebody asked."""


@operation(Action.ADMIN_LINK)
def admin_link(*, actor: Actor, user: User, reason: str = "") -> str:
    """Make a link by which a person sets a password and is signed in: once, within 15 minutes.

    It never skips a second factor. Older sign-in links of the person die.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Conflict: if the account may not sign in
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.ADMIN_LINK, user)
    guard_may_sign_in(user)
    link = mint(user, Purpose.SIGN_IN)
    audit.record(actor, Action.ADMIN_LINK, user, reason=reason_checked(reason))
    return link


class Redeemed(NamedTuple):
    """What came of a link: the account, and its session unless a second factor is still to come."""

    user: User
    session: Session | None


def _hash_by_link(*purposes: Purpose) -> Any:
    """Check and hash the password of whom a link was made for; a link that opens nothing costs no hash."""

    def prepare(arguments: dict[str, Any]) -> Mapping[str, Any]:
        user = link_find(arguments["token"], *purposes).user
        password: NewPassword = arguments["password"]
        return {
            "password": password.prepared(
                user.email, user.username, user.display_name, user.organization.slug, user.organization.name
            )
        }

    return prepare


@operation(Action.LINK_REDEEM, prepare=_hash_by_link(Purpose.SIGN_IN))
def link_redeem(*, actor: Actor, token: str, password: NewPassword, key_hash: str) -> Redeemed:
    """Set the password of whom a sign-in link was made for, and sign them in unless a second factor is enrolled.

    :param key_hash: of the browser's fresh session key
    :raises NotAuthenticated: if the link opens nothing (any more); of several at once one gets in
    :raises Invalid: if the password may not be used; the link stays good
    """
    _, user = link_used(token, Purpose.SIGN_IN)
    _set_by_link(actor, Action.LINK_REDEEM, user, password)
    return Redeemed(user, None if has_second_factor(user) else open_session(actor, user, key_hash=key_hash))


def _set_by_link(actor: Actor, action: Action, user: User, password: NewPassword) -> None:
    user.password = password.hash
    user.must_change_password = False
    user.touch()
    user.save()
    ended = end_credentials(user, action, keys=False)
    FailedTries.objects.set_back(user.pk)
    audit.record(actor, action, user, ended=ended)
    tell(user, "password_changed")


# --- a lost password ------------------------------------------------------------------------------


@operation(Action.USER_RESET_PASSWORD)
def user_reset_password(*, actor: Actor, user: User, reason: str = "", expected_version: int | None = None) -> User:
    """Send a person a letter with a link to set a new password: once, within an hour. The old one works until then.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if the account may not sign in
    """
    user = _resettable(actor, user, expected_version)
    tell(user, "password_reset")
    audit.record(actor, Action.USER_RESET_PASSWORD, user, reason=reason_checked(reason))
    return user


@operation(Action.USER_RESET_PASSWORD)
def user_reset_link(*, actor: Actor, user: User, reason: str = "") -> str:
    """Make the same link to be handed over by hand; the person's earlier links to set a new password die.

    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: if the account may not sign in
    """
    user = _resettable(actor, user, None)
    link = mint(user, Purpose.PASSWORD_RESET)
    audit.record(actor, Action.USER_RESET_PASSWORD, user, reason=reason_checked(reason), link="shown")
    return link


def _resettable(actor: Actor, user: User, expected_version: int | None) -> User:
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_RESET_PASSWORD, user)
    # SECURITY: whoever holds the link can act as them, everywhere.
    policy.require_all_theirs(actor, Action.USER_RESET_PASSWORD, user)
    expect_version(user, expected_version)
    guard_changeable(user)
    guard_may_sign_in(user)
    return user


def password_reset_request(*, actor: Actor, organization: Organization | None, login: str) -> None:
    """Ask for a link to set a new password. It answers nothing, and is the same work whomever it names.

    What comes of it the worker decides: who may sign in gets a letter, everybody else nothing.

    :param organization: the one that was named, if there is one
    :param login: e-mail address, username or id
    :raises Throttled: if too many requests come from one network, whomever they name
    """
    bounded(
        "password reset", actor, most=REQUESTS, remedy="Wait an hour, or ask an administrator of your organization."
    )
    found: User | None = None
    with suppress(Invalid):
        # SECURITY: the same queries whether organization and person exist or not.
        home = organization.pk if organization else ids.new()
        found = User.objects.named(login, organization_id=home).first()
    with transaction.atomic():
        row = ResetRequest.objects.create(
            person_id=found.pk if found else ids.new(),
            network=network_of(actor.ip),
            door=actor.door,
            request_id=actor.request_id,
        )
        answer_reset_request.enqueue(row.pk)


@task()
def answer_reset_request(row_id: int) -> None:
    """Send whoever was named the letter, if they may have one: the task that the worker runs."""
    row = ResetRequest.objects.filter(pk=row_id).first()
    user = User.objects.filter(pk=row.person_id).first() if row else None
    if row is None or user is None:
        return
    actor = policy.anonymous(door=Door(row.door), ip=row.network.partition("/")[0] or None, request_id=row.request_id)
    _password_reset_request(actor=actor, user=user)


@operation(Action.PASSWORD_RESET_REQUEST)
def _password_reset_request(*, actor: Actor, user: User) -> None:
    """Send the letter to who may sign in, if they did not get enough of them just now."""
    user = User.objects.locked(user)
    if not user.may_sign_in or Outbox.objects.seconds_to_room(user, "password_reset", most=LETTERS):
        return
    tell(user, "password_reset")
    audit.record(actor, Action.PASSWORD_RESET_REQUEST, user)


def forget_reset_requests() -> int:
    """Delete the requests that bound nothing any more; says how many."""
    return ResetRequest.objects.filter(created_at__lte=timezone.now() - WINDOW).delete()[0]


@operation(Action.PASSWORD_RESET, prepare=_hash_by_link(*RESETS))
def password_reset(*, actor: Actor, token: str, password: NewPassword) -> User:
    """Set the password of whom a link was made for. It signs nobody in; all their sessions end.

    A link that was mailed confirms the address as well: whoever opened it reads that mailbox.

    :raises NotAuthenticated: if the link opens nothing (any more); of several at once one gets in
    :raises Invalid: if the password may not be used; the link stays good
    """
    link, user = link_used(token, *RESETS)
    if link.sent_to_key is not None:
        user.email_verified_at = user.email_verified_at or timezone.now()
    _set_by_link(actor, Action.PASSWORD_RESET, user, password)
    return user
