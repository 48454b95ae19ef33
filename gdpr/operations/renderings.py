"""A copy as JSON, as a page to read, and as a ZIP with both, tables for spreadsheets and a signature: streamed.

The three say the same: each record is read once, and every rendering is told of it, by the same words.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import IO, Any, Final, Protocol

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.template.loader import render_to_string
from django.utils.html import escape

from accounts.audit import canonical
from accounts.cells import csv_cell, text_of
from accounts.keys import Purpose, keyring
from gdpr.operations.copies import DETAILS, SCHEMA_VERSION, TITLES, Copy, Part, Scope, map_digest, parts
from gdpr.operations.sealed_files import Spool
from gdpr.registry import Section

__all__ = ["FORMATS", "export_schema", "written"]

FORMATS: Final = ("json", "html", "zip")
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
Progress = Callable[[int], None]
Write = Callable[[str], object]


def written(copy: Copy, form: str, file: IO[bytes], progress: Progress = lambda _: None) -> None:
    """Write a copy.

    :param progress: is told after each record how many were read
    """
    if form == "zip":
        _zip(copy, file, progress)
        return

    def write(text: str) -> None:
        file.write(text.encode())

    _tell(copy, [_JSON(copy, write) if form == "json" else _Page(copy, write)], progress)


class _Rendering(Protocol):
    """Writes down what it is told of."""

    def begin(self) -> None:
        """Write what stands before the sections."""

    def section(self, section: Section) -> None:
        """Begin a section."""

    def record(self, part: Part, record: Mapping[str, Any]) -> None:
        """Write a record; those of one part come together."""

    def end_section(self) -> None:
        """End the section."""

    def end(self) -> None:
        """Write what stands after the sections."""


def _tell(copy: Copy, renderings: Iterable[_Rendering], progress: Progress) -> None:
    """Read a copy once, and tell each rendering of it."""
    for rendering in renderings:
        rendering.begin()
    for section in Section:
        for rendering in renderings:
            rendering.section(section)
        for part in copy.parts_of(section):
            for record in copy.records(part):
                for rendering in renderings:
                    rendering.record(part, record)
                progress(copy.seen)
        for rendering in renderings:
            rendering.end_section()
    for rendering in renderings:
        rendering.end()


# --- JSON -------------------------------------------------------------------------------------


class _JSON:
    """For programs."""

    def __init__(self, copy: Copy, write: Write) -> None:
        self.copy, self.write = copy, write
        self.counts: dict[str, int] = {}

    def begin(self) -> None:
        """Write the head."""
        self.write("{\n")
        for key, value in self.copy.head.items():
            self.write(f'"{key}": {_dumped(value)},\n')
        self.write('"sections": {')

    def section(self, section: Section) -> None:
        """Say what the records of a section are."""
        self.write(",\n" if self.counts else "\n")
        self.current, self.counts[section] = section, 0
        tables = _dumped([self.copy.described(part) for part in self.copy.parts_of(section)])
        self.write(f'"{section}": {{"title": {_dumped(TITLES[section])}, "tables": {tables}, "records": [')

    def record(self, part: Part, record: Mapping[str, Any]) -> None:
        """Write a record on a line."""
        self.write(",\n" if self.counts[self.current] else "\n")
        self.write(_dumped({"record": part.record, **record}))
        self.counts[self.current] += 1

    def end_section(self) -> None:
        """End the list."""
        self.write("]}")

    def end(self) -> None:
        """Write what is withheld, and how many records there are."""
        self.write(f'\n}},\n"withheld": {_dumped(self.copy.withheld())},\n"counts": {_dumped(self.counts)}\n}}\n')


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- a page -----------------------------------------------------------------------------------


class _Page:
    """For people: a heading and a table of each part, or a list where there is one row; nothing where there is none."""

    def __init__(self, copy: Copy, write: Write) -> None:
        self.copy, self.write = copy, write
        self.part: Part | None = None

    def begin(self) -> None:
        """Write the head, with what stands where."""
        context = {"head": self.copy.head, "sections": TITLES.items(), "name": _name(self.copy.head)}
        self.write(render_to_string("gdpr/export_head.html", context))

    def section(self, section: Section) -> None:
        """Write the heading of a section."""
        self.is_empty = True
        self.write(f'<section id="{section}">\n<h2>{escape(TITLES[section])}</h2>\n')

    def record(self, part: Part, record: Mapping[str, Any]) -> None:
        """Write a row of a table, or the list."""
        if part is not self.part:
            self._end_part()
            self.part, self.is_empty = part, False
            self.write(f"<h3>{escape(part.title)}</h3>\n")
            self.write("" if part.is_one_row else _table_head(part))
        cells = [(key, escape(text_of(value))) for key, value in record.items()]
        attribute = f'data-record="{escape(part.record)}"'
        if part.is_one_row:
            rows = "".join(
                f'<div><dt>{_label(key)}</dt><dd data-field="{key}">{text}</dd></div>' for key, text in cells
            )
            self.write(f"<dl {attribute}>{rows}</dl>\n")
        else:
            rows = "".join(f'<td data-field="{key}" data-label="{_label(key)}">{text}</td>' for key, text in cells)
            self.write(f"<tr {attribute}>{rows}</tr>\n")

    def _end_part(self) -> None:
        if self.part is not None and not self.part.is_one_row:
            self.write("</tbody></table></div>\n")
        self.part = None

    def end_section(self) -> None:
        """Say so where there is nothing."""
        self._end_part()
        self.write('<p class="none">Nothing.</p>\n</section>\n' if self.is_empty else "</section>\n")

    def end(self) -> None:
        """Write what is withheld."""
        context = {"withheld": self.copy.withheld(), "head": self.copy.head}
        self.write(render_to_string("gdpr/export_foot.html", context))


def _name(head: Mapping[str, Any]) -> str:
    identifiers = head["subject"]["identifiers"]
    return str(identifiers[0]["value"]) if identifiers else str(head["subject"]["id"])


def _table_head(part: Part) -> str:
    headings = "".join(f'<th scope="col">{_label(key)}</th>' for key in part.keys)
    sheet = f'<div class="sheet" tabindex="0" role="region" aria-label="{escape(part.title)}">'
    return f"{sheet}<table><thead><tr>{headings}</tr></thead><tbody>\n"


@cache
def _label(key: str) -> str:
    words = key.replace("_", " ")
    return escape(words[:1].upper() + words[1:])


# --- tables for spreadsheets ------------------------------------------------------------------


class _Tables:
    """For spreadsheets: a table of each section."""

    def __init__(self, copy: Copy, writes: Mapping[Section, Write]) -> None:
        self.copy, self.writes = copy, writes

    def begin(self) -> None:
        """Nothing stands before the sections."""

    def section(self, section: Section) -> None:
        """Write the headings: the fields of all records of the section."""
        self.write = self.writes[section]
        self.keys = list(dict.fromkeys(key for part in self.copy.parts_of(section) for key in part.keys))
        self.write(_csv_line(["record", *self.keys]))

    def record(self, part: Part, record: Mapping[str, Any]) -> None:
        """Write a row."""
        self.write(_csv_line([part.record, *(csv_cell(record.get(key)) for key in self.keys)]))

    def end_section(self) -> None:
        """Nothing stands after the rows."""

    def end(self) -> None:
        """Nothing stands after the sections."""


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


# --- a ZIP with everything --------------------------------------------------------------------


def _zip(copy: Copy, file: IO[bytes], progress: Progress) -> None:
    """Write the archive: one file of it at a time, so that the page and the tables wait, sealed, for their turn."""
    files: dict[str, dict[str, Any]] = {}
    key = keyring().current(Purpose.RECEIPT)
    with ExitStack() as stack, zipfile.ZipFile(file, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        waiting = {name: stack.enter_context(Spool()) for name in ("index.html", *map(_csv_name, Section))}
        with _added(archive, files, "data.json") as add:
            tables = {section: waiting[_csv_name(section)].write for section in Section}
            _tell(
                copy,
                [
                    _JSON(copy, lambda text: add(text.encode())),
                    _Page(copy, waiting["index.html"].write),
                    _Tables(copy, tables),
                ],
                progress,
            )
        for name, spool in waiting.items():
            _add(archive, files, name, spool.pieces())
        _add(archive, files, "schema.json", [json.dumps(export_schema(), indent=1).encode()])
        readme = render_to_string("gdpr/export_readme.txt", {"head": copy.head})
        _add(archive, files, "README.txt", [readme.encode()])
        manifest = canonical(
            {
                "export": copy.head,
                "files": files,
                "counts": copy.count(),
                "map_sha256": map_digest(),
                "key_id": key.id,
                "public_key": key.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex(),
                "algorithm": "Ed25519 over the bytes of manifest.json; manifest.sig is the signature, 64 bytes",
            }
        )
        _add(archive, {}, "manifest.json", [manifest])
        _add(archive, {}, "manifest.sig", [key.signing_key.sign(manifest)])


def _csv_name(section: Section) -> str:
    return f"csv/{section}.csv"


def _add(archive: zipfile.ZipFile, files: dict[str, dict[str, Any]], name: str, pieces: Iterable[bytes]) -> None:
    with _added(archive, files, name) as add:
        for piece in pieces:
            add(piece)


@contextmanager
def _added(archive: zipfile.ZipFile, files: dict[str, dict[str, Any]], name: str) -> Iterator[Callable[[bytes], None]]:
    """Give what takes the bytes of one file of the archive; notes its digest and size."""
    digest, size = hashlib.sha256(), 0
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16

    def add(piece: bytes) -> None:
        nonlocal size
        digest.update(piece)
        size += len(piece)
        member.write(piece)

    with archive.open(entry, "w", force_zip64=True) as member:
        yield add
    files[name] = {"sha256": digest.hexdigest(), "size": size}


# --- the schema -------------------------------------------------------------------------------


def export_schema() -> dict[str, Any]:
    """Describe the JSON, field by field, from the map (JSON Schema 2020-12)."""
    text, maybe_text = {"type": "string"}, {"type": ["string", "null"]}
    texts = {"type": "array", "items": text}
    sections = {str(section): _section_schema(section) for section in Section}
    identifier = _object({"type": text, "value": text, "verified": {"type": ["boolean", "null"]}})
    withheld = _object({"record": maybe_text, "fields": texts, "rows": {"type": ["integer", "null"]}, "reason": text})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:identity:personal-data-export:{SCHEMA_VERSION}",
        "title": "A copy of the personal data that an identity service holds about one person",
        **_object(
            {
                "$schema": text,
                "schema_version": {"type": "string", "pattern": r"^1\.\d+\.\d+$"},
                "scope": {"enum": [str(scope) for scope in Scope]},
                "generator": _object({"product": text, "version": text, "map_sha256": text}),
                "request": _object(
                    {
                        "export": maybe_text,
                        "id": maybe_text,
                        "articles": texts,
                        "received_at": maybe_text,
                        "due_at": maybe_text,
                        "produced_at": MOMENT,
                    }
                ),
                "controller": _object({"organization": text, "slug": text, "name": text, "contact": maybe_text}),
                "subject": _object({"id": text, "identifiers": {"type": "array", "items": identifier}}),
                "information": _object(
                    {
                        "purposes": {"type": "array", "items": _object({"name": text, "text": text, "basis": text})},
                        "categories": texts,
                        "sources": texts,
                        "retention": texts,
                        "recipients": {"type": "array", "items": _object({"who": text, "what": text})},
                        "transfers": text,
                        "automated_decisions": text,
                        "rights": texts,
                    }
                ),
                "sections": _object(sections),
                "withheld": {"type": "array", "items": withheld},
                "counts": _object({str(section): {"type": "integer", "minimum": 0} for section in Section}),
            }
        ),
    }


MOMENT: Final = {"type": "string", "format": "date-time"}


def _object(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def _section_schema(section: Section) -> dict[str, Any]:
    records = [_record_schema(part) for part in parts(Scope.ACCESS) if part.section is section]
    described = _object(
        {
            "category": {"type": "string"},
            "purpose": {"type": "string"},
            "basis": {"type": "string"},
            "source": {"type": "string"},
            "retention": {"type": "array", "items": {"type": "string"}},
            "portable": {"type": "boolean"},
        }
    )
    table = _object(
        {
            "record": {"type": "string"},
            "what": {"type": "string"},
            "fields": {"type": "object", "additionalProperties": described},
        }
    )
    return _object(
        {
            "title": {"type": "string"},
            "tables": {"type": "array", "items": table},
            "records": {"type": "array", "items": {"anyOf": records} if records else False},
        }
    )


def _record_schema(part: Part) -> dict[str, Any]:
    fields = {key: part.json_types[key] for key in part.keys if key != DETAILS}
    if part.has_details:
        fields[DETAILS] = {"type": "object", "additionalProperties": {"type": "object"}}
    return _object({"record": {"const": part.record}, **fields}, required=["record"])
