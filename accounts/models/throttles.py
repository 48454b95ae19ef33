"""How often a network tried something: counted by a conditional update, so that several at once count right."""

from datetime import datetime, timedelta
from typing import Final, Self

from django.db import models
from django.db.models import F
from django.utils import timezone

__all__ = ["Throttle"]

WINDOW: Final = timedelta(hours=1)


class ThrottleQuerySet(models.QuerySet["Throttle"]):
    """Counters."""

    def over(self, *, at: datetime | None = None) -> Self:
        """Keep those whose hour is over: they bound nothing any more."""
        return self.filter(began_at__lte=(at or timezone.now()) - WINDOW)

    def count_one(self, bucket: str, *, most: int) -> bool:
        """Count a try; ``False`` if there were as many within the hour."""
        now = timezone.now()
        row = self.filter(bucket=bucket)
        room = row.filter(began_at__gt=now - WINDOW, used__lt=most)
        if room.update(used=F("used") + 1):
            return True
        self.bulk_create([self.model(bucket=bucket, began_at=now)], ignore_conflicts=True)
        row.over(at=now).update(began_at=now, used=0)
        return bool(room.update(used=F("used") + 1))

    def give_back(self, bucket: str) -> None:
        """Take one off again: it was no try of the kind that is bounded."""
        self.filter(bucket=bucket, used__gt=0).update(used=F("used") - 1)

    def seconds_left(self, bucket: str) -> int:
        """Say in how many seconds there is room again."""
        began_at = self.filter(bucket=bucket).values_list("began_at", flat=True).first()
        left = began_at + WINDOW - timezone.now() if began_at else WINDOW
        return max(1, int(left.total_seconds()))


class Throttle(models.Model):
    """How often something was tried within the hour that began with the first try.

    ``bucket`` is a keyed digest of what was tried and from which network, so that no address lies here.
    """

    id = models.BigAutoField(primary_key=True)
    bucket = models.CharField(max_length=64, unique=True)
    began_at = models.DateTimeField()
    used = models.PositiveIntegerField(default=0)

    objects = ThrottleQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["began_at"], name="throttle_by_beginning")]

    def __str__(self) -> str:
        return f"throttle {self.pk}"
