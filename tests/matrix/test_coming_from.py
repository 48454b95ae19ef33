"""Every command of the five references has its row, and every row of ours runs."""

import io
import re
from pathlib import Path

import pytest

from tests import scene
from tests.shell import COMMANDS, typed

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "coming-from.md"
ROWS = [
    re.fullmatch(r"\| (?P<theirs>.+?) \| (?P<ours>.+) \|", line)
    for line in PAGE.read_text().splitlines()
    if line.startswith("| `")
]
PAIRS = [(row["theirs"], row["ours"]) for row in ROWS if row]
OURS = [(theirs, match[1]) for theirs, ours in PAIRS if (match := re.match(r"`manage\.py ([^`]+)`", ours))]
LATER = [(theirs, re.findall(r"`(\w+)[^`]*`", ours)) for theirs, ours in PAIRS if ours.startswith("*later*")]

PROMISED = {
    "porta user": "create invite list show update suspend activate lock unlock archive set-password roles claims 2fa "
    "export purge",
    "hj users": "list get create update disable enable delete impersonate sessions mfa export",
    "magistrala-cli users": "create token refreshtoken get update password resetpasswordrequest resetpassword enable "
    "disable delete profile search",
    "./bin/pleroma_ctl user": "new list invite invites revoke_invite rm delete_activities sign_out activate deactivate "
    "deactivate_all_from_instance reset_password reset_mfa set tag untag confirm confirm_all unconfirm_all",
    "phyware users": "invite list get deactivate",
}
"""What the five pages list."""


build = scene.build


def test_every_row_is_read() -> None:
    assert None not in ROWS
    assert len(OURS) + len(LATER) == len(PAIRS)


@pytest.mark.parametrize("tool", PROMISED)
def test_every_command_of_theirs_has_a_row(tool: str) -> None:
    rows = {match[1] for theirs, _ in PAIRS if (match := re.match(rf"`{re.escape(tool)} +([\w-]+)", theirs))}

    assert rows == set(PROMISED[tool].split())


@pytest.mark.django_db
@pytest.mark.parametrize(("theirs", "ours"), OURS, ids=[theirs for theirs, _ in OURS])
def test_every_row_runs(
    theirs: str, ours: str, standing: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scene.stage(tmp_path, standing, ours.split(maxsplit=1)[0])

    line, _, file = ours.partition(" < ")
    stdin = io.StringIO((tmp_path / file).read_text()) if file else None

    result = typed(line, stdin=stdin)

    assert result.code == 0, result.err


@pytest.mark.parametrize(("theirs", "commands"), LATER, ids=[theirs for theirs, _ in LATER])
def test_what_is_later_is_not_there_yet(theirs: str, commands: list[str]) -> None:
    assert commands[0] not in COMMANDS
