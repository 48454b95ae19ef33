"""The search of the whole database, and of the files beside it, for what is left of people.

Independent of erasure: what there is to read comes from the database itself and not from the models or the map,
which only say whose a row is that holds something. One pass serves many people. Nothing of it is written anywhere:
a hit says where, whose and in which form, never what.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from time import monotonic
from typing import Any, Final

import psycopg

from accounts.models import EmailChange, User
from gdpr.operations.file_scan import PIECE, files_of_service, look_through
from gdpr.operations.findings import ScanReport, Watch, once
from gdpr.operations.owners import InRow, Owners
from gdpr.operations.readers import ROWS, Source, reading
from gdpr.traces import Found, Identifiers, Matcher, unpacked

__all__ = ["identifiers_of", "scan"]

SEPARATOR: Final = b"\x1e"
TEXTUAL: Final = (str, bytes, memoryview)


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
    owners = Owners(people)
    with reading() as reader:
        tables = sorted(reader.tables(), key=lambda table: table.name != User._meta.db_table)
        for place, table in enumerate(tables):
            watch(table.name, place, len(tables))
            report.tables += 1
            report.columns += len(table.columns)
            try:
                rows = _watched(reader.rows(table), partial(watch, table.name, place, len(tables)))
                _scan_table(rows, table, matcher, owners, report)
            except (sqlite3.DatabaseError, psycopg.Error) as error:
                report.unread[table.name] = type(error).__name__
                reader.recover()
        report.unread |= reader.unread()
    if files:
        look_through(files_of_service(), people, owners, report, watch)
    report.seconds = monotonic() - started
    return report


def _watched(rows: Iterator[Sequence[Any]], watch: Callable[[], None]) -> Iterator[Sequence[Any]]:
    for number, row in enumerate(rows):
        if number % ROWS == 0:
            watch()
        yield row


def _scan_table(
    rows: Iterator[Sequence[Any]], source: Source, matcher: Matcher, owners: Owners, report: ScanReport
) -> None:
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
    source: Source,
    rows: Sequence[tuple[Sequence[Any], bytes]],
    matcher: Matcher,
    owners: Owners,
    report: ScanReport,
) -> None:
    text = SEPARATOR.join(held for _, held in rows)
    report.bytes += len(text)
    found = sorted({hit.start for hit in matcher.find(text)})
    if not found:
        return
    end, place = 0, -1
    hits: list[InRow] = []
    for start in found:
        if place >= 0 and start < end:
            continue
        while end <= start:
            place += 1
            end += len(rows[place][1]) + len(SEPARATOR)
        row = rows[place][0]
        hits += [InRow(_text(row[0]), _text(row[1]), column, hit) for column, hit in _columns(source, row, matcher)]
    owners.settle(source, hits, report)


def _columns(source: Source, row: Sequence[Any], matcher: Matcher) -> Iterator[tuple[str, Found]]:
    """Say in which columns of a row it is, each form once."""
    for column, value in zip(source.columns, row[2:], strict=True):
        if isinstance(value, TEXTUAL):
            found = (hit for part in unpacked(_bytes(value)) for hit in matcher.find(part))
            yield from ((column, hit) for hit in once(found))


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else "" if value is None else str(value)
