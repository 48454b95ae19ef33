"""One moment of a database to be read from end to end: what there is comes from the database itself.

Over a connection of its own that cannot write, a few rows at a time: no writer waits for it.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from gdpr.operations.findings import Place

__all__ = ["ROWS", "Reader", "Source", "reading"]

ROWS: Final = 500
NEVER_TEXT: Final = frozenset(
    {"bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "uuid"}
    | {"date", "time", "timetz", "timestamp", "timestamptz", "interval", "xid", "cid", "tid", "pg_lsn"}
)
"""Types of PostgreSQL that hold no text; whatever else there is, is read as text."""
PLAIN_KEYS: Final = frozenset({"integer", "bigint", "smallint", "char(32)", "int2", "int4", "int8", "uuid"})
"""Types of keys that say nothing about anybody; other rows are named by their number."""
PLANNER: Final = "pg_stats"
LARGE_OBJECTS: Final = "pg_largeobject"


@dataclass(frozen=True, kw_only=True)
class Source:
    """One table to read: what gives its key, what to call a row in a report, then its columns."""

    name: str
    query: Any
    columns: tuple[str, ...]
    place: Place | None = None
    is_copy: bool = False
    """Whether its rows have the numbers of those of the table that it is a copy of."""


class Reader(Protocol):
    """One moment of a database, to be read and not written."""

    def tables(self) -> Iterable[Source]:
        """Say what there is to read."""

    def rows(self, source: Source) -> Iterator[Sequence[Any]]:
        """Read a table: key, name of the row, columns."""

    def recover(self) -> None:
        """Go on after a table that could not be read."""

    def unread(self) -> dict[str, str]:
        """Say what the database holds beside its tables that is not read, and why."""


@contextmanager
def reading() -> Iterator[Reader]:
    """Open the database as it is now, until the block ends."""
    database: BaseDatabaseWrapper = connection
    if database.vendor == "postgresql":
        parameters = database.get_connection_params()
        for name in ("cursor_factory", "context"):
            parameters.pop(name, None)
        with psycopg.connect(**parameters) as server:
            server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            server.read_only = True
            yield _PostgreSQL(server)
        return
    file = sqlite3.connect(f"{Path(database.settings_dict['NAME']).absolute().as_uri()}?mode=ro", uri=True)
    try:
        file.isolation_level = None
        file.execute("PRAGMA query_only=ON")
        file.execute("BEGIN")
        yield _SQLite(file)
    finally:
        file.close()


class _SQLite:
    """A file of SQLite. Any value of any column can be text there, whatever the column was declared to hold."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self.file = file

    def tables(self) -> Iterator[Source]:
        """Say what there is: virtual tables and the tables behind them too."""
        for name, statement in self.file.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
            described = self.file.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
            columns = tuple(row[1] for row in described if row[6] != 1)
            keys = [row for row in described if row[5]]
            number = self._rowid(name, columns)
            key = _quoted(keys[0][1]) if len(keys) == 1 else number
            shown = key if len(keys) == 1 and keys[0][2].lower() in PLAIN_KEYS else number
            listed = ", ".join([key, shown, *(_quoted(column) for column in columns)])
            yield Source(
                name=name,
                query=f"SELECT {listed} FROM {_quoted(name)}",
                columns=columns,
                place=Place.STATISTICS if name.startswith("sqlite_stat") else None,
                is_copy=statement is not None and statement.upper().startswith("CREATE VIRTUAL"),
            )

    def _rowid(self, name: str, columns: Sequence[str]) -> str:
        for word in ("rowid", "_rowid_", "oid"):
            if word not in {column.lower() for column in columns}:
                try:
                    self.file.execute(f"SELECT {word} FROM {_quoted(name)} LIMIT 0")
                except sqlite3.OperationalError:
                    break
                return word
        return "NULL"

    def rows(self, source: Source) -> Iterator[Sequence[Any]]:
        """Read a table; text comes as the bytes that it is."""
        self.file.text_factory = bytes
        try:
            yield from self.file.execute(source.query)
        finally:
            self.file.text_factory = str

    def recover(self) -> None:
        """Nothing: a statement that failed leaves the transaction as it was."""

    def unread(self) -> dict[str, str]:
        """Nothing: all that there is, is a table."""
        return {}


class _PostgreSQL:
    """A server, over a connection of our own."""

    TABLES = """
        SELECT n.nspname, c.relname, c.relkind, array_agg(a.attname ORDER BY a.attnum),
               array_agg(t.typname ORDER BY a.attnum),
               (SELECT array_agg(k.attname) FROM pg_index i JOIN pg_attribute k ON k.attrelid = i.indrelid
                AND k.attnum = ANY (i.indkey) WHERE i.indrelid = c.oid AND i.indisprimary)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE c.relkind IN ('r', 'm', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
        GROUP BY n.nspname, c.relname, c.relkind, c.oid ORDER BY 1, 2"""
    SAMPLES = ("most_common_vals", "histogram_bounds", "most_common_elems")

    def __init__(self, server: "psycopg.Connection[Any]") -> None:
        self.server = server

    def tables(self) -> Iterator[Source]:
        """Say what there is, in every schema; last what the planner sampled of it."""
        for schema, table, relation, columns, types, keys in self.server.execute(self.TABLES).fetchall():
            kinds = dict(zip(columns, types, strict=True))
            held = tuple(column for column in columns if kinds[column] not in NEVER_TEXT)
            number = sql.SQL("NULL" if relation == "f" else "ctid::text")
            key = sql.SQL("{}::text").format(sql.Identifier(keys[0])) if keys and len(keys) == 1 else number
            shown = key if keys and len(keys) == 1 and kinds[keys[0]] in PLAIN_KEYS else number
            listed = [
                sql.SQL("{}" if kinds[column] == "bytea" else "{}::text").format(sql.Identifier(column))
                for column in held
            ]
            yield Source(
                name=table if schema == "public" else f"{schema}.{table}",
                query=sql.SQL("SELECT {} FROM {}").format(
                    sql.SQL(", ").join([key, shown, *listed]), sql.Identifier(schema, table)
                ),
                columns=held,
            )
        samples = ", ".join(f"{column}::text" for column in self.SAMPLES)
        yield Source(
            name=PLANNER,
            query=f"SELECT NULL, tablename || '.' || attname, {samples} FROM pg_stats WHERE schemaname !~ '^pg_'",
            columns=self.SAMPLES,
            place=Place.STATISTICS,
        )

    def rows(self, source: Source) -> Iterator[Sequence[Any]]:
        """Read a table through a cursor that stays on the server."""
        with self.server.cursor(name="scan") as cursor:
            cursor.itersize = ROWS
            cursor.execute(source.query)
            yield from cursor

    def recover(self) -> None:
        """Begin again: a statement that failed ends the transaction."""
        self.server.rollback()

    def unread(self) -> dict[str, str]:
        """Large objects: the service makes none, and whoever does alone may read them."""
        (number,) = self.server.execute("SELECT count(*) FROM pg_largeobject_metadata").fetchone() or (0,)
        return {LARGE_OBJECTS: f"{number} large objects that this service did not make"} if number else {}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
