"""API keys: made, shown once, revoked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import INSTALLATION_ACTIONS, SYSTEM_ACTIONS, UMBRELLAS, Action, expand
from accounts.actors import Actor, ActorKind
from accounts.errors import Conflict, Invalid, NotAllowed, NotAuthenticated
from accounts.models import APIKey, Invite, Organization, Session, User
from accounts.operations.base import operation
from accounts.profile import reason_checked, text_checked
from accounts.secrets import generate, matches, parse
from accounts.statuses import OrganizationStatus

__all__ = ["SCOPES", "MadeKey", "api_key_authenticated", "api_key_create", "api_key_revoke"]

TOUCH_INTERVAL: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=365)
NAME_LENGTH: Final = 100
SCOPES: Final = frozenset({*UMBRELLAS, *(set(Action) - INSTALLATION_ACTIONS - SYSTEM_ACTIONS)})
"""What a key may be given."""


class MadeKey(NamedTuple):
    """A new key, and its secret: shown once, stored nowhere."""

    key: APIKey
    secret: str


@operation(Action.API_KEY_CREATE)
def api_key_create(
    *,
    actor: Actor,
    organization: Organization,
    name: str,
    scopes: Iterable[str],
    expires_at: datetime | None = None,
    reason: str = "",
) -> MadeKey:
    """Make a key of an organization; one made by a person names them and dies when they leave ``active``.

    :param expires_at: at most, and if not given, 365 days from now
    :raises NotFound: if the organization does not exist for the actor
    :raises NotAllowed: without the permission, or for a scope that the actor does not hold
    :raises Invalid: if name, scopes or expiry are wrong
    :raises Conflict: if the organization is archived
    """
    maker = _maker(actor)
    if maker is not None:
        User.objects.locked(maker, also=organization.pk)
        actor = policy.current(actor)
    (organization,) = Organization.objects.locked(organization.pk)
    policy.require(actor, Action.API_KEY_CREATE, organization)
    if organization.status == OrganizationStatus.ARCHIVED:
        raise Conflict("The organization is archived.", remedy=f"Activate it first: org_activate {organization.slug}")
    words = _scopes_checked(actor, organization, scopes)
    secret = generate("idk")
    key = APIKey.objects.create(
        organization=organization,
        name=text_checked("name", name, longest=NAME_LENGTH),
        made_by=maker,
        scopes=words,
        lookup=secret.lookup,
        secret_hash=secret.hash,
        expires_at=_expiry_checked(expires_at),
    )
    audit.record(
        actor,
        Action.API_KEY_CREATE,
        key,
        reason=reason_checked(reason),
        after={"name": key.name, "scopes": words, "expires_at": key.expires_at.isoformat()},
    )
    return MadeKey(key, secret.text)


def _maker(actor: Actor) -> User | None:
    """Name the person behind a new key: the actor, or who made the key that makes it."""
    if actor.kind is ActorKind.API_KEY and actor.id:
        return APIKey.objects.select_related("made_by").get(pk=actor.id).made_by
    return User.objects.get(pk=actor.user_id) if actor.user_id else None


def _scopes_checked(actor: Actor, organization: Organization, scopes: Iterable[str]) -> list[str]:
    words = sorted(set(scopes))
    if unknown := [word for word in words if word not in SCOPES]:
        raise Invalid(
            f"There is no scope {unknown[0]!r}.",
            remedy="A scope is a permission like user.show, or admin:users for every user.*.",
            fields={"scopes": f"unknown: {unknown[0]}"},
        )
    if not words:
        raise Invalid("A key needs a scope.", fields={"scopes": "is required"})
    lacking = sorted(word for word in expand(frozenset(words)) if not actor.holds(Action(word), organization.pk))
    if lacking:
        raise NotAllowed(
            f"You cannot give a key what you may not do yourself: {lacking[0]}.",
            remedy="Leave the scope out, or ask somebody who holds it.",
            fields={"scopes": ", ".join(lacking)},
        )
    return words


def _expiry_checked(expires_at: datetime | None) -> datetime:
    now = timezone.now()
    if expires_at is not None and not now < expires_at <= now + LONGEST:
        raise Invalid(
            "A key ends in the future, within 365 days.", fields={"expires_at": "must be within 365 days from now"}
        )
    return expires_at or now + LONGEST


@operation(Action.API_KEY_REVOKE)
def api_key_revoke(*, actor: Actor, key: APIKey, reason: str = "") -> APIKey:
    """Revoke a key, at once and for good; again changes nothing.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    """
    policy.require(actor, Action.API_KEY_REVOKE, key)
    if APIKey.objects.filter(pk=key.pk).revoke(Action.API_KEY_REVOKE):
        invites = Invite.objects.filter(invited_by=key.pk).revoke()
        acting = Session.objects.by(ActorKind.API_KEY, [key.pk]).end(Action.API_KEY_REVOKE)
        ended = {kind: number for kind, number in (("invites", invites), ("sessions", acting)) if number}
        audit.record(actor, Action.API_KEY_REVOKE, key, reason=reason_checked(reason), ended=ended)
    key.refresh_from_db()
    return key


def api_key_authenticated(text: str) -> APIKey:
    """Find the live key of a secret, in one look-up; no event, its use is noted at most once a minute.

    :raises NotAuthenticated: the same for every secret that opens nothing
    """
    parsed = parse("idk", text)
    rows = APIKey.objects.select_related("organization", "made_by__organization")
    key = rows.filter(lookup=parsed[0]).first() if parsed else None
    if key is None or parsed is None or not matches(parsed[1], key.secret_hash):
        raise NotAuthenticated("You are not signed in.")
    policy.assert_live(key)
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= TOUCH_INTERVAL:
        APIKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key
