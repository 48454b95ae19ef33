"""Legal holds, subject requests and terms as they are shown."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts import ids
from accounts.serializers.base import Output
from gdpr.models import LegalHold, PrivacyTerms, SubjectRequest

__all__ = ["HoldOutput", "RequestOutput", "TermsOutput"]


class HoldOutput(Output[LegalHold]):
    """A legal hold."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    user = serializers.CharField(source="user.public_id", read_only=True)

    class Meta:
        model = LegalHold
        fields = ("id", "organization", "user", "reason", "exemption", "created_at", "review_at", "released_at")
        read_only_fields = fields


class RequestOutput(Output[SubjectRequest]):
    """What a person asked for, and by when it has to be answered."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)
    user = serializers.SerializerMethodField()
    is_overdue = serializers.SerializerMethodField()

    class Meta:
        model = SubjectRequest
        fields = (
            "id",
            "organization",
            "user",
            "kind",
            "status",
            "note",
            "received_at",
            "due_at",
            "extended_at",
            "reminded_at",
            "closed_at",
            "is_overdue",
        )
        read_only_fields = fields

    def get_user(self, request: SubjectRequest) -> str:
        """The id of the person, who may be gone."""
        return ids.encode("usr", request.user_id)

    def get_is_overdue(self, request: SubjectRequest) -> bool:
        """Whether it waits although its time is over."""
        return request.status == SubjectRequest.OPEN and request.due_at < timezone.now()


class TermsOutput(serializers.ModelSerializer[PrivacyTerms]):
    """What an organization settled for its people's data."""

    organization = serializers.CharField(source="organization.public_id", read_only=True)

    class Meta:
        model = PrivacyTerms
        fields = ("organization", "erasure_grace_days", "archived_days", "contact")
        read_only_fields = fields

    def create(self, validated_data: Any) -> Any:
        """Refuse: rows are written by operations alone."""
        raise NotImplementedError

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Refuse: rows are written by operations alone."""
        raise NotImplementedError
