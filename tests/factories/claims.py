"""Claims, and what they say."""

from typing import Any

from accounts import policy
from accounts.models import ClaimDefinition, Organization, User
from accounts.operations.claims import claim_create, user_claims_set

__all__ = ["make_claim", "say"]

SHELL = policy.operator(os_user="tester")


def make_claim(organization: Organization, name: str = "department", **fields: Any) -> ClaimDefinition:
    """Define a claim, a string unless said otherwise."""
    return claim_create(actor=SHELL, organization=organization, name=name, **{"type": "string", **fields})


def say(user: User, definition: ClaimDefinition, value: Any) -> User:
    """Let a claim say something of somebody."""
    return user_claims_set(actor=SHELL, user=user, definition=definition, value=value)
