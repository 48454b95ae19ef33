"""One-time links, and codes by mail: made for one purpose, kept as a hash, void when what they stand on changes.

Their secrets are made at the last moment: by whoever shows one, or by the worker when it writes the
letter, so that none ever lies in the outbox or a queue.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.errors import Conflict, NotAuthenticated
from accounts.mail import LETTERS, NotSent, guard_true
from accounts.models import EmailChange, Factor, Invite, OneTimeLink, Outbox, Purpose, User
from accounts.secrets import generate, matches, parse

__all__ = [
    "CODE",
    "LIFE",
    "LINKED",
    "code_for",
    "dead_link",
    "guard_may_sign_in",
    "link_find",
    "link_for",
    "link_used",
    "mint",
    "mint_invite",
    "void",
]

LIFE: Final[Mapping[Purpose, timedelta]] = {
    Purpose.SIGN_IN: timedelta(minutes=15),
    Purpose.PASSWORD_RESET: timedelta(hours=1),
    Purpose.WELCOME: timedelta(days=3),
    Purpose.EMAIL_CONFIRM: timedelta(days=3),
    Purpose.EMAIL_CHANGE: timedelta(days=3),
}
CODE: Final = "mail_code"
"""The letter that carries a code."""
LINKED: Final[Mapping[str, Purpose]] = {
    kind: Purpose(letter.purpose) for kind, letter in LETTERS.items() if letter.purpose in set(Purpose)
}
"""The letters that carry a one-time link, and what for."""


def mint(user: User, purpose: Purpose, *, is_mailed: bool = False) -> str:
    """Make a link for a person, in the caller's transaction with the account locked; gives its address.

    Earlier links for the same purpose die. The address begins with the configured public one, whatever
    a request called us.

    :param is_mailed: it goes to the address that it is about, so that whoever opens it reads that mailbox
    """
    user.one_time_links.filter(purpose=purpose).void()
    secret = generate("lnk")
    OneTimeLink.objects.create(
        organization_id=user.organization_id,
        user=user,
        purpose=purpose,
        sent_to_key=_address_key(user, purpose) if is_mailed else None,
        lookup=secret.lookup,
        secret_hash=secret.hash,
        expires_at=timezone.now() + LIFE[purpose],
    )
    # SECURITY: from the settings, never from a Host header, which anybody writes.
    return settings.PUBLIC_URL + reverse("link", args=[secret.text])


def _address_key(user: User, purpose: Purpose) -> str | None:
    """Give the key of the address that a link is about now: the one that is waited for, else the account's."""
    if purpose == Purpose.EMAIL_CHANGE:
        return EmailChange.objects.live().filter(user=user).values_list("email_key", flat=True).first()
    return user.email_key


def mint_invite(invite: Invite, *, is_mailed: bool = False) -> str:
    """Make the link of an invite, in the caller's transaction; the one before dies. Gives its address.

    :param is_mailed: it goes to the invite's address, so that whoever opens it reads that mailbox
    :raises Conflict: if it is over
    """
    secret = generate("inv")
    minted = {"lookup": secret.lookup, "secret_hash": secret.hash, "is_mailed": is_mailed}
    if not Invite.objects.pending().filter(pk=invite.pk).update(**minted):
        raise Conflict("The invite is over.")
    return settings.PUBLIC_URL + reverse("invite", args=[secret.text])


def link_for(row: Outbox) -> str:
    """Make the link that a letter carries, while it is written.

    :raises NotSent: if the letter was taken back meanwhile, or says what is no longer so
    :raises Conflict: if the organization is on hold, or the account was changed at the same moment
    """
    with transaction.atomic():
        user = User.objects.locked(row.user)
        if not Outbox.objects.filter(pk=row.pk, state=Outbox.QUEUED).exists():
            raise NotSent("taken back")
        guard_true(LETTERS[row.kind], user, row.address)
        if row.kind == "invite":
            return mint_invite(Invite.objects.get(letter=row), is_mailed=True)
        guard_may_sign_in(user)
        return mint(user, LINKED[row.kind], is_mailed=True)


def code_for(row: Outbox) -> str:
    """Make the code that a letter carries, while it is written; the one of an earlier attempt is dead.

    :raises NotSent: if the letter was taken back meanwhile, or no code is waited for any more
    """
    with transaction.atomic():
        user = User.objects.locked(row.user)
        if not Outbox.objects.filter(pk=row.pk, state=Outbox.QUEUED).exists():
            raise NotSent("taken back")
        guard_true(LETTERS[row.kind], user, row.address)
        factor = Factor.objects.mailed().filter(user=user).first()
        code = factor.fresh_code() if factor else ""
    if not code:
        raise NotSent("no code is waited for any more")
    return code


def void(user: User, reason: str, *, confirmations: bool = True) -> int:
    """Make a person's links useless, and take back the letters that would carry one; says how many links there were.

    A change of address that waits for its link is over, and a code that was mailed is good for nothing.

    :param reason: the verb that does it, which the letters keep
    :param confirmations: also those that only confirm an address: they open no door
    """
    kept = () if confirmations else (Purpose.EMAIL_CONFIRM,)
    letters = [CODE, *(letter for letter, purpose in LINKED.items() if purpose not in kept)]
    Outbox.objects.filter(user=user, kind__in=letters).drop(f"taken back by {reason}")
    EmailChange.objects.filter(user=user).delete()
    Factor.objects.forget_code(user)
    return user.one_time_links.exclude(purpose__in=kept).void()


def guard_may_sign_in(user: User) -> None:
    """Refuse a link for somebody whom it would not let in.

    :raises Conflict: saying what to do first
    """
    if not user.is_active:
        raise Conflict(
            f"The account is {user.current_status}.", remedy=f"Activate it first: user_activate {user.public_id}"
        )
    if not user.organization.is_active:
        raise Conflict(
            f"The organization is {user.organization.status}.",
            remedy=f"Activate it first: org_activate {user.organization.slug}",
        )


def link_find(token: str, *purposes: Purpose) -> OneTimeLink:
    """Find the live link of a token.

    :param purposes: among these; among all if none is named
    :raises NotAuthenticated: the same for every token that opens nothing
    """
    parsed = parse("lnk", token)
    rows = OneTimeLink.objects.live().select_related("user__organization")
    if purposes:
        rows = rows.filter(purpose__in=purposes)
    link = rows.filter(lookup=parsed[0]).first() if parsed else None
    if link is None or parsed is None or not matches(parsed[1], link.secret_hash):
        raise dead_link()
    return link


def link_used(token: str, *purposes: Purpose) -> tuple[OneTimeLink, User]:
    """Use a link up, in the caller's transaction; gives whom it was for, locked. Of several at once one gets in.

    :raises NotAuthenticated: if it opens nothing (any more), or its person may not sign in
    """
    link = link_find(token, *purposes)
    user = User.objects.locked(link.user)
    is_theirs = link.sent_to_key in {None, _address_key(user, Purpose(link.purpose))}
    if not OneTimeLink.objects.use(link) or not is_theirs or not user.may_sign_in:
        raise dead_link()
    return link, user


def dead_link() -> NotAuthenticated:
    """Make the one refusal of every link that opens nothing."""
    return NotAuthenticated("This link is used up, has run out or never was one.", remedy="Ask for a new one.")
