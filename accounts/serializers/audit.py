"""Audit events as they are shown."""

from typing import Any

from rest_framework import serializers

from accounts import ids
from accounts.models import AuditEvent, AuditPart
from accounts.serializers.base import Output

__all__ = ["AuditEventOutput"]


class AuditEventOutput(Output[AuditEvent]):
    """An event with what is left of its parts."""

    actor = serializers.CharField(source="actor_name", read_only=True)
    acting_as = serializers.CharField(read_only=True, allow_null=True)
    subject = serializers.CharField(source="subject_name", read_only=True)
    organization = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    detail = serializers.SerializerMethodField()
    ip = serializers.SerializerMethodField()
    device = serializers.SerializerMethodField()

    class Meta:
        model = AuditEvent
        fields = (
            "id",
            "occurred_at",
            "action",
            "outcome",
            "actor",
            "acting_as",
            "subject",
            "organization",
            "door",
            "request_id",
            "reason",
            "detail",
            "ip",
            "device",
        )
        read_only_fields = fields

    def get_organization(self, event: AuditEvent) -> str | None:
        """The id of the organization in whose chain it stands."""
        return ids.encode("org", event.organization_id) if event.organization_id else None

    def get_reason(self, event: AuditEvent) -> str:
        """Why it was done, as far as it is still held."""
        return str(event.part(AuditPart.SUBJECT).get("reason", ""))

    def get_detail(self, event: AuditEvent) -> dict[str, Any]:
        """What changed, as far as it is still held."""
        return {key: value for key, value in event.part(AuditPart.SUBJECT).items() if key != "reason"}

    def get_ip(self, event: AuditEvent) -> str | None:
        """From where, for 90 days."""
        ip = event.part(AuditPart.NETWORK).get("ip")
        return str(ip) if ip else None

    def get_device(self, event: AuditEvent) -> str:
        """With which device, or as which user of the operating system."""
        part = event.part(AuditPart.ACTOR)
        return str(part.get("device") or part.get("os_user") or "")
