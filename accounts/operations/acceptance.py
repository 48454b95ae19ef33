"""Accepting an invite: with its secret, which makes an account one's own; or as a guest, with the address."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor, ActorKind, Door
from accounts.errors import Invalid, NotAllowed, NotAuthenticated, NotFound
from accounts.models import APIKey, Invite, Membership, User
from accounts.operations.base import NewPassword, operation
from accounts.operations.claims import put_claims
from accounts.operations.invites import end_invite
from accounts.operations.links import dead_link
from accounts.operations.outbox import tell
from accounts.operations.roles import give_role
from accounts.operations.statuses import change_status
from accounts.operations.throttles import failures_bounded
from accounts.profile import profile_checked
from accounts.secrets import matches, parse
from accounts.statuses import Status

__all__ = [
    "claims_given",
    "invite_accept",
    "invite_decline",
    "invite_find",
    "invite_join",
    "invite_opened",
    "inviter_of",
]


def invite_find(*, actor: Actor, token: str) -> Invite:
    """Find the invite that a token opens.

    :raises NotAuthenticated: the same for every token that opens nothing
    :raises Throttled: if too many such came from one network
    """
    with failures_bounded("invite", actor):
        return invite_opened(token)[0]


def invite_opened(token: str) -> tuple[Invite, Actor]:
    """Give the invite of a token, and who stands for it, judged now.

    :raises NotAuthenticated: the same for every token that opens nothing
    """
    parsed = parse("inv", token)
    rows = Invite.objects.pending().select_related("organization", "user__organization", "via")
    invite = rows.filter(lookup=parsed[0]).first() if parsed else None
    if invite is None or parsed is None or not matches(parsed[1], invite.secret_hash):
        raise dead_link()
    user = invite.user
    waits = invite.is_open or (
        user is not None and user.status == Status.INVITED and user.email_key == invite.email_key
    )
    if not waits or not invite.organization.is_active:
        raise dead_link()
    return invite, inviter_of(invite)


def inviter_of(invite: Invite) -> Actor:
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
    invite = invite_find(actor=arguments["actor"], token=arguments["token"])
    if invite.user is None:
        raise Invalid(
            "By an open link one asks for a letter first.",
            remedy="Say the address; the letter to it brings a link of one's own.",
            fields={"token": "is an open link's"},
        )
    profile = profile_checked(arguments.get("profile") or {})
    known = {"name": invite.user.display_name, **profile}
    password: NewPassword = arguments["password"]
    password = password.prepared(invite.email, *known.values(), invite.organization.slug, invite.organization.name)
    return {"password": password, "profile": profile}


@operation(Action.INVITE_ACCEPT, prepare=_hash_by_invite)
def invite_accept(
    *,
    actor: Actor,
    token: str,
    password: NewPassword,
    profile: Mapping[str, str] | None = None,
) -> User:
    """Accept an invite: the account is theirs, with the password they choose. It signs nobody in.

    Whoever opened the link in a letter reads that mailbox, which confirms the address; otherwise a letter asks them
    to. A role that whoever invited could not give now is left out, and the trail says so.

    :raises NotAuthenticated: the same for every token that opens nothing; of several on the last use one gets in
    :raises Invalid: if the password may not be used, an input is wrong, or the link is an open one; it stays good
    :raises Throttled: if too many tokens that open nothing came from one network
    """
    found, _ = invite_opened(token)
    assert found.user is not None
    User.objects.locked(found.user)
    invite, inviter = invite_opened(token)  # again: what it stands on may have changed before the lock
    if invite.user is None or not Invite.objects.use(invite):
        raise dead_link()
    user = _woken(invite, invite.user, password, profile or {})
    membership = Membership.objects.get(user=user, organization=invite.organization)
    given = _roles_given(inviter, invite, membership)
    tell(user, "joined")
    if not user.email_verified:
        tell(user, "confirm_email")
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


class Given(NamedTuple):
    """What an invite brought, and what it could not bring any more."""

    after: dict[str, Any] = {}
    left_out: dict[str, Any] = {}


def claims_given(inviter: Actor, invite: Invite, user: User) -> Given:
    """Set the claims that an open link brings; one that could not be set now is left out."""
    said: dict[str, Any] = {}
    left_out: list[str] = []
    for claim in invite.claims.select_related("definition__application").order_by("pk"):
        try:
            said |= put_claims(inviter, user, [(claim.definition, claim.value)])
        except (NotAllowed, NotFound, Invalid):
            left_out.append(claim.definition.word)
    return Given({"claims": said} if said else {}, {"claims": left_out} if left_out else {})


def _roles_given(inviter: Actor, invite: Invite, membership: Membership) -> Given:
    given: list[str] = []
    left_out: list[str] = []
    for entry in invite.roles.select_related("role__application").order_by("pk"):
        try:
            give_role(inviter, membership, entry.role, invite.organization)
        except NotAllowed:
            left_out.append(entry.role.full_slug)
        else:
            given.append(entry.role.full_slug)
    return Given({"roles": sorted(given)}, {"roles": sorted(left_out)} if left_out else {})


# --- as a guest -------------------------------------------------------------------------------
def _find_theirs(arguments: dict[str, Any]) -> Mapping[str, Any]:
    """Look whether there is such an invite for whoever is signed in, before anything is held."""
    with failures_bounded("invite", arguments["actor"]):
        user = User.objects.filter(pk=arguments["actor"].user_id).first()
        if user is not None and not Invite.objects.of_person(user).filter(pk=arguments["invite"].pk).exists():
            raise NotFound("Invite not found.")
    return {}


@operation(Action.INVITE_ACCEPT, prepare=_find_theirs)
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
    given = _roles_given(inviter, invite, membership)
    invite.user = user
    Invite.objects.filter(pk=invite.pk).update(user=user)
    change_status(waiting, "archive", reason="Came as a guest instead.")
    audit.record(actor, Action.INVITE_ACCEPT, invite, after={"guest": True, **given.after}, left_out=given.left_out)
    return membership


@operation(Action.INVITE_DECLINE, prepare=_find_theirs)
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
    rows = Invite.objects.of_person(user).select_related("organization", "user__organization", "via")
    held = rows.filter(pk=invite.pk, user_id__in=list(accounts)).first()
    if held is None:
        raise NotFound("Invite not found.")
    try:
        return user, held, inviter_of(held)
    except NotAuthenticated:
        raise NotFound("Invite not found.") from None
