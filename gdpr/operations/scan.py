"""The search of the whole database, and of the files beside it, for what is left of people.

Independent of erasure: what there is to read comes from the database itself and not from the models or the map,
which only say whose a row is that holds something. One pass serves many people. Nothing of it is written anywhere:
a hit says where, whose and in which form, never what.
"""

import gzip
import io
import os
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import IO, Any, Final, Protocol, cast
from uuid import UUID

import psycopg
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

from accounts import ledger
from accounts.models import EmailChange, User
from gdpr.operations.paths import model_of, organization_filter, rows_about
from gdpr.personal_data import TABLES
from gdpr.registry import CopyOf, Table
from gdpr.registry import Kind as ColumnKind
from gdpr.traces import CONTEXT, Form, Found, Identifiers, Kind, Matcher, unpacked

__all__ = [
    "Hit",
    "Identifiers",
    "Place",
    "ScanReport",
    "files_naming",
    "identifiers_of",
    "scan",
    "scan_bytes",
    "scan_files",
]

PIECE: Final = 1 << 20
"""Bytes that are searched at a time."""
OVERLAP: Final = 4_096
"""What a piece of a file repeats of the one before: longer than any form of an identifier."""
ROWS: Final = 500
HITS: Final = 100
"""How many hits of one person are kept one by one; all are counted."""
SEPARATOR: Final = b"\x1e"
TEXTUAL: Final = (str, bytes, memoryview)
BINARY_SAMPLE: Final = 8_192
ARCHIVE_DEPTH: Final = 3
TOUCHING_SQLITE: Final = ("", "-wal", "-shm", "-journal")
NEVER_TEXT: Final = frozenset(
    {"bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric", "uuid"}
    | {"date", "time", "timetz", "timestamp", "timestamptz", "interval", "xid", "cid", "tid", "pg_lsn"}
)
"""Types of PostgreSQL that hold no text; whatever else there is, is read as text."""
PLAIN_KEYS: Final = frozenset({"integer", "bigint", "smallint", "char(32)", "int2", "int4", "int8", "uuid"})
"""Types of keys that say nothing about anybody; other rows are named by their number."""
PLANNER: Final = "pg_stats"


class Place(StrEnum):
    """Whose it is where something was found."""

    OWN = "the person's own row"
    MENTION = "text of their organization"
    LOOSE = "a row that leads to nobody"
    FILE = "a file"
    ELSEWHERE = "a row of somebody else"
    STATISTICS = "samples that the database's planner keeps"


RESIDUE: Final = frozenset({Place.OWN, Place.MENTION, Place.LOOSE, Place.FILE})


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Where something of a person was found, and in which form; never what.

    ``row`` is the primary key if that is a number or a UUID, else the number that the database itself gives rows.
    """

    person: str
    where: str
    column: str
    row: str
    kind: Kind
    form: Form
    place: Place

    def as_dict(self) -> dict[str, str]:
        """Give the hit as it is printed."""
        return {
            "person": self.person,
            "where": self.where,
            "column": self.column,
            "row": self.row,
            "kind": self.kind.value,
            "form": self.form.value,
            "place": self.place.value,
        }


@dataclass(kw_only=True)
class ScanReport:
    """What was read, and what was found in it."""

    hits: dict[str, list[Hit]] = field(default_factory=dict)
    counts: dict[str, Counter[Place]] = field(default_factory=dict)
    tables: int = 0
    columns: int = 0
    rows: int = 0
    bytes: int = 0
    files: int = 0
    seconds: float = 0.0
    unread: dict[str, str] = field(default_factory=dict)
    """What could not be read, and why."""
    too_short: int = 0
    """How many identifiers are so short that anything holds them; they were not looked for."""

    def add(self, hit: Hit) -> None:
        """Count a hit, and keep it if there are not too many."""
        self.counts.setdefault(hit.person, Counter())[hit.place] += 1
        kept = self.hits.setdefault(hit.person, [])
        if len(kept) < HITS:
            kept.append(hit)

    def residue(self, person: str | None = None) -> int:
        """Count what should not be there any more, of one person or of all."""
        return self._count(person, RESIDUE)

    def elsewhere(self, person: str | None = None) -> int:
        """Count what stands in other people's rows."""
        return self._count(person, {Place.ELSEWHERE})

    def statistics(self, person: str | None = None) -> int:
        """Count what the planner's samples hold until the next ANALYZE."""
        return self._count(person, {Place.STATISTICS})

    def _count(self, person: str | None, places: Iterable[Place]) -> int:
        counters = self.counts.values() if person is None else [self.counts.get(person, Counter[Place]())]
        return sum(counter[place] for counter in counters for place in places)

    @property
    def is_complete(self) -> bool:
        """Whether everything could be read."""
        return not self.unread

    def as_dict(self, person: str | None = None) -> dict[str, Any]:
        """Give numbers alone, for a receipt."""
        return {
            "residue": self.residue(person),
            "elsewhere": self.elsewhere(person),
            "statistics": self.statistics(person),
            "tables": self.tables,
            "columns": self.columns,
            "rows": self.rows,
            "bytes": self.bytes,
            "files": self.files,
            "unread": dict(self.unread),
        }


Watch = Callable[[str, int, int], None]
"""Is told what is being read, how many things were read before it, and of how many."""


def identifiers_of(user: User) -> Identifiers:
    """Read what names a person from their row, while it is still there."""
    waiting = EmailChange.objects.filter(user=user).values_list("email", "email_key").first()
    emails = (user.email, user.email_key, *(waiting or ()))
    usernames = (user.username, user.username_key)
    return Identifiers(
        user_id=user.pk,
        organizations=tuple({user.organization_id, *user.memberships.values_list("organization_id", flat=True)}),
        emails=tuple(text for text in emails if text),
        usernames=tuple(text for text in usernames if text),
        phones=(user.phone_number,) if user.phone_number else (),
    )


def scan(people: Mapping[str, Identifiers], *, files: bool = True, watch: Watch = lambda *_: None) -> ScanReport:
    """Look for people in every table that the database has, in one pass, and in the files of the service.

    It reads one moment of the database over a connection of its own that cannot write: no writer waits for it.
    Memory does not grow with the number of rows.

    :param people: what names each, by the word under which they are reported
    """
    started = monotonic()
    report = ScanReport(too_short=sum(identifiers.too_short for identifiers in people.values()))
    matcher = Matcher(people)
    owners = _Owners(people)
    with _reading() as reader:
        tables = sorted(reader.tables(), key=lambda table: table.name != User._meta.db_table)
        for place, table in enumerate(tables):
            watch(table.name, place, len(tables))
            report.tables += 1
            report.columns += len(table.columns)
            try:
                _scan_table(reader, table, matcher, owners, report)
            except (sqlite3.DatabaseError, psycopg.Error) as error:
                report.unread[table.name] = type(error).__name__
                reader.recover()
    if files:
        _scan_files(_files(), people, owners, report, watch)
    report.seconds = monotonic() - started
    return report


def scan_files(paths: Iterable[Path], people: Mapping[str, Identifiers]) -> ScanReport:
    """Look for people in files; archives are opened."""
    report = ScanReport(too_short=sum(identifiers.too_short for identifiers in people.values()))
    _scan_files(list(paths), people, _Owners(people), report, lambda *_: None)
    return report


def files_naming(paths: Iterable[Path], people: Mapping[str, Identifiers]) -> Iterator[Path]:
    """Give the files that name any of these people, in their name or in what they hold; archives are opened."""
    report, text, binary = ScanReport(), Matcher(people), Matcher(people, whole=False)
    for path in paths:
        try:
            with path.open("rb") as file:
                named = next(iter(binary.find(os.fsencode(path.name))), None)
                if named or next(_found_in_file(file, text, binary, report, ARCHIVE_DEPTH), None):
                    yield path
        except (OSError, EOFError, zipfile.BadZipFile, RuntimeError):  # the whole search says that it was not read
            continue


def scan_bytes(paths: Iterable[Path], people: Mapping[str, Identifiers]) -> ScanReport:
    """Look for people in the bytes of files as they are, whatever stands beside: the files of a database.

    There an address that ends like another's longer one is found too.
    """
    report = ScanReport()
    matcher = Matcher(people, whole=False)
    for path in paths:
        report.files += 1
        with path.open("rb") as file:
            for found in _once(_found_in(file, matcher, report)):
                report.add(_file_hit(found, path.name, Place.FILE))
    return report


# --- the database ----------------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True)
class _Source:
    """One table to read: what gives its key, what to call a row in a report, then its columns."""

    name: str
    query: Any
    columns: tuple[str, ...]
    place: Place | None = None
    is_copy: bool = False
    """Whether its rows have the numbers of those of the table that it is a copy of."""


class _Reader(Protocol):
    """One moment of a database, to be read and not written."""

    def tables(self) -> Iterable[_Source]:
        """Say what there is to read."""

    def rows(self, source: _Source) -> Iterator[Sequence[Any]]:
        """Read a table: key, name of the row, columns."""

    def recover(self) -> None:
        """Go on after a table that could not be read."""


@contextmanager
def _reading() -> Iterator[_Reader]:
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

    def tables(self) -> Iterator[_Source]:
        """Say what there is: virtual tables and the tables behind them too."""
        for name, statement in self.file.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall():
            described = self.file.execute(f"PRAGMA table_xinfo({_quoted(name)})").fetchall()
            columns = tuple(row[1] for row in described if row[6] != 1)
            keys = [row for row in described if row[5]]
            number = self._rowid(name, columns)
            key = _quoted(keys[0][1]) if len(keys) == 1 else number
            shown = key if len(keys) == 1 and keys[0][2].lower() in PLAIN_KEYS else number
            listed = ", ".join([key, shown, *(_quoted(column) for column in columns)])
            yield _Source(
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

    def rows(self, source: _Source) -> Iterator[Sequence[Any]]:
        """Read a table; text comes as the bytes that it is."""
        self.file.text_factory = bytes
        try:
            yield from self.file.execute(source.query)
        finally:
            self.file.text_factory = str

    def recover(self) -> None:
        """Nothing: a statement that failed leaves the transaction as it was."""


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

    def tables(self) -> Iterator[_Source]:
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
            yield _Source(
                name=table if schema == "public" else f"{schema}.{table}",
                query=sql.SQL("SELECT {} FROM {}").format(
                    sql.SQL(", ").join([key, shown, *listed]), sql.Identifier(schema, table)
                ),
                columns=held,
            )
        samples = ", ".join(f"{column}::text" for column in self.SAMPLES)
        yield _Source(
            name=PLANNER,
            query=f"SELECT NULL, tablename || '.' || attname, {samples} FROM pg_stats WHERE schemaname !~ '^pg_'",
            columns=self.SAMPLES,
            place=Place.STATISTICS,
        )

    def rows(self, source: _Source) -> Iterator[Sequence[Any]]:
        """Read a table through a cursor that stays on the server."""
        with self.server.cursor(name="scan") as cursor:
            cursor.itersize = ROWS
            cursor.execute(source.query)
            yield from cursor

    def recover(self) -> None:
        """Begin again: a statement that failed ends the transaction."""
        self.server.rollback()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _scan_table(reader: _Reader, source: _Source, matcher: Matcher, owners: "_Owners", report: ScanReport) -> None:
    rows = reader.rows(source)
    while batch := list(islice(rows, ROWS)):
        report.rows += len(batch)
        for some in _pieces(batch):
            _scan_rows(source, some, matcher, owners, report)


def _pieces(batch: Sequence[Sequence[Any]]) -> Iterator[list[tuple[Sequence[Any], bytes]]]:
    """Put rows together until there is enough to search at once."""
    piece: list[tuple[Sequence[Any], bytes]] = []
    size = 0
    for row in batch:
        held = _joined(row)
        if size and size + len(held) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append((row, held))
        size += len(held)
    yield piece


def _joined(row: Sequence[Any]) -> bytes:
    """Put everything that a row holds in a row."""
    values = [_bytes(value) for value in row[2:] if isinstance(value, TEXTUAL)]
    text = SEPARATOR.join(values)
    if b"\n" not in text and b".eJ" not in text:
        return text
    return SEPARATOR.join(part for value in values for part in unpacked(value))


def _bytes(value: str | bytes | memoryview) -> bytes:
    return value.encode(errors="surrogatepass") if isinstance(value, str) else bytes(value)


def _scan_rows(
    source: _Source,
    rows: Sequence[tuple[Sequence[Any], bytes]],
    matcher: Matcher,
    owners: "_Owners",
    report: ScanReport,
) -> None:
    text = SEPARATOR.join(held for _, held in rows)
    report.bytes += len(text)
    found = sorted({hit.start for hit in matcher.find(text)})
    if not found:
        return
    end, place = 0, -1
    hits: list[_InRow] = []
    for start in found:
        if place >= 0 and start < end:
            continue
        while end <= start:
            place += 1
            end += len(rows[place][1]) + len(SEPARATOR)
        row = rows[place][0]
        hits += [_InRow(_text(row[0]), _text(row[1]), column, hit) for column, hit in _columns(source, row, matcher)]
    owners.settle(source, hits, report)


def _columns(source: _Source, row: Sequence[Any], matcher: Matcher) -> Iterator[tuple[str, Found]]:
    """Say in which columns of a row it is, each form once."""
    for column, value in zip(source.columns, row[2:], strict=True):
        if isinstance(value, TEXTUAL):
            found = (hit for part in unpacked(_bytes(value)) for hit in matcher.find(part))
            yield from ((column, hit) for hit in _once(found))


def _once(found: Iterable[Found]) -> Iterator[Found]:
    """Give each form of each identifier of each person once."""
    yield from {(hit.person, hit.kind, hit.form): hit for hit in found}.values()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class _InRow:
    """What was found in one column of one row."""

    key: str
    shown: str
    column: str
    found: Found


# --- whose it is -----------------------------------------------------------------------------
class _Owners:
    """Says whose the rows are in which something was found."""

    def __init__(self, people: Mapping[str, Identifiers]) -> None:
        self.people = people
        self.tables = {entry.name: entry for entry in TABLES}
        self.twins: dict[str, set[UUID]] = {}

    def settle(self, source: _Source, hits: Sequence["_InRow"], report: ScanReport) -> None:
        """Report hits of one table, each with its place."""
        by_person: dict[str, list[_InRow]] = {}
        for hit in hits:
            by_person.setdefault(hit.found.person, []).append(hit)
        for person, theirs in by_person.items():
            judged = _Judged(self, source, person, theirs)
            for hit in theirs:
                report.add(
                    Hit(
                        person=person,
                        where=source.name,
                        column=hit.column,
                        row=hit.shown,
                        kind=hit.found.kind,
                        form=hit.found.form,
                        place=source.place or judged.place(hit),
                    )
                )

    def file(self, person: str) -> Place:
        """Say whose a file is that names a person: nobody can tell when somebody else has the same address."""
        return Place.ELSEWHERE if self.twins.get(person) else Place.FILE


class _Judged:
    """The rows of one table in which something of one person was found."""

    def __init__(self, owners: _Owners, source: _Source, person: str, hits: Sequence[_InRow]) -> None:
        self.entry = owners.tables.get(source.name)
        about = _original(self.entry, source, owners.tables)
        model = model_of(about) if about else None
        self.keys: dict[str, Any] = {}
        self.own: set[Any] = set()
        self.of_twins: set[Any] = set()
        self.at_home: set[Any] = set()
        self.is_about_people = False
        if about is None or model is None:
            return
        identifiers = owners.people[person]
        self.keys = _read_keys(model, {hit.key for hit in hits})
        whose = tuple(dict.fromkeys(path for column in about.columns.values() for path in column.whose or ()))
        self.is_about_people = bool(whose)

        def about_them(*user_ids: UUID) -> set[Any]:
            rows = rows_about(model, whose, *user_ids).filter(pk__in=self.keys.values())
            return set(rows.values_list("pk", flat=True))

        if identifiers.user_id:
            self.own = about_them(identifiers.user_id)
        if model is User and not source.is_copy:
            owners.twins.setdefault(person, set()).update(self._twins(hits))
        twins = sorted(owners.twins.get(person, ()))
        for first in range(0, len(twins), ROWS):
            self.of_twins |= about_them(*twins[first : first + ROWS])
        condition = organization_filter(about.organization, identifiers.organizations)
        if condition is not None:
            rows = model._base_manager.filter(condition, pk__in=self.keys.values())
            self.at_home = set(rows.values_list("pk", flat=True))

    def _twins(self, hits: Sequence[_InRow]) -> Iterator[UUID]:
        """Give other accounts that have the same address, name or number as their own."""
        for hit in hits:
            line = self.entry.columns.get(hit.column) if self.entry else None
            if line and line.kind is ColumnKind.IDENTIFIER and self.keys[hit.key] not in self.own:
                yield self.keys[hit.key]

    def place(self, hit: _InRow) -> Place:
        """Say whose a row is."""
        line = self.entry.columns.get(hit.column) if self.entry else None
        key = self.keys.get(hit.key)
        if line is None:
            return Place.LOOSE
        if key in self.own:
            return Place.OWN
        if key in self.of_twins:
            return Place.ELSEWHERE
        if line.kind is ColumnKind.FREE_TEXT and key is not None:
            return Place.MENTION if key in self.at_home else Place.ELSEWHERE
        if self.is_about_people and key is not None:
            return Place.ELSEWHERE
        # A word that is somebody's username and also the name of a table or a role is nobody's.
        return Place.ELSEWHERE if hit.found.kind is Kind.USERNAME else Place.LOOSE


def _original(entry: Table | None, source: _Source, tables: Mapping[str, Table]) -> Table | None:
    """Give the entry whose rows are meant: of a copy, what it is a copy of; of what only serves one, none."""
    copied = next((path for path in entry.whose if isinstance(path, CopyOf)), None) if entry else None
    if copied is None:
        return entry
    return tables[copied.table] if source.is_copy else None


def _read_keys(model: type[models.Model], keys: Iterable[str]) -> dict[str, Any]:
    read = {}
    for key in keys:
        try:
            read[key] = model._meta.pk.to_python(key)
        except ValidationError:
            continue
    return read


# --- files -----------------------------------------------------------------------------------
def _files() -> list[Path]:
    """List what the service has written beside the database: neither that itself, nor the keys, nor its own code."""
    places = {Path(settings.VAR)}
    if (lines := ledger.plain_file()) is not None:
        places.add(lines)
    if settings.EMAIL_FILE_PATH:
        places.add(Path(settings.EMAIL_FILE_PATH))
    left_out = {Path(settings.KEYS_FILE).resolve()}
    databases = [Path(connection.settings_dict["NAME"])] if connection.vendor == "sqlite" else []
    if (table := ledger.sqlite_file()) is not None:
        databases.append(table)
    left_out |= {name.resolve().with_name(name.resolve().name + end) for name in databases for end in TOUCHING_SQLITE}
    static = Path(settings.STATIC_ROOT).resolve()
    listed = {
        path.resolve()
        for place in places
        for path in ([place] if place.is_file() else place.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    return sorted(path for path in listed - left_out if static not in path.parents)


def _scan_files(
    paths: Sequence[Path], people: Mapping[str, Identifiers], owners: _Owners, report: ScanReport, watch: Watch
) -> None:
    text, binary = Matcher(people), Matcher(people, whole=False)
    for place, path in enumerate(paths):
        watch("files", place, len(paths))
        report.files += 1
        name = _shown(path, binary)
        for hit in _once(binary.find(os.fsencode(path.name))):
            report.add(_file_hit(hit, name, owners.file(hit.person), column="its name"))
        try:
            with path.open("rb") as file:
                for hit in _once(_found_in_file(file, text, binary, report, ARCHIVE_DEPTH)):
                    report.add(_file_hit(hit, name, owners.file(hit.person)))
        except FileNotFoundError:
            continue
        except (OSError, EOFError, zipfile.BadZipFile, RuntimeError) as error:
            report.unread[name] = type(error).__name__


def _shown(path: Path, matcher: Matcher) -> str:
    """Name a file, unless that would say what is looked for."""
    base = Path(settings.VAR).resolve()
    shown = path.relative_to(base) if path.is_relative_to(base) else Path(path.name)
    return f"file {path.stat().st_ino}" if any(matcher.find(os.fsencode(shown))) else str(shown)


def _file_hit(found: Found, name: str, place: Place, *, column: str = "") -> Hit:
    return Hit(person=found.person, where=name, column=column, row="", kind=found.kind, form=found.form, place=place)


def _found_in_file(file: IO[bytes], text: Matcher, binary: Matcher, report: ScanReport, depth: int) -> Iterator[Found]:
    """Look through a file; through what is in it if it is an archive."""
    head = file.read(BINARY_SAMPLE)
    file.seek(0)
    if depth and head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as inner:
            yield from _found_in_stream(cast("IO[bytes]", inner), text, binary, report, depth - 1)
    elif depth and head.startswith(b"PK"):
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                yield from text.find(entry.filename.encode())
                with archive.open(entry) as inner:
                    yield from _found_in_stream(inner, text, binary, report, depth - 1)
    else:
        yield from _found_in(file, binary if b"\x00" in head else text, report)


def _found_in_stream(
    stream: IO[bytes], text: Matcher, binary: Matcher, report: ScanReport, depth: int
) -> Iterator[Found]:
    """Look through what comes out of an archive; only another archive in it has to be held as a whole."""
    head = stream.read(BINARY_SAMPLE)
    if head.startswith((b"\x1f\x8b", b"PK")) and depth:
        yield from _found_in_file(io.BytesIO(head + stream.read()), text, binary, report, depth)
    else:
        yield from _found_in(stream, binary if b"\x00" in head else text, report, head)


def _found_in(stream: IO[bytes], matcher: Matcher, report: ScanReport, begun: bytes = b"") -> Iterator[Found]:
    """Read piece by piece, each with the end of the one before.

    What touches an end of a piece is judged in the other piece that has it, with its neighbours.
    """
    kept, block = b"", begun + stream.read(PIECE)
    while block:
        report.bytes += len(block)
        piece, following = kept + block, stream.read(PIECE)
        first = CONTEXT if kept else 0
        last = len(piece) - CONTEXT if following else len(piece)
        plain, *others = unpacked(piece)
        yield from (hit for hit in matcher.find(plain) if first <= hit.start and hit.end <= last)
        for other in others:
            yield from matcher.find(other)
        kept, block = piece[-OVERLAP:], following
