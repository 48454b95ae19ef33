"""Claims as they are shown."""

from typing import Any

from rest_framework import serializers

from accounts.models import ClaimDefinition, ClaimValue, User
from accounts.serializers.base import Output, output

__all__ = ["ClaimOutput", "ClaimValueOutput", "claims_of"]


class ClaimOutput(Output[ClaimDefinition]):
    """What a claim is."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    application = serializers.SerializerMethodField()
    schema = serializers.DictField(read_only=True)
    appears_in = serializers.ListField(child=serializers.CharField(), read_only=True)
    updated_at = serializers.SerializerMethodField()

    class Meta:
        model = ClaimDefinition
        fields = (
            "id",
            "organization",
            "application",
            "name",
            "type",
            "schema",
            "is_personal",
            "is_editable",
            "appears_in",
            "description",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_application(self, definition: ClaimDefinition) -> str | None:
        """The short name of the application, if it is one's."""
        return definition.application.slug if definition.application else None

    def get_updated_at(self, definition: ClaimDefinition) -> str:
        """When it was last changed; at first, when it was made."""
        text: str = serializers.DateTimeField().to_representation(definition.updated_at or definition.created_at)
        return text


class ClaimValueOutput(Output[ClaimValue]):
    """What a claim says of a person."""

    id = None  # type: ignore[assignment]
    application = serializers.SerializerMethodField()
    claim = serializers.CharField(source="definition.name", read_only=True)
    type = serializers.CharField(source="definition.type", read_only=True)
    value = serializers.JSONField(read_only=True)
    is_editable = serializers.BooleanField(source="definition.is_editable", read_only=True)

    class Meta:
        model = ClaimValue
        fields = ("application", "claim", "type", "value", "is_editable", "set_at")
        read_only_fields = fields

    def get_application(self, value: ClaimValue) -> str | None:
        """The short name of the application, if it is one's."""
        return value.application.slug if value.application else None


def claims_of(user: User) -> list[dict[str, Any]]:
    """List what claims say of a person, the organization's own first."""
    return [output(ClaimValueOutput, value) for value in user.claim_values.with_shown()]
