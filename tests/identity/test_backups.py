"""Backups, tried: copy, change, restore, compare; on the database that is being tested."""

import json
import stat
from pathlib import Path

import psycopg
import pytest

from tests.identity.conftest import Installation, rows

PEOPLE = "SELECT email, status FROM accounts_user ORDER BY email"


def do(installation: Installation, *words: str, **settings: str) -> str:
    """Run a command that must succeed."""
    done = installation.manage(*words, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def people(installation: Installation) -> list[tuple[str, str]]:
    return rows(installation.environment["DATABASE_URL"], PEOPLE)


def test_backed_up_changed_and_restored(started: Installation, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    do(started, "user_create", "--email", "ann@example.com")
    do(started, "sweep", "--once")
    before = people(started)
    said = json.loads(do(started, "backup", str(file), "--reason", "nightly", "--json"))
    assert said["bytes"] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "keys.json" in said["not_in_it"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "var"]

    do(started, "user_create", "--email", "later@example.com")
    do(started, "user_suspend", "ann@example.com")
    do(started, "org_create", "--slug", "later", "--name", "Later")
    do(started, "sweep", "--once")  # checkpoints of what the restore takes away
    changed = people(started)
    assert changed != before

    refused = started.manage("restore", str(file))
    assert (refused.returncode, "not empty" in refused.stderr) == (4, True)
    unasked = started.manage("restore", str(file), "--replace")
    assert (unasked.returncode, "must be confirmed" in unasked.stderr) == (4, True)
    assert people(started) == changed

    do(started, "restore", str(file), "--replace", "--yes", "--reason", "trying it out")

    assert people(started) == before
    do(started, "migrate", "-v", "0", "--check")
    assert json.loads(do(started, "audit_verify", "--json"))["result"] == "intact"
    newest = "SELECT action FROM accounts_auditevent ORDER BY occurred_at DESC LIMIT 1"
    assert rows(started.environment["DATABASE_URL"], newest) == [("installation.restore",)]
    do(started, "user_create", "--email", "after@example.com")
    do(started, "sweep", "--once")
    assert json.loads(do(started, "audit_verify", "--json"))["result"] == "intact"
    with pytest.raises(Exception, match="refused"):
        change(started.environment["DATABASE_URL"], "DELETE FROM accounts_auditevent")


def change(url: str, statement: str) -> None:
    """Write past the program."""
    if url.startswith("sqlite"):
        import sqlite3

        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        try:
            connection.execute(statement)
        finally:
            connection.close()
    else:
        with psycopg.connect(url) as session:
            session.execute(statement)


def test_a_ledger_that_cannot_be_written_stops_a_restore_before_it_begins(
    started: Installation, tmp_path: Path
) -> None:
    file = tmp_path / "backup"
    do(started, "backup", str(file))
    do(started, "user_create", "--email", "later@example.com")
    before = people(started)

    refused = started.manage("restore", str(file), "--replace", "--yes", LEDGER_URL=f"file://{tmp_path}")

    assert (refused.returncode, "The ledger cannot be written: Is a directory." in refused.stderr) == (5, True)
    assert people(started) == before


def test_restored_into_an_empty_database(started: Installation, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    do(started, "backup", str(file))
    before = people(started)
    url = started.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        for path in started.var.glob("identity.sqlite3*"):
            path.unlink()
    else:
        change(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    do(started, "restore", str(file))

    assert people(started) == before
    assert json.loads(do(started, "audit_verify", "--json"))["result"] == "intact"


def test_nothing_is_overwritten(started: Installation, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_text("precious")

    refused = started.manage("backup", str(file))

    assert (refused.returncode, file.read_text()) == (4, "precious")
    assert "exists already" in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "var"]


@pytest.mark.parametrize("damage", ["text", "cut", "other", "absent"])
def test_a_file_that_is_no_backup_changes_nothing(started: Installation, tmp_path: Path, damage: str) -> None:
    file = tmp_path / "backup"
    do(started, "backup", str(file))
    whole = file.read_bytes()
    other = b"PGDMP" if whole.startswith(b"SQLite") else b"SQLite format 3\0"
    if damage == "absent":
        file.unlink()
    else:
        file.write_bytes({"text": b"hello", "cut": whole[: len(whole) // 2], "other": other + whole[20:]}[damage])
    before = people(started)

    refused = started.manage("restore", str(file), "--replace", "--yes")

    assert refused.returncode in {4, 5}, refused.stderr
    assert "Traceback" not in refused.stderr
    assert people(started) == before
    assert json.loads(do(started, "audit_verify", "--json"))["result"] == "intact"


def test_a_folder_that_is_not_there(started: Installation, tmp_path: Path) -> None:
    refused = started.manage("backup", str(tmp_path / "no" / "backup"))

    assert (refused.returncode, "cannot be written" in refused.stderr) == (4, True)


def test_the_password_is_never_on_a_command_line(
    started: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = started.environment["DATABASE_URL"]
    if url.startswith("sqlite"):
        pytest.skip("SQLite has no password")
    for program in ("pg_dump", "psql"):
        script = tmp_path / "bin" / program
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/words\necho "$PGPASSWORD" >> {tmp_path}/password\nexit 1\n'
        )
        script.chmod(0o700)
    path = {"PATH": f"{tmp_path}/bin:{started.environment['PATH']}"}

    refused = started.manage(
        "backup", str(tmp_path / "backup"), DATABASE_URL=url.replace("//identity@", "//identity:canary@"), **path
    )

    assert refused.returncode == 5
    assert (tmp_path / "password").read_text() == "canary\n"
    assert "canary" not in (tmp_path / "words").read_text() + refused.stderr
