"""A copy or an erasure that answers a subject request: it must fit, closes the request, and is named by the proof."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.serializers import DateTimeField

from accounts.actors import Actor
from accounts.audit import moment
from accounts.errors import AccountsError, Conflict, Invalid, NotAllowed, NotFound
from accounts.models import AuditEvent, User
from accounts.operations.audit import audit_verify
from accounts.statuses import Status
from gdpr.models import Erasure, Export, SubjectRequest
from gdpr.operations.background import erase_begin, take_up_erasures
from gdpr.operations.erasure import erase, user_delete_activities
from gdpr.operations.exports import export_make, export_read, export_write, user_export_request
from gdpr.operations.renderings import export_schema
from gdpr.operations.requests import request_close, request_named, request_open
from tests.accounts.api.programs import API
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.roles import give_custom, make_role
from tests.shell import run

pytestmark = pytest.mark.django_db
Photograph = Callable[[], dict[str, Any]]


@pytest.fixture
def asked(bob: User, operator: Actor) -> Callable[..., SubjectRequest]:
    """Note that Bob asked for something, four days ago."""

    def ask(kind: str = "erasure", user: User = bob) -> SubjectRequest:
        return request_open(actor=operator, user=user, kind=kind, received_at=timezone.now() - timedelta(days=4))

    return ask


def is_done(request: SubjectRequest) -> bool:
    request.refresh_from_db()
    return request.status == SubjectRequest.DONE and request.closed_at is not None


def events(request: SubjectRequest) -> list[str]:
    """Give what the trail says was done for a request, in order."""
    return [
        event.action
        for event in AuditEvent.objects.order_by("sequence")
        if event.part("subject").get("request") == request.public_id
    ]


class TestErasure:
    """``purge`` and ``delete``."""

    @pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
    def test_closes_it_and_the_receipt_says_which(
        self, how: str, bob: User, operator: Actor, asked: Callable[..., SubjectRequest]
    ) -> None:
        request = asked()

        erasure: Any = erase(actor=operator, user=bob, how=how, request=request)

        assert is_done(request)
        assert erasure.receipt["request"] == {
            "id": request.public_id,
            "articles": ["17"],
            "received_at": moment(request.received_at),
            "due_at": moment(request.due_at),
            "produced_at": erasure.receipt["made_at"],
        }
        assert events(request) == [f"user.{how}", "request.close"]
        closing = AuditEvent.objects.get(action="request.close")
        assert (closing.person_id, closing.part("subject")["erasure"]) == (None, erasure.public_id)
        assert audit_verify(actor=operator).faults == []

    def test_by_the_worker_it_is_done_when_the_person_is_erased(
        self, bob: User, alice: User, acting: Callable[..., Actor], asked: Callable[..., SubjectRequest]
    ) -> None:
        request = asked()
        begun = erase_begin(actor=acting(alice), user=bob, how=Erasure.PURGE, request=request)
        assert not is_done(request)

        again = erase_begin(actor=acting(alice), user=bob, how=Erasure.PURGE, request=request)
        take_up_erasures.call()

        assert again.pk == begun.pk
        assert is_done(request)
        receipt: Any = Erasure.objects.get().receipt
        assert receipt["request"]["id"] == request.public_id
        assert events(request) == ["user.purge", "user.purge", "request.close"]

    def test_what_waits_keeps_it_open_and_called_off_leaves_it_so(
        self, bob: User, operator: Actor, asked: Callable[..., SubjectRequest]
    ) -> None:
        request = asked()

        erase(actor=operator, user=bob, how=Erasure.PURGE, at=timezone.now() + timedelta(days=9), request=request)

        assert not is_done(request)
        assert Erasure.objects.get().request_id == request.pk
        done: Any = erase(actor=operator, user=bob, how=Erasure.PURGE, at=timezone.now())
        assert done.receipt["request"]["id"] == request.public_id
        assert is_done(request)

    def test_one_that_was_closed_meanwhile_stands_in_the_receipt_all_the_same(
        self, bob: User, operator: Actor, asked: Callable[..., SubjectRequest]
    ) -> None:
        request = asked()
        erase_begin(actor=operator, user=bob, how=Erasure.PURGE, request=request)
        request_close(actor=operator, request=request)

        take_up_erasures.call()

        receipt: Any = Erasure.objects.get().receipt
        assert receipt["request"]["id"] == request.public_id
        assert AuditEvent.objects.filter(action="request.close").count() == 1

    def test_without_one_the_receipt_says_so(self, bob: User, operator: Actor) -> None:
        erasure: Any = erase(actor=operator, user=bob, how=Erasure.PURGE)

        assert erasure.receipt["request"] is None

    def test_what_was_begun_without_it_is_no_answer(
        self, bob: User, operator: Actor, asked: Callable[..., SubjectRequest], everything: Photograph
    ) -> None:
        request = asked()
        erase(actor=operator, user=bob, how=Erasure.PURGE)
        before = everything()

        for call in (erase, erase_begin):
            with pytest.raises(Conflict, match="begun without"):
                call(actor=operator, user=User.objects.get(pk=bob.pk), how=Erasure.PURGE, request=request)

        assert everything() == before
        assert not is_done(request)

    def test_undone_with_the_erasure(
        self,
        bob: User,
        operator: Actor,
        asked: Callable[..., SubjectRequest],
        everything: Photograph,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        request, before = asked(), everything()
        monkeypatch.setattr("gdpr.operations.plans.Step.is_done", lambda _: False)

        with pytest.raises(Exception, match="left something"):
            erase(actor=operator, user=bob, how=Erasure.PURGE, request=request)

        assert everything() == before
        assert not is_done(request)


def test_the_history_alone_can_be_what_was_asked_for(
    bob: User, operator: Actor, asked: Callable[..., SubjectRequest]
) -> None:
    request = asked("objection")

    user_delete_activities(actor=operator, user=bob, request=request)

    assert is_done(request)
    assert events(request) == ["user.delete_activities", "request.close"]


class TestCopies:
    """``export``."""

    @pytest.mark.parametrize(("kind", "scope"), [("access", "access"), ("portability", "portability")])
    def test_at_once(
        self, kind: str, scope: str, bob: User, operator: Actor, asked: Callable[..., SubjectRequest]
    ) -> None:
        request, file = asked(kind), io.BytesIO()

        export_write(actor=operator, user=bob, scope=scope, request=request, file=file)

        said = json.loads(file.getvalue())
        jsonschema.validate(said, export_schema())
        assert said["request"] == {
            "export": None,
            "id": request.public_id,
            "articles": ["15" if kind == "access" else "20"],
            "received_at": DateTimeField().to_representation(request.received_at),
            "due_at": DateTimeField().to_representation(request.due_at),
            "produced_at": said["request"]["produced_at"],
        }
        assert is_done(request)
        assert events(request) == ["request.open", "user.export", "request.close"]

    def test_by_a_job_it_is_done_when_the_file_is_there(
        self, bob: User, operator: Actor, asked: Callable[..., SubjectRequest]
    ) -> None:
        request = asked("access")
        row = user_export_request(actor=operator, user=bob, form="json", request=request)
        assert not is_done(request)

        assert export_make(row.pk)

        row.refresh_from_db()
        assert json.loads(b"".join(export_read(row)))["request"]["id"] == request.public_id
        assert is_done(request)
        closing = AuditEvent.objects.get(action="request.close")
        assert (closing.actor_kind, closing.part("subject")["export"]) == ("system", row.public_id)

    def test_a_job_that_fails_leaves_it_open(
        self, bob: User, operator: Actor, asked: Callable[..., SubjectRequest], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = asked("access")
        row = user_export_request(actor=operator, user=bob, request=request)
        monkeypatch.setattr("gdpr.operations.exports.written", lambda *_: 1 / 0)

        assert not export_make(row.pk)

        assert not is_done(request)

    def test_what_cannot_be_written_leaves_it_open(
        self, bob: User, operator: Actor, asked: Callable[..., SubjectRequest], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = asked("access")
        monkeypatch.setattr("gdpr.operations.exports.written", lambda *_: 1 / 0)

        with pytest.raises(ZeroDivisionError):
            export_write(actor=operator, user=bob, request=request, file=io.BytesIO())

        assert not is_done(request)


CALLS: dict[str, Callable[..., Any]] = {
    "purge": lambda **given: erase(how=Erasure.PURGE, **given),
    "delete": lambda **given: erase(how=Erasure.DELETE, **given),
    "purge by the worker": lambda **given: erase_begin(how=Erasure.PURGE, **given),
    "purge later": lambda **given: erase(how=Erasure.PURGE, at=timezone.now() + timedelta(days=9), **given),
    "history": user_delete_activities,
    "export": lambda **given: export_write(file=io.BytesIO(), **given),
    "export by a job": user_export_request,
}
FITTING = {"export": "access", "export by a job": "access"}


class TestRefusals:
    """What does not fit changes nothing."""

    def refused(self, name: str, error: type[AccountsError], everything: Photograph, **given: Any) -> AccountsError:
        before = everything()
        with pytest.raises(error) as refused:
            CALLS[name](**given)
        now = everything()
        if error is NotAllowed:
            assert AuditEvent.objects.get(outcome="refused").actor_id == given["actor"].id
            for table in ("AuditEvent", "AuditPart", "AuditChain"):
                before.pop(table, None), now.pop(table, None)
        assert now == before
        return refused.value

    @pytest.mark.parametrize("name", CALLS)
    def test_somebody_elses(
        self,
        name: str,
        bob: User,
        carol: User,
        operator: Actor,
        asked: Callable[..., SubjectRequest],
        everything: Photograph,
    ) -> None:
        request = asked(FITTING.get(name, "erasure"), carol)

        refusal = self.refused(name, Invalid, everything, actor=operator, user=bob, request=request)

        assert refusal.fields == {"request": "is of somebody else"}

    @pytest.mark.parametrize("name", CALLS)
    def test_of_another_kind(
        self, name: str, bob: User, operator: Actor, asked: Callable[..., SubjectRequest], everything: Photograph
    ) -> None:
        request = asked("rectification")

        refusal = self.refused(name, Invalid, everything, actor=operator, user=bob, request=request)

        assert refusal.fields == {"request": "asks for rectification"}

    def test_less_than_was_asked_for(
        self, bob: User, operator: Actor, asked: Callable[..., SubjectRequest], everything: Photograph
    ) -> None:
        given = {"actor": operator, "user": bob, "scope": "portability", "request": asked("access")}

        self.refused("export", Invalid, everything, **given)

    @pytest.mark.parametrize("name", CALLS)
    def test_closed(
        self, name: str, bob: User, operator: Actor, asked: Callable[..., SubjectRequest], everything: Photograph
    ) -> None:
        request = request_close(actor=operator, request=asked(FITTING.get(name, "erasure")))

        self.refused(name, Conflict, everything, actor=operator, user=bob, request=request)

    @pytest.mark.parametrize("name", CALLS)
    def test_by_who_may_not_close_it(
        self,
        name: str,
        bob: User,
        carol: User,
        acting: Callable[..., Actor],
        asked: Callable[..., SubjectRequest],
        everything: Photograph,
    ) -> None:
        words = ("user.show", "user.purge", "user.delete", "user.delete_activities", "user.export", "request.list")
        give_custom(carol, make_role(carol.organization, "eraser", *words))
        request = asked(FITTING.get(name, "erasure"))

        self.refused(name, NotAllowed, everything, actor=acting(carol), user=bob, request=request)

    def test_next_door_and_nowhere_are_the_same(
        self, mallory: User, acting: Callable[..., Actor], asked: Callable[..., SubjectRequest]
    ) -> None:
        for named in (asked().public_id, "dsr_01h455vb4pex5vsknk084sn02q", "dsr_x", "usr_x"):
            with pytest.raises(NotFound, match="Subject request not found"):
                request_named(actor=acting(mallory), named=named)


class TestDoors:
    """Option, field, link."""

    @pytest.mark.parametrize("command", ["user_purge", "user_delete", "user_delete_activities", "user_export"])
    def test_commands(self, command: str, bob: User, asked: Callable[..., SubjectRequest]) -> None:
        request = asked("access" if command == "user_export" else "erasure")
        yes = [] if command == "user_export" else ["--yes"]

        result = run(command, bob.public_id, "--request", request.public_id, *yes, "--json")

        assert result.code == 0, result.err
        assert is_done(request)
        if command != "user_delete_activities":
            assert (result.json.get("receipt") or result.json)["request"]["id"] == request.public_id

    @pytest.mark.parametrize("command", ["user_purge", "user_delete", "user_delete_activities"])
    @pytest.mark.parametrize("options", [["--dry-run"], ["--yes"]])
    def test_a_dry_run_refuses_what_the_run_does(
        self,
        command: str,
        options: list[str],
        bob: User,
        asked: Callable[..., SubjectRequest],
        everything: Photograph,
    ) -> None:
        request, before = asked("access"), everything()
        request_before = SubjectRequest.objects.values().get()

        result = run(command, bob.public_id, "--request", request.public_id, *options, "--json")

        assert (result.code, result.error["code"], "request" in result.error["fields"]) == (4, "VALIDATION", True)
        assert everything()["User"] == before["User"]
        assert SubjectRequest.objects.values().get() == request_before

    @pytest.mark.parametrize("command", ["user_purge", "user_delete", "user_delete_activities"])
    @pytest.mark.parametrize("options", [["--dry-run"], ["--yes"]])
    def test_not_for_many(
        self,
        command: str,
        options: list[str],
        bob: User,
        carol: User,
        asked: Callable[..., SubjectRequest],
        everything: Photograph,
    ) -> None:
        request, before = asked(), everything()

        result = run(command, bob.public_id, carol.public_id, "--request", request.public_id, *options, "--json")

        assert (result.code, result.error["fields"]) == (4, {"request": "not with many"})
        assert everything() == before

    def test_api(self, bob: User, alice: User, asked: Callable[..., SubjectRequest]) -> None:
        program, there = API.of(alice), f"users/{bob.public_id}"
        copy, gone, history = asked("access"), asked("erasure"), asked("objection")

        export = program("POST", f"{there}/export/", {"request": copy.public_id})
        activities = program("POST", f"{there}/delete-activities/", {"request": history.public_id})
        preview = program("POST", f"{there}/purge/", {"request": copy.public_id, "preview": True})
        erasure = program("POST", f"{there}/purge/", {"request": gone.public_id})

        assert (export.status_code, export.body["request"]) == (202, copy.public_id)
        assert (activities.status_code, is_done(history)) == (200, True)
        assert preview.body["refusal"]["code"] == "VALIDATION"
        assert (erasure.status_code, erasure.body["request"]) == (202, gone.public_id)

    def test_admin(self, bob: User, alice: User, asked: Callable[..., SubjectRequest]) -> None:
        click = Client()
        sign_in(click, alice)
        copy, gone = asked("access"), asked("erasure")
        listed = click.get("/admin/gdpr/subjectrequest/?org=acme").content.decode()
        person = f"/admin/accounts/user/{bob.public_id}"
        export, erasure = (
            f"{person}/personal-data/?request={copy.public_id}",
            f"{person}/erasure/?request={gone.public_id}",
        )
        assert f'href="{export}"' in listed
        assert f'href="{erasure}"' in listed
        assert "For the request of" in text_of(click.get(export))
        assert "For the request of" in text_of(click.get(erasure))

        click.post(export, {"scope": "access", "format": "json", "request": copy.public_id})
        wrong = click.post(export, {"scope": "portability", "format": "json", "request": copy.public_id})
        values = {"how": "purge", "typed": "bob@acme.example", "request": gone.public_id}
        click.post(erasure, values)

        assert Export.objects.get().request_id == copy.pk
        assert wrong.status_code == 422
        assert Erasure.objects.get().request_id == gone.pk
        assert User.objects.get(pk=bob.pk).status == Status.PURGING

    def test_admin_of_somebody_else(
        self, bob: User, carol: User, alice: User, asked: Callable[..., SubjectRequest]
    ) -> None:
        click = Client()
        sign_in(click, alice)
        request = asked("erasure", carol)

        for tab in ("erasure", "personal-data"):
            page = f"/admin/accounts/user/{bob.public_id}/{tab}/?request={request.public_id}"
            assert click.get(page).status_code == 404
