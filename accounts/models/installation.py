"""The installation: one row, whose lock guards what is above every organization."""

from typing import Self

from django.db import models
from django.utils import timezone

__all__ = ["Installation"]


class InstallationQuerySet(models.QuerySet["Installation"]):
    """There is exactly one row; it is put there after migrate."""

    def current(self) -> "Installation":
        """Read the row."""
        return self.get(pk=1)

    def locked(self) -> "Installation":
        """Hold the row: the first lock of all, for whoever makes or unmakes a super-user."""
        return self.select_for_update(no_key=True).get(pk=1)

    def swept(self: Self) -> None:
        """Note that the sweep has run."""
        self.filter(pk=1).update(swept_at=timezone.now())


class Installation(models.Model):
    """The service as installed here."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    swept_at = models.DateTimeField(null=True, editable=False)

    objects = InstallationQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(name="installation_is_one", condition=models.Q(pk=1))]

    def __str__(self) -> str:
        return "installation"
