"""T-CSV-01, CVE-2022-3026, CVE-2026-93581 (OTRS): a name that a spreadsheet runs. In every CSV that we write."""

import csv
import io
import zipfile

import pytest

from accounts.actors import Actor
from accounts.cells import csv_cell
from accounts.models import User
from accounts.operations.users import user_update
from gdpr.operations.exports import export_write
from tests.shell import COMMANDS, run

FORMULA = "=HYPERLINK(1)"
BEGINNINGS = ["=", "+", "-", "@", "\t", "\r", "\n", "\x00", "\uff1d", "\uff0b", "\uff0d", "\uff20"]


@pytest.mark.parametrize("sign", BEGINNINGS)
def test_each_beginning_is_quoted(sign: str) -> None:
    assert csv_cell(f"{sign}1+1") == f"'{sign}1+1"


@pytest.fixture
def bob(bob: User, operator: Actor) -> User:
    """Somebody with a name that begins like a formula."""
    return user_update(
        actor=operator,
        user=bob,
        changes={"name": FORMULA, "nickname": "@SUM(1)", "bio": "-1", "tags": ["-1"]},
        reason="+1",
    )


def cells(text: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(text)) for cell in row]


@pytest.mark.parametrize(
    "words",
    [
        ["user_list", "--org", "acme"],
        ["user_search", "bob", "--org", "acme"],
        ["user_show", "bob", "--org", "acme"],
        ["org_members", "list", "--org", "acme"],
        ["audit_list", "--org", "acme"],
    ],
    ids=lambda words: words[0],
)
def test_in_lists_of_commands(bob: User, words: list[str]) -> None:
    assert words[0] in COMMANDS
    result = run(*words, "--format", "csv")

    assert result.code == 0, result.err
    assert not [cell for cell in cells(result.out) if cell.startswith(tuple(BEGINNINGS))]


def test_in_the_copy_of_somebodys_data(bob: User, operator: Actor) -> None:
    file = io.BytesIO()
    export_write(actor=operator, user=bob, form="zip", file=file)

    with zipfile.ZipFile(file) as archive:
        tables = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".csv")}

    assert any(f"'{FORMULA}" in text for text in tables.values())
    for name, text in tables.items():
        assert not [cell for cell in cells(text) if cell.startswith(tuple(BEGINNINGS))], name
