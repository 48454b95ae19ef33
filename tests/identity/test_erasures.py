"""Erasure with real processes: after a restored backup, killed at any moment, and two at once."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.identity.conftest import ROOT, Installation, empty_database, rows

PEOPLE = """
from accounts import policy
from accounts.models import Organization
from accounts.operations.users import user_create
acting = policy.operator(os_user="test")
home = Organization.objects.get(slug="default")
for number in range({number}):
    user_create(actor=acting, organization=home, email=f"leaver-{{number}}@example.com", tags=["leaver"])
user_create(actor=acting, organization=home, email="stays@example.com")
"""
READY = """
from accounts.operations.installation import readiness
print([check.problem for check in readiness() if check.name == "erasures"][0])
"""
LEAVERS = "SELECT count(*) FROM accounts_user WHERE email LIKE 'leaver-%'"


def do(installation: Installation, *words: str) -> str:
    """Run a command that must succeed."""
    done = installation.manage(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def populate(installation: Installation, number: int) -> None:
    do(installation, "shell", "-v", "0", "-c", PEOPLE.format(number=number))


def leavers(installation: Installation) -> int:
    return int(rows(installation.environment["DATABASE_URL"], LEAVERS)[0][0])


def problem(installation: Installation) -> str:
    return do(installation, "shell", "-v", "0", "-c", READY).strip()


@contextmanager
def ledger_at(installation: Installation, kind: str, folder: Path) -> Iterator[None]:
    """Keep the ledger where it is by default, or in another database of the kind that is being tested."""
    if kind == "file":
        yield
        return
    with empty_database(folder / "ledger.sqlite3") as url:
        installation.environment["LEDGER_URL"] = url
        yield


@pytest.fixture(params=["file", "database"])
def apart(request: pytest.FixtureRequest, started: Installation, tmp_path: Path) -> Iterator[Installation]:
    """Give an installation with a ledger of each kind."""
    with ledger_at(started, request.param, tmp_path):
        yield started


def test_the_drill_backup_erase_restore_refuse_replay(apart: Installation, tmp_path: Path) -> None:
    started, file = apart, tmp_path / "backup"
    populate(started, 50)
    do(started, "backup", str(file))
    erased = json.loads(do(started, "user_purge", "--query", "tag=leaver", "--now", "--yes", "--json"))
    assert erased["counts"] == {"ok": 50, "unchanged": 0, "failed": 0}
    assert (leavers(started), problem(started)) == (0, "")

    do(started, "restore", str(file), "--replace", "--yes")

    assert leavers(started) == 50
    assert problem(started) == "a restored backup brought 50 erased people back: manage.py gdpr_replay"
    assert len(json.loads(do(started, "gdpr_replay", "--dry-run", "--json"))["data"]) == 50
    unasked = started.manage("gdpr_replay")
    assert (unasked.returncode, leavers(started)) == (4, 50)
    assert len(json.loads(do(started, "gdpr_replay", "--yes", "--json"))["data"]) == 50
    assert (leavers(started), problem(started)) == (0, "")
    assert "stays@example.com" in do(started, "user_list", "--json")
    assert json.loads(do(started, "audit_verify", "--json"))["result"] == "intact"
    assert json.loads(do(started, "gdpr_replay", "--json"))["data"] == []


def test_another_ledger_is_noticed(started: Installation, tmp_path: Path) -> None:
    populate(started, 1)
    do(started, "user_purge", "leaver-0@example.com", "--yes")
    started.environment["LEDGER_URL"] = f"file://{tmp_path}/another.jsonl"

    assert problem(started) == "the ledger lacks 1 erasures of the last 35 days: another one, or cut"


def begin(installation: Installation, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "manage.py", *words],
        env=installation.environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_killed_at_any_moment_it_finishes_or_has_done_nothing(started: Installation) -> None:
    rounds = int(os.environ.get("KILL_ROUNDS", "4"))
    populate(started, rounds)
    luck = random.Random(7)  # noqa: S311 -- the same each time
    for number in range(rounds):
        running = begin(started, "user_purge", f"leaver-{number}@example.com", "--now", "--yes", "--json")
        time.sleep(luck.uniform(0.6, 2.0))
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        left = leavers(started)
        whole = rows(
            started.environment["DATABASE_URL"],
            "SELECT count(*) FROM gdpr_erasure JOIN accounts_user ON accounts_user.id = gdpr_erasure.user_id "
            "WHERE accounts_user.status <> 'purged' OR accounts_user.email IS NOT NULL OR accounts_user.name <> ''",
        )
        assert whole == [(0,)]
        assert left == rounds - len(rows(started.environment["DATABASE_URL"], "SELECT 1 FROM gdpr_erasure"))
        if left == rounds - number:
            do(started, "user_purge", f"leaver-{number}@example.com", "--now", "--yes")
    assert leavers(started) == 0
    assert json.loads(do(started, "audit_verify", "--json"))["result"] == "intact"
