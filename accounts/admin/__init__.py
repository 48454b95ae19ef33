"""The admin: pages for people who click."""

from accounts.admin import api_keys, applications, audit, memberships, organizations, roles, sessions, user_roles, users

__all__ = [
    "api_keys",
    "applications",
    "audit",
    "memberships",
    "organizations",
    "roles",
    "sessions",
    "user_roles",
    "users",
]
