"""Files that are searched for people: those that the service writes, and archives in them; bytes of any others."""

import gzip
import io
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, cast

from django.conf import settings
from django.db import connection

from accounts import ledger
from gdpr.operations.findings import Hit, Place, ScanReport, Watch, once
from gdpr.operations.owners import Owners
from gdpr.traces import CONTEXT, Found, Identifiers, Matcher, unpacked

__all__ = ["PIECE", "files_naming", "files_of_service", "look_through", "scan_bytes", "scan_files"]

PIECE: Final = 1 << 20
"""Bytes that are searched at a time."""
OVERLAP: Final = 4_096
"""What a piece of a file repeats of the one before: longer than any form of an identifier."""
BINARY_SAMPLE: Final = 8_192
ARCHIVE_DEPTH: Final = 3
TOUCHING_SQLITE: Final = ("", "-wal", "-shm", "-journal")


def scan_files(paths: Iterable[Path], people: Mapping[str, Identifiers]) -> ScanReport:
    """Look for people in files; archives are opened."""
    report = ScanReport(too_short=sum(identifiers.too_short for identifiers in people.values()))
    look_through(list(paths), people, Owners(people), report, lambda *_: None)
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
            for found in once(_found_in(file, matcher, report)):
                report.add(_file_hit(found, path.name, Place.FILE))
    return report


def files_of_service() -> list[Path]:
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


def look_through(
    paths: Sequence[Path], people: Mapping[str, Identifiers], owners: Owners, report: ScanReport, watch: Watch
) -> None:
    """Look for people in files, in their names too, and report what is found."""
    text, binary = Matcher(people), Matcher(people, whole=False)
    for place, path in enumerate(paths):
        watch("files", place, len(paths))
        report.files += 1
        name = _shown(path, binary)
        for hit in once(binary.find(os.fsencode(path.name))):
            report.add(_file_hit(hit, name, owners.file(hit.person), column="its name"))
        try:
            with path.open("rb") as file:
                for hit in once(_found_in_file(file, text, binary, report, ARCHIVE_DEPTH)):
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
