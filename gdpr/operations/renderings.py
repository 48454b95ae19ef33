"""A copy as JSON, as a page to read, and as a ZIP with both, tables for spreadsheets and a signature: streamed.

The three say the same: each reads the copy again, at the same moment, and writes its values by the same words.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import IO, Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.template.loader import render_to_string
from django.utils.html import escape

from accounts.audit import canonical
from accounts.cells import csv_cell, text_of
from accounts.keys import Purpose, keyring
from gdpr.operations.copies import DETAILS, SCHEMA_VERSION, TITLES, Copy, Part, Scope, map_digest, parts
from gdpr.registry import Section

__all__ = ["FORMATS", "READINGS", "export_schema", "written"]

FORMATS: Final = ("json", "html", "zip")
READINGS: Final[Mapping[str, int]] = {"json": 1, "html": 1, "zip": 3}
"""How many times each format reads the copy."""
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
Progress = Callable[[int], None]


def written(copy: Copy, form: str, file: IO[bytes], progress: Progress = lambda _: None) -> None:
    """Write a copy.

    :param progress: is told after each record how many were read
    """
    if form == "zip":
        _zip(copy, file, progress)
        return
    pieces = _json(copy, progress) if form == "json" else _html(copy, progress)
    for piece in pieces:
        file.write(piece.encode())


# --- JSON -------------------------------------------------------------------------------------


def _json(copy: Copy, progress: Progress) -> Iterator[str]:
    yield "{\n"
    for key, value in copy.head.items():
        yield f'"{key}": {_dumped(value)},\n'
    yield '"sections": {'
    counts: dict[str, int] = {}
    for section in Section:
        shown = copy.parts_of(section)
        yield "\n" if section is Section.PROFILE else ",\n"
        tables = _dumped([copy.described(part) for part in shown])
        yield f'"{section}": {{"title": {_dumped(TITLES[section])}, "tables": {tables}, "records": ['
        counts[section] = 0
        for part in shown:
            for record in copy.records(part):
                yield ",\n" if counts[section] else "\n"
                yield _dumped({"record": part.record, **record})
                counts[section] += 1
                progress(copy.seen)
        yield "]}"
    yield f'\n}},\n"withheld": {_dumped(copy.withheld())},\n"counts": {_dumped(counts)}\n}}\n'


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- a page -----------------------------------------------------------------------------------


def _html(copy: Copy, progress: Progress) -> Iterator[str]:
    head = copy.head
    yield render_to_string("gdpr/export_head.html", {"head": head, "sections": TITLES.items(), "name": _name(head)})
    for section in Section:
        yield f'<section id="{section}">\n<h2>{escape(TITLES[section])}</h2>\n'
        before = copy.seen
        for part in copy.parts_of(section):
            for piece in _html_part(copy, part):
                yield piece
                progress(copy.seen)
        yield "</section>\n" if copy.seen > before else '<p class="none">Nothing.</p>\n</section>\n'
    yield render_to_string("gdpr/export_foot.html", {"withheld": copy.withheld(), "head": head})


def _name(head: Mapping[str, Any]) -> str:
    identifiers = head["subject"]["identifiers"]
    return str(identifiers[0]["value"]) if identifiers else str(head["subject"]["id"])


def _html_part(copy: Copy, part: Part) -> Iterator[str]:
    """Write a heading and a table, or a list where there is one row; nothing where there is none."""
    is_first = True
    for record in copy.records(part):
        if is_first:
            yield f"<h3>{escape(part.title)}</h3>\n"
            yield "" if part.is_one_row else _html_table_head(part)
            is_first = False
        cells = [(key, escape(text_of(value))) for key, value in record.items()]
        attribute = f'data-record="{escape(part.record)}"'
        if part.is_one_row:
            rows = "".join(
                f'<div><dt>{_label(key)}</dt><dd data-field="{key}">{text}</dd></div>' for key, text in cells
            )
            yield f"<dl {attribute}>{rows}</dl>\n"
        else:
            rows = "".join(f'<td data-field="{key}" data-label="{_label(key)}">{text}</td>' for key, text in cells)
            yield f"<tr {attribute}>{rows}</tr>\n"
    if not is_first and not part.is_one_row:
        yield "</tbody></table></div>\n"


def _html_table_head(part: Part) -> str:
    headings = "".join(f'<th scope="col">{_label(key)}</th>' for key in part.keys)
    sheet = f'<div class="sheet" tabindex="0" role="region" aria-label="{escape(part.title)}">'
    return f"{sheet}<table><thead><tr>{headings}</tr></thead><tbody>\n"


@cache
def _label(key: str) -> str:
    words = key.replace("_", " ")
    return escape(words[:1].upper() + words[1:])


# --- tables for spreadsheets ------------------------------------------------------------------


def _csv(copy: Copy, section: Section, progress: Progress) -> Iterator[str]:
    shown = copy.parts_of(section)
    keys = list(dict.fromkeys(key for part in shown for key in part.keys))
    yield _csv_line(["record", *keys])
    for part in shown:
        for record in copy.records(part):
            yield _csv_line([part.record, *(csv_cell(record.get(key)) for key in keys)])
            progress(copy.seen)


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


# --- a ZIP with everything --------------------------------------------------------------------


def _zip(copy: Copy, file: IO[bytes], progress: Progress) -> None:
    files: dict[str, dict[str, Any]] = {}
    key = keyring().current(Purpose.RECEIPT)
    with zipfile.ZipFile(file, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        _add(archive, files, "data.json", _json(copy, progress))
        _add(archive, files, "index.html", _html(copy, progress))
        for section in Section:
            _add(archive, files, f"csv/{section}.csv", _csv(copy, section, progress))
        _add(archive, files, "schema.json", iter([json.dumps(export_schema(), indent=1)]))
        _add(archive, files, "README.txt", iter([render_to_string("gdpr/export_readme.txt", {"head": copy.head})]))
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
        _add(archive, {}, "manifest.json", iter([manifest.decode()]))
        with _member(archive, "manifest.sig") as member:
            member.write(key.signing_key.sign(manifest))


def _add(archive: zipfile.ZipFile, files: dict[str, dict[str, Any]], name: str, pieces: Iterator[str]) -> None:
    digest, size = hashlib.sha256(), 0
    with _member(archive, name) as member:
        for piece in pieces:
            raw = piece.encode()
            digest.update(raw)
            size += len(raw)
            member.write(raw)
    files[name] = {"sha256": digest.hexdigest(), "size": size}


@contextmanager
def _member(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    with archive.open(entry, "w", force_zip64=True) as member:
        yield member


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
                "request": _object({"export": maybe_text, "articles": texts, "produced_at": MOMENT}),
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
