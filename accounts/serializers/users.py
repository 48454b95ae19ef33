"""Users as they are shown (INTERFACE, "User object")."""

from typing import Any

from rest_framework import serializers

from accounts.actions import BUILT_IN_ROLES
from accounts.models import Factor, Membership, User
from accounts.serializers.base import Output
from accounts.serializers.claims import claims_of
from accounts.statuses import Status

__all__ = ["GuestOutput", "UserDetailOutput", "UserOutput", "roles_of"]


def roles_of(membership: Membership) -> list[str]:
    """List the roles on a membership that count now (expects them prefetched with ``with_shown``).

    Those of an application as ``billing/editor``.
    """
    return sorted(assignment.role.full_slug for assignment in membership.assignments.all() if assignment.is_live)


class UserOutput(Output[User]):
    """A user in a list, and what every change answers with."""

    organization = serializers.SerializerMethodField()
    name = serializers.CharField(source="display_name", read_only=True)
    tags = serializers.SerializerMethodField()
    status = serializers.CharField(source="current_status", read_only=True)
    status_until = serializers.SerializerMethodField()
    role = serializers.SerializerMethodField()
    roles = serializers.SerializerMethodField()
    updated_at = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (
            "id",
            "organization",
            "username",
            "email",
            "email_verified",
            "name",
            "given_name",
            "family_name",
            "nickname",
            "phone_number",
            "locale",
            "zoneinfo",
            "picture",
            "bio",
            "tags",
            "metadata",
            "status",
            "status_reason",
            "status_until",
            "role",
            "roles",
            "is_superuser",
            "created_at",
            "updated_at",
            "last_sign_in_at",
        )
        read_only_fields = fields

    def get_organization(self, user: User) -> str:
        """The id of the home organization."""
        return user.organization.public_id

    def get_tags(self, user: User) -> list[str]:
        """The tags, sorted."""
        return sorted(tag.name for tag in user.tags.all())

    def get_status_until(self, user: User) -> str | None:
        """When the lock ends, if it does and has not."""
        if user.current_status is not Status.LOCKED or user.status_until is None:
            return None
        return _moment(user.status_until)

    def get_roles(self, user: User) -> list[str]:
        """The roles in the home organization."""
        home = [entry for entry in user.memberships.all() if entry.organization_id == user.organization_id]
        return roles_of(home[0]) if home else []

    def get_role(self, user: User) -> str:
        """The strongest built-in role."""
        roles = self.get_roles(user)
        return next((role for role in BUILT_IN_ROLES if role in roles), "member")

    def get_updated_at(self, user: User) -> str:
        """When it was last changed; at first, when it was made."""
        return _moment(user.updated_at or user.created_at)


class GuestOutput(Output[Membership]):
    """Somebody in an organization that is not their home: id, e-mail, name and roles there, nothing else."""

    id = serializers.CharField(source="user.public_id", read_only=True)
    email = serializers.CharField(source="user.email", allow_null=True, read_only=True)
    name = serializers.CharField(source="user.display_name", read_only=True)
    roles = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ("id", "email", "name", "roles")
        read_only_fields = fields

    def get_roles(self, membership: Membership) -> list[str]:
        """The roles that count now."""
        return roles_of(membership)


class UserDetailOutput(UserOutput):
    """A user alone: also factors, connections, memberships with roles, claims."""

    factors = serializers.SerializerMethodField()
    connections = serializers.SerializerMethodField()
    memberships = serializers.SerializerMethodField()
    claims = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = (*UserOutput.Meta.fields, "factors", "connections", "memberships", "claims")
        read_only_fields = fields

    def get_factors(self, user: User) -> list[str]:
        """The kinds of second factor enrolled."""
        return sorted({factor.kind for factor in Factor.objects.enrolled().filter(user=user)})

    def get_connections(self, user: User) -> list[str]:
        """External identities: there are none yet."""
        return []

    def get_claims(self, user: User) -> list[dict[str, Any]]:
        """What custom claims say of the person."""
        return claims_of(user)

    def get_memberships(self, user: User) -> list[dict[str, Any]]:
        """Every organization the person belongs to, with the roles there."""
        memberships = sorted(user.memberships.all(), key=lambda entry: entry.pk)
        return [
            {
                "id": entry.public_id,
                "organization": entry.organization.public_id,
                "slug": entry.organization.slug,
                "home": entry.organization_id == user.organization_id,
                "roles": roles_of(entry),
            }
            for entry in memberships
        ]


def _moment(at: Any) -> str:
    text: str = serializers.DateTimeField().to_representation(at)
    return text
