"""What is told after a change, what was asked twice, and links that work once."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.base import PrefixedIDField, Row
from accounts.models.organizations import Organization

__all__ = ["IdempotencyKey", "OneTimeLink", "Outbox"]


class OutboxQuerySet(models.QuerySet["Outbox"]):
    """Letters and events on their way."""

    def due(self) -> Self:
        """Keep those to be tried now."""
        return self.filter(delivered_at=None, dead_at=None, next_attempt_at__lte=timezone.now())


class Outbox(models.Model):
    """A letter to be sent: written in the transaction that caused it, and the truth about its delivery."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="outbox_delivered_or_dead", condition=Q(delivered_at=None) | Q(dead_at=None)),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=Q(delivered_at=None, dead_at=None), name="outbox_waiting"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class IdempotencyKey(models.Model):
    """A request that changed something, so that its repetition changes nothing more (24 hours)."""

    id = models.BigAutoField(primary_key=True)
    principal_id = models.UUIDField()
    key = models.CharField(max_length=128)
    request_digest = models.CharField(max_length=64)
    result_kind = models.CharField(max_length=20, blank=True)
    result_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal_id", "key"], name="idempotency_key_once")]
        indexes = [
            models.Index(fields=["expires_at"], name="idempotency_key_by_expiry"),
            models.Index(fields=["result_id"], name="idempotency_key_by_result"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class OneTimeLinkQuerySet(models.QuerySet["OneTimeLink"]):
    """Links."""

    def live(self) -> Self:
        """Keep those that can still be used."""
        return self.filter(used_at=None, expires_at__gt=timezone.now())

    def use(self, link: "OneTimeLink") -> bool:
        """Use a link up; of several at once, one is told yes."""
        return bool(self.live().filter(pk=link.pk).update(used_at=timezone.now()))

    def void(self) -> int:
        """Make all of these useless; says how many still were of use."""
        return self.live().update(used_at=timezone.now())


class OneTimeLink(Row):
    """A secret that lets one person set a password, once."""

    id = PrefixedIDField(prefix="lnk")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="one_time_links")
    lookup = models.CharField(max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = OneTimeLinkQuerySet.as_manager()
