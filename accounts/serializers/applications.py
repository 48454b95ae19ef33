"""Applications as they are shown."""

from rest_framework import serializers

from accounts.models import Application
from accounts.serializers.base import Output

__all__ = ["ApplicationOutput"]


class ApplicationOutput(Output[Application]):
    """An application, with the free words that it defines and what each means."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    permissions = serializers.SerializerMethodField()

    class Meta:
        model = Application
        fields = ("id", "organization", "slug", "name", "description", "permissions", "created_at", "updated_at")
        read_only_fields = fields

    def get_permissions(self, application: Application) -> dict[str, str]:
        """The free words by their meanings."""
        return {permission.word: permission.description for permission in application.permissions.all()}
