"""An installation of its own for each test: real processes on a database that nobody else uses."""

import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("IDENTITY_", "PUBLIC_URL", "PORT", "BIND", "LEDGER_URL", "LOG_", "DJANGO_SETTINGS_MODULE")


@dataclass
class Installation:
    """Where it is, and how it is spoken to."""

    var: Path
    environment: dict[str, str]

    def manage(self, *words: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a command as an operator would."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            env={**self.environment, **settings},
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def without_ours() -> dict[str, str]:
    """Give the environment without settings of the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


def free_port() -> int:
    """Find a port that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def empty_database(path: Path, *, like: str = "template1") -> Iterator[str]:
    """Give the address of an empty database of the kind that is being tested; a file would be there.

    :param like: the name of one on the server to begin as a copy of
    """
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield f"sqlite:///{path}"
        return
    name = f"identity_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
    yield f"{server.rpartition('/')[0]}/{name}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def installed(folder: Path, *, like: Installation | None = None) -> Iterator[Installation]:
    """Give an installation that has never been started, or a copy of one that has."""
    var, database = folder / "var", "template1"
    if like is not None:
        shutil.copytree(like.var, var)
        database = like.environment["DATABASE_URL"].rpartition("/")[2]
    with empty_database(var / "identity.sqlite3", like=database) as database_url:
        environment = {
            **without_ours(),
            "IDENTITY_VAR": str(var),
            "DATABASE_URL": database_url,
            "PORT": str(free_port()),
        }
        yield Installation(var, environment)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Give an installation that has never been started."""
    with installed(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Start an installation for the first time; tests get copies, because that takes seconds."""
    with installed(tmp_path_factory.mktemp("original")) as installation:
        made = installation.manage("shell", "-v", "0", "-c", FIRST_START)
        assert made.returncode == 0, made.stderr
        yield installation


@pytest.fixture
def started(original: Installation, tmp_path: Path) -> Iterator[Installation]:
    """Give an installation with its tables and its super-user."""
    with installed(tmp_path, like=original) as copy:
        yield copy


FIRST_START = """
from django.core.management import call_command
call_command("migrate", verbosity=0)
from accounts import policy
from accounts.operations.installation import installation_start
installation_start(actor=policy.system())
"""


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """Read from a database past the program."""
    if url.startswith("sqlite"):
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()
