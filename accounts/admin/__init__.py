"""The admin: pages for people who click."""

from accounts.admin import api_keys, audit, letters, memberships, organizations, roles, sessions, users

__all__ = ["api_keys", "audit", "letters", "memberships", "organizations", "roles", "sessions", "users"]
