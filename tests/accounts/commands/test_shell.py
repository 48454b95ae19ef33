"""In a real shell: exit codes, what goes to stdout and what to stderr, pipes, a database that is not there."""

import json
import os
import pty
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from accounts.actors import Actor
from accounts.errors import Throttled
from accounts.management.base import Command
from tests.shell import ROOT

MANAGE = [sys.executable, str(ROOT / "manage.py")]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An installation of its own, on SQLite."""
    place = tmp_path_factory.mktemp("shell")
    clean = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"}}
    environment = {**clean, "IDENTITY_VAR": str(place), "IDENTITY_ORG": "default"}
    subprocess.run([*MANAGE, "migrate", "-v0"], env=environment, check=True)
    subprocess.run([*MANAGE, "org_create", "--slug", "default", "--name", "D"], env=environment, check=True)
    return environment


def shell(environment: dict[str, str], *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as an operator does."""
    return subprocess.run(
        [*MANAGE, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        **options,
    )


def test_the_result_and_nothing_else_goes_to_stdout(environment: dict[str, str]) -> None:
    made = shell(environment, "user_create", "--email", "jane@example.com", "--json")
    again = shell(environment, "user_create", "--email", "jane@example.com", "--json")

    assert (made.returncode, made.stderr) == (0, "")
    assert json.loads(made.stdout)["email"] == "jane@example.com"
    assert (again.returncode, again.stdout) == (4, "")
    assert json.loads(again.stderr)["error"]["code"] == "CONFLICT"


def test_a_usage_error_exits_4_and_says_what_to_do(environment: dict[str, str]) -> None:
    result = shell(environment, "user_show", "--colour", "red")

    assert (result.returncode, result.stdout) == (4, "")
    assert "user_show --help" in result.stderr


def test_a_database_that_is_not_migrated_exits_5(environment: dict[str, str], tmp_path: Path) -> None:
    result = shell({**environment, "IDENTITY_VAR": str(tmp_path)}, "user_list", "--json")

    assert result.returncode == 5
    assert json.loads(result.stderr)["error"]["code"] == "UNAVAILABLE"


def test_a_database_that_does_not_answer_exits_5(environment: dict[str, str]) -> None:
    address = "postgresql://nobody@127.0.0.1:9/none?connect_timeout=2"
    result = shell({**environment, "DATABASE_URL": address}, "user_list", "--json")

    assert result.returncode == 5
    assert json.loads(result.stderr.splitlines()[-1])["error"]["code"] == "UNAVAILABLE"


def test_a_wrong_setting_is_named(environment: dict[str, str]) -> None:
    result = shell({**environment, "PUBLIC_URL": "nonsense"}, "user_list")

    assert result.returncode != 0
    assert "PUBLIC_URL" in result.stderr


def test_a_pipe_that_closes_ends_the_command_quietly(environment: dict[str, str]) -> None:
    line = f"{MANAGE[0]} {MANAGE[1]} audit_list --all-orgs --all --format jsonl | head -c 1; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, check=False)

    assert result.stdout == "{"
    assert result.stderr == ""


def test_ctrl_c_at_a_question_changes_nothing_and_says_so(environment: dict[str, str]) -> None:
    keyboard, terminal = pty.openpty()
    words = ["user_suspend", "uma@example.com", "vic@example.com"]
    line = ["env", "--default-signal=INT", *MANAGE, *words]  # a suite in the background ignores it
    process = subprocess.Popen(line, env=environment, stdin=terminal, stderr=subprocess.PIPE, bufsize=0)
    assert process.stderr is not None
    asked = b""
    while not asked.endswith(b"[y/N] "):
        asked += process.stderr.read(1)

    process.send_signal(signal.SIGINT)

    assert (process.wait(30), process.stderr.read().strip()) == (130, b"Interrupted.")
    process.stderr.close()
    os.close(keyboard)
    os.close(terminal)


class Failing(Command):
    """Fails as it is told."""

    failure: Exception

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Fail."""
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "code", "word"),
    [
        (RuntimeError("with a secret: hunter2"), 5, "INTERNAL"),
        (Throttled("Too often."), 5, "THROTTLED"),
        (CommandError("Something of Django's."), 1, "VALIDATION"),
    ],
)
def test_every_failure_has_its_code(
    failure: Exception, code: int, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = Failing()
    command.failure = failure

    with pytest.raises(SystemExit) as end:
        command.run_from_argv(["manage.py", "failing", "--json"])

    err = capsys.readouterr().err
    assert end.value.code == code
    assert json.loads(err.splitlines()[-1])["error"]["code"] == word
    assert "hunter2" not in err.splitlines()[-1]
