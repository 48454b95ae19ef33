"""Profile fields, tags and metadata on the command line."""

import json
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from accounts.errors import Invalid
from accounts.management.parser import Parser
from accounts.models.users import PROFILE_FIELDS

__all__ = ["add_profile", "metadata_of", "profile_of", "tags_of"]

SPELLINGS = {"given_name": ("--given-name", "--first-name"), "family_name": ("--family-name", "--last-name")}


def add_profile(parser: Parser) -> None:
    """Add an option for each field of the profile."""
    group = parser.add_argument_group("profile")
    for field in PROFILE_FIELDS:
        spellings = SPELLINGS.get(field, (f"--{field.replace('_', '-')}",))
        group.add_argument(*spellings, dest=field, metavar="TEXT", help=f"{field.replace('_', ' ')}; '' empties it")


def profile_of(arguments: Namespace) -> dict[str, str]:
    """Give the profile fields that were named."""
    return {field: value for field in PROFILE_FIELDS if (value := getattr(arguments, field)) is not None}


def metadata_of(entries: Sequence[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` entries, or one JSON object.

    :raises Invalid: if an entry is neither
    """
    if len(entries) == 1 and entries[0].lstrip().startswith("{"):
        return _object(entries[0])
    pairs = dict(_pair(entry) for entry in entries)
    if len(pairs) != len(entries):
        raise Invalid("A metadata key is named twice.", fields={"metadata": "a key is named twice"})
    return pairs


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("The metadata is not JSON.", fields={"metadata": "is not JSON"}) from None
    if not isinstance(value, dict):
        raise Invalid("The metadata is not a JSON object.", fields={"metadata": "is not an object"})
    return value


def _pair(entry: str) -> tuple[str, str]:
    key, equals, value = entry.partition("=")
    if not (key and equals):
        raise Invalid(f"{entry!r} is not KEY=VALUE.", fields={"metadata": "is not KEY=VALUE"})
    return key, value


def tags_of(text: str) -> list[str]:
    """Read ``a,b`` or a JSON list; ``''`` is none.

    :raises Invalid: if it is neither
    """
    if not text.lstrip().startswith("["):
        return [tag.strip() for tag in text.split(",") if tag.strip()]
    try:
        tags = json.loads(text)
    except (ValueError, RecursionError):
        tags = None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Invalid("The tags are not a JSON list of texts.", fields={"tags": "is not a list of texts"})
    return tags
