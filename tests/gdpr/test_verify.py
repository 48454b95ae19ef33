"""``gdpr_verify``: a live person, an erased one, a receipt."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts import ids
from accounts.actors import Actor
from accounts.errors import NotAllowed, NotFound
from accounts.models import AuditEvent, User, UserTag
from gdpr.models import Erasure
from gdpr.operations import plans
from gdpr.operations.scan import identifiers_of
from gdpr.operations.verify import person_verify
from tests.factories.receipts import make_receipt
from tests.shell import Result, Terminal, run

pytestmark = pytest.mark.django_db(transaction=True)


def erased(user: User, *, how: str = "purge") -> list[str]:
    """Erase somebody by the plan alone; gives by what they were known."""
    identifiers = identifiers_of(user)
    for step in plans.erasure(user.pk, removing_account=how == "delete"):
        step.carry_out()
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("INSERT INTO accounts_usersearch_trigram(accounts_usersearch_trigram) VALUES ('optimize')")
        else:
            cursor.execute("ANALYZE")  # the planner may have sampled the rows of an earlier test
    return [*identifiers.emails, *identifiers.usernames]


def verify(*words: str, typed: list[str] | None = None) -> Result:
    """Run the command; what is typed goes to standard input."""
    if typed is None:
        return run("gdpr_verify", *words, "--json")
    stdin = io.StringIO("\n".join([*typed, ""]))
    return run("gdpr_verify", *words, "--json", "--identifiers-stdin", stdin=stdin)


def receipt_of(user: User, folder: Path, **changes: Any) -> str:
    """Write a receipt into a file."""
    path = folder / "receipt.json"
    path.write_text(json.dumps(make_receipt(user_id=user.pk, organization_id=user.organization_id, **changes)))
    return str(path)


class TestALivePerson:
    """Where they are found at all."""

    def test_is_shown_and_is_no_residue(self, bob: User) -> None:
        result = verify("bob", "--org", "acme")

        assert result.code == 0, result.err
        shown = result.json
        assert (shown["state"], shown["result"], shown["subject"]) == ("live", "not erased", bob.public_id)
        assert {("accounts_user", "email"), ("accounts_usersearch", "text")} <= {
            (hit["where"], hit["column"]) for hit in shown["hits"]
        }
        assert str(bob.email) not in result.out + result.err

    def test_nobody_is_exit_3(self, bob: User) -> None:
        assert verify("nobody@acme.example", "--org", "acme").code == 3
        assert verify(ids.encode("usr", ids.new())).code == 3

    def test_leaves_no_event(self, bob: User) -> None:
        verify(bob.public_id)
        assert AuditEvent.objects.count() == 0

    def test_progress_is_shown_on_a_terminal_alone(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        screen = Terminal()
        monkeypatch.setattr("sys.stderr", screen)
        from gdpr.management.commands.gdpr_verify import _watched

        with _watched() as watch:
            watch("accounts_user", 1, 2)

        assert "Searching" in screen.getvalue() or "tables" in screen.getvalue()

    def test_needs_the_permission(self, bob: User, narrow_key: Actor, acting: Any, mallory: User) -> None:
        with pytest.raises(NotAllowed):
            person_verify(actor=narrow_key, user_id=bob.pk)
        with pytest.raises((NotAllowed, NotFound)):
            person_verify(actor=acting(mallory), user_id=bob.pk)


class TestAnErasedPerson:
    """Whether anything is left."""

    @pytest.mark.parametrize("how", ["purge", "delete"])
    def test_is_clean(self, bob: User, carol: User, how: str, tmp_path: Path) -> None:
        receipt, known_by = receipt_of(bob, tmp_path, how=how), erased(bob, how=how)

        result = verify(receipt, typed=known_by)

        assert result.code == 0, result.out
        shown = result.json
        assert (shown["state"], shown["result"], shown["receipt"]) == ("erased", "clean", "good")
        assert (shown["rows_in"], shown["hits"], shown["scan"]["residue"]) == ([], [], 0)

    def test_without_identifiers_the_rows_are_looked_at(self, bob: User) -> None:
        erased(bob)

        result = verify(bob.public_id)

        assert (result.code, result.json["result"], result.json["rows_in"]) == (0, "clean", [])
        assert result.json["scan"].startswith("not done")

    def test_with_a_row_that_leads_to_them_is_exit_4(self, bob: User) -> None:
        erased(bob)
        UserTag.objects.create(user_id=bob.pk, organization_id=bob.organization_id, name="left")

        result = verify(bob.public_id)

        assert (result.code, result.json["result"], result.json["rows_in"]) == (4, "NOT CLEAN", ["accounts_usertag"])

    def test_whose_name_came_back_to_the_empty_row_is_exit_4(self, bob: User) -> None:
        erased(bob)
        User.objects.filter(pk=bob.pk).update(nickname="Bobby")
        assert verify(bob.public_id).json["rows_in"] == ["accounts_user"]

    def test_with_text_that_mentions_them_is_exit_4(self, bob: User, carol: User) -> None:
        known_by = erased(bob)
        User.objects.filter(pk=carol.pk).update(bio=f"friend of {known_by[0]}")

        result = verify(bob.public_id, typed=known_by)

        assert (result.code, result.json["result"]) == (4, "NOT CLEAN")
        (hit,) = result.json["hits"]
        assert (hit["where"], hit["column"], hit["place"]) == ("accounts_user", "bio", "text of their organization")
        assert known_by[0] not in result.out + result.err

    def test_who_was_deleted_is_known_by_the_erasure(self, bob: User) -> None:
        erased(bob, how="delete")
        assert verify(bob.public_id).code == 3
        Erasure.objects.create(
            organization_id=bob.organization_id,
            user_id=bob.pk,
            how="delete",
            status="complete",
            requested_by_kind="operator",
            receipt=make_receipt(user_id=bob.pk),
        )

        assert verify(bob.public_id).code == 0


class TestAReceipt:
    """Its signature, then whether it is still so."""

    def test_by_its_id(self, bob: User) -> None:
        erased(bob)
        erasure = Erasure.objects.create(
            organization_id=bob.organization_id,
            user_id=bob.pk,
            how="purge",
            status="complete",
            requested_by_kind="operator",
            receipt=make_receipt(user_id=bob.pk),
        )

        assert verify(erasure.public_id).json["receipt"] == "good"
        assert verify(ids.encode("ers", ids.new())).code == 3

    def test_of_somebody_who_is_live_is_exit_4(self, bob: User, tmp_path: Path) -> None:
        result = verify(receipt_of(bob, tmp_path))
        assert (result.code, result.json["state"], result.json["result"]) == (4, "live", "NOT CLEAN")

    def test_that_was_changed_is_exit_4(self, bob: User, tmp_path: Path) -> None:
        path = Path(receipt_of(bob, tmp_path))
        erased(bob)
        assert verify(str(path)).code == 0
        path.write_text(path.read_text().replace('"rows": 3', '"rows": 4'))

        result = verify(str(path))

        assert (result.code, result.json["receipt"]) == (4, "It is not as it was signed.")

    def test_signed_by_another_installation_is_good_if_its_key_is_named(self, bob: User, tmp_path: Path) -> None:
        from tests.gdpr.test_receipts import forged

        receipt = forged(make_receipt(user_id=bob.pk))
        erased(bob)
        (tmp_path / "receipt.json").write_text(json.dumps(receipt))
        path = str(tmp_path / "receipt.json")

        assert verify(path).code == 4
        assert verify(path, "--trusted-key", receipt["signature"]["public_key"]).code == 0

    @pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"subject": "jane"}', "\udcff"])
    def test_that_is_none_is_refused(self, text: str, tmp_path: Path, db: None) -> None:
        path = tmp_path / "receipt.json"
        path.write_bytes(text.encode(errors="surrogateescape"))
        result = verify(str(path))
        assert (result.code, result.out, result.error["code"]) == (4, "", "VALIDATION")

    def test_as_a_page(self, bob: User, tmp_path: Path) -> None:
        receipt = receipt_of(bob, tmp_path)
        erased(bob)
        assert verify(receipt, "--html", str(tmp_path / "receipt.html")).code == 0
        assert bob.public_id in (tmp_path / "receipt.html").read_text()
