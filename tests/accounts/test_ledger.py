"""The ledger: alike in a file and in another database, whole lines only, and found out when it is another one."""

import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from accounts import keys, ledger, policy
from accounts.errors import Unavailable
from accounts.models import Installation, User
from accounts.operations.installation import SWEEPS, sweep
from accounts.operations.users import user_tag
from tests.identity.conftest import ROOT, empty_database

KINDS = ("file", "sqlite", "postgresql")
TESTED_ON_POSTGRESQL = os.environ.get("DATABASE_URL", "").startswith("postgres")


def address(kind: str, folder: Path) -> str:
    return f"file://{folder}/apart/ledger.jsonl" if kind == "file" else f"sqlite:///{folder}/apart/ledger.sqlite3"


@pytest.fixture(params=KINDS)
def kept(request: pytest.FixtureRequest, settings: Any, tmp_path: Path) -> Iterator[str]:
    """Keep the ledger in a place of each kind; gives the address."""
    if request.param != "postgresql":
        settings.LEDGER_URL = address(request.param, tmp_path)
        yield settings.LEDGER_URL
        return
    if not TESTED_ON_POSTGRESQL:
        pytest.skip("a server is needed")
    with empty_database(tmp_path) as url:
        settings.LEDGER_URL = url
        yield url


@pytest.fixture
def file(settings: Any, tmp_path: Path) -> Path:
    """Keep the ledger in a file."""
    settings.LEDGER_URL = address("file", tmp_path)
    ledger.append("test", [])
    return tmp_path / "apart" / "ledger.jsonl"


def numbers(mark: ledger.Mark | None = None) -> list[int]:
    """Read all lines, which must be good."""
    read = list(ledger.entries("test", mark))
    assert all(good for _, good in read)
    return [line["number"] for line, _ in read]


def write(url: str, statement: str) -> None:
    """Do with a table what somebody with its password can do."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other, other:
            other.execute(statement)
        return
    with psycopg.connect(url) as server:
        server.execute(statement)


class TestEveryKind:
    """What holds wherever lines are kept."""

    def test_lines_come_back_in_order_signed_and_by_kind(self, kept: str) -> None:
        assert numbers() == []
        ledger.append("test", [{"number": number, "text": "a\nb\\ü\x00'"} for number in range(3)])
        ledger.append("other", [{"number": 7}])
        ledger.append("test", [{"number": 3}])

        assert numbers() == [0, 1, 2, 3]
        [(line, good)] = ledger.entries("other")
        assert (line["number"], line["key_id"], good) == (7, keys.keyring().current(keys.Purpose.RECEIPT).id, True)
        assert next(ledger.entries("test"))[0]["text"] == "a\nb\\ü\x00'"

    def test_old_keys_stay_for_reading_and_strange_ones_are_none(
        self, kept: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ledger.append("test", [{"number": 1}])
        before = keys.keyring()
        rotated = before.rotated()
        monkeypatch.setattr(ledger, "keyring", lambda: rotated)
        ledger.append("test", [{"number": 2}])

        assert numbers() == [1, 2]
        monkeypatch.setattr(ledger, "keyring", lambda: before)
        assert [good for _, good in ledger.entries("test")] == [True, False]

    def test_a_mark_goes_on_where_it_was(self, kept: str) -> None:
        mark = ledger.Mark()
        for number in range(5):
            ledger.append("test", [{"number": number}])
            assert numbers(mark) == [number]
            assert numbers(mark) == []

    def test_processes_at_once_write_whole_lines(self, kept: str) -> None:
        environment = {**os.environ, "LEDGER_URL": kept, "DJANGO_SETTINGS_MODULE": "identity.settings"}
        command = [sys.executable, "manage.py", "shell", "-v", "0", "-c"]
        writers = [
            subprocess.Popen([*command, APPEND.format(number=number)], cwd=ROOT, env=environment) for number in range(3)
        ]

        assert [writer.wait(120) for writer in writers] == [0, 0, 0]
        assert sorted(numbers()) == sorted(list(range(3)) * LINES * TIMES)

    def test_what_cannot_be_used_is_said(self, kept: str, settings: Any, tmp_path: Path) -> None:
        for broken in out_of_order(kept, tmp_path):
            settings.LEDGER_URL = broken
            with pytest.raises(Unavailable, match=r"^The ledger cannot be read: .*\.$") as refusal:
                list(ledger.entries("test"))
            assert "canary" not in str(refusal.value)
            with pytest.raises(Unavailable, match=r"^The ledger cannot be written: .*\.$"):
                ledger.append("test", [])


def out_of_order(url: str, folder: Path) -> Iterator[str]:
    """Give addresses at which no ledger can be."""
    if url.startswith("postgres"):
        yield "postgresql://canary:canary@127.0.0.1:9/ledger"
        yield f"{url}-which-is-not-there"
        return
    (folder / "folder").mkdir()
    yield f"{url.partition('//')[0]}//{'/' if url.startswith('sqlite') else ''}{folder}/folder"
    if url.startswith("sqlite"):
        (folder / "text").write_text("no database\n" * 100)
        yield f"sqlite:///{folder}/text"


LINES, TIMES = 40, 5
APPEND = f"""
from accounts import ledger
for _ in range({TIMES}):
    ledger.append("test", [{{{{"number": {{number}}, "long": "x" * 20_000}}}} for _ in range({LINES})])
"""


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("file:///var/ledger.jsonl", "file:///var/ledger.jsonl"),
        ("sqlite:////var/ledger.sqlite3", "sqlite:////var/ledger.sqlite3"),
        ("postgresql://me:canary@host:5433/ledger?password=canary", "postgresql://host:5433/ledger"),
        ("postgresql:///ledger", "postgresql:///ledger"),
    ],
)
def test_its_address_is_shown_without_a_password(settings: Any, url: str, shown: str) -> None:
    settings.LEDGER_URL = url
    assert ledger.address() == shown


class TestFile:
    """What only a file can suffer."""

    def test_it_is_nobody_elses(self, file: Path) -> None:
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.parent.stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("torn", [b'{"kind": "te', b"\0" * 5_000, b'{"kind": "test", "number": 2}', b"\xff"])
    def test_a_torn_line_was_never_said_to_be_there(self, file: Path, torn: bytes) -> None:
        ledger.append("test", [{"number": 1}])
        with file.open("ab") as other:
            other.write(torn)
        mark = ledger.Mark()

        assert numbers(mark) == [1]
        ledger.append("test", [{"number": 3}])
        assert numbers(mark) == [3]
        assert numbers() == [1, 3]

    def test_a_torn_first_line(self, file: Path) -> None:
        file.write_bytes(b"torn")
        ledger.append("test", [{"number": 1}])
        assert numbers() == [1]

    @pytest.mark.parametrize("forged", [b"", b"[]", b"7", b'"x"', b"[" * 200_000, b"\xff", b'{"kind": "test"}'])
    def test_a_whole_line_that_is_none_is_found(self, file: Path, forged: bytes) -> None:
        with file.open("ab") as other:
            other.write(forged + b"\n")
        assert list(ledger.entries("test")) == [({"kind": "test"}, False)]

    def test_full_in_the_middle_of_a_line(self, file: Path) -> None:
        ledger.append("test", [{"number": 1}])
        before = file.stat().st_size
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (before + 100, limit[1]))
        try:
            with pytest.raises(Unavailable, match="cannot be written: File too large"):
                ledger.append("test", [{"number": 2}])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert before < file.stat().st_size <= before + 100

        assert numbers() == [1]
        ledger.append("test", [{"number": 3}])
        assert numbers() == [1, 3]

    def test_cut_or_replaced_is_noticed_by_who_has_read(self, file: Path) -> None:
        ledger.append("test", [{"number": number} for number in range(3)])
        whole = file.read_text()
        lines = whole.splitlines(keepends=True)
        for other in ("", lines[0], "".join(reversed(lines)), "".join([lines[0], *lines]), lines[1] * 9):
            file.write_text(whole)
            mark = ledger.Mark()
            assert numbers(mark) == [0, 1, 2]
            file.write_text(other)
            with pytest.raises(ledger.RewrittenError):
                numbers(mark)
        file.unlink()
        with pytest.raises(ledger.RewrittenError):
            numbers(mark)


class TestTable:
    """What only a table can suffer."""

    @pytest.fixture(autouse=True)
    def _table(self, kept: str) -> None:
        if kept.startswith("file"):
            pytest.skip("a table is needed")

    def test_rows_stand(self, kept: str) -> None:
        ledger.append("test", [{"number": 1}])
        replace = "INSERT OR REPLACE INTO ledger VALUES (1, 'x')"
        for statement in (
            "UPDATE ledger SET line = 'x'",
            "DELETE FROM ledger",
            replace if kept.startswith("sqlite") else "TRUNCATE ledger",
        ):
            with pytest.raises((sqlite3.IntegrityError, psycopg.Error), match="refused"):
                write(kept, statement)
        assert numbers() == [1]

    def test_another_table_is_noticed_by_who_has_read(self, kept: str) -> None:
        mark = ledger.Mark()
        ledger.append("test", [{"number": 1}])
        assert numbers(mark) == [1]
        write(kept, "DROP TABLE ledger")
        with pytest.raises(ledger.RewrittenError):
            numbers(mark)
        ledger.append("test", [{"number": 2}])
        with pytest.raises(ledger.RewrittenError):
            numbers(mark)

    def test_a_file_copied_into_it_is_good(self, kept: str, settings: Any, tmp_path: Path) -> None:
        settings.LEDGER_URL = address("file", tmp_path / "before")
        ledger.append("test", [{"number": number, "text": "a\\b\t\n'ü"} for number in range(3)])
        before = tmp_path / "before" / "apart" / "ledger.jsonl"
        settings.LEDGER_URL = kept
        ledger.append("test", [])
        if kept.startswith("sqlite"):
            for line in before.read_text().splitlines():
                write(kept, "INSERT INTO ledger (line) VALUES ('" + line.replace("'", "''") + "')")
        else:
            words = r"\copy ledger (line) from pstdin with (format csv, quote E'\x01', delimiter E'\x02')"
            psql = ["psql", "-X", "-d", kept, "-v", "ON_ERROR_STOP=1", "-c", words]
            subprocess.run(psql, check=True, input=before.read_bytes(), capture_output=True)

        assert numbers() == [0, 1, 2]

    def test_the_main_database_is_refused_however_it_is_spelled(self, kept: str) -> None:
        ledger.append("test", [])
        write(kept, "CREATE TABLE accounts_auditevent (id integer)")
        with pytest.raises(Unavailable, match="LEDGER_URL names the main database"):
            ledger.append("test", [{"number": 1}])
        with pytest.raises(Unavailable, match="LEDGER_URL names the main database"):
            numbers()

    def test_a_disk_that_is_full(self, kept: str) -> None:
        if not kept.startswith("sqlite"):
            pytest.skip("the disk of a server is not ours")
        ledger.append("test", [{"number": 1}])
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_480, limit[1]))
        try:
            with pytest.raises(Unavailable, match="cannot be written"):
                ledger.append("test", [{"number": 2, "long": "x" * 100_000}])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        assert numbers() == [1]
        ledger.append("test", [{"number": 3}])
        assert numbers() == [1, 3]


def test_the_sweep_does_what_needs_no_ledger_and_then_says_so(
    bob: User, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def last() -> int:
        done.append("last")
        return 1

    monkeypatch.setitem(SWEEPS, "last", last)
    user_tag(actor=policy.operator(os_user="tester"), user=bob, tags=["moved"])
    swept = Installation.objects.current().swept_at
    settings.LEDGER_URL = f"file://{tmp_path}"

    with pytest.raises(Unavailable, match="The ledger cannot be written: Is a directory"):
        sweep()

    assert done == ["last"]
    assert Installation.objects.current().swept_at == swept
