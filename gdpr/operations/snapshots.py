"""One consistent look at the database, during which everybody else goes on writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction

__all__ = ["snapshot"]

READ_ONLY: Final = {
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
    "sqlite": "PRAGMA query_only = ON",
}
FIRST_LOOK: Final = "SELECT 1 FROM accounts_installation LIMIT 1"
"""The first read is the moment that the snapshot shows, on both databases."""


@contextmanager
def snapshot() -> Iterator[str]:
    """Give the alias of a connection that sees the database as it is now, until the block ends, and cannot write.

    It is a connection of its own: an ``IMMEDIATE`` reader would block SQLite's writers, and progress can
    be written meanwhile. A caller who is in a transaction already gets that one, with what it has changed.
    """
    if connection.in_atomic_block:
        yield DEFAULT_DB_ALIAS
        return
    alias = f"snapshot-{uuid4().hex}"
    reading: Any = connection.copy(alias)
    if reading.vendor == "sqlite":
        reading.settings_dict["OPTIONS"]["transaction_mode"] = "DEFERRED"
    connections[alias] = reading
    try:
        with reading.cursor() as cursor:
            if reading.vendor == "sqlite":
                cursor.execute(READ_ONLY["sqlite"])
            with transaction.atomic(using=alias):
                if reading.vendor == "postgresql":
                    cursor.execute(READ_ONLY["postgresql"])
                cursor.execute(FIRST_LOOK)
                yield alias
    finally:
        reading.close()
        del connections[alias]
