"""Tries to sign in that were not right, or not yet."""

from enum import StrEnum
from uuid import UUID

from django.db import models
from django.utils import timezone

__all__ = ["FailedTries", "TriesOf"]


class TriesOf(StrEnum):
    """What is tried, and what is counted apart."""

    PASSWORD_FROM_KNOWN = "known"  # noqa: S105 -- a word
    """A password, from an address that the person was signed in from before."""
    PASSWORD_FROM_ELSEWHERE = "elsewhere"  # noqa: S105 -- a word
    CODE = "code"
    """The second factor, by whoever knew the password."""


class FailedTriesQuerySet(models.QuerySet["FailedTries"]):
    """Counts."""

    def held(self, kind: TriesOf, person_id: UUID) -> "FailedTries":
        """Hold the count of one kind for a person, made if there is none, until the transaction ends."""
        return self.select_for_update().get_or_create(kind=kind, person_id=person_id)[0]

    def set_back(self, person_id: UUID) -> None:
        """Forget what failed for a person: their password is another, or somebody vouched for them."""
        self.filter(person_id=person_id).delete()


class FailedTries(models.Model):
    """How many tries failed in a row, and until when no more are looked at.

    ``person_id`` is whose account was named; names that nobody has share a fixed number of ids that are nobody's, so
    that they are slowed down alike, say nothing about whoever typed them, and cannot fill the table.
    """

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=9, choices=[(word.value, word.value) for word in TriesOf])
    person_id = models.UUIDField()
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now)
    blocked_until = models.DateTimeField(null=True)

    objects = FailedTriesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "failed tries"
        constraints = [models.UniqueConstraint(fields=["person_id", "kind"], name="failed_tries_once")]
        indexes = [models.Index(fields=["last_at"], name="failed_tries_by_last")]

    def __str__(self) -> str:
        return f"tries {self.pk}"
