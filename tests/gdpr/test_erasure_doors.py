"""Erasing people at each door: the plan, the question, the receipt, the same again."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor
from accounts.models import AuditEvent, Organization, User
from accounts.operations.users import user_tag
from accounts.statuses import Status
from gdpr.models import Erasure, Export, LegalHold
from gdpr.operations.background import take_up_erasures
from gdpr.operations.exports import export_make, user_export_request
from gdpr.operations.requests import request_open
from tests.accounts.api.programs import API
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.users import make_user
from tests.shell import Terminal, run

pytestmark = pytest.mark.django_db
Photograph = Callable[[], dict[str, Any]]


def held(user: User) -> None:
    LegalHold.objects.create(
        organization=user.organization,
        user=user,
        reason="lawsuit",
        exemption="17(3)(e)",
        review_at=timezone.now() + timedelta(days=9),
    )


def tagged(*people: User) -> None:
    for user in people:
        user_tag(actor=policy.operator(os_user="tester"), user=user, tags=["leaver"])


class TestCommands:
    """From the shell."""

    @pytest.mark.parametrize("command", ["user_purge", "user_delete"])
    def test_a_dry_run_shows_the_plan_and_changes_nothing(
        self, command: str, bob: User, everything: Photograph
    ) -> None:
        before = everything()

        result = run(command, "--org", "acme", "bob", "--dry-run", "--json")

        assert result.code == 0, result.err
        rows = {(row["table"], row["action"]): row for row in result.json["data"]}
        action = "overwrite" if command == "user_purge" else "delete"
        assert rows["accounts_user", action]["rows"] == 1
        assert rows["accounts_membership", "delete"]["rows"] == 1
        assert result.json["rows"] == sum(row["rows"] for row in result.json["data"] if row["action"] != "keep")
        assert everything() == before

    def test_a_dry_run_counts_what_the_run_then_does(self, bob: User) -> None:
        planned = run("user_purge", "--org", "acme", "bob", "--dry-run", "--json").json

        done = run("user_purge", "--org", "acme", "bob", "--yes", "--json").json

        counts = {(entry["table"], entry["action"]): entry["rows"] for entry in done["receipt"]["counts"]}
        assert counts == {
            (row["table"], row["action"]): row["rows"] for row in planned["data"] if row["action"] != "keep"
        }

    @pytest.mark.parametrize("options", [["--dry-run"], ["--yes"]])
    def test_what_is_refused_ends_alike_tried_or_done(
        self, options: list[str], bob: User, everything: Photograph
    ) -> None:
        held(bob)
        before = everything()

        result = run("user_purge", "--org", "acme", "bob", *options, "--json")

        assert (result.code, result.error["code"]) == (4, "CONFLICT")
        assert "legal hold" in result.error["message"]
        assert everything() == before

    @pytest.mark.parametrize("typed", ["carol@acme.example\n", "\n", "y\n", "yes\n"])
    def test_the_address_must_be_typed(
        self, typed: str, bob: User, everything: Photograph, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = everything()

        result = run("user_purge", "--org", "acme", "bob", "--json", stdin=Terminal(typed))

        assert (result.code, result.out) == (4, "")
        assert "Type bob@acme.example to go on" in result.err
        assert everything() == before

    def test_the_address_typed_erases(self, bob: User) -> None:
        result = run("user_purge", "--org", "acme", "bob", "--json", stdin=Terminal("bob@acme.example\n"))

        assert result.code == 0, result.err
        assert result.json["status"] == "complete"
        assert User.objects.get(pk=bob.pk).status == Status.PURGED

    def test_nobody_to_ask_is_refused(self, bob: User, everything: Photograph) -> None:
        before = everything()

        result = run("user_delete", "--org", "acme", "bob")

        assert (result.code, "--yes" in result.err) == (4, True)
        assert everything() == before

    def test_again_gives_the_same_receipt_by_id(self, bob: User) -> None:
        first = run("user_delete", bob.public_id, "--yes", "--json").json

        again = run("user_delete", bob.public_id, "--yes", "--json")

        assert again.code == 0, again.err
        assert again.json["receipt"] == first["receipt"]
        assert run("user_delete", "usr_01h455vb4pex5vsknk084sn02q", "--yes").code == 3

    def test_many_are_searched_for_in_one_pass(self, bob: User, carol: User, alice: User) -> None:
        result = run("user_purge", "--org", "acme", "bob", "carol", "alice", "--yes", "--json")

        assert result.code == 4  # alice is the last owner
        assert [row["result"] for row in result.json["data"]] == ["ok", "ok", "failed"]
        receipts: list[Any] = [erasure.receipt for erasure in Erasure.objects.order_by("created_at")]
        assert [receipt["scan"]["whole_database"]["residue"] for receipt in receipts] == [0, 0]

    def test_later_and_not_after_all(self, bob: User) -> None:
        planned = run("user_purge", "--org", "acme", "bob", "--after", "14d", "--yes", "--json").json
        assert (planned["status"], planned["receipt"]) == ("scheduled", None)

        cancelled = run("user_purge", "--org", "acme", "bob", "--cancel", "--reason", "came back", "--json")

        assert cancelled.json["status"] == "cancelled"
        assert run("user_purge", "--org", "acme", "bob", "--cancel").code == 4

    def test_the_history_goes_and_is_asked_about(self, bob: User, operator: Any) -> None:
        user_tag(actor=operator, user=bob, tags=["vip"])
        assert run("user_delete_activities", "--org", "acme", "bob").code == 4

        result = run("user_delete_activities", "--org", "acme", "bob", "--yes", "--json")

        assert (result.code, result.json["id"]) == (0, bob.public_id)
        assert AuditEvent.objects.get(action="user.tag").part("subject") == {}


class TestAPI:
    """By program."""

    def test_preview_then_purge_then_the_same_again(self, bob: User, alice: User, everything: Photograph) -> None:
        program = API.of(alice)
        before = everything()
        preview = program("POST", f"users/{bob.public_id}/purge/", {"preview": True})
        assert (preview.status_code, preview.body["preview"], preview.body["refusal"]) == (200, True, None)
        assert preview.body["rows"] > 0
        assert everything() == before

        begun = program("POST", f"users/{bob.public_id}/purge/", {"reason": "asked"})
        there = f"personal-data/erasures/{begun.body['id']}/"
        assert (begun.status_code, begun.body["status"], begun.body["receipt"]) == (202, "fenced", None)
        assert begun["Location"] == f"/api/v1/{there}"
        assert program("POST", f"users/{bob.public_id}/purge/", {}).body == begun.body
        assert User.objects.get(pk=bob.pk).status == Status.PURGING
        take_up_erasures.call()
        again = program("POST", f"users/{bob.public_id}/purge/", {})

        assert (again.status_code, again.body["id"], again.body["status"]) == (200, begun.body["id"], "complete")
        assert again.body["receipt"]["scan"]["whole_database"]["residue"] == 0
        assert program.get(there).body == again.body

    def test_the_receipt_of_who_is_gone_is_for_the_organization_alone(
        self, bob: User, alice: User, mallory: User
    ) -> None:
        API.of(alice)("POST", f"users/{bob.public_id}/delete/", {})
        take_up_erasures.call()

        again = API.of(alice)("POST", f"users/{bob.public_id}/delete/", {})
        strange = API.of(mallory)("POST", f"users/{bob.public_id}/delete/", {})

        assert (again.status_code, again.body["receipt"]["subject"]) == (200, bob.public_id)
        assert (strange.status_code, strange.body["code"]) == (404, "NOT_FOUND")

    def test_the_same_request_twice_is_one(self, bob: User, alice: User) -> None:
        program = API.of(alice)

        first = program("POST", f"users/{bob.public_id}/purge/", {}, Idempotency_Key="k1")
        again = program("POST", f"users/{bob.public_id}/purge/", {}, Idempotency_Key="k1")
        take_up_erasures.call()
        later = program("POST", f"users/{bob.public_id}/purge/", {}, Idempotency_Key="k1")

        assert [answer.status_code for answer in (first, again, later)] == [202, 202, 200]
        assert again["Idempotency-Replayed"] == later["Idempotency-Replayed"] == "true"
        assert first.body["id"] == again.body["id"] == later.body["id"]

    def test_what_is_planned_is_accepted_and_not_done(self, bob: User, alice: User) -> None:
        planned = API.of(alice)("POST", f"users/{bob.public_id}/purge/", {"after": "14d"})

        assert (planned.status_code, planned.body["status"]) == (202, "scheduled")
        assert User.objects.get(pk=bob.pk).status == Status.ACTIVE

    @pytest.mark.parametrize(
        "body", [{"after": "14d", "now": True}, {"after": "soon"}, {"how": "delete"}, {"now": "yes"}]
    )
    def test_what_cannot_be_read_changes_nothing(
        self, body: dict[str, Any], bob: User, alice: User, everything: Photograph
    ) -> None:
        program = API.of(alice)
        before = everything()

        answer = program("POST", f"users/{bob.public_id}/purge/", body)

        assert (answer.status_code, answer.body["code"]) == (422, "VALIDATION")
        assert everything() == before


class TestAdmin:
    """By click."""

    @pytest.fixture
    def click(self, alice: User) -> Client:
        client = Client()
        sign_in(client, alice)
        return client

    def test_the_plan_the_wrong_address_and_the_right_one(self, bob: User, click: Client) -> None:
        page = f"/admin/accounts/user/{bob.public_id}/erasure/"
        shown = text_of(click.get(page))
        assert "Type bob@acme.example to go on" in shown
        assert "accounts_user" in shown

        wrong = click.post(page, {"how": "purge", "typed": "bob", "after": "", "reason": ""})
        assert (wrong.status_code, "not what stands there" in text_of(wrong)) == (422, True)
        assert User.objects.get(pk=bob.pk).email

        right = click.post(page, {"how": "purge", "typed": "bob@acme.example", "after": "", "reason": "asked"})
        erasure = Erasure.objects.get()
        assert right["Location"] == f"/admin/gdpr/erasure/{erasure.public_id}/"
        assert "The account is closed for good, and waits" in text_of(click.get(right["Location"]))
        Erasure.objects.update(status=Erasure.ERASED)
        assert "is being searched" in text_of(click.get(right["Location"]))
        Erasure.objects.update(status=Erasure.FENCED)
        take_up_erasures.call()
        receipt = text_of(click.get(right["Location"]))
        assert "Nothing is left." in receipt
        for form in ("json", "html"):
            file = click.get(f"/admin/gdpr/erasure/{erasure.public_id}/receipt.{form}")
            assert file["Content-Disposition"] == f"attachment; filename={erasure.public_id}.{form}"
            assert erasure.public_id in file.content.decode()
        assert click.get(f"/admin/gdpr/erasure/{erasure.public_id}/receipt.exe").status_code == 404

    def test_what_is_refused_has_no_button(self, bob: User, click: Client, everything: Photograph) -> None:
        held(bob)
        page = f"/admin/accounts/user/{bob.public_id}/erasure/"
        shown = text_of(click.get(page))
        assert "under legal hold" in shown
        assert "to go on" not in shown
        before = everything()

        answer = click.post(page, {"how": "purge", "typed": "bob@acme.example", "after": "", "reason": ""})

        assert answer.status_code == 422
        assert everything() == before

    def test_planned_is_shown_and_called_off(self, bob: User, click: Client) -> None:
        page = f"/admin/accounts/user/{bob.public_id}/erasure/"
        click.post(page, {"how": "delete", "typed": "bob@acme.example", "after": "14d", "reason": ""})
        assert "is planned for" in text_of(click.get(page))

        click.post(page, {"cancel": "yes", "reason": "came back"})

        assert Erasure.objects.get().status == Erasure.CANCELLED


ERASING = {"purge": Erasure.PURGE, "delete": Erasure.DELETE}


class TestManyByProgram:
    """``/users/bulk/``: the number said back, a result for each."""

    @pytest.mark.parametrize("verb", ["purge", "delete", "delete-activities"])
    def test_a_preview_plans_each_and_changes_nothing(
        self, verb: str, bob: User, carol: User, alice: User, everything: Photograph
    ) -> None:
        held(carol)
        program = API.of(alice)
        before = everything()
        people = [bob.public_id, carol.public_id, "usr_01h455vb4pex5vsknk084sn02q"]

        answer = program("POST", "users/bulk/", {"verb": verb, "ids": people, "preview": True})

        assert answer.body["counts"] == {"ok": 1, "unchanged": 0, "failed": 2}
        first, second, third = answer.body["data"]
        assert first["changes"][0]["action"] == f"user.{verb.replace('-', '_')}"
        assert (first["changes"][0]["rows"] > 0) is (verb != "delete-activities")
        assert "legal hold" in second["error"]["message"]
        assert third["error"]["code"] == "NOT_FOUND"
        assert everything() == before

    @pytest.mark.parametrize("how", ERASING)
    def test_each_is_closed_and_the_worker_erases_all(self, how: str, bob: User, carol: User, alice: User) -> None:
        tagged(bob, carol)
        body = {"verb": how, "filter": {"tag": "leaver"}, "confirm": 2, "reason": "asked"}

        answer = API.of(alice)("POST", "users/bulk/", body)

        assert answer.body["counts"] == {"ok": 2, "unchanged": 0, "failed": 0}
        assert {*Erasure.objects.values_list("how", "status", "reason")} == {(how, Erasure.FENCED, "asked")}
        take_up_erasures.call()
        assert {*Erasure.objects.values_list("user_id", "status")} == {
            (bob.pk, Erasure.COMPLETE),
            (carol.pk, Erasure.COMPLETE),
        }

    def test_a_subject_request_is_said_for_each_apart(
        self, bob: User, alice: User, operator: Actor, everything: Photograph
    ) -> None:
        request = request_open(actor=operator, user=bob, kind="erasure")
        program, before = API.of(alice), everything()
        body = {"verb": "purge", "ids": [bob.public_id], "confirm": 1, "request": request.public_id}

        answer = program("POST", "users/bulk/", body)

        (told,) = answer.body["errors"]
        assert (answer.status_code, told["field"], "users/{id}/purge/" in told["message"]) == (422, "request", True)
        assert everything() == before

    def test_one_that_is_refused_stops_nobody(self, bob: User, alice: User, erin: User) -> None:
        body = {"verb": "purge", "ids": [alice.public_id, bob.public_id], "confirm": 2}

        answer = API.of(erin)("POST", "users/bulk/", body)

        assert [(row["result"], row.get("error", {}).get("code")) for row in answer.body["data"]] == [
            ("failed", "FORBIDDEN"),
            ("ok", None),
        ]
        assert Erasure.objects.get().user_id == bob.pk

    @pytest.mark.parametrize(
        ("more", "status"),
        [
            ({}, 422),
            ({"confirm": 3}, 409),
            ({"confirm": 0}, 422),
            ({"confirm": "2"}, 422),
            ({"confirm": 2, "tags": ["x"]}, 422),
            ({"confirm": 101, "ids": [f"usr_{number}" for number in range(101)]}, 422),
        ],
        ids=["none", "another", "zero", "text", "more", "too many"],
    )
    def test_without_the_right_number_nothing_happens(
        self, more: dict[str, Any], status: int, bob: User, carol: User, alice: User, everything: Photograph
    ) -> None:
        program, before = API.of(alice), everything()

        answer = program("POST", "users/bulk/", {"verb": "purge", "ids": [bob.public_id, carol.public_id], **more})

        assert answer.status_code == status, answer.body
        assert everything() == before

    def test_other_verbs_take_no_number(self, bob: User, alice: User) -> None:
        answer = API.of(alice)("POST", "users/bulk/", {"verb": "suspend", "ids": [bob.public_id], "confirm": 1})

        assert answer.status_code == 422

    @pytest.mark.parametrize("verb", ["purge", "delete-activities"])
    def test_the_same_request_twice_is_one(self, verb: str, bob: User, carol: User, alice: User) -> None:
        program = API.of(alice)
        tagged(bob, carol)
        body = {"verb": verb, "filter": {"tag": "leaver"}, "confirm": 2}
        first = program("POST", "users/bulk/", body, Idempotency_Key="k1")
        events = AuditEvent.objects.count()

        again = program("POST", "users/bulk/", body, Idempotency_Key="k1")

        assert first.body["counts"]["ok"] == 2
        assert (again.status_code, again.body["counts"]["ok"], again.body["counts"]["failed"]) == (200, 0, 0)
        assert AuditEvent.objects.count() == events

    def test_later_is_planned(self, bob: User, carol: User, alice: User) -> None:
        body = {"verb": "purge", "ids": [bob.public_id, carol.public_id], "confirm": 2, "after": "14d"}

        answer = API.of(alice)("POST", "users/bulk/", body)

        assert answer.body["counts"]["ok"] == 2
        assert {*Erasure.objects.values_list("status", flat=True)} == {Erasure.SCHEDULED}


class TestManyByClick:
    """An action on a selection: the plan of all, their number and organization typed, the results."""

    @pytest.fixture
    def click(self, alice: User) -> Client:
        client = Client()
        sign_in(client, alice)
        return client

    @pytest.mark.parametrize("how", ERASING)
    def test_the_plan_the_wrong_number_and_the_right_one(
        self, how: str, bob: User, carol: User, click: Client, everything: Photograph
    ) -> None:
        page = f"/admin/accounts/user/verbs/{how}/"
        people = f"{bob.public_id} {carol.public_id}"
        before = everything()
        shown = text_of(click.post(page, {"selected": people}))
        assert "Type 2 acme to go on" in shown
        assert "rows that go or change" in shown
        assert "This is the plan that is carried out" in shown
        assert "accounts_membership" in shown

        wrong = click.post(page, {"selected": people, "step": "do", "typed": "2", "after": "", "reason": ""})
        assert (wrong.status_code, "not what stands there" in text_of(wrong)) == (422, True)
        assert everything() == before

        right = click.post(page, {"selected": people, "step": "do", "typed": "2 acme", "after": "", "reason": "asked"})
        assert "2 done, 0 so already, 0 refused. Each is closed at once" in text_of(right)
        assert {*Erasure.objects.values_list("how", "status", "reason")} == {(how, Erasure.FENCED, "asked")}
        take_up_erasures.call()
        assert {*Erasure.objects.values_list("status", flat=True)} == {Erasure.COMPLETE}

    def test_who_is_refused_is_named_and_stops_nobody(self, bob: User, carol: User, click: Client) -> None:
        held(carol)
        values = {"selected": f"{bob.public_id} {carol.public_id}", "typed": "2 acme"}

        assert "1 of 2 will change" in text_of(click.post("/admin/accounts/user/verbs/purge/", values))
        done = text_of(click.post("/admin/accounts/user/verbs/purge/", {**values, "step": "do"}))

        assert "1 done, 0 so already, 1 refused." in done
        assert "under legal hold" in done
        assert Erasure.objects.get().user_id == bob.pk

    def test_one_alone_by_their_address(self, bob: User, click: Client) -> None:
        values = {"selected": bob.public_id, "step": "do", "typed": "1 acme"}
        assert click.post("/admin/accounts/user/verbs/purge/", values).status_code == 422
        assert not Erasure.objects.exists()

        done = click.post("/admin/accounts/user/verbs/purge/", {**values, "typed": "bob@acme.example"})

        assert done["Location"] == f"/admin/accounts/user/{bob.public_id}/"
        assert Erasure.objects.get().status == Erasure.FENCED

    def test_the_history_of_many(self, bob: User, carol: User, click: Client, operator: Any) -> None:
        user_tag(actor=operator, user=bob, tags=["vip"])
        values = {"selected": f"{bob.public_id} {carol.public_id}", "step": "do", "typed": "2 acme"}

        shown = text_of(click.post("/admin/accounts/user/verbs/delete-activities/", values))

        assert "2 done" in shown
        assert AuditEvent.objects.get(action="user.tag").part("subject") == {}
        assert User.objects.get(pk=bob.pk).email

    def test_more_than_a_page_does(self, click: Client, everything: Photograph) -> None:
        before = everything()

        answer = click.post("/admin/accounts/user/verbs/purge/", {"selected": " ".join(f"usr_{n}" for n in range(101))})

        assert answer.status_code == 302
        assert everything() == before


def test_copies_of_the_person_go_with_them(bob: User, alice: User, acting: Callable[..., Any], operator: Any) -> None:
    row = user_export_request(actor=acting(alice), user=bob)
    assert export_make(row.pk)
    folder = Path(settings.EXPORTS_ROOT) / str(bob.pk)
    assert len(list(folder.iterdir())) == 1

    assert run("user_purge", bob.public_id, "--yes").code == 0

    assert not folder.exists()
    assert not Export.objects.exists()


def test_a_twin_elsewhere_is_told_apart_in_the_receipt(bob: User, nextdoor: Organization, mallory: User) -> None:
    elsewhere = make_user(nextdoor, "twin")
    User.objects.filter(pk=elsewhere.pk).update(email=bob.email, email_key=bob.email_key)

    done = json.loads(run("user_purge", bob.public_id, "--yes", "--json").out)

    assert done["receipt"]["scan"]["whole_database"]["residue"] == 0
    assert User.objects.get(pk=elsewhere.pk).email == bob.email
