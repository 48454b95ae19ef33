"""Reading a body: JSON within bounds, and nothing that a database would choke on."""

import json
from collections.abc import Mapping
from typing import IO, Any, Final, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from accounts.api.errors import TooLarge
from accounts.errors import Invalid
from accounts.json_values import json_problem

__all__ = ["BoundedJSONParser"]

NODES: Final = 20_000
BRACKETS: Final = 50_000


class BoundedJSONParser(BaseParser):
    """JSON of at most 1 MiB, 20 levels and 20,000 values, without NUL, lone surrogates, NaN or huge numbers."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        """Read the body.

        :raises TooLarge: beyond 1 MiB
        :raises ParseError: if it is not JSON (400)
        :raises Invalid: if it holds what cannot be kept
        """
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge
        if raw.count(b"[") + raw.count(b"{") > BRACKETS:
            raise Invalid("The body is nested too deeply.")
        try:
            value = json.loads(raw.decode(), parse_constant=_refuse, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is not JSON.") from error
        if problem := json_problem(value, nodes=NODES):
            raise Invalid(f"The body {problem}.")
        return value


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says a thing twice: readers disagree on which counts."""
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError
    return value
