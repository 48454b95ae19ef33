"""Letters as they are shown: what was sent when, and what became of it."""

from rest_framework import serializers

from accounts.models import Outbox
from accounts.serializers.base import Output

__all__ = ["LetterOutput"]


class LetterOutput(Output[Outbox]):
    """A letter; the address that it goes to is the person's own, and shown with them."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    user = serializers.CharField(source="user.public_id", read_only=True)
    sent_at = serializers.DateTimeField(source="delivered_at", read_only=True, allow_null=True)
    ended_at = serializers.DateTimeField(source="dead_at", read_only=True, allow_null=True)
    why = serializers.CharField(source="last_error", read_only=True)

    class Meta:
        model = Outbox
        fields = (
            "id",
            "organization",
            "user",
            "kind",
            "state",
            "why",
            "attempts",
            "created_at",
            "next_attempt_at",
            "sent_at",
            "ended_at",
        )
        read_only_fields = fields
