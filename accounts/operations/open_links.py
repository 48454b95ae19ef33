"""Open links: whoever holds one asks for an invite of their own, which goes to their mailbox.

The answer is the same whatever address is named: whether it has an account there, the worker finds out, and a
letter tells it to whoever reads that mailbox. So nobody learns who has an account, and nobody chooses the password
of an address that is not theirs.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django_tasks import task

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotAllowed, NotAuthenticated
from accounts.identifiers import email_validated
from accounts.models import Invite, InviteKind, InviteRole, Organization, Outbox, User
from accounts.operations.acceptance import claims_given, invite_find, invite_opened, inviter_of
from accounts.operations.base import operation
from accounts.operations.invites import (
    account_for_one,
    accounts_addressed,
    guard_room,
    invite_shown,
    send_invite,
)
from accounts.operations.outbox import tell
from accounts.operations.throttles import bounded
from accounts.statuses import Status

__all__ = ["answer_invite_request", "invite_request"]

REQUESTS: Final = 200
"""How often one network may ask in an hour, whomever it names: a class or an office comes in at once."""
LETTERS: Final = 3
"""How many letters a mailbox gets in an hour because somebody asked."""
WINDOW: Final = timedelta(hours=1)


def _bound_requests(arguments: dict[str, Any]) -> dict[str, Any]:
    """Count the request before anything is looked at; what is no address is said at once."""
    actor: Actor = arguments["actor"]
    remedy = "Wait an hour, or ask whoever gave you the link to invite you by letter."
    bounded("invite request", actor, most=REQUESTS, remedy=remedy)
    if not invite_find(actor=actor, token=arguments["token"]).is_open:
        raise Invalid("This invite is for one address.", remedy="Accept it.", fields={"token": "is not an open link's"})
    email_validated(arguments["email"])
    return {}


@operation(Action.INVITE_REQUEST, prepare=_bound_requests)
def invite_request(*, actor: Actor, token: str, email: str) -> Invite:
    """Ask by an open link for an invite of one's own: a letter brings it. The same work whatever address is named.

    What comes of it the worker decides: who has an account there is told so by letter. It uses nothing up.

    :raises NotAuthenticated: the same for every token that opens nothing
    :raises Invalid: if it is not an address, or the link is no open one
    :raises Conflict: if too many invites of the organization wait
    :raises Throttled: if too many requests come from one network, whomever they name
    """
    found, _ = invite_opened(token)
    Organization.objects.locked(found.organization_id)
    link, _ = invite_opened(token)  # again: what it stands on may have changed before the lock
    guard_room(link.organization)
    address, key = email_validated(email)
    asked = Invite.objects.create(
        organization=link.organization,
        kind=InviteKind.EMAIL,
        email=address,
        email_key=key,
        via=link,
        invited_by=link.invited_by,
        invited_by_kind=link.invited_by_kind,
        message=link.message,
        expires_at=link.expires_at,
    )
    audit.record(actor, Action.INVITE_REQUEST, asked, via=link.public_id)
    answer_invite_request.enqueue(str(asked.pk))
    return asked


@task()
def answer_invite_request(invite_id: str) -> None:
    """Make the account of whoever asked, or tell them that they have one: the task that the worker runs."""
    asked = Invite.objects.pending().filter(pk=UUID(invite_id), user=None, kind=InviteKind.EMAIL).first()
    if asked is not None:
        _invite_request(actor=policy.system(), invite=asked)


@operation(Action.INVITE_REQUEST)
def _invite_request(*, actor: Actor, invite: Invite) -> Invite:
    """Answer who asked: with an account that waits and its letter, with that letter again, or that there is one."""
    organization = invite.organization
    accounts = User.objects.all_locked(accounts_addressed(organization, invite.email), also=[organization.pk])
    asked = Invite.objects.pending().select_related("organization", "via").filter(pk=invite.pk, user=None).first()
    if asked is None or asked.via is None:
        return invite
    if _is_told(asked, accounts) or not _is_made(actor, asked, asked.via, accounts):
        Invite.objects.filter(pk=asked.pk).revoke()
        audit.record(actor, Action.USER_REVOKE_INVITE, asked, reason="It made no account.")
    return asked


def _is_told(asked: Invite, accounts: Mapping[UUID, User]) -> bool:
    """Write to whoever has an account there, or waits for one; says whether somebody does."""
    guests = User.objects.filter(memberships__organization=asked.organization, email_key=asked.email_key)
    user = next(iter(accounts.values()), None) or guests.first()
    if user is None:
        return False
    if user.status != Status.INVITED:
        if user.is_active and _has_room(user, "has_account"):
            tell(user, "has_account")
        return user.is_active
    waiting = user.invites.pending().select_related("letter", "user").first()
    if waiting is None:
        user.invites.all().revoke()
        return False
    if (waiting.letter is None or waiting.letter.state != Outbox.QUEUED) and _has_room(user, "invite"):
        send_invite(waiting)
    return True


def _has_room(user: User, letter: str) -> bool:
    return not Outbox.objects.seconds_to_room(user, letter, most=LETTERS)


def _is_made(actor: Actor, asked: Invite, link: Invite, accounts: Mapping[UUID, User]) -> bool:
    """Make the account that waits, with all that the open link gives but its roles, which wait too."""
    try:
        inviter = inviter_of(asked)
        asked.profile, asked.tags = link.profile, link.tags
        with transaction.atomic():
            user = account_for_one(inviter, asked, asked.email or "", accounts)
    except (Conflict, NotAllowed, NotAuthenticated):
        return False
    said = claims_given(inviter, link, user)
    asked.save()
    roles = [entry.role for entry in link.roles.select_related("role__application").order_by("pk")]
    InviteRole.objects.bulk_create(InviteRole(invite=asked, role=role) for role in roles)
    send_invite(asked)
    after = {**invite_shown(asked, roles), **said.after}
    audit.record(actor, Action.USER_INVITE, asked, after=after, left_out=said.left_out)
    return True
