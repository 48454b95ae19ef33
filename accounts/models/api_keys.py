"""API keys: a program's way in, with scopes, an expiry, and only a hash stored."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.actions import Action
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Organization

__all__ = ["APIKey"]


class APIKeyQuerySet(TenantQuerySet["APIKey"]):
    """Keys."""

    reading = Action.API_KEY_LIST

    def live(self) -> Self:
        """Keep those that still open a door, their maker and organization apart."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())

    def revoke(self, reason: str) -> int:
        """Revoke all of these that are not; says how many."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now(), revoke_reason=reason)


class APIKey(Row):
    """A key of an organization. One that a person made names them and dies when they leave ``active``."""

    id = PrefixedIDField(prefix="key")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=100)
    made_by = models.ForeignKey("accounts.User", on_delete=models.CASCADE, null=True, related_name="api_keys")
    scopes = models.JSONField(default=list)
    lookup = models.CharField(max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    revoke_reason = models.CharField(max_length=40, blank=True)

    objects = APIKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                name="api_key_revoked_has_reason",
                condition=Q(revoked_at=None, revoke_reason="") | Q(revoked_at__isnull=False) & ~Q(revoke_reason=""),
            ),
        ]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="api_key_by_created")]

    @property
    def is_live(self) -> bool:
        """Whether it still opens a door, its maker and organization apart."""
        return self.revoked_at is None and self.expires_at > timezone.now()
