"""What a request may say: strict fields, unknown ones refused."""

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.errors import Invalid
from accounts.times import as_duration

__all__ = [
    "Duration",
    "Flag",
    "Input",
    "JSONObject",
    "JSONValue",
    "Number",
    "ReasonInput",
    "Text",
    "Texts",
    "TextsByWord",
]


class Text(serializers.CharField):
    """A JSON string, as it is: the operations trim and judge it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        """Read a string; no number becomes one."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Duration(Text):
    """How long: ``30m``."""

    def to_internal_value(self, data: Any) -> Any:
        """Read it."""
        try:
            return as_duration(super().to_internal_value(data), field=str(self.field_name))
        except Invalid as refusal:
            raise serializers.ValidationError(f"{refusal.message} {refusal.remedy}") from None


class Flag(serializers.BooleanField):
    """``true`` or ``false``, no other word for it."""

    def to_internal_value(self, data: Any) -> bool:
        """Read a boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Number(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        """Read a number; no string becomes one."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class Texts(serializers.ListField):
    """A list of strings."""

    child = Text(allow_blank=True)


class TextsByWord(serializers.DictField):
    """An object of strings."""

    child = Text(allow_blank=True)
    most = 500

    def to_internal_value(self, data: Any) -> Any:
        """Read the object, up to its bound."""
        if isinstance(data, Mapping) and len(data) > self.most:
            raise serializers.ValidationError(f"has more than {self.most} entries")
        return super().to_internal_value(data)


@extend_schema_field({"type": "object", "additionalProperties": True})
class JSONObject(serializers.JSONField):
    """An object; the operations judge what is in it."""


@extend_schema_field({})
class JSONValue(serializers.JSONField):
    """Anything; the operations judge it."""


class Input(serializers.Serializer[Any]):
    """What a request may say; anything else is an error."""

    elsewhere: ClassVar[Mapping[str, str]] = {}
    """Fields that are said in another place, and in which."""

    def to_internal_value(self, data: Any) -> Any:
        """Read the input, unknown fields refused."""
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"body": ["must be a JSON object"]})
        if unknown := sorted(set(data) - set(self.fields)):
            told = {field: [self.elsewhere.get(field, "is not a field of this request")] for field in unknown}
            raise serializers.ValidationError(told)
        return super().to_internal_value(data)

    def create(self, validated_data: Any) -> Any:
        """Refuse: rows are written by operations alone."""
        raise NotImplementedError

    def update(self, instance: Any, validated_data: Any) -> Any:
        """Refuse: rows are written by operations alone."""
        raise NotImplementedError


class ReasonInput(Input):
    """Why."""

    reason = Text(required=False, allow_blank=True, default="", max_length=500, help_text="kept in the audit trail")


class NoInput(Input):
    """Nothing to say."""
