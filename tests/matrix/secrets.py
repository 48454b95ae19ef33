"""Every secret that lies in the database, to be looked for where it must not be."""

from django.db import connection
from django.http import HttpResponseBase

from gdpr.personal_data import TABLES
from gdpr.registry import Kind

__all__ = ["secrets_in", "stored_secrets"]

SHORTEST = 10
"""What is shorter is a mark for nothing, or no secret."""


def stored_secrets() -> dict[str, str]:
    """Read every value of every column that the map calls a secret, with where it lies."""
    found: dict[str, str] = {}
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        for table in TABLES:
            if table.name not in present:
                continue
            for name, column in table.columns.items():
                if column.kind is Kind.SECRET:
                    cursor.execute(f'SELECT "{name}" FROM {table.name}')
                    found |= {_text(value): f"{table.name}.{name}" for (value,) in cursor.fetchall() if value}
    return {value: place for value, place in found.items() if len(value) >= SHORTEST}


def _text(value: object) -> str:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else str(value)


def secrets_in(answer: HttpResponseBase, stored: dict[str, str]) -> list[str]:
    """Say which of them an answer holds, in its body or its headers."""
    body = b"".join(answer) if answer.streaming else answer.content  # type: ignore[attr-defined]
    told = f"{answer.headers} {bytes(body).decode(errors='replace')}"
    return sorted({place for value, place in stored.items() if value in told})
