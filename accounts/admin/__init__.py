"""The admin: pages for people who click."""

from accounts.admin import api_keys, audit, claims, invites, letters, memberships, organizations, roles, sessions, users
from accounts.admin.users import TABS

__all__ = [
    "api_keys",
    "audit",
    "claims",
    "invites",
    "letters",
    "memberships",
    "organizations",
    "roles",
    "sessions",
    "users",
]

TABS.append(claims.CLAIMS)
TABS.append(invites.INVITES)
