"""Exports as they are shown."""

from rest_framework import serializers

from accounts import ids
from accounts.models.audit import PREFIX
from accounts.serializers.base import Output
from gdpr.models import Export

__all__ = ["ExportOutput"]


class ExportOutput(Output[Export]):
    """An export: how far it is, and until when it can be fetched."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    user = serializers.CharField(source="user.public_id", read_only=True)
    requested_by = serializers.SerializerMethodField()
    request = serializers.SerializerMethodField()

    class Meta:
        model = Export
        fields = (
            "id",
            "organization",
            "user",
            "requested_by",
            "request",
            "scope",
            "format",
            "status",
            "rows_done",
            "rows_total",
            "size",
            "created_at",
            "ready_at",
            "expires_at",
            "fetched_at",
        )
        read_only_fields = fields

    def get_request(self, export: Export) -> str | None:
        """The id of the subject request that it answers."""
        return ids.encode("dsr", export.request_id) if export.request_id else None

    def get_requested_by(self, export: Export) -> str | None:
        """The id of who asked for it, and alone may fetch it; nobody once they are erased."""
        return ids.encode(PREFIX[export.requested_by_kind], export.requested_by) if export.requested_by else None
