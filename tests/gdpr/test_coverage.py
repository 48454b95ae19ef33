"""``gdpr_coverage``."""

import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class
from django.db import connection

from gdpr import checks
from gdpr.management.commands import gdpr_coverage
from gdpr.personal_data import TABLES
from tests.gdpr.maps import without

pytestmark = pytest.mark.django_db

COLUMNS = sum(len(entry.columns) for entry in TABLES)
EMAIL = {
    "table": "accounts_user",
    "column": "email",
    "kind": "identifier",
    "category": "user.contact.email",
    "whose": ["the row itself"],
    "purpose": "account",
    "basis": "contract, Art. 6(1)(b)",
    "source": "the person",
    "export": "yes",
    "withheld": "",
    "portable": True,
    "erase": "set NULL",
    "retained": "",
    "retention": ["as long as the account"],
    "log": "masked",
}


def run(*arguments: str) -> None:
    """Run the command as the shell does."""
    command: Any = load_command_class("gdpr", "gdpr_coverage")
    command.run_from_argv(["manage.py", "gdpr_coverage", *arguments])


def of_email(rows: list[Any]) -> Any:
    """Give the row of one column."""
    (found,) = (row for row in rows if (row["table"], row["column"]) == ("accounts_user", "email"))
    return found


class TestGdprCoverage:
    """It prints the map."""

    def test_as_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        run("--json")

        printed, noted = capsys.readouterr()
        shown = json.loads(printed)
        assert of_email(shown["data"]) == EMAIL
        assert len(shown["data"]) == shown["columns"] == COLUMNS
        assert (shown["tables"], shown["errors"]) == (len(TABLES), [])
        assert list(shown["counts"]) == ["identifier", "personal", "free text", "secret", "operational", "none"]
        assert sum(shown["counts"].values()) == COLUMNS
        assert shown["counts"]["secret"] == sum(row["kind"] == "secret" for row in shown["data"])
        assert noted == ""

    def test_as_json_lines(self, capsys: pytest.CaptureFixture[str]) -> None:
        run("--format", "jsonl")

        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert (len(rows), of_email(rows)) == (COLUMNS, EMAIL)

    def test_as_csv(self, capsys: pytest.CaptureFixture[str]) -> None:
        run("--format", "csv")

        rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
        assert len(rows) == COLUMNS
        assert of_email(rows) == {
            **EMAIL,
            "whose": "the row itself",
            "portable": "yes",
            "retention": "as long as the account",
        }

    def test_as_a_table_with_the_numbers_beside_it(self, capsys: pytest.CaptureFixture[str]) -> None:
        run()

        printed, noted = capsys.readouterr()
        heading, *lines = printed.splitlines()
        assert heading.split() == ["TABLE", "COLUMN", "KIND", "CATEGORY", "WHOSE", "EXPORT", "ERASURE", "KEPT"]
        assert len(lines) == COLUMNS
        assert noted.startswith(f"{len(TABLES)} tables, {COLUMNS} columns: ")
        assert " secret" in noted

    def test_into_a_file_for_its_owner_alone(self, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        target = tmp_path / "map.json"
        run("--json", "--output", str(target))

        assert len(json.loads(target.read_text())["data"]) == COLUMNS
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert capsys.readouterr().out == ""

    def test_why_what_is_retained_is_retained(self, capsys: pytest.CaptureFixture[str]) -> None:
        run("--format", "jsonl")

        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        (actor,) = (row for row in rows if (row["table"], row["column"]) == ("accounts_auditevent", "actor_id"))
        assert actor["erase"] == "retain as long as the organization"
        assert actor["retained"] == (
            "so that it stays provable what was done; plain ids, nothing that names a person "
            "(legitimate interest, Art. 6(1)(f); Art. 17(3)(e))"
        )

    def test_with_an_example_in_its_help(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            run("--help")

        assert ended.value.code == 0
        assert "manage.py gdpr_coverage --format csv --output personal-data.csv" in capsys.readouterr().out


class TestGdprCoverageOfAMapThatDoesNotFit:
    """It ends with 4, and says what is wrong."""

    @pytest.fixture(autouse=True)
    def _stray(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE stray (email text)")

    def test_for_people(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            run()

        printed, noted = capsys.readouterr()
        assert ended.value.code == 4
        assert len(printed.splitlines()) == COLUMNS + 1
        assert "  stray: gdpr.E001: a table of the database has no entry. Add table(…)" in noted
        assert noted.endswith("docs/personal-data.md says what each error wants.\n")

    def test_says_once_what_models_and_database_both_show(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checks, "TABLES", without("accounts_usertag"))
        monkeypatch.setattr(gdpr_coverage, "TABLES", without("accounts_usertag"))

        with pytest.raises(SystemExit):
            run("--json")

        errors = json.loads(capsys.readouterr().out)["errors"]
        assert [(error["id"], error["where"]) for error in errors] == [
            ("gdpr.E001", "accounts_usertag"),
            ("gdpr.E001", "stray"),
        ]

    def test_for_programs(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            run("--json")

        printed, noted = capsys.readouterr()
        problem = {
            "id": "gdpr.E001",
            "where": "stray",
            "problem": "a table of the database has no entry.",
            "remedy": "Add table(…) with a line for each column. The place is gdpr/personal_data/.",
        }
        assert ended.value.code == 4
        assert json.loads(printed)["errors"] == [problem]
        error = json.loads(noted)["error"]
        assert (error["code"], list(error["fields"])) == ("CONFLICT", ["stray"])
