"""Applications: what people sign in to; roles and claim definitions can belong to one."""

from typing import Self

from django.db import models
from django.db.models import Q

from accounts import ids
from accounts.actions import Action
from accounts.identifiers import text_refused
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import SLUG, Organization

__all__ = ["Application", "Permission"]


class ApplicationQuerySet(TenantQuerySet["Application"]):
    """Applications."""

    reading = Action.APP_LIST

    def named(self, text: str) -> Self:
        """Keep those with this id or slug: in one organization at most one."""
        if text_refused(text):
            return self.none()
        identifier = ids.decode("app", text)
        return self.filter(pk=identifier) if identifier else self.filter(slug=text)

    def with_shown(self) -> Self:
        """Fetch what a list shows of each along with it, in a fixed number of queries."""
        return self.select_related("organization").prefetch_related("permissions")


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


class PermissionQuerySet(TenantQuerySet["Permission"]):
    """Free words."""

    reading = Action.ROLE_LIST

    def listed_of(self, organization: Organization, application: Application | None) -> Self:
        """Keep those of an organization, or of one application of it, in their order with their applications."""
        rows = self.filter(organization=organization).select_related("application")
        return (rows.filter(application=application) if application else rows).order_by("application__slug", "word")


class Permission(models.Model):
    """A free word that an application defines for itself; the service's own are in ``permissions.py``."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="permissions")
    word = models.CharField(max_length=100)
    description = models.CharField(max_length=200, blank=True)

    objects = PermissionQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["application", "word"], name="permission_once")]
        indexes = [models.Index(fields=["organization", "word"], name="permission_by_word")]
        ordering = ["word"]

    def __str__(self) -> str:
        return self.word
