"""Roles as rows from the first day: what they permit, and who has them until when."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import ids
from accounts.actions import BUILT_IN_ROLES, Action
from accounts.actors import Actor
from accounts.identifiers import text_refused
from accounts.models.applications import Application
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Membership, Organization

__all__ = ["Role", "RoleAssignment", "RolePermission"]


class RoleQuerySet(TenantQuerySet["Role"]):
    """Roles."""

    reading = Action.ROLE_LIST

    def visible_to(self, actor: Actor) -> Self:
        """Keep the roles that exist for this actor: those of organizations where they may see them, and the four."""
        if actor.everything:
            return self.all()
        places = actor.organizations_where(self.reading)
        return self.filter(Q(organization_id__in=places) | Q(organization=None)) if places else self.none()

    def built_in(self) -> Self:
        """Keep the four that every organization has."""
        return self.filter(organization=None)

    def of(self, organization_id: UUID) -> Self:
        """Keep those that there are in an organization: its own, those of its applications, and the four."""
        return self.filter(Q(organization_id=organization_id) | Q(organization=None))

    def named(self, text: str) -> Self:
        """Keep those with this id, slug, or ``application/slug``; a bare slug may be that of several applications."""
        if text_refused(text):
            return self.none()
        application, _, own = text.rpartition("/")
        identifier = ids.decode("rol", own)
        found = self.filter(pk=identifier) if identifier else self.filter(slug=own)
        if not application:
            return found
        place = ids.decode("app", application)
        return found.filter(application_id=place) if place else found.filter(application__slug=application)

    def with_shown(self) -> Self:
        """Fetch what a list shows of each along with it, in a fixed number of queries."""
        return self.select_related("organization", "application").prefetch_related("permissions")

    def install_built_in(self) -> None:
        """Bring the four built-in roles and their permissions into line with ``actions.py``."""
        for slug, actions in BUILT_IN_ROLES.items():
            role, _ = self.get_or_create(organization=None, slug=slug, defaults={"name": slug.capitalize()})
            role.permissions.exclude(permission__in=actions).delete()
            present = set(role.permissions.values_list("permission", flat=True))
            missing = sorted(set(actions) - present)
            RolePermission.objects.bulk_create(RolePermission(role=role, permission=word) for word in missing)


class Role(Row):
    """A named set of permissions; without an organization it is one of the four built-in ones.

    One of an application holds that application's free words and permits nothing in this service.
    """

    id = PrefixedIDField(prefix="rol")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True, related_name="roles")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, null=True, related_name="roles")
    slug = models.SlugField(max_length=63)
    name = models.CharField(max_length=200)
    description = models.CharField(max_length=500, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=1, db_default=1)
    updated_at = models.DateTimeField(null=True, editable=False)

    objects = RoleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "slug"], condition=Q(application=None), name="role_organization_slug_once"
            ),
            models.UniqueConstraint(
                fields=["application", "slug"],
                condition=Q(application__isnull=False),
                name="role_application_slug_once",
            ),
            models.UniqueConstraint(fields=["slug"], condition=Q(organization=None), name="role_built_in_slug_once"),
            models.CheckConstraint(
                name="role_of_application_has_organization",
                condition=Q(application=None) | Q(organization__isnull=False),
            ),
            models.CheckConstraint(
                name="role_custom_is_not_called_built_in",
                condition=Q(organization=None) | ~Q(slug__in=list(BUILT_IN_ROLES)),
            ),
        ]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="role_by_created")]

    @property
    def is_built_in(self) -> bool:
        """Whether it is one of the four, which nobody changes."""
        return self.organization_id is None

    @property
    def full_slug(self) -> str:
        """How it is named without doubt in its organization: ``billing/editor`` of an application, else the slug."""
        return f"{self.application.slug}/{self.slug}" if self.application else self.slug

    @property
    def is_owner(self) -> bool:
        """Whether it is the built-in role that an organization cannot be without."""
        return self.slug == "owner" and self.organization_id is None


class RolePermission(models.Model):
    """One word that a role permits."""

    id = models.BigAutoField(primary_key=True)
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="permissions")
    permission = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["role", "permission"], name="role_permission_once")]

    def __str__(self) -> str:
        return self.permission


class RoleAssignmentQuerySet(TenantQuerySet["RoleAssignment"]):
    """Assignments."""

    reading = Action.MEMBERSHIP_LIST

    def live(self, *, at: datetime | None = None) -> Self:
        """Keep those that count: an assignment that has run out does not, from that second on."""
        return self.filter(Q(until=None) | Q(until__gt=at or timezone.now()))

    def at_home(self) -> Self:
        """Keep those in the home organization of whoever has them."""
        return self.filter(organization_id=models.F("membership__user__organization_id"))

    def of_user(self, user_id: UUID) -> Self:
        """Keep those of one person."""
        return self.filter(membership__user_id=user_id)

    def run_out(self, *, at: datetime | None = None) -> Self:
        """Keep those whose time is over: they do not count, and the sweep removes them."""
        return self.filter(until__lte=at or timezone.now())

    def lasting_owners(self) -> Self:
        """Keep those that make somebody an owner for good; who is one until a day does not remain."""
        return self.filter(role__organization=None, role__slug="owner", until=None)

    def owners_of(self, organization_id: UUID) -> Self:
        """Keep those that make somebody an owner of the organization for good."""
        return self.lasting_owners().filter(organization_id=organization_id)

    def with_shown(self) -> Self:
        """Fetch role and application along with each, in the same query."""
        return self.select_related("role__application")


class RoleAssignment(models.Model):
    """A role on a membership: who gave it, when, until when."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    membership = models.ForeignKey(Membership, on_delete=models.CASCADE, related_name="assignments")
    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="assignments")
    assigned_by = models.UUIDField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    until = models.DateTimeField(null=True)

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["membership", "role"], name="role_assigned_once")]
        indexes = [
            models.Index(fields=["organization", "role"], name="role_assignment_by_role"),
            models.Index(fields=["assigned_by"], name="role_assignment_by_giver"),
            models.Index(fields=["until"], condition=Q(until__isnull=False), name="role_assignment_ending"),
        ]

    def __str__(self) -> str:
        return f"{self.role_id} on {self.membership_id}"

    @property
    def is_live(self) -> bool:
        """Whether it counts now."""
        return self.until is None or self.until > timezone.now()
