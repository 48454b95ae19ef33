"""Sessions as they are shown."""

from accounts.models import Session
from accounts.serializers.base import Output

__all__ = ["SessionOutput"]


class SessionOutput(Output[Session]):
    """A session."""

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
        )
        read_only_fields = fields
