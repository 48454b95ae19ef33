"""The admin: pages for people who click."""

from accounts.admin import (
    api_keys,
    applications,
    audit,
    claims,
    factors,
    invites,
    letters,
    memberships,
    organizations,
    roles,
    sessions,
    user_roles,
    users,
)
from accounts.admin.users import TABS

__all__ = [
    "api_keys",
    "applications",
    "audit",
    "claims",
    "factors",
    "invites",
    "letters",
    "memberships",
    "organizations",
    "roles",
    "sessions",
    "user_roles",
    "users",
]

TABS.append(claims.CLAIMS)
TABS.append(factors.FACTORS)
TABS.append(invites.INVITES)
