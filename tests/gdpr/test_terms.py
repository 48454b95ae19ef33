"""What an organization settles, and the record of processing that says so."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.models import AuditEvent, Organization
from gdpr.models import PrivacyTerms
from gdpr.operations.records import record_of_processing
from gdpr.operations.terms import terms_of, terms_update
from gdpr.personal_data import TABLES
from tests.factories.claims import make_claim
from tests.factories.roles import make_application
from tests.shell import run

pytestmark = pytest.mark.django_db


class TestSettling:
    """The defaults hold until something is settled."""

    def test_defaults_without_a_row(self, acme: Organization) -> None:
        terms = terms_of(acme)

        assert (terms.erasure_grace_days, terms.archived_days, terms.contact) == (0, None, "")
        assert not PrivacyTerms.objects.exists()

    def test_what_is_named_changes_and_again_changes_nothing(
        self, acme: Organization, nextdoor: Organization, operator: Actor, last_event: Callable[[], AuditEvent]
    ) -> None:
        changes = {"erasure_grace_days": 7, "archived_days": 90}
        terms_update(actor=operator, organization=acme, changes=changes, reason="Board")
        terms_update(actor=operator, organization=acme, changes=changes)
        told: Any = last_event().part("subject")
        assert told == {
            "reason": "Board",
            "before": {"erasure_grace_days": 0, "archived_days": None},
            "after": changes,
        }
        assert AuditEvent.objects.count() == 1

        terms_update(
            actor=operator, organization=acme, changes={"archived_days": None, "contact": " dpo@acme.example "}
        )

        terms = terms_of(acme)
        assert (terms.erasure_grace_days, terms.archived_days, terms.contact) == (7, None, "dpo@acme.example")
        assert PrivacyTerms.objects.get().organization_id == acme.pk

    @pytest.mark.parametrize(
        "changes",
        [
            {"erasure_grace_days": 31},
            {"erasure_grace_days": -1},
            {"archived_days": 0},
            {"archived_days": 3_651},
            {"contact": "x" * 255},
            {"colour": "red"},
        ],
        ids=str,
    )
    def test_what_is_wrong_is_named_and_changes_nothing(
        self, acme: Organization, operator: Actor, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Invalid) as refusal:
            terms_update(actor=operator, organization=acme, changes=changes)

        assert set(refusal.value.fields) == set(changes)
        assert not PrivacyTerms.objects.exists()
        assert not AuditEvent.objects.exists()

    def test_by_command(self, acme: Organization) -> None:
        words = ("--org", "acme", "--json")
        settled = run("gdpr_terms", "update", *words, "--archived-days", "90", "--contact", "dpo@acme.example")
        never = run("gdpr_terms", "update", *words, "--archived-days", "never")

        assert (settled.json["archived_days"], never.json["archived_days"]) == (90, None)
        assert run("gdpr_terms", "show", *words).json == never.json
        assert run("gdpr_terms", "update", *words).error["code"] == "VALIDATION"
        assert run("gdpr_terms", "update", *words, "--archived-days", "soon").error["fields"] == {
            "archived_days": "is a number, or never"
        }


class TestTheRecord:
    """Art. 30, read off the map."""

    def test_has_every_purpose_every_category_and_every_table_with_people_in_it(self, acme: Organization) -> None:
        record = record_of_processing(acme)
        about = [
            (table.name, column)
            for table in TABLES
            for column in table.columns.values()
            if column.is_about_people and column.purpose
        ]

        activities = record["activities"]
        assert {entry["purpose"] for entry in activities} == {
            column.purpose.text for _, column in about if column.purpose
        }
        assert {word for entry in activities for word in entry["data"]} == {str(column.category) for _, column in about}
        assert {name for entry in activities for name in entry["tables"]} == {name for name, _ in about}
        assert all(entry["basis"] and entry["kept"] and entry["sources"] for entry in activities)
        assert all(record[part] for part in ("people", "recipients", "transfers", "automated_decisions", "security"))

    def test_names_what_personal_claims_say_and_no_others(self, acme: Organization, nextdoor: Organization) -> None:
        make_claim(acme, "team")
        make_claim(acme, "tier", application=make_application(acme))
        make_claim(acme, "plan", is_personal=False)
        make_claim(nextdoor, "shift")

        named = {
            entry["purpose"]: [word for word in entry["data"] if word.startswith("claim ")]
            for entry in record_of_processing(acme)["activities"]
            if "accounts_claimvalue" in entry["tables"]
        }

        assert [claims for claims in named.values() if claims] == [["claim crm/tier", "claim team"]]

    def test_is_the_same_in_every_format(self, acme: Organization, operator: Actor) -> None:
        terms_update(actor=operator, organization=acme, changes={"contact": "[dpo](http://x)"})
        record = record_of_processing(acme)

        assert run("gdpr_record", "--org", "acme", "--json").json == record
        rows = list(csv.DictReader(io.StringIO(run("gdpr_record", "--org", "acme", "--format", "csv").out)))
        assert [row["purpose"] for row in rows] == [entry["purpose"] for entry in record["activities"]]
        page = run("gdpr_record", "--org", "acme").out
        for entry in record["activities"]:
            assert f"## {entry['purpose']}\n\n- **Basis:** {entry['basis']}\n" in page
            assert all(f"  - {line}\n" in page for line in entry["kept"])
        assert r"\[dpo\](http://x)" in page

    def test_an_unknown_organization_is_not_found(self, acme: Organization) -> None:
        assert run("gdpr_record", "--org", "nowhere").code == 3
