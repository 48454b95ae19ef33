"""Who may do what to whom (DESIGN section 4). Asked by operations, never by doors' own rules."""

from collections import defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.actions import SELF_ACTIONS, Action, expand
from accounts.actors import Actor, ActorKind, Door
from accounts.errors import NotAllowed, NotAuthenticated, NotFound
from accounts.models import APIKey, Membership, Organization, Role, RoleAssignment, Session, User
from accounts.statuses import OrganizationStatus

__all__ = [
    "actor_for",
    "actor_for_key",
    "anonymous",
    "assert_live",
    "current",
    "may",
    "operator",
    "permissions_of",
    "require",
    "require_all_theirs",
    "require_coarse",
    "require_grantable",
    "sees",
    "system",
]

RANKED = frozenset(
    {
        Action.USER_UPDATE,
        Action.USER_SET_PASSWORD,
        Action.USER_RESET_PASSWORD,
        Action.USER_SUSPEND,
        Action.USER_ACTIVATE,
        Action.USER_LOCK,
        Action.USER_UNLOCK,
        Action.USER_RESTRICT,
        Action.USER_UNRESTRICT,
        Action.USER_ARCHIVE,
        Action.USER_CONFIRM,
        Action.USER_UNCONFIRM,
        Action.USER_TAG,
        Action.USER_UNTAG,
        Action.USER_SET,
        Action.USER_SIGN_OUT,
        Action.USER_EXPORT,
        Action.USER_PURGE,
        Action.USER_DELETE,
        Action.USER_DELETE_ACTIVITIES,
        Action.ERASURE_CANCEL,
        Action.SESSION_LIST,
        Action.SESSION_REVOKE,
        Action.MEMBERSHIP_REMOVE,
        Action.ROLE_ASSIGN,
    }
)
"""What may not be done to somebody more powerful."""


def operator(*, os_user: str, request_id: str = "") -> Actor:
    """Give the principal of the command line: everything, by name in the trail."""
    return Actor(kind=ActorKind.OPERATOR, door=Door.CLI, everything=True, os_user=os_user, request_id=request_id)


def system(*, request_id: str = "") -> Actor:
    """Give the principal of the service itself, for what nobody asked for (first start, sweep)."""
    return Actor(kind=ActorKind.SYSTEM, door=Door.SYSTEM, everything=True, request_id=request_id)


def anonymous(*, door: Door, **where: Any) -> Actor:
    """Give the principal of a request before sign-in: nothing granted."""
    return Actor(kind=ActorKind.ANONYMOUS, door=door, **where)


def actor_for(user: User, *, door: Door, session: Session | None = None, **where: Any) -> Actor:
    """Give the principal of a signed-in person, with what their roles grant now (one query).

    :param where: ``ip``, ``device``, ``request_id``
    """
    return Actor(
        kind=ActorKind.USER,
        door=door,
        id=user.pk,
        organization_id=user.organization_id,
        session_id=session.pk if session else None,
        grants=_grants(user.pk),
        everything=user.is_superuser,
        **where,
    )


def actor_for_key(key: APIKey, *, door: Door, **where: Any) -> Actor:
    """Give the principal of an API key: its scopes, and of those only what its maker still has."""
    permissions = expand(frozenset(key.scopes))
    if key.made_by is not None and not key.made_by.is_superuser:
        permissions &= _grants(key.made_by.pk).get(key.organization_id, frozenset())
    grants = MappingProxyType({key.organization_id: permissions})
    return Actor(
        kind=ActorKind.API_KEY, door=door, id=key.pk, organization_id=key.organization_id, grants=grants, **where
    )


def current(actor: Actor) -> Actor:
    """Judge a principal again, now: alive, and with what is granted at this moment.

    :raises NotAuthenticated: if it has died since the request began
    """
    where: dict[str, Any] = {"door": actor.door, "ip": actor.ip, "device": actor.device, "request_id": actor.request_id}
    if actor.kind is ActorKind.USER and actor.id:
        user = User.objects.select_related("organization").filter(pk=actor.id).first()
        session = Session.objects.filter(pk=actor.session_id).first() if actor.session_id else None
        assert_live(user, session=session, needs_session=actor.session_id is not None)
        assert user is not None
        return actor_for(user, session=session, **where)
    if actor.kind is ActorKind.API_KEY and actor.id:
        key = APIKey.objects.select_related("organization", "made_by__organization").filter(pk=actor.id).first()
        assert_live(key)
        assert key is not None
        return actor_for_key(key, **where)
    return actor


def assert_live(
    principal: User | APIKey | None, *, session: Session | None = None, needs_session: bool = False
) -> None:
    """Refuse a principal that is dead: THE question every way in asks.

    :raises NotAuthenticated: if status, session, key, its maker or the organization is not live
    """
    if isinstance(principal, APIKey):
        maker = principal.made_by
        alive = principal.is_live and principal.organization.is_active
        alive = alive and (maker is None or (maker.is_active and maker.organization.is_active))
    else:
        alive = principal is not None and principal.is_active and principal.organization.is_active
        alive = alive and (not needs_session or (session is not None and session.is_live))
    if not alive:
        raise NotAuthenticated("You are not signed in.")


def _grants(user_id: UUID) -> Mapping[UUID, frozenset[str]]:
    """Read a person's permissions by organization; one they merely belong to is there, empty."""
    granted: dict[UUID, set[str]] = defaultdict(set)
    now = timezone.now()
    rows = Membership.objects.filter(user_id=user_id, organization__status=OrganizationStatus.ACTIVE).values_list(
        "organization_id", "assignments__role__permissions__permission", "assignments__until"
    )
    for organization_id, permission, until in rows:
        granted[organization_id].update({permission} if permission and (until is None or until > now) else ())
    return MappingProxyType({organization: frozenset(words) for organization, words in granted.items()})


def permissions_of(user: User) -> frozenset[str]:
    """List what a person may do in their home organization."""
    words = RoleAssignment.objects.live().of_user(user.pk).filter(organization_id=user.organization_id)
    return frozenset(words.exclude(role__permissions=None).values_list("role__permissions__permission", flat=True))


def require_coarse(actor: Actor, action: Action) -> None:
    """Refuse early whoever could not do this to anything: before rows are read and passwords hashed.

    :raises NotAllowed: naming the missing permission
    """
    if actor.everything or actor.organizations_where(action) or (actor.user_id and action in SELF_ACTIONS):
        return
    raise missing(action)


def require(actor: Actor, action: Action, subject: Any) -> None:
    """Refuse what the actor may not do to this row.

    :raises NotFound: if the row does not exist for the actor
    :raises NotAllowed: if it does, naming the missing permission
    """
    if actor.everything:
        return
    if isinstance(subject, User):
        _require_on_user(actor, action, subject)
    elif not sees(actor, subject):
        name = str(subject._meta.verbose_name)
        raise NotFound(f"{name[0].upper()}{name[1:]} not found.")
    elif not actor.holds(action, subject.organization_id):
        raise missing(action)


def _require_on_user(actor: Actor, action: Action, user: User) -> None:
    own = user.pk == actor.user_id
    if not (own or actor.holds(Action.USER_SHOW, user.organization_id)):
        raise NotFound("User not found.")
    if own and action in SELF_ACTIONS:
        return
    if not actor.holds(action, user.organization_id):
        raise missing(action)
    if action in RANKED and not own:
        _require_rank(actor, action, user)


def _require_rank(actor: Actor, action: Action, user: User) -> None:
    """Refuse acting on the more powerful; who cannot give roles acts on the less powerful only."""
    mine, theirs = actor.permissions_in(user.organization_id), permissions_of(user)
    enough = theirs <= mine if Action.ROLE_ASSIGN in mine else theirs < mine
    if user.is_superuser or not enough:
        raise _more_powerful(action)


def _more_powerful(action: Action) -> NotAllowed:
    return NotAllowed(
        "The account has more permissions than you.",
        remedy="Ask somebody with at least the same roles.",
        fields={"permission": str(action)},
    )


def require_all_theirs(actor: Actor, action: Action, user: User) -> None:
    """Refuse what would let the actor act as somebody more powerful anywhere: their password, their address.

    Rank at home is not enough for that: a guest elsewhere can be an owner there.

    :raises NotAllowed: if the person may do something that the actor may not
    """
    if actor.everything or user.pk == actor.user_id:
        return
    if user.is_superuser or any(not words <= actor.permissions_in(place) for place, words in _grants(user.pk).items()):
        raise _more_powerful(action)


def sees(actor: Actor, subject: Any) -> bool:
    """Say whether a row exists for the actor."""
    found: bool = type(subject).objects.visible_to(actor).filter(pk=subject.pk).exists()
    return found


def require_grantable(actor: Actor, role: Role, organization: Organization) -> None:
    """Refuse giving or taking a role that holds more than the actor has: nobody gives what they do not have.

    :raises NotAllowed: naming what is missing
    """
    if actor.everything:
        return
    if not actor.holds(Action.ROLE_ASSIGN, organization.pk):
        raise missing(Action.ROLE_ASSIGN)
    held = actor.permissions_in(organization.pk)
    lacking = set(role.permissions.values_list("permission", flat=True)) - held
    if lacking:
        raise NotAllowed(
            f"The role {role.slug} permits what you may not do yourself.",
            remedy="Ask somebody who has the role.",
            fields={"roles": ", ".join(sorted(lacking))},
        )


def may(actor: Actor, action: Action, subject: Any) -> bool:
    """Say whether ``require`` would let it pass."""
    try:
        require(actor, action, subject)
    except (NotAllowed, NotFound):
        return False
    return True


def missing(action: Action) -> NotAllowed:
    """Make the refusal that names the missing permission."""
    return NotAllowed(f"You need the permission {action}.", fields={"permission": str(action)})
