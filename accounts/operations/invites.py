"""Invites: made, sent again, revoked; accepted by who holds the secret, or as a guest by who has the address."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.claims import value_problem
from accounts.errors import Conflict, Invalid, NotFound
from accounts.identifiers import email_validated, text_refused
from accounts.models import (
    ClaimDefinition,
    Invite,
    InviteClaim,
    InviteKind,
    InviteRole,
    InviteStatus,
    Membership,
    Organization,
    Outbox,
    Role,
    User,
)
from accounts.operations.base import operation
from accounts.operations.claims import put_claims
from accounts.operations.links import mint_invite
from accounts.operations.outbox import tell
from accounts.operations.roles import roles_named
from accounts.operations.statuses import change_status
from accounts.operations.users import create_account, put_tags
from accounts.profile import profile_checked, reason_checked, tags_checked
from accounts.statuses import Status

__all__ = [
    "LIVE",
    "Invited",
    "account_for_one",
    "accounts_addressed",
    "end_invite",
    "guard_room",
    "invite_shown",
    "send_invite",
    "user_invite",
    "user_resend_invite",
    "user_revoke_invite",
]

LONGEST: Final = timedelta(days=90)
MOST_USES: Final = 10_000
MESSAGE_LENGTH: Final = 1_000
LIVE: Final = 10_000
"""How many invites of one organization may wait at once."""


class Invited(NamedTuple):
    """An invite, and its link where it is shown: once."""

    invite: Invite
    link: str = ""


@operation(Action.USER_INVITE)
def user_invite(
    *,
    actor: Actor,
    organization: Organization,
    email: str | None = None,
    profile: Mapping[str, str] | None = None,
    roles: Sequence[str] = ("member",),
    tags: Iterable[str] = (),
    claims: Iterable[tuple[ClaimDefinition, Any]] = (),
    message: str = "",
    expires_at: datetime | None = None,
    max_uses: int | None = None,
    print_link: bool = False,
    reason: str = "",
) -> Invited:
    """Invite somebody by letter, which makes their account as ``invited``; without an address, make an open link.

    Roles wait until it is accepted, and are judged again then. Profile, tags and claims are the account's at once;
    of an open link they wait too.

    :param max_uses: how many may come by an open link; one if not said
    :param print_link: give the link of an invite by e-mail to be handed over by hand, and send no letter
    :raises NotFound: if the organization, or a claim of it, does not exist for the actor
    :raises NotAllowed: without the permission, or giving what the actor has not
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if the address has an account there or is invited already, the organization is not active, or
        too many of its invites wait
    """
    accounts = User.objects.all_locked(accounts_addressed(organization, email), also=[organization.pk])
    (organization,) = Organization.objects.locked(organization.pk)
    actor = policy.current(actor)
    policy.require(actor, Action.USER_INVITE, organization)
    if not organization.is_active:
        raise Conflict(
            f"The organization is {organization.status}.",
            remedy=f"Activate it first: org_activate {organization.slug}",
        )
    if email is not None and max_uses is not None:
        raise Invalid(
            "An invite for one address is for one person.",
            remedy="Leave out how many may use it, or the address.",
            fields={"max_uses": "of open links only"},
        )
    given = _grantable(actor, organization, roles)
    guard_room(organization)
    invite = Invite(
        organization=organization,
        kind=InviteKind.LINK if email is None else InviteKind.EMAIL,
        invited_by=actor.id,
        invited_by_kind=actor.kind,
        message=_message_checked(message),
        expires_at=_end_checked(expires_at, organization),
        max_uses=_uses_checked(max_uses),
    )
    said = _for_whoever_comes(actor, invite, profile or {}, tags, claims)
    if email is not None:
        put_claims(actor, account_for_one(actor, invite, email, accounts), said)
    invite.save(force_insert=True)
    InviteRole.objects.bulk_create(InviteRole(invite=invite, role=role) for role in given)
    link = ""
    if email is None:
        InviteClaim.objects.bulk_create(
            InviteClaim(invite=invite, definition=definition, value=value) for definition, value in said
        )
    if invite.user is None or print_link:
        link = mint_invite(invite)
    else:
        send_invite(invite)
    audit.record(actor, Action.USER_INVITE, invite, reason=reason_checked(reason), after=invite_shown(invite, given))
    return Invited(invite, link)


@operation(Action.USER_RESEND_INVITE)
def user_resend_invite(*, actor: Actor, invite: Invite, print_link: bool = False, reason: str = "") -> Invited:
    """Send an invite again, to the address that the account has now, for the usual time from now: the old link dies.

    An open link is shown anew. Who does it stands for it from now on.

    :param print_link: give the link instead of sending it
    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission, or if it gives what the actor has not
    :raises Conflict: if it is accepted or revoked, was asked for this moment, or the organization is not active
    """
    actor, invite = _held(actor, Action.USER_RESEND_INVITE, invite)
    if invite.status in {InviteStatus.ACCEPTED, InviteStatus.REVOKED}:
        raise Conflict(f"The invite is {invite.status}.", remedy="Make another: user_invite.")
    if not invite.organization.is_active:
        raise Conflict(f"The organization is {invite.organization.status}.", remedy="It has to be activated first.")
    if invite.user is None and not invite.is_open:
        raise Conflict("It was asked for just now, and is about to be answered.", remedy="Try again in a moment.")
    roles = [entry.role for entry in invite.roles.select_related("role__application")]
    # SECURITY: who gets a link into their own hands could take for themselves what somebody else gave.
    _require_grantable(actor, invite.organization, roles)
    if invite.user is not None:
        policy.require_all_theirs(actor, Action.USER_RESEND_INVITE, invite.user)
        if invite.user.status != Status.INVITED:
            raise Conflict(f"The account is {invite.user.status}.", remedy="It needs no invite.")
        invite.email, invite.email_key = invite.user.email, invite.user.email_key
    invite.invited_by, invite.invited_by_kind = actor.id, actor.kind
    before = invite.expires_at
    invite.expires_at = timezone.now() + timedelta(days=invite.organization.invite_days)
    invite.lookup, invite.secret_hash, invite.is_mailed, invite.via = None, "", False, None
    Outbox.objects.filter(pk=invite.letter_id).drop("the invite was sent again")
    invite.letter = None
    invite.save()
    link = ""
    if invite.user is None or print_link:
        link = mint_invite(invite)
    else:
        send_invite(invite)
    audit.record(
        actor,
        Action.USER_RESEND_INVITE,
        invite,
        reason=reason_checked(reason),
        before={"expires_at": f"{before:%Y-%m-%d}"},
        after={"expires_at": f"{invite.expires_at:%Y-%m-%d}"},
        link="shown" if link else "",
    )
    return Invited(invite, link)


@operation(Action.USER_REVOKE_INVITE)
def user_revoke_invite(*, actor: Actor, invite: Invite, reason: str = "") -> Invite:
    """Revoke an invite, at once and for good; its message and address go, and the account waiting for it is archived.

    Again changes nothing.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Conflict: if it is accepted
    """
    actor, invite = _held(actor, Action.USER_REVOKE_INVITE, invite)
    if invite.status is InviteStatus.ACCEPTED:
        raise Conflict("The invite is accepted.", remedy="Change the account instead: user_suspend, user_archive.")
    if invite.status is not InviteStatus.REVOKED:
        end_invite(invite)
        audit.record(actor, Action.USER_REVOKE_INVITE, invite, reason=reason_checked(reason))
    return invite


def end_invite(invite: Invite) -> None:
    """Revoke an invite, in the caller's transaction with its account locked, which is put away."""
    Invite.objects.filter(pk=invite.pk).revoke()
    if invite.user is not None and invite.user.status == Status.INVITED:
        change_status(invite.user, "archive", reason="The invite was revoked.")
    invite.refresh_from_db(fields=["revoked_at", "lookup", "secret_hash", "message", "email", "email_key"])


def _held(actor: Actor, action: Action, invite: Invite) -> tuple[Actor, Invite]:
    """Hold the account, or the organization, that an invite is about; read invite and actor again and judge."""
    if invite.user is not None:
        User.objects.locked(invite.user)
    else:
        Organization.objects.locked(invite.organization_id)
    held = Invite.objects.select_related("organization", "user__organization", "letter").filter(pk=invite.pk).first()
    if held is None:
        raise NotFound("Invite not found.")
    actor = policy.current(actor)
    policy.require(actor, action, held)
    return actor, held


def send_invite(invite: Invite) -> None:
    """Put the letter of an invite into the outbox: the worker makes its link."""
    assert invite.user is not None
    invite.letter = tell(invite.user, "invite", address=invite.email or "")
    invite.save(update_fields=["letter"])


# --- what it is made of -----------------------------------------------------------------------
def _grantable(actor: Actor, organization: Organization, named: Sequence[str]) -> list[Role]:
    roles = roles_named(organization, [*named, "member"])
    _require_grantable(actor, organization, roles)
    return roles


def _require_grantable(actor: Actor, organization: Organization, roles: Iterable[Role]) -> None:
    for role in roles:
        if role.slug != "member":
            policy.require_grantable(actor, role, organization)
            policy.require_shown_to_give(actor, role.permissions.values_list("permission", flat=True))


def _for_whoever_comes(
    actor: Actor,
    invite: Invite,
    profile: Mapping[str, str],
    tags: Iterable[str],
    claims: Iterable[tuple[ClaimDefinition, Any]],
) -> list[tuple[ClaimDefinition, Any]]:
    """Check profile, tags and claims, and put the first two onto the invite; gives the claims as they are stored."""
    invite.profile, invite.tags = profile_checked(profile), tags_checked(tags)
    said: dict[Any, tuple[ClaimDefinition, Any]] = {}
    for named, given in claims:
        if not actor.holds(Action.USER_CLAIMS_SET, invite.organization_id):
            raise policy.missing(Action.USER_CLAIMS_SET)
        rows = ClaimDefinition.objects.select_related("application")
        definition = rows.filter(pk=named.pk, organization_id=invite.organization_id).first()
        if definition is None:
            raise NotFound("Claim not found.")
        value, problem = value_problem(definition.type, definition.schema, given)
        if problem:
            raise Invalid(f"The value of {definition.word} {problem}.", fields={"claims": problem})
        said[definition.pk] = (definition, value)
    return list(said.values())


def accounts_addressed(organization: Organization, email: str | None) -> list[UUID]:
    """Find the account that has the address, to be held together with the organization."""
    with suppress(Invalid):
        if email is not None:
            found = User.objects.filter(organization=organization, email_key=email_validated(email)[1])
            return list(found.values_list("pk", flat=True))
    return []


def account_for_one(actor: Actor, invite: Invite, email: str, accounts: Mapping[UUID, User]) -> User:
    """Make the account that waits, or take up one that nobody ever used; its profile and tags leave the invite.

    :param accounts: that of the address, held
    :raises Conflict: if the address belongs to somebody there, or is invited already
    """
    address, key = email_validated(email)
    profile, tags = invite.profile, invite.tags
    user = _waiting(actor, invite.organization, key, accounts)
    if user is None:
        user = create_account(
            actor,
            invite.organization,
            email=email,
            profile=profile,
            roles=(),
            tags=tags,
            metadata={},
            status=Status.INVITED,
        )
    else:
        for field, value in profile.items():
            setattr(user, field, value)
        user.set_email(email, verified_at=None)
        user.enter(Status.INVITED)
        user.touch()
        user.save()
        put_tags(user, [*(tag.name for tag in user.tags.all()), *tags])
    invite.user, invite.email, invite.email_key = user, address, key
    invite.profile, invite.tags = {}, []
    return user


def _waiting(actor: Actor, organization: Organization, key: str, accounts: Mapping[UUID, User]) -> User | None:
    """Find the account that an earlier invite made for the address and nobody ever used; ``None`` if there is none.

    :raises Conflict: if the address belongs to somebody there, or is invited already
    """
    found = User.objects.filter(organization=organization, email_key=key).first()
    guests = Membership.objects.filter(organization=organization, user__email_key=key)
    if guests.exclude(user__organization=organization).exists():
        raise Conflict(
            "The address belongs to a guest of this organization.",
            remedy="Give them more roles instead: user_roles assign.",
            fields={"email": "is a guest's"},
        )
    if found is None:
        return None
    if found.pk not in accounts:
        raise Conflict("The address was given an account at the same moment.", remedy="Try again.")
    user = accounts[found.pk]
    open_one = user.invites.filter(accepted_at=None, revoked_at=None).first()
    if user.status == Status.INVITED and open_one is not None:
        raise Conflict(
            "The address is invited already.",
            remedy=f"Send it again: user_resend_invite {open_one.public_id}",
            fields={"email": "is invited"},
        )
    was_used = user.has_usable_password() or user.last_sign_in_at or user.email_verified or user.is_superuser
    if was_used or user.status not in {Status.INVITED, Status.ARCHIVED}:
        # SECURITY: an invite sets a password; for an account that somebody has it would be a way to take it.
        raise Conflict(
            "The e-mail address already has an account in this organization.",
            remedy="Change that account: user_show says how it is, user_reset_password lets them in again.",
            fields={"email": "taken"},
        )
    policy.require_all_theirs(actor, Action.USER_INVITE, user)
    return user


def guard_room(organization: Organization) -> None:
    """Refuse another invite where too many wait (the organization's row is locked).

    :raises Conflict: saying what can be done
    """
    waiting = Invite.objects.filter(organization=organization).pending()
    if waiting[LIVE - 1 : LIVE].exists():
        raise Conflict(
            f"{LIVE:,} invites of the organization wait already.",
            remedy="Revoke those that nobody will accept, or wait until they run out.",
        )


def _message_checked(message: str) -> str:
    text = unicodedata.normalize("NFC", message).replace("\r\n", "\n").strip()
    problem = text_refused(text)
    if not problem and len(text) > MESSAGE_LENGTH:
        problem = f"is longer than {MESSAGE_LENGTH} characters"
    if problem:
        raise Invalid(f"The message {problem}.", fields={"message": problem})
    return text


def _end_checked(expires_at: datetime | None, organization: Organization) -> datetime:
    now = timezone.now()
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        raise Invalid(
            f"An invite ends in the future, within {LONGEST.days} days.",
            fields={"expires_at": f"must be within {LONGEST.days} days from now"},
        )
    return expires_at or now + timedelta(days=organization.invite_days)


def _uses_checked(max_uses: int | None) -> int:
    if max_uses is not None and not 1 <= max_uses <= MOST_USES:
        raise Invalid(
            f"An open link is for 1 to {MOST_USES:,} people.", fields={"max_uses": f"must be 1 to {MOST_USES}"}
        )
    return max_uses or 1


def invite_shown(invite: Invite, roles: Iterable[Role]) -> dict[str, Any]:
    """Give an invite as the audit trail shows it."""
    return {
        "kind": str(invite.kind),
        "email": invite.email,
        "roles": sorted(role.full_slug for role in roles),
        "expires_at": f"{invite.expires_at:%Y-%m-%d}",
        "max_uses": invite.max_uses,
    }
