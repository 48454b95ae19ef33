"""What every output has in common."""

from functools import cache
from typing import Any, Generic, TypeVar

from django.db import models
from rest_framework import serializers

__all__ = ["Output", "output"]

ModelType = TypeVar("ModelType", bound=models.Model)


class Output(serializers.ModelSerializer[ModelType], Generic[ModelType]):
    """Read-only, with explicit fields; ids are the prefixed ones, times RFC 3339 in UTC."""

    id = serializers.CharField(source="public_id", read_only=True)

    def create(self, validated_data: Any) -> Any:
        """Refuse: rows are written by operations alone."""
        raise NotImplementedError

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Refuse: rows are written by operations alone."""
        raise NotImplementedError


def output(serializer: type[Output[Any]], row: models.Model) -> dict[str, Any]:
    """Give one row as it is shown."""
    return dict(_made(serializer).to_representation(row))


@cache
def _made(serializer: type[Output[Any]]) -> Output[Any]:
    """Make a serializer once: its fields cost more than a row."""
    return serializer()
