"""Applications: what people sign in to; roles and claim definitions can belong to one."""

from django.db import models
from django.db.models import Q

from accounts.actions import Action
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import SLUG, Organization

__all__ = ["Application"]


class ApplicationQuerySet(TenantQuerySet["Application"]):
    """Applications."""

    reading = Action.APP_LIST


class Application(Row):
    """Something that people of an organization sign in to."""

    id = PrefixedIDField(prefix="app")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="applications")
    slug = models.CharField(max_length=63, validators=[SLUG])
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(null=True, editable=False)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="application_slug_once"),
            models.CheckConstraint(name="application_slug_not_empty", condition=~Q(slug="")),
        ]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="application_by_created")]
