"""Who may do what to whom (DESIGN section 4). Asked by operations, never by doors' own rules."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accounts.actions import BORROWED_HANDS, SEEN_BY_BORROWED_HANDS, SELF_ACTIONS, Action, expand
from accounts.actors import Actor, ActorKind, Door
from accounts.errors import NotAllowed, NotAuthenticated, NotFound
from accounts.models import APIKey, Membership, Organization, Role, RoleAssignment, RolePermission, Session, User
from accounts.models.organizations import MailCodes, SecondFactor
from accounts.statuses import OrganizationStatus

__all__ = [
    "actor_for",
    "actor_for_key",
    "administers",
    "anonymous",
    "assert_live",
    "current",
    "may",
    "may_have_mail_codes",
    "needs_second_factor",
    "operator",
    "permissions_of",
    "require",
    "require_all_theirs",
    "require_coarse",
    "require_grantable",
    "require_held",
    "require_own_hands",
    "require_rank",
    "require_rank_of_holders",
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
        Action.USER_IMPERSONATE,
        Action.USER_CLAIMS_SET,
        Action.USER_CLAIMS_REMOVE,
        Action.USER_EXPORT,
        Action.USER_PURGE,
        Action.USER_DELETE,
        Action.USER_DELETE_ACTIVITIES,
        Action.ERASURE_CANCEL,
        Action.SESSION_LIST,
        Action.SESSION_REVOKE,
        Action.FACTOR_LIST,
        Action.FACTOR_REMOVE,
        Action.USER_DISABLE_TWO_FACTOR,
        Action.USER_RESET_TWO_FACTOR,
        Action.MEMBERSHIP_REMOVE,
        Action.ROLE_ASSIGN,
        Action.ROLE_REMOVE,
    }
)
"""What may not be done to somebody more powerful."""

LEADING = ("owner", "admin")
"""The roles that run an organization."""

FREE = "/"
"""Stands in a free word as it is granted, ``<application>/billing.refund``, and in no word of ours."""


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

    In an impersonation that is the person, seen by who acts as them: at home alone, and only what is to be seen.

    :param where: ``ip``, ``device``, ``request_id``
    """
    must_enrol = session is not None and session.must_enrol
    impersonator = _impersonator(session, door) if session else None
    grants = MappingProxyType({}) if must_enrol else _grants(user.pk)
    if impersonator:
        # SECURITY: what the person is in other organizations is out of reach, and what they may change of others too.
        seen = (word for word in grants.get(user.organization_id, ()) if FREE in word or word in SEEN_BY_BORROWED_HANDS)
        grants = MappingProxyType({user.organization_id: frozenset(seen)})
    return Actor(
        kind=ActorKind.USER,
        door=door,
        id=user.pk,
        organization_id=user.organization_id,
        session_id=session.pk if session else None,
        grants=grants,
        everything=user.is_superuser and not must_enrol and not impersonator,
        must_enrol=must_enrol,
        impersonator=impersonator,
        **where,
    )


def needs_second_factor(user: User) -> bool:
    """Say whether somebody is to have a second factor: by an organization that they belong to, or an admin's reset."""
    everybody = Q(organization__second_factor=SecondFactor.REQUIRED)
    leading = Q(organization__second_factor=SecondFactor.ADMINS)
    if not user.is_superuser:
        powerful = RoleAssignment.objects.live().filter(role__organization=None, role__slug__in=LEADING)
        leading &= Q(assignments__in=powerful)
    belongs = Membership.objects.filter(user_id=user.pk, organization__status=OrganizationStatus.ACTIVE)
    return user.must_enrol or belongs.filter(everybody | leading).exists()


def must_enrol(user: User, methods: Sequence[str]) -> bool:
    """Say whether somebody who showed who they are in these ways has to enrol a second factor before all else."""
    ways = set(methods) - {"pwd"}
    is_enough = bool(ways - {"mail"}) or ("mail" in ways and may_have_mail_codes(user))
    return not is_enough and needs_second_factor(user)


def may_have_mail_codes(user: User) -> bool:
    """Say whether codes by mail are enough as somebody's second factor: where their home allows it, of no admin."""
    return MailCodes(user.organization.mail_codes) is MailCodes.ALLOWED and not administers(user)


def _impersonator(session: Session, door: Door) -> Actor | None:
    """Name whoever acts in an impersonation; whether they live, and may, ``assert_live`` asks."""
    if session.kind != Session.IMPERSONATION:
        return None
    kind = ActorKind(session.impersonator_kind)
    return Actor(kind=kind, door=door, id=session.impersonator_id, everything=kind is ActorKind.OPERATOR)


def administers(user: User) -> bool:
    """Say whether somebody runs anything: their sign-ins are shorter."""
    held = RoleAssignment.objects.of_user(user.pk).filter(role__organization=None, role__slug__in=LEADING)
    return user.is_superuser or held.exists()


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

    :raises NotAuthenticated: if status, session, key, its maker or the organization is not live, and of an
        impersonation also if whoever acts is not, or may not act as this person any more
    """
    if isinstance(principal, APIKey):
        maker = principal.made_by
        alive = principal.is_live and principal.organization.is_active
        alive = alive and (maker is None or (maker.is_active and maker.organization.is_active))
    else:
        alive = principal is not None and principal.is_active and principal.organization.is_active
        alive = alive and (not needs_session or (session is not None and session.is_live))
        alive = alive and (session is None or principal is None or _is_borrowed_rightly(principal, session))
    if not alive:
        raise NotAuthenticated("You are not signed in.")


def _is_borrowed_rightly(user: User, session: Session) -> bool:
    """Say whether whoever acts in an impersonation is live and may still do so; yes for other sessions."""
    impersonator = _impersonator(session, Door.SYSTEM)
    if impersonator is None:
        return True
    if impersonator.id is None and impersonator.kind is not ActorKind.OPERATOR:  # erased
        return False
    try:
        now = current(replace(impersonator, session_id=session.started_in))
        require(now, Action.USER_IMPERSONATE, user)
    except (NotAuthenticated, NotAllowed, NotFound):
        return False
    return True


def _grants(user_id: UUID) -> Mapping[UUID, frozenset[str]]:
    """Read a person's permissions by organization, in one query; one they merely belong to is there, empty."""
    granted: dict[UUID, set[str]] = defaultdict(set)
    now = timezone.now()
    rows = Membership.objects.filter(user_id=user_id, organization__status=OrganizationStatus.ACTIVE).values_list(
        "organization_id",
        "assignments__role__application_id",
        "assignments__role__permissions__permission",
        "assignments__until",
    )
    for organization_id, application_id, permission, until in rows.distinct():
        counts = permission and (until is None or until > now)
        granted[organization_id].update({_word(application_id, permission)} if counts else ())
    return MappingProxyType({organization: frozenset(words) for organization, words in granted.items()})


def _word(application_id: UUID | None, permission: str) -> str:
    """Give a permission as it is granted."""
    # SECURITY: a free word never counts as one of ours, whatever an application calls it.
    return f"{application_id}{FREE}{permission}" if application_id else permission


def _lacking(actor: Actor, organization_id: UUID, words: Iterable[str]) -> frozenset[str]:
    """Give the words that the actor lacks there; whoever settles what free words there are has all of them."""
    lacking = frozenset(words) - actor.permissions_in(organization_id)
    if actor.holds(Action.APP_UPDATE, organization_id):
        return frozenset(word for word in lacking if FREE not in word)
    return lacking


def permissions_of(user: User, organization_id: UUID | None = None) -> frozenset[str]:
    """List what a person may do in an organization, their home if not said; free words apart."""
    place = organization_id or user.organization_id
    words = RoleAssignment.objects.live().of_user(user.pk).filter(organization_id=place, role__application=None)
    return frozenset(words.exclude(role__permissions=None).values_list("role__permissions__permission", flat=True))


def require_coarse(actor: Actor, action: Action) -> None:
    """Refuse early whoever could not do this to anything: before rows are read and passwords hashed.

    :raises NotAllowed: naming the missing permission
    """
    require_own_hands(actor, action)
    if actor.everything or actor.organizations_where(action) or (actor.user_id and action in SELF_ACTIONS):
        return
    raise missing(action)


def require(actor: Actor, action: Action, subject: Any) -> None:
    """Refuse what the actor may not do to this row.

    :raises NotFound: if the row does not exist for the actor
    :raises NotAllowed: if it does, naming the missing permission
    """
    require_own_hands(actor, action)
    if not actor.everything:
        _require_granted(actor, action, subject)
    if action is Action.USER_IMPERSONATE:
        _require_less_powerful(actor, subject)


def require_own_hands(actor: Actor, action: Action) -> None:
    """Refuse what nobody does while they act as somebody else: THE rule of impersonation.

    :raises NotAllowed: saying so
    """
    if actor.impersonator and action not in BORROWED_HANDS:
        raise NotAllowed(
            "You act as somebody else, and this is not for borrowed hands.",
            remedy="Stop acting as them; do in your own name what you may do yourself.",
            fields={"permission": str(action)},
        )


def _require_granted(actor: Actor, action: Action, subject: Any) -> None:
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
        require_rank(actor, action, user, user.organization_id)


def require_rank(actor: Actor, action: Action, user: User, organization_id: UUID) -> None:
    """Refuse acting on the more powerful there; who cannot give roles acts on the less powerful only.

    :raises NotAllowed: naming what was refused
    """
    if actor.everything:
        return
    mine = frozenset(word for word in actor.permissions_in(organization_id) if FREE not in word)
    theirs = permissions_of(user, organization_id)
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
    if user.is_superuser or any(_lacking(actor, place, words) for place, words in _grants(user.pk).items()):
        raise _more_powerful(action)


def _require_less_powerful(actor: Actor, user: User) -> None:
    """Refuse acting as anybody but those who may do strictly less, everywhere; never as a super-user or oneself.

    :raises NotAllowed: saying which
    """
    action = Action.USER_IMPERSONATE
    if user.pk == actor.user_id:
        raise NotAllowed("You are this person already.", fields={"permission": str(action)})
    if user.is_superuser:
        raise NotAllowed("Nobody acts as a super-user.", fields={"permission": str(action)})
    if actor.everything:
        return
    require_all_theirs(actor, action, user)
    mine = frozenset(word for word in actor.permissions_in(user.organization_id) if FREE not in word)
    if not permissions_of(user) < mine:
        raise NotAllowed(
            "You act only as people who may do less than you.",
            remedy="Ask somebody with more permissions.",
            fields={"permission": str(action)},
        )


def sees(actor: Actor, subject: Any) -> bool:
    """Say whether a row exists for the actor."""
    found: bool = subject.__class__.objects.visible_to(actor).filter(pk=subject.pk).exists()
    return found


def require_held(actor: Actor, role: Role, organization_id: UUID, words: Iterable[str]) -> None:
    """Refuse words in a role that the actor has not: nobody gives what they do not have.

    :raises NotAllowed: naming what is missing
    """
    if actor.everything:
        return
    if lacking := _lacking(actor, organization_id, (_word(role.application_id, word) for word in words)):
        raise NotAllowed(
            f"The role {role.slug} permits what you may not do yourself.",
            remedy="Ask somebody who has the role.",
            fields={"roles": ", ".join(sorted(word.rpartition(FREE)[2] for word in lacking))},
        )


def require_grantable(
    actor: Actor,
    role: Role,
    organization: Organization,
    *,
    action: Action = Action.ROLE_ASSIGN,
    until: datetime | None = None,
) -> None:
    """Refuse giving or taking a role that holds more than the actor has, or giving it for longer than they have it.

    :param action: ``role.assign`` or ``role.remove``
    :raises NotAllowed: naming what is missing
    """
    if actor.everything:
        return
    if not actor.holds(action, organization.pk):
        raise missing(action)
    words = frozenset(role.permissions.values_list("permission", flat=True))
    require_held(actor, role, organization.pk, words)
    if action is Action.ROLE_ASSIGN:
        _require_lasting(actor, role, organization.pk, words, until)


def _require_lasting(
    actor: Actor, role: Role, organization_id: UUID, words: frozenset[str], until: datetime | None
) -> None:
    """Refuse giving what the actor has until a day for longer than that, to themselves or an accomplice."""
    person = actor.user_id
    if actor.kind is ActorKind.API_KEY and actor.id:
        person = APIKey.objects.get(pk=actor.id).made_by_id
    if person is None:
        return
    wanted = words | ({Action.APP_UPDATE} if role.application_id else frozenset())
    ends: dict[str, datetime] = {}
    lasting: set[str] = set()
    mine = RoleAssignment.objects.live().filter(membership__user_id=person, organization_id=organization_id)
    mine = mine.filter(Q(role__application=None) | Q(role__application=role.application_id))
    rows = mine.filter(role__permissions__permission__in=wanted)
    for application_id, word, end in rows.values_list("role__application_id", "role__permissions__permission", "until"):
        held = _word(application_id, word)
        if end is None:
            lasting.add(held)
        else:
            ends[held] = max(end, ends.get(held, end))
    if role.application_id and Action.APP_UPDATE in lasting:
        return
    for word in (_word(role.application_id, word) for word in words):
        end = max(filter(None, (ends.get(word), ends.get(Action.APP_UPDATE) if FREE in word else None)), default=None)
        if word not in lasting and end is not None and (until is None or until > end):
            raise NotAllowed(
                f"You may do what the role {role.slug} permits until {end:%Y-%m-%d %H:%M} UTC, and give it no longer.",
                remedy="Give it an end (until) before that.",
                fields={"until": "is later than your own"},
            )


def require_rank_of_holders(actor: Actor, action: Action, role: Role) -> None:
    """Refuse changing what a role permits, or ending it, while somebody more powerful has it.

    :raises NotAllowed: naming what was refused
    """
    if actor.everything or role.organization_id is None:
        return
    theirs = RoleAssignment.objects.live().filter(membership__assignments__role=role)
    theirs = theirs.filter(organization_id=role.organization_id)
    if actor.user_id:
        theirs = theirs.exclude(membership__user_id=actor.user_id)
    mine = sorted(actor.permissions_in(role.organization_id))
    beyond = RolePermission.objects.filter(role__application=None, role__assignments__in=theirs)
    beyond = beyond.exclude(permission__in=mine)
    if beyond.exists() or theirs.filter(membership__user__is_superuser=True).exists():
        raise _more_powerful(action)


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
