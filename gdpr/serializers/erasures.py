"""Erasures as they are shown."""

from typing import Any

from rest_framework import serializers

from accounts import ids
from accounts.serializers.base import Output
from gdpr.models import Erasure

__all__ = ["ErasureOutput"]


class ErasureOutput(Output[Erasure]):
    """An erasure, planned or done; its ``receipt`` once it is complete."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    user = serializers.SerializerMethodField()
    requested_by = serializers.SerializerMethodField()
    request = serializers.SerializerMethodField()
    receipt = serializers.DictField(read_only=True, allow_null=True)

    class Meta:
        model = Erasure
        fields = (
            "id",
            "organization",
            "user",
            "how",
            "status",
            "requested_by",
            "request",
            "created_at",
            "due_at",
            "erased_at",
            "completed_at",
            "cancelled_at",
            "receipt",
        )
        read_only_fields = fields

    def get_user(self, erasure: Erasure) -> str:
        """The id of whom it is about; it names nobody any more."""
        return ids.encode("usr", erasure.user_id)

    def get_requested_by(self, erasure: Erasure) -> str:
        """The id of who asked for it, or what kind of principal it was."""
        prefix = {"user": "usr", "api_key": "key"}.get(erasure.requested_by_kind)
        if prefix is None or erasure.requested_by is None:
            return str(erasure.requested_by_kind)
        return ids.encode(prefix, erasure.requested_by)

    def get_request(self, erasure: Erasure) -> str | None:
        """The id of the subject request that it answers."""
        return ids.encode("dsr", erasure.request_id) if erasure.request_id else None

    def to_representation(self, instance: Erasure) -> dict[str, Any]:
        """Give the receipt as it was signed."""
        return {**super().to_representation(instance), "receipt": instance.receipt}
