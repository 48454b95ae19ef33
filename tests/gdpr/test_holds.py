"""Legal holds: one at a time, looked at again in time, and nobody under one is erased."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import AccountsError, Conflict, Invalid
from accounts.models import AuditEvent, User
from gdpr.models import Erasure, LegalHold
from gdpr.operations.erasure import erase
from gdpr.operations.holds import hold_place, hold_release, hold_review
from tests.shell import run

pytestmark = pytest.mark.django_db
LastEvent = Callable[[], AuditEvent]


@pytest.fixture
def hold(bob: User, operator: Actor) -> LegalHold:
    """Bob's."""
    return hold_place(actor=operator, user=bob, reason="Case 7 against Bob", exemption="e")


class TestPlacing:
    """Reason, exemption and review are said."""

    def test_says_why_until_when_and_by_what_letter(self, hold: LegalHold, bob: User, last_event: LastEvent) -> None:
        assert (hold.user_id, hold.organization_id, hold.released_at) == (bob.pk, bob.organization_id, None)
        assert (hold.reason, hold.exemption) == ("Case 7 against Bob", "17(3)(e)")
        assert timedelta(days=89) < hold.review_at - timezone.now() <= timedelta(days=90)
        event = last_event()
        assert (event.action, event.subject_id, event.person_id) == ("hold.place", bob.pk, bob.pk)
        told: Any = event.part("subject")
        assert (told["reason"], told["hold"]) == ("Case 7 against Bob", hold.public_id)
        assert told["after"]["exemption"] == "17(3)(e)"

    @pytest.mark.parametrize(
        ("changed", "field"),
        [
            ({"reason": "  "}, "reason"),
            ({"reason": "x" * 501}, "reason"),
            ({"exemption": "f"}, "exemption"),
            ({"exemption": ""}, "exemption"),
            ({"review_at": timedelta(days=91)}, "review_at"),
            ({"review_at": timedelta(minutes=-1)}, "review_at"),
        ],
    )
    def test_what_is_wrong_is_named_and_changes_nothing(
        self, bob: User, operator: Actor, everything: Callable[[], Any], changed: dict[str, Any], field: str
    ) -> None:
        given: dict[str, Any] = {"reason": "Case 7", "exemption": "17(3)(e)", **changed}
        if "review_at" in given:
            given["review_at"] = timezone.now() + given["review_at"]
        before = everything()

        with pytest.raises(Invalid) as refusal:
            hold_place(actor=operator, user=bob, **given)

        assert set(refusal.value.fields) == {field}
        assert everything() == before
        assert not AuditEvent.objects.exists()

    def test_one_at_a_time(self, hold: LegalHold, bob: User, operator: Actor, everything: Callable[[], Any]) -> None:
        before = everything()
        with pytest.raises(Conflict):
            hold_place(actor=operator, user=bob, reason="Case 8", exemption="b")
        assert everything() == before

        hold_release(actor=operator, hold=hold)
        hold_place(actor=operator, user=bob, reason="Case 8", exemption="b")
        assert LegalHold.objects.filter(user=bob).count() == 2

    def test_not_on_who_is_erased(self, bob: User, operator: Actor) -> None:
        erase(actor=operator, user=bob, how=Erasure.PURGE)
        with pytest.raises(Conflict):
            hold_place(actor=operator, user=bob, reason="Case 7", exemption="e")
        assert not LegalHold.objects.exists()


class TestWhileItHolds:
    """Nobody under a hold is erased."""

    @pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
    def test_erasure_is_refused_until_it_is_released(
        self, hold: LegalHold, bob: User, operator: Actor, everything: Callable[[], Any], how: str
    ) -> None:
        before = everything()
        with pytest.raises(AccountsError, match="legal hold"):
            erase(actor=operator, user=bob, how=how)
        assert everything() == before

        hold_release(actor=operator, hold=hold, reason="Case closed")
        assert erase(actor=operator, user=bob, how=how).erased_at is not None
        assert not LegalHold.objects.exists()


class TestReviewing:
    """It is found to be still needed, or released."""

    def test_puts_the_next_look_off(self, hold: LegalHold, operator: Actor, last_event: LastEvent) -> None:
        at = timezone.now() + timedelta(days=30)

        assert hold_review(actor=operator, hold=hold, review_at=at, reason="goes on").review_at == at

        event = last_event()
        told: Any = event.part("subject")
        assert (event.action, told["reason"]) == ("hold.review", "goes on")
        assert told["after"] == {"review_at": at.isoformat()}

    def test_not_of_one_that_was_released(self, hold: LegalHold, operator: Actor) -> None:
        hold_release(actor=operator, hold=hold)
        events = AuditEvent.objects.count()

        with pytest.raises(Conflict):
            hold_review(actor=operator, hold=hold)
        assert AuditEvent.objects.count() == events

    def test_releasing_again_changes_nothing(self, hold: LegalHold, operator: Actor) -> None:
        first = hold_release(actor=operator, hold=hold).released_at
        events = AuditEvent.objects.count()

        assert hold_release(actor=operator, hold=hold).released_at == first is not None
        assert AuditEvent.objects.count() == events


class TestTheCommand:
    """``gdpr_hold``."""

    def test_places_lists_reviews_releases(self, bob: User) -> None:
        who = ("bob@acme.example", "--org", "acme")

        placed = run(
            "gdpr_hold", "place", *who, "--reason", "Case 7", "--exemption", "e", "--review-at", "60d", "--json"
        )
        listed = run("gdpr_hold", "list", "--org", "acme")
        reviewed = run("gdpr_hold", "review", *who, "--json")
        released = run("gdpr_hold", "release", *who, "--reason", "closed", "--json")

        assert [entry.code for entry in (placed, listed, reviewed, released)] == [0, 0, 0, 0]
        assert (placed.json["user"], placed.json["exemption"]) == (bob.public_id, "17(3)(e)")
        assert listed.out.split()[:6] == ["ID", "USER", "EXEMPTION", "REVIEW", "REASON", "RELEASED"]
        assert placed.json["id"] in listed.out
        assert reviewed.json["review_at"] > placed.json["review_at"]
        assert released.json["released_at"]
        assert run("gdpr_hold", "list", *who, "--json").json["data"] == []
        assert len(run("gdpr_hold", "list", *who, "--all", "--json").json["data"]) == 1
        assert run("gdpr_hold", "release", *who, "--json").error["code"] == "NOT_FOUND"

    def test_a_dry_run_places_nothing(self, bob: User) -> None:
        words = ("bob@acme.example", "--org", "acme", "--reason", "Case 7", "--exemption", "e", "--dry-run", "--json")

        tried = run("gdpr_hold", "place", *words)

        assert (tried.code, tried.json["dry_run"]) == (0, True)
        assert not LegalHold.objects.exists()
