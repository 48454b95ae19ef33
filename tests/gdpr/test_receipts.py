"""The receipt: whole, signed, readable, and free of anything personal."""

import copy
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.utils.html import conditional_escape
from jsonschema import Draft202012Validator

from accounts import keys
from gdpr.operations.receipts import as_html, map_digest, public_keys, signed, verified
from gdpr.personal_data import TABLES
from gdpr.registry import Retain
from tests.factories.receipts import make_receipt

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = Draft202012Validator(
    json.loads((ROOT / "docs/receipt.schema.json").read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
)
STRANGE = UUID(int=7)
STRANGER = keys.Key("0a0b0c0d", b"s" * 32, "2026-11-21T10:00:00+00:00")


class TestTheDocument:
    """It says everything that a receipt has to."""

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"how": "delete", "vendor": "postgresql"},
            {"whole_database": None, "whole_database_missing": "the process that erased was killed"},
            {"tables": []},
        ],
    )
    def test_fits_its_schema(self, changes: dict[str, Any]) -> None:
        assert [error.message for error in VALIDATOR.iter_errors(make_receipt(**changes))] == []

    @pytest.mark.parametrize(
        "change",
        [
            {"cause": "because Jane Doe asked"},
            {"email": "jane@example.com"},
            {"subject": "jane@example.com"},
            {"scan": {"in_transaction": 1, "whole_database": None, "missing": ""}},
        ],
    )
    def test_anything_else_does_not(self, change: dict[str, Any]) -> None:
        assert list(VALIDATOR.iter_errors({**make_receipt(), **change}))

    def test_says_what_was_done_and_what_was_kept_and_why(self) -> None:
        receipt = make_receipt()

        assert receipt["counts"] == [
            {"table": "accounts_session", "action": "delete", "rows": 3},
            {"table": "accounts_user", "action": "overwrite", "rows": 1},
            {"table": "accounts_organization", "action": "scrub", "rows": 1},
        ]
        user, trail = receipt["kept"]
        assert (user["table"], user["rows"]) == ("accounts_user", 1)
        assert set(user["columns"]) >= {"id", "organization_id"}
        assert (user["basis"], user["exemption"]) == ("legitimate interest, Art. 6(1)(f)", "17(3)(e)")
        assert (trail["table"], trail["rows"], trail["until"]) == (
            "accounts_auditevent",
            6,
            "as long as the organization",
        )

    @pytest.mark.parametrize("entry", TABLES, ids=lambda entry: entry.name)
    def test_of_every_column_that_is_ever_kept_the_reason_is_found(self, entry: Any) -> None:
        reasons = {column.erase for column in entry.columns.values() if isinstance(column.erase, Retain)}
        tables = [{"table": entry.name, "action": "keep", "rows": 1, "why": reason.reason} for reason in reasons]
        kept = {name for part in make_receipt(tables=tables)["kept"] for name in part["columns"]}
        assert kept == {name for name, column in entry.columns.items() if isinstance(column.erase, Retain)}

    def test_says_when_the_last_copy_dies(self) -> None:
        until = {part["what"]: part["until"] for part in make_receipt()["physical"]}
        assert until == {
            "free pages": "2026-11-21",
            "write-ahead log": "2026-11-21",
            "backups made before": "2026-12-26",
        }
        until = {part["what"]: part["until"] for part in make_receipt(vendor="postgresql")["physical"]}
        assert until["dead rows in tables and indexes"] == "2026-11-28"

    def test_the_digest_is_of_the_map(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = map_digest()
        monkeypatch.setattr("gdpr.operations.receipts.TABLES", TABLES[:-1])
        assert (len(before), before != map_digest()) == (64, True)

    def test_the_version_is_the_project_s(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        assert make_receipt()["software"] == settings.SOFTWARE_VERSION == project["version"]

    def test_is_built_from_plain_facts_alone(self) -> None:
        one, other = (
            make_receipt(receipt_id="ers_x", user_id=STRANGE, organization_id=STRANGE, event_id=STRANGE) for _ in "ab"
        )
        assert one == other


def forged(document: dict[str, Any]) -> dict[str, Any]:
    """Sign with somebody else's key."""
    ring = keys.Keyring({keys.Purpose.RECEIPT: (STRANGER,)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gdpr.operations.receipts.keyring", lambda: ring)
        return signed(document)


class TestTheSignature:
    """It shows who signed what, without anybody being asked."""

    def test_is_good(self) -> None:
        receipt = json.loads(json.dumps(make_receipt(), indent=3, sort_keys=True))
        verdict = verified(receipt)
        assert (verdict.is_good, verdict.problem, verdict.key_id) == (True, "", receipt["signature"]["key_id"])
        assert verified(receipt, trusted=public_keys().values()).is_good

    @pytest.mark.parametrize(
        "change",
        [
            lambda receipt: receipt["scan"]["whole_database"].update(elsewhere=0),
            lambda receipt: receipt["counts"].pop(),
            lambda receipt: receipt.update(erased_at="2026-11-21T10:00:00.000001+00:00"),
            lambda receipt: receipt.update(note="added"),
            lambda receipt: receipt["signature"].update(value=receipt["signature"]["value"][::-1]),
            lambda receipt: receipt["signature"].update(value="no base64"),
            lambda receipt: receipt["signature"].update(public_key=""),
            lambda receipt: receipt["signature"].update(algorithm="none"),
            lambda receipt: receipt.update(signature="good"),
            lambda receipt: receipt.pop("signature"),
            lambda receipt: receipt.update(schema="something else"),
        ],
    )
    def test_is_not_good_of_anything_else(self, change: Callable[[dict[str, Any]], object]) -> None:
        receipt = copy.deepcopy(make_receipt())
        change(receipt)
        verdict = verified(receipt)
        assert (verdict.is_good, bool(verdict.problem)) == (False, True)

    def test_of_a_stranger_is_not_trusted_unless_named(self) -> None:
        receipt = forged(make_receipt())
        assert verified(receipt).problem == "It was signed with a key that is not trusted here."
        assert verified(receipt, trusted=[receipt["signature"]["public_key"]]).is_good
        assert not verified(make_receipt(), trusted=[receipt["signature"]["public_key"]]).is_good

    def test_with_an_older_key_stays_good(self, monkeypatch: pytest.MonkeyPatch) -> None:
        receipt = make_receipt()
        ring = keys.keyring().rotated()
        monkeypatch.setattr("gdpr.operations.receipts.keyring", lambda: ring)
        assert verified(receipt).is_good
        assert make_receipt()["signature"]["key_id"] != receipt["signature"]["key_id"]


class TestThePage:
    """The same for people."""

    def test_shows_every_fact_without_a_script(self) -> None:
        receipt = make_receipt()
        page = as_html(receipt)
        facts = (receipt["id"], receipt["subject"], receipt["map"], receipt["signature"]["value"])
        for fact in (*facts, "12345", "2026-12-26"):
            assert conditional_escape(fact) in page
        assert not re.search(r"<script|javascript:|\son\w+=|https?://|@import|url\(", page)
        assert "prefers-color-scheme" in page or "color-scheme: light dark" in page
        assert "@media print" in page

    def test_escapes_what_it_shows(self) -> None:
        receipt = make_receipt(whole_database=None, whole_database_missing="<script>alert(1)</script>")
        assert "<script>" not in as_html(receipt)
        assert "not searched: &lt;script&gt;" in as_html(receipt)

    def test_names_what_was_not_read(self) -> None:
        numbers = {**make_receipt()["scan"]["whole_database"], "unread": {"stray": "DatabaseError"}}
        assert "stray (DatabaseError)" in as_html(make_receipt(whole_database=numbers))
