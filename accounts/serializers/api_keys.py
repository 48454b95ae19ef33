"""API keys as they are shown: never the secret."""

from rest_framework import serializers

from accounts.models import APIKey
from accounts.serializers.base import Output

__all__ = ["APIKeyOutput"]


class APIKeyOutput(Output[APIKey]):
    """A key."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    made_by = serializers.SerializerMethodField()

    class Meta:
        model = APIKey
        fields = (
            "id",
            "organization",
            "name",
            "scopes",
            "made_by",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        )
        read_only_fields = fields

    def get_made_by(self, key: APIKey) -> str | None:
        """The id of the person who made it."""
        return key.made_by.public_id if key.made_by else None
