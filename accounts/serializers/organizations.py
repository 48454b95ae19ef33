"""Organizations and memberships as they are shown."""

from rest_framework import serializers

from accounts.models import Membership, Organization
from accounts.serializers.base import Output
from accounts.serializers.users import roles_of
from accounts.times import duration_text

__all__ = ["MembershipOutput", "OrganizationOutput"]


class OrganizationOutput(Output[Organization]):
    """An organization."""

    impersonation_max = serializers.SerializerMethodField()

    class Meta:
        model = Organization
        fields = (
            "id",
            "slug",
            "name",
            "status",
            "status_reason",
            "language",
            "invite_days",
            "second_factor",
            "mail_codes",
            "impersonation_max",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_impersonation_max(self, organization: Organization) -> str:
        """How long somebody may act as another person at a time: `1h`."""
        return duration_text(organization.impersonation_max)


class MembershipOutput(Output[Membership]):
    """Somebody in an organization: of a guest no more than id, e-mail, name and roles."""

    user = serializers.CharField(source="user.public_id", read_only=True)
    email = serializers.CharField(source="user.email", allow_null=True, read_only=True)
    name = serializers.CharField(source="user.display_name", read_only=True)
    home = serializers.BooleanField(source="is_home")
    roles = serializers.SerializerMethodField()

    class Meta:
        model = Membership
        fields = ("id", "user", "email", "name", "home", "roles", "created_at")
        read_only_fields = fields

    def get_roles(self, membership: Membership) -> list[str]:
        """The roles that count now."""
        return roles_of(membership)
