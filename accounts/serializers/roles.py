"""Roles, what they permit and who has them, as it is shown."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

from accounts import ids
from accounts.models import Membership, Permission, Role
from accounts.permissions import DESCRIPTIONS, GRANTABLE
from accounts.serializers.base import Output

__all__ = ["AssignmentOutput", "PermissionOutput", "RoleOutput", "assignments_of", "permissions_shown"]


class RoleOutput(Output[Role]):
    """A role; of no organization if it is built in."""

    organization = serializers.SerializerMethodField()
    application = serializers.SerializerMethodField()
    built_in = serializers.BooleanField(source="is_built_in", read_only=True)
    permissions = serializers.SerializerMethodField()

    class Meta:
        model = Role
        fields = (
            "id",
            "organization",
            "application",
            "slug",
            "name",
            "description",
            "built_in",
            "permissions",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_organization(self, role: Role) -> str | None:
        """The id of the organization."""
        return role.organization.public_id if role.organization else None

    def get_application(self, role: Role) -> str | None:
        """The slug of the application."""
        return role.application.slug if role.application else None

    def get_permissions(self, role: Role) -> list[str]:
        """What it permits, sorted."""
        return sorted(entry.permission for entry in role.permissions.all())


class AssignmentOutput(serializers.Serializer[Any]):
    """A role that somebody has in an organization."""

    application = serializers.CharField(allow_null=True, help_text="the slug; `null` if the role is of none")
    role = serializers.CharField(help_text="the slug")
    role_id = serializers.CharField()
    name = serializers.CharField()
    organization = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    assigned_by = serializers.CharField(allow_null=True, help_text="the id of who gave it, if a person did")


class PermissionOutput(serializers.Serializer[Any]):
    """A word that a role can hold."""

    permission = serializers.CharField()
    application = serializers.CharField(allow_null=True, help_text="the slug; `null` for the service's own words")
    description = serializers.CharField()


def assignments_of(membership: Membership) -> list[dict[str, Any]]:
    """List the roles on a membership that count now, by application, those of none first (expects ``with_shown``)."""
    live = [entry for entry in membership.assignments.all() if entry.is_live]
    moment = serializers.DateTimeField()
    by = {entry.pk: (entry.role.application.slug if entry.role.application else None) for entry in live}
    return [
        {
            "application": by[entry.pk],
            "role": entry.role.slug,
            "role_id": entry.role.public_id,
            "name": entry.role.name,
            "organization": membership.organization.public_id,
            "since": moment.to_representation(entry.created_at),
            "until": moment.to_representation(entry.until) if entry.until else None,
            "assigned_by": ids.encode("usr", entry.assigned_by) if entry.assigned_by else None,
        }
        for entry in sorted(live, key=lambda entry: (by[entry.pk] or "", entry.role.slug))
    ]


def permissions_shown(free: Iterable[Permission], *, own: bool) -> list[dict[str, Any]]:
    """Show free words, of each its application, and before them the service's own; the number of both is bounded."""
    ours = [
        {"permission": str(word), "application": None, "description": DESCRIPTIONS[word]} for word in sorted(GRANTABLE)
    ]
    return (ours if own else []) + [
        {"permission": entry.word, "application": entry.application.slug, "description": entry.description}
        for entry in free
    ]
