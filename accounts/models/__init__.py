"""The rows."""

from accounts.models.api_keys import APIKey
from accounts.models.applications import Application, Permission
from accounts.models.audit import AuditChain, AuditEvent, AuditPart
from accounts.models.claims import ClaimDefinition, ClaimKey, ClaimValue
from accounts.models.delivery import EmailChange, IdempotencyKey, OneTimeLink, Outbox, Purpose, ResetRequest
from accounts.models.factors import Factor, FactorKind, RecoveryCode
from accounts.models.installation import Installation
from accounts.models.invites import Invite, InviteClaim, InviteKind, InviteRole, InviteStatus
from accounts.models.organizations import Membership, Organization
from accounts.models.roles import Role, RoleAssignment, RolePermission
from accounts.models.sessions import RefreshToken, Session
from accounts.models.throttles import Throttle
from accounts.models.tries import FailedTries, TriesOf
from accounts.models.users import User, UserSearch, UserTag

__all__ = [
    "APIKey",
    "Application",
    "AuditChain",
    "AuditEvent",
    "AuditPart",
    "ClaimDefinition",
    "ClaimKey",
    "ClaimValue",
    "EmailChange",
    "Factor",
    "FactorKind",
    "FailedTries",
    "IdempotencyKey",
    "Installation",
    "Invite",
    "InviteClaim",
    "InviteKind",
    "InviteRole",
    "InviteStatus",
    "Membership",
    "OneTimeLink",
    "Organization",
    "Outbox",
    "Permission",
    "Purpose",
    "RecoveryCode",
    "RefreshToken",
    "ResetRequest",
    "Role",
    "RoleAssignment",
    "RolePermission",
    "Session",
    "Throttle",
    "TriesOf",
    "User",
    "UserSearch",
    "UserTag",
]
