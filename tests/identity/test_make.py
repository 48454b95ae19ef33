"""``make``, ``.ci/run`` and ``python -m tests`` on machines that lack something."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from accounts import __version__
from tests.identity.conftest import ROOT

TOOLS = ("sh", "bash", "make", "awk", "test", "touch", "env", "mkdir", "dirname", "id", "ls", "cat", "uname", "sleep")


def test_the_version_is_one() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == __version__


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with a shell and make, a copy of the Makefile, and nothing of ours."""
    tools, house = tmp_path / "bin", tmp_path / "house"
    tools.mkdir()
    (house / ".ci").mkdir(parents=True)
    for name in TOOLS:
        found = shutil.which(name)
        assert found, name
        (tools / name).symlink_to(found)
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", ".ci/run"):
        shutil.copy(ROOT / name, house / name)
    return tmp_path


def program(machine: Path, name: str, text: str) -> None:
    path = machine / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def do(machine: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words,
        cwd=machine / "house",
        env={"PATH": str(machine / "bin"), "HOME": str(machine)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def said(done: "subprocess.CompletedProcess[str]") -> str:
    return done.stdout + done.stderr


@pytest.mark.parametrize("target", ["setup", "run", "test", "check"])
def test_without_python(machine: Path, target: str) -> None:
    done = do(machine, "make", target)

    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in said(done)


def test_with_a_python_that_is_too_old(machine: Path) -> None:
    program(machine, "python3", 'case "$1" in --version) echo Python 3.9.2;; *) exit 1;; esac')

    done = do(machine, "make", "run")

    assert done.returncode == 2
    assert "Python 3.11 or newer is needed; this is Python 3.9.2." in said(done)
    assert not (machine / "house" / ".venv").exists()


def test_without_the_venv_module(machine: Path) -> None:
    program(machine, "python3", 'case "$2" in *venv*) exit 1;; *) exit 0;; esac')

    done = do(machine, "make", "setup")

    assert done.returncode == 2
    assert "Python's venv module is missing. Install it (Debian, Ubuntu: apt-get install python3-venv)" in said(done)


def test_help_lists_every_target(machine: Path) -> None:
    done = do(machine, "make")

    listed = {line.split()[1] for line in done.stdout.splitlines()}
    targets = "help setup run test test-long attacks check e2e fix fuzz docs lock bench-copies bench-erasure"
    assert listed == set(targets.split())


def test_the_lock_is_hash_checked_and_names_no_registry() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--index" not in text
        packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert all("==" in line for line in packages)
        hashed = re.findall(r"^\S+==[^\n]+ \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
        assert len(hashed) == len(packages) > 30
    assert "--require-hashes" in (ROOT / "Makefile").read_text()


def test_a_new_machine_is_given_what_it_lacks(machine: Path) -> None:
    if list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        lacking = "python3 python3-venv chromium"
    else:
        lacking = "python3 python3-venv postgresql chromium"
    program(machine, "id", "echo 0")
    program(machine, "apt-get", f'echo "$@" >> {machine}/installed')
    (machine / "bin" / "make").unlink()
    program(machine, "make", f'echo "$REQUIRE_POSTGRES $REQUIRE_BROWSER $@" > {machine}/made')

    done = do(machine, "bash", ".ci/run")

    assert done.returncode == 0, said(done)
    assert f"--no-install-recommends {lacking}" in (machine / "installed").read_text()
    assert (machine / "made").read_text() == "1 1 check test\n"


def test_somebody_else_than_root_is_told_what_to_install(machine: Path) -> None:
    program(machine, "id", "echo 1000")

    done = do(machine, "bash", ".ci/run")

    assert done.returncode == 1
    assert "Install these first: python3 python3-venv" in done.stderr


WITHOUT_SERVER = """
import sys
from pathlib import Path
import tests.__main__ as runner
from tests import postgresql

def none():
    raise postgresql.NotInstalledError

postgresql.binaries = none
runner.suite = lambda name, url, arguments: print("ran on", name) or 0
sys.exit(runner.main([]))
"""


@pytest.mark.parametrize(("required", "code", "ran"), [("0", 0, "ran on sqlite\nran on browser\n"), ("1", 1, "")])
def test_where_no_postgresql_is_installed(required: str, code: int, ran: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SERVER],
        cwd=ROOT,
        env={**environment, "REQUIRE_POSTGRES": required},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (code, ran)
    assert "NOT TESTED ON POSTGRESQL" in done.stderr
    assert "apt-get install postgresql" in done.stderr


WITHOUT_BROWSER = """
import sys
import pytest
from tests.e2e import visitor

visitor.BROWSER = "/nowhere/chromium"
sys.exit(pytest.main(["-n", "0", "tests/e2e/test_story.py"]))
"""


@pytest.mark.parametrize(("required", "code", "ended"), [("0", 0, "5 skipped"), ("1", 1, "5 errors")])
def test_where_no_browser_is_installed(required: str, code: int, ended: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_BROWSER],
        cwd=ROOT,
        env={**os.environ, "REQUIRE_BROWSER": required},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == code, said(done)
    assert ended in done.stdout
    assert "no browser: /nowhere/chromium is missing (Debian: apt-get install chromium)" in done.stdout
