"""What several verbs need: the death of credentials, and the guards of those who must remain."""

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.actors import Actor, ActorKind
from accounts.errors import Conflict, NotAuthenticated, NotRecent
from accounts.models import APIKey, Invite, RoleAssignment, Session, User
from accounts.models.sessions import RECENT
from accounts.operations.links import void
from accounts.statuses import OrganizationStatus, Status

__all__ = [
    "end_credentials",
    "guard_changeable",
    "guard_last_owner",
    "guard_last_superuser",
    "guard_leaving",
    "is_recent",
    "renew_key",
    "require_recent",
]


def end_credentials(
    user: User, reason: str, *, keys: bool = True, sessions: bool = True, but: UUID | None = None
) -> dict[str, int]:
    """End everything that opens a door for this person, in the caller's transaction; says how many of each.

    :param keys: also the API keys and invites they made, the invite that waits for them, and links that only
        confirm an address (``user_sign_out`` leaves those)
    :param sessions: also their sessions, and those in which they act as somebody else (``user_set_password`` can
        leave those)
    :param but: the one session that stays
    """
    theirs = Session.objects.filter(user=user)
    theirs = theirs.exclude(pk=but) if but else theirs
    acting = Session.objects.by(ActorKind.USER, [user.pk])
    if keys:
        made = APIKey.objects.filter(made_by=user).values_list("pk", flat=True)
        acting |= Session.objects.by(ActorKind.API_KEY, made)
    ended = {
        "sessions": theirs.end(reason) + acting.end(reason) if sessions else 0,
        "links": void(user, reason, confirmations=keys),
        "api_keys": APIKey.objects.filter(made_by=user).revoke(reason) if keys else 0,
        "invites": Invite.objects.filter(Q(invited_by=user.pk) | Q(user=user)).revoke() if keys else 0,
    }
    return {kind: number for kind, number in ended.items() if number}


def guard_changeable(user: User) -> None:
    """Refuse changing what is only kept (Art. 18), is being erased or has been.

    :raises Conflict: saying what can be done instead
    """
    status = user.current_status
    if status in {Status.PURGING, Status.PURGED}:
        raise Conflict("The account is being erased or has been.", remedy="Nothing of it can be changed any more.")
    if status is Status.RESTRICTED:
        raise Conflict(
            "The account is restricted: its data is kept and not used.",
            remedy="Lift the restriction first (unrestrict).",
        )


def guard_leaving(user: User) -> None:
    """Refuse that somebody leaves who must remain.

    :raises Conflict: for the last super-user, and for the last owner of an organization
    """
    guard_last_superuser(user)
    owned = RoleAssignment.objects.of_user(user.pk).lasting_owners()
    for organization_id in owned.values_list("organization_id", flat=True):
        guard_last_owner(user, organization_id)


def guard_last_superuser(user: User) -> None:
    """Refuse that the last super-user who can sign in goes (the installation's row is locked).

    :raises Conflict: if there is no other
    """
    others = (
        User.objects.live()
        .filter(is_superuser=True, organization__status=OrganizationStatus.ACTIVE)
        .exclude(pk=user.pk)
    )
    if user.is_superuser and not others.exists():
        raise Conflict("This is the last super-user.", remedy="Make another super-user first: createsuperuser.")


def guard_last_owner(user: User, organization_id: UUID) -> None:
    """Refuse that the last owner who can sign in goes (the organization's row is locked).

    :raises Conflict: if there is no other
    """
    owners = RoleAssignment.objects.owners_of(organization_id).values("membership__user_id")
    at_home = Q(organization__status=OrganizationStatus.ACTIVE) | Q(organization_id=organization_id)
    if not User.objects.live().filter(at_home, pk__in=owners).exclude(pk=user.pk).exists():
        raise Conflict("This is the last owner of the organization.", remedy="Give somebody else the role owner first.")


def is_recent(session: Session) -> bool:
    """Say whether the person showed a short while ago who they are."""
    return session.authenticated_at > timezone.now() - RECENT


def renew_key(actor: Actor, user: User, key_hash: str) -> None:
    """Give the session of the actor's own browser a fresh key, in the caller's transaction.

    :raises NotAuthenticated: if it was ended at this moment
    """
    # SECURITY: what knew the key before may not go on with it once the account is guarded better (session fixation).
    mine = Session.objects.live().filter(user=user, kind=Session.BROWSER)
    if not (actor.session_id and mine.filter(pk=actor.session_id).update(key_hash=key_hash)):
        raise NotAuthenticated("You are not signed in.")


def require_recent(actor: Actor) -> None:
    """Refuse what should not be done to one's own account in a session that was left open, or was stolen.

    A program's session counts from its sign-in. Keys have none, and none of these verbs is theirs.

    :raises NotRecent: if it was longer ago
    """
    if actor.session_id is None:
        return
    session = Session.objects.filter(pk=actor.session_id).first()
    if session is None or not is_recent(session):
        raise NotRecent
