"""What a command prints: a table, JSON, JSON lines or CSV; to stdout, or to a file whole or not at all."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Final

from accounts.cells import csv_cell, text_of
from accounts.errors import Invalid

__all__ = ["FORMATS", "Column", "Rows", "opened", "whole_file", "write"]

FORMATS: Final = ("table", "json", "jsonl", "csv")
WIDTH_SAMPLE: Final = 100


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and the key of the row it shows."""

    heading: str
    key: str


@dataclass
class Rows:
    """A list to print: rows that may come one by one, and what stands around them in JSON."""

    rows: Iterable[Mapping[str, Any]]
    columns: Sequence[Column]
    around: Mapping[str, Any]


@contextmanager
def opened(path: str | None, stdout: Any) -> Iterator[IO[str]]:
    """Give where to write; a file appears under its name only when everything is in it, mode 0600.

    :raises Invalid: if it cannot be written
    """
    if path is None:
        yield _Verbatim(stdout)  # type: ignore[misc]
        return
    with whole_file(path) as raw:
        file = io.TextIOWrapper(raw, encoding="utf-8", newline="\n", write_through=True)
        yield file
        file.detach()


@contextmanager
def whole_file(path: str, formats: Sequence[str] = FORMATS) -> Iterator[IO[bytes]]:
    """Give a file that appears under its name only when everything is in it, mode 0600.

    :param formats: what ``--format`` takes, and is no name of a file
    :raises Invalid: if it cannot be written
    """
    if path in formats:
        raise Invalid(
            f"--output takes a file, and {path} is a format.",
            remedy=f"Use --format {path}; for a file of that name, --output ./{path}.",
            fields={"output": "is a format"},
        )
    target = Path(path)
    if target.is_dir():
        raise Invalid(f"{path} is a folder.", fields={"output": "is a folder"})
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.", fields={"output": "cannot be written"}) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class _Verbatim:
    """Django's wrapper of stdout, without the newline that it adds to every write."""

    def __init__(self, stdout: Any) -> None:
        self.stdout = stdout

    def write(self, text: str) -> int:
        """Write the text and nothing else."""
        self.stdout.write(text, ending="")
        return len(text)


def write(result: Any, form: str, file: IO[str]) -> None:
    """Print a result in a format; a text as it is."""
    if isinstance(result, str):
        file.write(result)
    elif isinstance(result, Rows):
        {"table": _table, "json": _json_list, "jsonl": _json_lines, "csv": _csv}[form](result, file)
    elif form == "json":
        file.write(json.dumps(result, indent=2, ensure_ascii=False, default=str) + "\n")
    elif form == "jsonl":
        file.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    elif form == "csv":
        keys = [Column(key, key) for key in result]
        _csv(Rows([result], keys, {}), file)
    else:
        _card(result, file)


def _json_list(result: Rows, file: IO[str]) -> None:
    """Write an object whose ``data`` may be longer than memory."""
    file.write('{\n  "data": [')
    separator = "\n"
    for row in result.rows:
        file.write(f"{separator}    {json.dumps(row, ensure_ascii=False, default=str)}")
        separator = ",\n"
    file.write("\n  ]" if separator != "\n" else "]")
    for key, value in result.around.items():
        file.write(f",\n  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False, default=str)}")
    file.write("\n}\n")


def _json_lines(result: Rows, file: IO[str]) -> None:
    for row in result.rows:
        file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")


def _csv(result: Rows, file: IO[str]) -> None:
    """Write all fields of the rows; what a spreadsheet would run as a formula is quoted (ASVS 1.2.10)."""
    writer = csv.writer(file, lineterminator="\n")
    rows = iter(result.rows)
    first = next(rows, None)
    keys = list(first) if first is not None else [column.key for column in result.columns]
    writer.writerow(keys)
    for row in chain([] if first is None else [first], rows):
        writer.writerow([csv_cell(row.get(key)) for key in keys])


def _table(result: Rows, file: IO[str]) -> None:
    """Write aligned columns; widths come from the first rows, and nothing is ever cut."""
    from rich.cells import cell_len  # noqa: PLC0415 -- only tables need it

    cells = ([text_of(row.get(column.key)) for column in result.columns] for row in result.rows)
    sample = list(islice(cells, WIDTH_SAMPLE))
    headings = [column.heading for column in result.columns]
    widths = [max(cell_len(row[index]) for row in [headings, *sample]) for index in range(len(headings))]

    def line(row: Sequence[str]) -> str:
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True)]
        return "  ".join(padded).rstrip() + "\n"

    file.write(line(headings))
    for row in sample:
        file.write(line(row))
    for row in cells:
        file.write(line(row))


def _card(result: Mapping[str, Any], file: IO[str]) -> None:
    """Write one thing as a list of its fields; what is empty is left out."""
    shown = {key: value for key, value in result.items() if value not in (None, "", [], {})}
    width = max((len(key) for key in shown), default=0)
    for key, value in shown.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            file.write(f"{key}\n")
            for entry in value:
                file.write("  " + "  ".join(f"{name}={text_of(part)}" for name, part in entry.items()) + "\n")
        else:
            indented = text_of(value).replace("\n", "\n" + " " * (width + 2))
            file.write(f"{key.ljust(width)}  {indented}\n")
