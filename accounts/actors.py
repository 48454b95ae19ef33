"""Who is doing it: through which door, from where, with which grants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from accounts import ids
from accounts.actions import Action

__all__ = ["PREFIX", "Actor", "ActorKind", "Door"]


class ActorKind(StrEnum):
    """What kind of principal acts."""

    OPERATOR = "operator"
    USER = "user"
    API_KEY = "api_key"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


class Door(StrEnum):
    """The way in."""

    CLI = "cli"
    API = "api"
    ADMIN = "admin"
    PAGE = "page"
    SYSTEM = "system"


PREFIX = {ActorKind.USER: "usr", ActorKind.API_KEY: "key"}


@dataclass(frozen=True, kw_only=True)
class Actor:
    """A principal as judged when the request began; ``policy.current`` judges it again under the locks.

    ``grants`` maps an organization's id to the permissions held there: an organization one merely
    belongs to is there with an empty set. ``organization_id`` is the principal's home.
    ``everything`` is the grant of the operator and of
    super-users, applied by policy like any other. Who ``must_enrol`` a second factor first is granted nothing.
    ``shown_at`` is when the person showed in a browser who they are; keys, programs and the shell have none. While
    somebody acts as another person (impersonation) the principal is that person, and ``impersonator`` whoever acts.
    """

    kind: ActorKind
    door: Door
    id: UUID | None = None
    organization_id: UUID | None = None
    session_id: UUID | None = None
    grants: Mapping[UUID, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    everything: bool = False
    must_enrol: bool = False
    shown_at: datetime | None = None
    os_user: str = ""
    ip: str | None = None
    device: str = ""
    request_id: str = ""
    impersonator: "Actor | None" = None

    @property
    def user_id(self) -> UUID | None:
        """The person acting, if it is a person."""
        return self.id if self.kind is ActorKind.USER else None

    @property
    def hands(self) -> "Actor":
        """Whoever really acts: the principal, or who acts as that person."""
        return self.impersonator or self

    @property
    def public_id(self) -> str:
        """How the audit trail shows the actor."""
        return ids.encode(PREFIX[self.kind], self.id) if self.id else str(self.kind)

    def holds(self, action: Action, organization_id: UUID | None) -> bool:
        """Say whether the actor was granted this in that organization (``None``: the installation)."""
        return self.everything or (organization_id is not None and action in self.permissions_in(organization_id))

    def permissions_in(self, organization_id: UUID) -> frozenset[str]:
        """List what the actor was granted in an organization."""
        return self.grants.get(organization_id, frozenset())

    def organizations_where(self, action: Action) -> list[UUID]:
        """List the organizations in which the actor was granted this."""
        return [organization for organization, permissions in self.grants.items() if action in permissions]
