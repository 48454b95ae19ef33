"""An impersonation as programs and commands get it."""

from typing import Any

from rest_framework import serializers

from accounts.operations.impersonation import Impersonation

__all__ = ["ImpersonationOutput", "impersonation_answer"]


class ImpersonationOutput(serializers.Serializer[Any]):
    """What a program acts with as somebody else."""

    access_token = serializers.CharField(help_text="for `Authorization: Bearer`; there is no refresh token")
    expires_at = serializers.DateTimeField(help_text="when the impersonation ends, and its token with it")
    user_id = serializers.CharField(help_text="who is acted as")
    audit_event_id = serializers.CharField(help_text="the event that says who acts, and why")


def impersonation_answer(begun: Impersonation) -> dict[str, Any]:
    """Give an impersonation as programs and commands print it."""
    return ImpersonationOutput(
        {
            "access_token": begun.access_token,
            "expires_at": begun.session.expires_at,
            "user_id": begun.session.user.public_id,
            "audit_event_id": begun.event.public_id,
        }
    ).data
