"""Every command, whatever its name: help, examples that run, JSON, exit codes, errors on stderr alone."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class

from accounts.errors import AccountsError, Exit
from accounts.management.base import ChangeCommand, Command, UserChangeCommand
from tests import scene
from tests.shell import COMMANDS, run, typed

SERVERS = {"backup", "changepassword", "keys_rotate", "restore", "serve", "sweep"}
"""Commands that do not end by themselves, or work on files of the machine; they are tried in tests/identity."""

ISSUE = {
    "user": "create list search show update set_password suspend activate lock unlock restrict unrestrict archive "
    "confirm unconfirm tag untag set suspend_matching sign_out sessions claims reset_password roles impersonate "
    "invite invites revoke_invite resend_invite token profile 2fa",
    "claim": "create list show update delete",
    "app": "create list show update delete",
    "role": "create list show update delete",
    "permission": "list",
    "org": "create list show update suspend activate archive members",
    "api_key": "create list revoke",
    "letter": "list retry",
    "audit": "list verify",
    "gdpr": "coverage hold requests terms retention record",
}
"""Noun: the verbs that issues 2 to 5 name."""

ALL = sorted(COMMANDS)


build = scene.build


def loaded(name: str) -> Any:
    """Load a command."""
    return load_command_class(COMMANDS[name], name)


EXAMPLES = [(name, example) for name in ALL if name not in SERVERS for example in loaded(name).examples]


def test_every_command_that_was_promised_is_there() -> None:
    assert {f"{noun}_{verb}" for noun, verbs in ISSUE.items() for verb in verbs.split()} <= set(COMMANDS)


@pytest.mark.parametrize("name", ALL)
def test_has_help_with_an_example(name: str) -> None:
    result = run(name, "--help")

    command = loaded(name)
    assert isinstance(command, Command)
    assert (result.code, result.err) == (0, "")
    assert command.help
    assert command.examples
    for example in command.examples:
        assert shlex.split(example)[0] == name
        assert f"manage.py {example}" in result.out


@pytest.mark.parametrize("name", ALL)
def test_a_command_line_that_cannot_be_read_exits_4_with_json(name: str) -> None:
    result = run(name, "--json", "--no-such-option")

    assert (result.code, result.out) == (Exit.INVALID, "")
    assert result.error["code"] == "VALIDATION"
    assert set(result.error) == {"code", "message", "remedy", "fields"}
    assert f"{name} --help" in result.error["remedy"]


@pytest.mark.parametrize("name", ALL)
def test_takes_every_format_and_every_spelling_of_yes(name: str) -> None:
    options = {
        option for action in loaded(name).create_parser("manage.py", name)._actions for option in action.option_strings
    }

    assert {"--format", "--json", "--output", "--yes", "-y", "--force", "--assume-yes", "--no-assume-yes"} <= options


@pytest.mark.parametrize("name", [name for name in ALL if isinstance(loaded(name), ChangeCommand | UserChangeCommand)])
def test_every_change_takes_a_reason_and_a_dry_run(name: str) -> None:
    options = {
        option for action in loaded(name).create_parser("manage.py", name)._actions for option in action.option_strings
    }

    assert {"--reason", "--dry-run"} <= options


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "example"), EXAMPLES, ids=[example for _, example in EXAMPLES])
def test_every_example_runs(
    name: str, example: str, standing: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scene.stage(tmp_path, standing, name)
    line, _, file = example.partition(" < ")
    stdin = (tmp_path / file).open() if file else None

    result = typed(line, stdin=stdin)  # type: ignore[arg-type]

    assert result.code == 0, result.err
    if stdin:
        stdin.close()


def test_codes_exit_codes_and_statuses_stand_in_one_table() -> None:
    table = {kind.code: (kind.http_status, int(kind.exit_code)) for kind in AccountsError.__subclasses__()}

    assert table == {
        "UNAUTHENTICATED": (401, 2),
        "FORBIDDEN": (403, 2),
        "NOT_FOUND": (404, 3),
        "VALIDATION": (422, 4),
        "CONFLICT": (409, 4),
        "THROTTLED": (429, 5),
        "UNAVAILABLE": (503, 5),
        "INTERNAL": (500, 5),
    }
