"""Accepting an invite: with its secret, which makes an account one's own; or as a guest, with the address."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor, ActorKind, Door
from accounts.errors import Invalid, NotAllowed, NotAuthenticated, NotFound
from accounts.models import APIKey, Invite, Membership, Organization, User
from accounts.operations.base import NewPassword, operation
from accounts.operations.claims import put_claims
from accounts.operations.invites import end_invite
from accounts.operations.links import dead_link
from accounts.operations.outbox import tell
from accounts.operations.roles import give_role
from accounts.operations.statuses import change_status
from accounts.operations.users import create_account
from accounts.profile import profile_checked
from accounts.secrets import matches, parse
from accounts.statuses import Status

__all__ = ["invite_accept", "invite_decline", "invite_find", "invite_join"]


def invite_find(token: str) -> Invite:
    """Find the invite that a token opens.

    :raises NotAuthenticated: the same for every token that opens nothing
    """
    return _opened(token)[0]


def _opened(token: str) -> tuple[Invite, Actor]:
    """Give the invite of a token, and who stands for it, judged now."""
    parsed = parse("inv", token)
    rows = Invite.objects.pending().select_related("organization", "user__organization")
    invite = rows.filter(lookup=parsed[0]).first() if parsed else None
    if invite is None or parsed is None or not matches(parsed[1], invite.secret_hash):
        raise dead_link()
    waits = invite.user is None or (invite.user.status == Status.INVITED and invite.user.email_key == invite.email_key)
    if not waits or not invite.organization.is_active:
        raise dead_link()
    return invite, _inviter(invite)


def _inviter(invite: Invite) -> Actor:
    """Give who stands for an invite, with what they may do now.

    :raises NotAuthenticated: if they left, or may invite nobody there any more
    """
    kind, identifier = ActorKind(invite.invited_by_kind), invite.invited_by
    inviter: Actor | None = None
    if kind is ActorKind.USER and identifier is not None:
        user = User.objects.select_related("organization").filter(pk=identifier).first()
        inviter = policy.actor_for(user, door=Door.SYSTEM) if user and user.may_sign_in else None
    elif kind is ActorKind.API_KEY and identifier is not None:
        key = APIKey.objects.select_related("organization", "made_by__organization").filter(pk=identifier).first()
        try:
            policy.assert_live(key)
        except NotAuthenticated:
            raise dead_link() from None
        assert key is not None
        inviter = policy.actor_for_key(key, door=Door.SYSTEM)
    elif kind in {ActorKind.OPERATOR, ActorKind.SYSTEM}:
        inviter = policy.system()
    if inviter is None or not inviter.holds(Action.USER_INVITE, invite.organization_id):
        raise dead_link()
    return inviter


def _hash_by_invite(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Check and hash the password of whoever accepts; a token that opens nothing costs no hash."""
    invite = invite_find(arguments["token"])
    profile = profile_checked(arguments.get("profile") or {})
    known = {**invite.profile, **profile}
    if invite.user is not None:
        known = {"name": invite.user.display_name, **profile}
    password: NewPassword = arguments["password"]
    return {
        "password": password.prepared(invite.email or arguments.get("email"), *known.values()),
        "profile": profile,
    }


@operation(Action.INVITE_ACCEPT, prepare=_hash_by_invite)
def invite_accept(
    *,
    actor: Actor,
    token: str,
    password: NewPassword,
    email: str | None = None,
    profile: Mapping[str, str] | None = None,
) -> User:
    """Accept an invite: the account is theirs, with the password they choose. It signs nobody in.

    Whoever opened the link in a letter reads that mailbox, which confirms the address; otherwise a letter asks them
    to. A role or claim that whoever invited could not give now is left out, and the trail says so.

    :param email: of whoever comes by an open link
    :raises NotAuthenticated: the same for every token that opens nothing; of several on the last use one gets in
    :raises Invalid: if the password may not be used, or naming an input that is wrong; the invite stays good
    :raises Conflict: if the address that comes by an open link has an account there
    """
    found = invite_find(token)
    if found.user is not None:
        User.objects.locked(found.user)
    else:
        Organization.objects.locked(found.organization_id)
    invite, inviter = _opened(token)  # again: what it stands on may have changed before the lock
    if not Invite.objects.use(invite):
        raise dead_link()
    if invite.user is not None:
        if email:
            raise Invalid("The invite says the address.", fields={"email": "is settled by the invite"})
        user = _woken(invite, invite.user, password, profile or {})
        given = _Given()
    else:
        if not email:
            raise Invalid("An address is needed.", fields={"email": "is required"})
        user = create_account(
            inviter,
            invite.organization,
            email=email,
            profile={**invite.profile, **(profile or {})},
            password=password,
            roles=(),
            tags=invite.tags,
            metadata={},
        )
        given = _claims_given(inviter, invite, user)
    membership = Membership.objects.get(user=user, organization=invite.organization)
    given = _roles_given(inviter, invite, membership, given)
    if not user.email_verified:
        tell(user, "confirm_email")
    invite.user = user  # of an open link not stored: it is the event that names who came
    audit.record(
        actor, Action.INVITE_ACCEPT, invite, after={"status": str(user.status), **given.after}, left_out=given.left_out
    )
    return user


def _woken(invite: Invite, user: User, password: NewPassword, profile: Mapping[str, str]) -> User:
    """Make the account that waited theirs."""
    for field, value in profile.items():
        setattr(user, field, value)
    user.password = password.hash
    user.must_change_password = False
    if invite.is_mailed:
        user.email_verified_at = user.email_verified_at or timezone.now()
    user.enter(Status.ACTIVE)
    user.touch()
    user.save()
    return user


class _Given(NamedTuple):
    """What an invite brought, and what it could not bring any more."""

    after: dict[str, Any] = {}
    left_out: dict[str, Any] = {}


def _claims_given(inviter: Actor, invite: Invite, user: User) -> _Given:
    said: dict[str, Any] = {}
    left_out: list[str] = []
    for claim in invite.claims.select_related("definition__application").order_by("pk"):
        try:
            said |= put_claims(inviter, user, [(claim.definition, claim.value)])
        except (NotAllowed, NotFound, Invalid):
            left_out.append(claim.definition.word)
    return _Given({"claims": said} if said else {}, {"claims": left_out} if left_out else {})


def _roles_given(inviter: Actor, invite: Invite, membership: Membership, so_far: _Given) -> _Given:
    given: list[str] = []
    left_out: list[str] = []
    for entry in invite.roles.select_related("role__application").order_by("pk"):
        try:
            give_role(inviter, membership, entry.role, invite.organization)
        except NotAllowed:
            left_out.append(entry.role.full_slug)
        else:
            given.append(entry.role.full_slug)
    return _Given(
        {**so_far.after, "roles": sorted(given)},
        {**so_far.left_out, **({"roles": sorted(left_out)} if left_out else {})},
    )


# --- as a guest -------------------------------------------------------------------------------
@operation(Action.INVITE_ACCEPT)
def invite_join(*, actor: Actor, invite: Invite) -> Membership:
    """Accept an invite to one's own confirmed address as a guest, with the account that one has elsewhere.

    The account that waited for the address is put away.

    :raises NotFound: if there is no such invite for the person who is signed in
    """
    user, invite, inviter = _theirs(actor, invite)
    waiting = invite.user
    assert waiting is not None
    if not Invite.objects.use(invite):
        raise NotFound("Invite not found.")
    membership, _ = Membership.objects.get_or_create(user=user, organization=invite.organization)
    given = _roles_given(inviter, invite, membership, _Given())
    invite.user = user
    Invite.objects.filter(pk=invite.pk).update(user=user)
    change_status(waiting, "archive", reason="Came as a guest instead.")
    audit.record(actor, Action.INVITE_ACCEPT, invite, after={"guest": True, **given.after}, left_out=given.left_out)
    return membership


@operation(Action.INVITE_DECLINE)
def invite_decline(*, actor: Actor, invite: Invite) -> Invite:
    """Decline an invite to one's own confirmed address: it is revoked.

    :raises NotFound: if there is no such invite for the person who is signed in
    """
    _, invite, _ = _theirs(actor, invite)
    end_invite(invite)
    audit.record(actor, Action.INVITE_DECLINE, invite)
    return invite


def _theirs(actor: Actor, invite: Invite) -> tuple[User, Invite, Actor]:
    """Hold the person and the account that waits, and read again what the invite stands on."""
    if actor.user_id is None:
        raise NotAllowed("A key has no mailbox.", remedy="Sign in as a person.")
    both = [user_id for user_id in (actor.user_id, invite.user_id) if user_id is not None]
    accounts = User.objects.all_locked(both, also=[invite.organization_id])
    user = accounts.get(actor.user_id)
    if user is None:
        raise NotFound("Invite not found.")
    rows = Invite.objects.of_person(user).select_related("organization", "user__organization")
    held = rows.filter(pk=invite.pk, user_id__in=list(accounts)).first()
    if held is None:
        raise NotFound("Invite not found.")
    try:
        return user, held, _inviter(held)
    except NotAuthenticated:
        raise NotFound("Invite not found.") from None
