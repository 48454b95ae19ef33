"""Second factors as they are shown: never a secret."""

from typing import Any

from rest_framework import serializers

from accounts import policy
from accounts.models import Factor, RecoveryCode, User
from accounts.serializers.base import Output, output

__all__ = ["FactorOutput", "TwoFactorOutput", "two_factor_of"]


class FactorOutput(Output[Factor]):
    """A second factor."""

    class Meta:
        model = Factor
        fields = ("id", "kind", "name", "created_at", "last_used_at")
        read_only_fields = fields


class TwoFactorOutput(serializers.Serializer[Any]):
    """How somebody shows a second time who they are."""

    enabled = serializers.BooleanField()
    required = serializers.BooleanField(help_text="asked for by an organization, or by a reset")  # type: ignore[assignment]
    methods = serializers.ListField(child=serializers.CharField())
    enrolled_at = serializers.DateTimeField(allow_null=True)
    recovery_codes_left = serializers.IntegerField()
    factors = FactorOutput(many=True)


def two_factor_of(user: User) -> dict[str, Any]:
    """Give what somebody has enrolled, the oldest first."""
    factors = list(Factor.objects.enrolled().filter(user=user).order_by("created_at", "pk"))
    return TwoFactorOutput(
        {
            "enabled": bool(factors),
            "required": policy.needs_second_factor(user),
            "methods": sorted({factor.kind for factor in factors}),
            "enrolled_at": factors[0].created_at if factors else None,
            "recovery_codes_left": RecoveryCode.objects.left(user.pk),
            "factors": [output(FactorOutput, factor) for factor in factors],
        }
    ).data
