"""Subject requests: due in a month, extended once, closed, and nobody forgets them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Conflict, Invalid
from accounts.models import AuditEvent, AuditPart, User
from accounts.operations.installation import sweep
from gdpr.models import Erasure, SubjectRequest
from gdpr.operations.erasure import erase
from gdpr.operations.requests import due_at, remind, request_close, request_extend, request_open
from tests.shell import run

pytestmark = pytest.mark.django_db
LastEvent = Callable[[], AuditEvent]


@pytest.fixture
def asked(bob: User, operator: Actor) -> SubjectRequest:
    """Bob's."""
    return request_open(actor=operator, user=bob, kind="access", note="By letter")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], datetime]:
    """Let days pass."""
    real = timezone.now

    def pass_by(days: float) -> datetime:
        monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(days=days))
        return timezone.now()

    return pass_by


class TestDueDates:
    """A calendar month by Regulation 1182/71."""

    @pytest.mark.parametrize(
        ("received", "due", "extended"),
        [
            ("2026-03-05T09:00", "2026-04-06", "2026-06-05"),  # 5 April is a Sunday
            ("2026-08-31T09:00", "2026-09-30", "2026-11-30"),  # September has no 31st
            ("2026-01-31T09:00", "2026-03-02", "2026-04-30"),  # 28 February is a Saturday
            ("2028-01-31T09:00", "2028-02-29", "2028-05-01"),  # a leap year; 30 April is a Sunday
            ("2026-12-15T23:59", "2027-01-15", "2027-03-15"),
            ("2026-11-21T00:00", "2026-12-21", "2027-02-22"),
        ],
    )
    def test_the_same_day_of_the_month_or_the_next_working_day(self, received: str, due: str, extended: str) -> None:
        at = datetime.fromisoformat(received).replace(tzinfo=UTC)

        assert due_at(at).isoformat() == f"{due}T23:59:59+00:00"
        assert due_at(at, 3).isoformat() == f"{extended}T23:59:59+00:00"
        assert due_at(at).weekday() < 5


class TestOpening:
    """The month runs from the receipt."""

    def test_notes_it_and_says_so(self, asked: SubjectRequest, bob: User, last_event: LastEvent) -> None:
        assert (asked.user_id, asked.organization_id, asked.status) == (bob.pk, bob.organization_id, "open")
        assert asked.due_at == due_at(asked.received_at)
        event = last_event()
        told: Any = event.part("subject")
        assert (event.action, event.subject_id) == ("request.open", bob.pk)
        assert (told["request"], told["reason"], told["after"]["kind"]) == (asked.public_id, "By letter", "access")

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"kind": "gossip"}, "kind"),
            ({"received_at": timedelta(hours=1)}, "received_at"),
            ({"note": "x" * 501}, "note"),
        ],
    )
    def test_what_is_wrong_is_named_and_changes_nothing(
        self, bob: User, operator: Actor, everything: Callable[[], Any], given: dict[str, Any], field: str
    ) -> None:
        if "received_at" in given:
            given = {"received_at": timezone.now() + given["received_at"]}
        before = everything()

        with pytest.raises(Invalid) as refusal:
            request_open(actor=operator, user=bob, **{"kind": "access", **given})

        assert set(refusal.value.fields) == {field}
        assert everything() == before

    def test_the_same_twice_is_one(self, asked: SubjectRequest, bob: User, operator: Actor) -> None:
        with pytest.raises(Conflict) as refusal:
            request_open(actor=operator, user=bob, kind="access")

        assert asked.public_id in refusal.value.remedy
        request_open(actor=operator, user=bob, kind="erasure")
        assert SubjectRequest.objects.count() == 2


class TestExtending:
    """Once, by two months, in the first month, with a reason."""

    def test_counts_three_months_from_the_receipt(
        self, asked: SubjectRequest, operator: Actor, last_event: LastEvent
    ) -> None:
        extended = request_extend(actor=operator, request=asked, note="Much of it")

        assert extended.due_at == due_at(asked.received_at, 3)
        assert extended.extended_at is not None
        told: Any = last_event().part("subject")
        assert (last_event().action, told["reason"]) == ("request.extend", "Much of it")

    def test_not_twice_not_late_not_closed_not_without_a_reason(
        self, asked: SubjectRequest, bob: User, operator: Actor, later: Callable[[float], datetime]
    ) -> None:
        with pytest.raises(Invalid):
            request_extend(actor=operator, request=asked, note=" ")
        request_extend(actor=operator, request=asked, note="Much of it")
        with pytest.raises(Conflict):
            request_extend(actor=operator, request=asked, note="More of it")
        closed = request_open(actor=operator, user=bob, kind="erasure")
        request_close(actor=operator, request=closed)
        with pytest.raises(Conflict):
            request_extend(actor=operator, request=closed, note="Late")
        late = request_open(actor=operator, user=bob, kind="objection")
        later(40)
        with pytest.raises(Conflict):
            request_extend(actor=operator, request=late, note="Late")

        late.refresh_from_db()
        assert (late.extended_at, late.due_at) == (None, due_at(late.received_at))


class TestClosing:
    """Done, or refused with a reason."""

    @pytest.mark.parametrize("outcome", ["done", "refused"])
    def test_ends_it(self, asked: SubjectRequest, operator: Actor, last_event: LastEvent, outcome: str) -> None:
        closed = request_close(actor=operator, request=asked, outcome=outcome, note="By post")

        assert (closed.status, closed.note, closed.closed_at is not None) == (outcome, "By post", True)
        told: Any = last_event().part("subject")
        assert (last_event().action, told["after"]) == ("request.close", {"status": outcome})
        with pytest.raises(Conflict):
            request_close(actor=operator, request=asked)

    def test_a_refusal_has_a_reason_and_there_is_no_third_way(self, asked: SubjectRequest, operator: Actor) -> None:
        for given in ({"outcome": "refused"}, {"outcome": "open"}):
            with pytest.raises(Invalid):
                request_close(actor=operator, request=asked, **given)
        asked.refresh_from_db()
        assert asked.status == "open"

    @pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
    def test_of_whom_was_erased_nothing_is_typed_any_more(
        self, asked: SubjectRequest, bob: User, operator: Actor, how: str
    ) -> None:
        erase(actor=operator, user=bob, how=how)
        with pytest.raises(Invalid):
            request_close(actor=operator, request=asked, note="Bob thanked us")

        closed = request_close(actor=operator, request=asked)

        assert (closed.status, closed.note, closed.user_id) == ("done", "", bob.pk)
        event = AuditEvent.objects.prefetch_related("parts").get(action="request.close")
        assert event.subject_id == bob.pk
        assert "Bob" not in str(list(AuditPart.objects.values_list("payload", flat=True)))


class TestReminders:
    """At day 21 and at day 28, once each."""

    def test_are_noted_by_the_sweep(
        self, asked: SubjectRequest, later: Callable[[float], datetime], operator: Actor
    ) -> None:
        counts = []
        for day in (0, 20.9, 21.1, 22, 27.9, 28.1, 29, 40):
            later(day)
            counts.append(sweep()["reminders"])

        assert counts == [0, 0, 1, 0, 0, 1, 0, 0]
        asked.refresh_from_db()
        assert asked.reminded_at is not None
        request_close(actor=operator, request=asked)
        later(50)
        assert remind() == 0

    def test_begin_anew_where_it_was_extended(
        self, asked: SubjectRequest, later: Callable[[float], datetime], operator: Actor
    ) -> None:
        later(22)
        assert remind() == 1
        request_extend(actor=operator, request=asked, note="Much of it")
        asked.refresh_from_db()
        days = (asked.due_at - asked.received_at).days
        counts = []
        for day in (22, 30, days - 11, days - 9, days - 2, days):
            later(day)
            counts.append(remind())

        assert counts == [0, 0, 0, 1, 1, 0]


class TestTheCommand:
    """``gdpr_requests``."""

    def test_opens_lists_extends_closes(self, bob: User, later: Callable[[float], datetime]) -> None:
        who = ("bob@acme.example", "--org", "acme")

        opened = run("gdpr_requests", "open", *who, "--kind", "access", "--received-at", "3d", "--json")
        extended = run("gdpr_requests", "extend", opened.json["id"], "--note", "Much of it", "--json")
        later(200)
        listed = run("gdpr_requests", "list", "--org", "acme")
        closed = run("gdpr_requests", "close", opened.json["id"], "--outcome", "refused", "--note", "Again", "--json")

        assert [entry.code for entry in (opened, extended, listed, closed)] == [0, 0, 0, 0]
        assert extended.json["due_at"] > opened.json["due_at"]
        assert "OVERDUE" in listed.out
        assert (closed.json["status"], closed.json["is_overdue"]) == ("refused", False)
        assert run("gdpr_requests", "list", *who, "--json").json["data"] == []
        assert len(run("gdpr_requests", "list", *who, "--all", "--json").json["data"]) == 1
        assert run("gdpr_requests", "close", "dsr_nonsense", "--json").error["code"] == "NOT_FOUND"
        assert run("gdpr_requests", "close", "--json").error["fields"] == {"request": "is required"}
