"""A person's own change of address: it waits until they open the link in the letter to the new one."""

from typing import Any, Final

from django.utils import timezone

from accounts import audit
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound, Throttled
from accounts.identifiers import email_validated
from accounts.models import EmailChange, Outbox, Purpose, User
from accounts.operations.base import operation
from accounts.operations.credentials import guard_changeable
from accounts.operations.links import LIFE, dead_link, link_find, link_used
from accounts.operations.outbox import tell
from accounts.operations.tries import check_present_password, guard_password_unchanged
from accounts.operations.users import refuse_taken, take_address

__all__ = ["CONFIRMS", "address_of", "email_change", "email_confirm", "email_confirm_request"]

CONFIRMS: Final = (Purpose.EMAIL_CONFIRM, Purpose.EMAIL_CHANGE)
LETTER: Final = "email_change"
CONFIRMATION: Final = "confirm_email"
LETTERS: Final = 5
"""How often in an hour a person may have a letter sent to an address that is not theirs yet, or not confirmed."""


@operation(Action.EMAIL_CHANGE, prepare=check_present_password)
def email_change(*, actor: Actor, user: User, email: str, current_password: str, checked: str = "") -> EmailChange:
    """Ask for another address for one's own account; another request takes the place of the one before.

    A letter with a link goes there, and until it is opened everything stays as it is. Whether somebody has that
    address is not looked at: the answer is the same.

    :raises NotFound: if it is somebody else's account
    :raises NotRecent: if they showed too long ago who they are
    :raises Invalid: if the present password is wrong, it is not an address, or it is the account's already
    :raises Conflict: if the password was changed at the same moment, or the account is being erased
    :raises Throttled: if too many letters were sent in an hour
    """
    user = User.objects.locked(user)
    guard_password_unchanged(user, checked)
    guard_changeable(user)
    address, key = email_validated(email)
    if key == user.email_key:
        raise Invalid("This is your address already.", fields={"email": "is yours already"})
    now = timezone.now()
    _refuse_too_many(user, LETTER)
    Outbox.objects.filter(user=user, kind=LETTER).drop("another address was asked for")
    user.one_time_links.filter(purpose=Purpose.EMAIL_CHANGE).void()
    EmailChange.objects.filter(user=user).delete()
    change = EmailChange.objects.create(
        organization_id=user.organization_id,
        user=user,
        email=address,
        email_key=key,
        expires_at=now + LIFE[Purpose.EMAIL_CHANGE],
    )
    tell(user, LETTER, address=address)
    audit.record(actor, Action.EMAIL_CHANGE, user, after={"pending_email": address})
    return change


@operation(Action.EMAIL_CONFIRM_REQUEST)
def email_confirm_request(*, actor: Actor, user: User) -> User:
    """Ask for the letter that confirms one's own address once more; the link of the one before dies.

    :raises NotFound: if it is somebody else's account
    :raises Conflict: if there is nothing to confirm, or the account is being erased
    :raises Throttled: if too many letters were sent in an hour
    """
    if user.pk != actor.user_id:
        raise NotFound("User not found.")
    user = User.objects.locked(user)
    guard_changeable(user)
    if user.email is None or user.email_verified:
        raise Conflict("There is no address to confirm.", remedy="Nothing has to be done.")
    _refuse_too_many(user, CONFIRMATION)
    Outbox.objects.filter(user=user, kind=CONFIRMATION).drop("another letter was asked for")
    tell(user, CONFIRMATION)
    audit.record(actor, Action.EMAIL_CONFIRM_REQUEST, user)
    return user


def _refuse_too_many(user: User, letter: str) -> None:
    if seconds := Outbox.objects.seconds_to_room(user, letter, most=LETTERS):
        raise Throttled("Too many of these letters were sent.", remedy="Wait an hour.", retry_after=seconds)


@operation(Action.EMAIL_CONFIRM)
def email_confirm(*, actor: Actor, token: str) -> User:
    """Mark the address that a link was mailed to as confirmed; one that was waited for is the account's from now on.

    :raises NotAuthenticated: if the link opens nothing (any more); of several at once one gets in
    :raises Conflict: if the address that was waited for belongs to somebody else by now; the link stays good
    """
    link, user = link_used(token, *CONFIRMS)
    said: dict[str, Any] = {}
    if link.purpose == Purpose.EMAIL_CHANGE:
        before, after = user.email, _waited_for(user)
        ended = take_address(user, after, Action.EMAIL_CONFIRM, verified=True)
        refuse_taken(user)
        said = {"before": {"email": before}, "after": {"email": after}, "ended": ended}
    if said or not user.email_verified:
        user.email_verified_at = timezone.now()
        user.touch()
        user.save()
    audit.record(actor, Action.EMAIL_CONFIRM, user, **said)
    return user


def address_of(token: str) -> tuple[User, str]:
    """Say whose address a link would confirm, and which.

    :raises NotAuthenticated: if it opens nothing (any more)
    """
    link = link_find(token, *CONFIRMS)
    is_new = link.purpose == Purpose.EMAIL_CHANGE
    return link.user, _waited_for(link.user) if is_new else link.user.email or ""


def _waited_for(user: User) -> str:
    change = EmailChange.objects.live().filter(user=user).first()
    if change is None:
        raise dead_link()
    return change.email
