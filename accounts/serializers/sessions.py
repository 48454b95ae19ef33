"""Sessions as they are shown."""

from rest_framework import serializers

from accounts.models import Session
from accounts.serializers.base import Output

__all__ = ["SessionOutput"]


class SessionOutput(Output[Session]):
    """A session; of an impersonation also who acts as the person, and why."""

    impersonator = serializers.CharField(read_only=True, allow_null=True)

    class Meta:
        model = Session
        fields = (
            "id",
            "kind",
            "methods",
            "created_at",
            "last_active_at",
            "authenticated_at",
            "idle_at",
            "expires_at",
            "ended_at",
            "end_reason",
            "ip",
            "device",
            "impersonator",
            "reason",
        )
        read_only_fields = fields
