"""Roles as rows from the first day: what they permit, and who has them until when."""

from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.actions import BUILT_IN_ROLES, Action
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Membership, Organization

__all__ = ["Role", "RoleAssignment", "RolePermission"]


class RoleQuerySet(models.QuerySet["Role"]):
    """Roles."""

    def built_in(self) -> Self:
        """Keep the four that every organization has."""
        return self.filter(organization=None)

    def install_built_in(self) -> None:
        """Bring the four built-in roles and their permissions into line with ``actions.py``."""
        for slug, actions in BUILT_IN_ROLES.items():
            role, _ = self.get_or_create(organization=None, slug=slug, defaults={"name": slug.capitalize()})
            role.permissions.exclude(permission__in=actions).delete()
            present = set(role.permissions.values_list("permission", flat=True))
            missing = sorted(set(actions) - present)
            RolePermission.objects.bulk_create(RolePermission(role=role, permission=word) for word in missing)


class Role(Row):
    """A named set of permissions; without an organization it is one of the four built-in ones."""

    id = PrefixedIDField(prefix="rol")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True, related_name="roles")
    slug = models.SlugField(max_length=63)
    name = models.CharField(max_length=200)

    objects = RoleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="role_slug_once"),
            models.UniqueConstraint(fields=["slug"], condition=Q(organization=None), name="role_built_in_slug_once"),
        ]

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

    def owners_of(self, organization_id: UUID) -> Self:
        """Keep those that make somebody an owner of the organization."""
        return self.live().filter(organization_id=organization_id, role__organization=None, role__slug="owner")


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
        ]

    def __str__(self) -> str:
        return f"{self.role_id} on {self.membership_id}"

    @property
    def is_live(self) -> bool:
        """Whether it counts now."""
        return self.until is None or self.until > timezone.now()
