"""Tokens as programs and commands get them."""

from typing import Any

from rest_framework import serializers

from accounts.operations.tokens import Issued

__all__ = ["TokenOutput", "token_answer"]


class TokenOutput(serializers.Serializer[Any]):
    """What a program signs in with from now on."""

    access_token = serializers.CharField()
    refresh_token = serializers.CharField()
    token_type = serializers.CharField()
    expires_at = serializers.DateTimeField(help_text="when the access token ends")
    must_change_password = serializers.BooleanField()


def token_answer(issued: Issued) -> dict[str, Any]:
    """Give tokens as programs and commands print them."""
    return TokenOutput(
        {
            "access_token": issued.access_token,
            "refresh_token": issued.refresh_token,
            "token_type": "Bearer",
            "expires_at": issued.expires_at,
            "must_change_password": issued.session.user.must_change_password,
        }
    ).data
