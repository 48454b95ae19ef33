"""Erasing a person: what goes, what stays, who is refused, and that again is the same."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts import ledger
from accounts.actors import Actor
from accounts.errors import AccountsError, Conflict, NotAllowed, NotFound
from accounts.models import AuditEvent, AuditPart, Membership, Organization, RoleAssignment, Session, User, UserSearch
from accounts.operations.api_keys import api_key_create
from accounts.operations.audit import audit_verify
from accounts.operations.organizations import membership_add
from accounts.operations.users import user_tag, user_update
from accounts.statuses import Status
from gdpr.models import Erasure, LegalHold, PrivacyTerms
from gdpr.operations import plans, sweeping
from gdpr.operations.background import erase_begin, take_up_erasures
from gdpr.operations.erasable import erasure_plan
from gdpr.operations.erasure import (
    ResidueError,
    erase,
    erase_rows,
    erasure_cancel,
    erasure_of,
    user_delete_activities,
    user_purge_begin,
)
from gdpr.operations.finish import Erased, finish
from gdpr.operations.holds import hold_place, hold_release
from gdpr.operations.scan import scan
from gdpr.operations.sweeping import erasures_finish
from tests.factories.organizations import make_organization
from tests.factories.users import SessionFactory, make_user

pytestmark = pytest.mark.django_db
Acting = Callable[..., Actor]


def purge(actor: Actor, user: User, **options: Any) -> Erasure:
    return erase(actor=actor, user=user, how=Erasure.PURGE, **options)


def delete(actor: Actor, user: User, **options: Any) -> Erasure:
    return erase(actor=actor, user=user, how=Erasure.DELETE, **options)


@pytest.fixture
def lived(bob: User, alice: User, acting: Acting) -> User:
    """Bob, with a history."""
    user_update(
        actor=acting(alice),
        user=bob,
        changes={"phone_number": "+4915112345678", "bio": "I am Bob", "metadata": {"desk": "7"}},
        reason="asked by bob@acme.example",
    )
    user_tag(actor=acting(alice), user=bob, tags=["founder"])
    SessionFactory.create(user=bob)
    RoleAssignment.objects.filter(membership__user=alice).update(assigned_by=bob.pk)
    api_key_create(actor=acting(alice), organization=bob.organization, name="k", scopes=["user.show"])
    return User.objects.get(pk=bob.pk)


class TestPurge:
    """An empty row stays."""

    def test_nothing_personal_is_left_of_the_row_and_nothing_at_all_of_the_others(
        self, lived: User, operator: Actor
    ) -> None:
        purge(operator, lived)

        row = User.objects.get(pk=lived.pk)
        assert (row.status, row.email, row.email_key, row.username, row.username_key) == (
            Status.PURGED, None, None, None, None,
        )  # fmt: skip
        assert (row.name, row.name_key, row.phone_number, row.bio, row.metadata, row.password) == (
            "", "", "", "", {}, "!",
        )  # fmt: skip
        assert not Membership.objects.filter(user=lived).exists()
        assert not Session.objects.filter(user=lived).exists()
        assert not UserSearch.objects.filter(user=lived).exists()
        assert not AuditPart.objects.filter(person_id=lived.pk).exists()
        assert not RoleAssignment.objects.filter(assigned_by=lived.pk).exists()

    def test_the_trail_says_so_without_saying_whom_and_still_verifies(
        self, lived: User, acting: Acting, alice: User, operator: Actor
    ) -> None:
        erasure = purge(acting(alice), lived, reason="Bob asked for it, bob@acme.example, ticket 7")

        event = AuditEvent.objects.get(action="user.purge")
        assert (event.pk, event.subject_id, event.person_id) == (erasure.event_id, lived.pk, None)
        told = event.part("subject")
        assert told["reason"] == "[erased] asked for it, [erased], ticket 7"
        assert told["erasure"] == erasure.public_id
        assert audit_verify(actor=operator).faults == []

    def test_again_is_the_same_erasure_and_changes_nothing(
        self, lived: User, operator: Actor, everything: Callable[[], dict[str, Any]]
    ) -> None:
        first = purge(operator, lived)
        before = everything()

        again = purge(operator, User.objects.get(pk=lived.pk))

        assert again.pk == first.pk
        assert everything() == before

    def test_a_namesake_and_the_same_address_elsewhere_keep_everything(
        self, lived: User, nextdoor: Organization, acme: Organization, operator: Actor,
    ) -> None:  # fmt: skip
        namesake = make_user(acme, "bobby")
        User.objects.filter(pk=namesake.pk).update(name="Bob")
        elsewhere = make_user(nextdoor, "bob2")
        User.objects.filter(pk=elsewhere.pk).update(email=lived.email, email_key=lived.email_key)
        before = list(User.objects.filter(pk__in=[namesake.pk, elsewhere.pk]).order_by("pk").values())

        purge(operator, lived)

        assert list(User.objects.filter(pk__in=[namesake.pk, elsewhere.pk]).order_by("pk").values()) == before

    def test_the_ledger_knows(self, lived: User, operator: Actor) -> None:
        erasure = purge(operator, lived)

        [(line, good)] = ledger.entries("erasure")
        assert good
        assert (line["erasure"], line["user"], line["how"]) == (erasure.public_id, str(lived.pk), "purge")


class TestDelete:
    """The row goes too."""

    def test_the_row_is_gone(self, lived: User, operator: Actor) -> None:
        erasure = delete(operator, lived)

        assert not User.objects.filter(pk=lived.pk).exists()
        assert erasure_of(actor=operator, user_id=lived.pk, how=Erasure.DELETE).pk == erasure.pk
        assert audit_verify(actor=operator).faults == []

    def test_after_a_purge_the_empty_row_goes(self, lived: User, operator: Actor) -> None:
        purged = purge(operator, lived)

        erasure = delete(operator, User.objects.get(pk=lived.pk))

        assert erasure.pk != purged.pk
        assert not User.objects.filter(pk=lived.pk).exists()


class TestMentions:
    """Text of others that names the person."""

    def test_is_taken_out_of_rows_and_a_part_of_the_trail_goes(
        self, lived: User, carol: User, acme: Organization, acting: Acting, alice: User, operator: Actor
    ) -> None:
        told = {"bio": "Ask bob@acme.example, not xbob@acme.example", "metadata": {"boss": ["BOB@acme.example"]}}
        user_update(actor=acting(alice), user=carol, changes=told, reason="as bob@acme.example wished")
        user_tag(actor=acting(alice), user=carol, tags=["of bob@acme.example", "kept"])

        purge(operator, lived)

        carol.refresh_from_db()
        assert carol.bio == "Ask [erased], not xbob@acme.example"
        assert carol.metadata == {"boss": ["[erased]"]}
        assert [tag.name for tag in carol.tags.all()] == ["kept"]
        event = AuditEvent.objects.get(action="user.purge")
        lost = AuditEvent.objects.filter(subject_id=carol.pk, action__in=["user.update", "user.tag"])
        assert set(event.part("subject")["parts"]) == {entry.public_id for entry in lost}  # type: ignore[call-overload]
        assert audit_verify(actor=operator).faults == []

    def test_another_organization_keeps_its_text(self, lived: User, mallory: User, operator: Actor) -> None:
        User.objects.filter(pk=mallory.pk).update(bio="bob@acme.example")

        purge(operator, lived)

        mallory.refresh_from_db()
        assert mallory.bio == "bob@acme.example"


REFUSED: dict[str, Callable[[User, User], Any]] = {
    "super-user": lambda bob, _: User.objects.filter(pk=bob.pk).update(is_superuser=True),
    "restricted": lambda bob, _: User.objects.filter(pk=bob.pk).update(status="restricted", status_before="active"),
    "legal hold": lambda bob, _: LegalHold.objects.create(
        organization=bob.organization, user=bob, reason="lawsuit", exemption="17(3)(e)",
        review_at=timezone.now() + timedelta(days=9),
    ),
}  # fmt: skip


class TestRefusals:
    """Who is not erased."""

    @pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
    @pytest.mark.parametrize("case", REFUSED)
    def test_conflict_and_nothing_changed(
        self, case: str, how: str, lived: User, root: User, operator: Actor, alice: User,
        everything: Callable[[], dict[str, Any]],
    ) -> None:  # fmt: skip
        REFUSED[case](lived, alice)
        before = everything()

        with pytest.raises(Conflict):
            erase(actor=operator, user=User.objects.get(pk=lived.pk), how=how)

        assert everything() == before
        assert erasure_plan(actor=operator, user=User.objects.get(pk=lived.pk), how=how).refusal is not None

    @pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
    def test_the_last_owner(self, how: str, alice: User, operator: Actor, everything: Callable[[], Any]) -> None:
        before = everything()

        with pytest.raises(Conflict, match="last owner"):
            erase(actor=operator, user=alice, how=how)

        assert everything() == before

    def test_oneself(self, erin: User, acting: Acting) -> None:
        with pytest.raises(Conflict, match="yourself"):
            purge(acting(erin), erin)

    def test_the_more_powerful(self, alice: User, erin: User, acting: Acting) -> None:
        with pytest.raises(NotAllowed):
            purge(acting(erin), alice)

    def test_a_stranger_does_not_exist(self, bob: User, mallory: User, acting: Acting) -> None:
        with pytest.raises(NotFound):
            purge(acting(mallory), bob)


class TestGrace:
    """An erasure that waits."""

    def test_it_waits_can_be_called_off_and_planned_again(self, lived: User, operator: Actor) -> None:
        planned = purge(operator, lived, at=timezone.now() + timedelta(days=14))
        assert planned.status == Erasure.SCHEDULED
        assert User.objects.get(pk=lived.pk).email

        cancelled = erasure_cancel(actor=operator, user=lived, reason="changed their mind")

        assert cancelled.status == Erasure.CANCELLED
        assert purge(operator, lived, at=timezone.now() + timedelta(days=1)).pk != planned.pk

    def test_the_organizations_terms_say_how_long(self, lived: User, operator: Actor) -> None:
        PrivacyTerms.objects.create(organization=lived.organization, erasure_grace_days=30)

        planned = purge(operator, lived)

        assert planned.due_at is not None
        assert timedelta(days=29) < planned.due_at - timezone.now() <= timedelta(days=30)
        assert purge(operator, lived, at=timezone.now()).pk == planned.pk
        assert User.objects.get(pk=lived.pk).status == Status.PURGED

    def test_the_sweep_carries_it_out(self, lived: User, operator: Actor) -> None:
        purge(operator, lived, at=timezone.now() + timedelta(days=14))
        assert erasures_finish() == 0
        Erasure.objects.update(due_at=timezone.now())

        assert erasures_finish() == 1

        assert User.objects.get(pk=lived.pk).status == Status.PURGED
        assert AuditEvent.objects.get(action="user.purge", actor_kind="system").subject_id == lived.pk

    def test_a_hold_placed_meanwhile_keeps_it_waiting_and_the_others_go(
        self, lived: User, carol: User, operator: Actor
    ) -> None:
        later = timezone.now() + timedelta(days=14)
        held, other = purge(operator, lived, at=later), purge(operator, carol, at=later)
        hold = hold_place(actor=operator, user=lived, reason="Case 7", exemption="e")
        Erasure.objects.update(due_at=timezone.now())

        assert erasures_finish() == 1

        held.refresh_from_db()
        other.refresh_from_db()
        assert (held.status, other.status) == (Erasure.SCHEDULED, Erasure.COMPLETE)
        assert User.objects.get(pk=lived.pk).email
        hold_release(actor=operator, hold=hold)
        assert erasures_finish() == 1
        assert User.objects.get(pk=lived.pk).status == Status.PURGED

    def test_what_is_deleted_meanwhile_waits_for_nothing(self, lived: User, operator: Actor) -> None:
        planned = purge(operator, lived, at=timezone.now() + timedelta(days=14))

        deleted = erase(actor=operator, user=lived, how="delete", at=timezone.now())

        planned.refresh_from_db()
        assert (planned.status, deleted.status) == (Erasure.CANCELLED, Erasure.COMPLETE)
        Erasure.objects.update(due_at=timezone.now())
        assert erasures_finish() == 0

    def test_a_turn_ends_and_the_next_goes_on(
        self, lived: User, carol: User, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for user in (lived, carol):
            purge(operator, user, at=timezone.now() + timedelta(days=14))
        Erasure.objects.update(due_at=timezone.now())
        monkeypatch.setattr(sweeping, "AT_ONCE", 1)

        assert [erasures_finish() for _ in range(3)] == [1, 1, 0]

    def test_whoever_came_back_is_left_alone(self, lived: User, operator: Actor) -> None:
        planned = purge(operator, lived, at=timezone.now() + timedelta(days=14))
        Erasure.objects.update(due_at=timezone.now())
        User.objects.filter(pk=lived.pk).update(last_sign_in_at=timezone.now())

        erasures_finish()

        planned.refresh_from_db()
        assert planned.status == Erasure.CANCELLED
        assert User.objects.get(pk=lived.pk).email

    def test_twice_planned_is_a_conflict(self, lived: User, operator: Actor) -> None:
        purge(operator, lived, at=timezone.now() + timedelta(days=14))

        with pytest.raises(Conflict, match="already"):
            purge(operator, lived, at=timezone.now() + timedelta(days=7))


class TestAllOrNothing:
    """Whatever fails, it is as before or as after."""

    def test_each_statement_in_turn(
        self, lived: User, operator: Actor, everything: Callable[[], dict[str, Any]]
    ) -> None:
        before = everything()
        failed = 0
        for number in range(1, 500):
            seen = 0

            def fail(execute: Any, sql: str, params: Any, many: bool, context: Any, number: int = number) -> Any:
                nonlocal seen
                seen += 1
                if seen == number:
                    raise OperationalError("injected")
                return execute(sql, params, many, context)

            with connection.execute_wrapper(fail):
                try:
                    purge(operator, lived)
                except (DatabaseError, AccountsError):
                    failed += 1
            if Erasure.objects.exists():
                break
            assert everything() == before, f"statement {number}"
        assert failed > 30
        assert User.objects.get(pk=lived.pk).status == Status.PURGED

    def test_what_is_left_undoes_it_all(
        self, lived: User, operator: Actor, everything: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The database puts something back, as a trigger of somebody else's might."""
        with connection.cursor() as cursor:
            self._trigger(cursor)
        before = everything()

        with pytest.raises(ResidueError, match="accounts_user"):
            purge(operator, lived)

        assert everything() == before

    def _trigger(self, cursor: Any) -> None:
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TEMP TRIGGER puts_back AFTER UPDATE ON accounts_user WHEN new.bio = '' "
                "BEGIN UPDATE accounts_user SET bio = old.bio WHERE id = new.id; END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION puts_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                "new.bio = old.bio; RETURN new; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER puts_back BEFORE UPDATE ON accounts_user FOR EACH ROW EXECUTE FUNCTION puts_back()"
            )


def test_activities_go_and_the_account_stays(lived: User, operator: Actor, acting: Acting, alice: User) -> None:
    before = User.objects.filter(pk=lived.pk).values().get()

    _, counts = user_delete_activities(actor=acting(alice), user=lived, reason="asked")

    assert {"table": "accounts_session", "action": "delete", "rows": 1} in counts
    assert not Session.objects.filter(user=lived).exists()
    assert not AuditPart.objects.filter(person_id=lived.pk).exists()
    assert User.objects.filter(pk=lived.pk).values().get() == before
    assert audit_verify(actor=operator).faults == []


def test_a_guest_elsewhere_leaves_there_too(
    lived: User, nextdoor: Organization, mallory: User, operator: Actor
) -> None:
    membership_add(actor=operator, organization=nextdoor, user=lived, roles=["member"])
    User.objects.filter(pk=mallory.pk).update(bio="with bob@acme.example")

    purge(operator, lived)

    assert not Membership.objects.filter(user=lived).exists()
    mallory.refresh_from_db()
    assert mallory.bio == "with [erased]"


def test_a_long_history_goes_behind_the_fence(lived: User, operator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gdpr.operations.erasure.LONG", 3)
    monkeypatch.setattr("gdpr.operations.plans.CHUNK", 2)

    erasure = purge(operator, lived)

    begun, done = AuditEvent.objects.filter(action="user.purge").order_by("sequence")
    assert begun.part("subject")["begun"] is True
    assert done.pk == erasure.event_id
    assert User.objects.get(pk=lived.pk).status == Status.PURGED
    assert audit_verify(actor=operator).faults == []


def test_a_long_history_that_was_planned_or_left_half_way_goes_too(
    lived: User, carol: User, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdpr.operations.erasure.LONG", 0)
    purge(operator, lived, at=timezone.now() + timedelta(days=14))
    Erasure.objects.update(due_at=timezone.now())
    user_purge_begin(actor=operator, user=carol)

    assert erasures_finish() == 2

    assert {*Erasure.objects.values_list("status", flat=True)} == {Erasure.COMPLETE}
    assert audit_verify(actor=operator).faults == []


class TestByTheWorker:
    """A door closes the account and waits for nothing."""

    @pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
    def test_leaves_what_erasing_at_once_leaves(
        self, how: str, lived: User, carol: User, alice: User, acting: Acting, operator: Actor
    ) -> None:
        begun = erase_begin(actor=acting(alice), user=lived, how=how, reason="asked by Bob")
        at_once = erase(actor=acting(alice), user=carol, how=how, reason="asked by Carol")
        assert (begun.status, begun.receipt, begun.reason) == (Erasure.FENCED, None, "asked by Bob")
        assert User.objects.get(pk=lived.pk).status == Status.PURGING
        assert not Session.objects.filter(user=lived, ended_at=None).exists()

        take_up_erasures.call()

        begun.refresh_from_db()
        receipts: list[Any] = [begun.receipt, at_once.receipt]
        assert begun.status == Erasure.COMPLETE
        assert [receipt["scan"]["whole_database"]["residue"] for receipt in receipts] == [0, 0]
        assert [(receipt["how"], receipt["cause"]) for receipt in receipts] == [(how, "request")] * 2
        assert begun.requested_by == alice.pk
        first, last = AuditEvent.objects.filter(action=f"user.{how}", subject_id=lived.pk).order_by("sequence")
        assert (first.actor_id, first.part("subject")["begun"]) == (alice.pk, True)
        assert (last.pk, last.actor_kind) == (begun.event_id, "system")
        assert last.part("subject")["reason"] == "asked by [erased]"
        assert audit_verify(actor=operator).faults == []

    def test_again_is_the_same_and_changes_nothing(
        self, lived: User, operator: Actor, everything: Callable[[], Any]
    ) -> None:
        begun = erase_begin(actor=operator, user=lived, how=Erasure.PURGE)
        before = everything()

        again = erase_begin(actor=operator, user=lived, how=Erasure.PURGE)

        assert again.pk == begun.pk
        assert everything() == before
        take_up_erasures.call()
        assert erase_begin(actor=operator, user=lived, how=Erasure.PURGE).receipt is not None

    def test_many_are_searched_for_in_one_pass(self, lived: User, carol: User, operator: Actor) -> None:
        for user in (lived, carol):
            erase_begin(actor=operator, user=user, how=Erasure.PURGE)
        assert DBTaskResult.objects.filter(task_path=take_up_erasures.module_path).count() == 1

        take_up_erasures.call()

        receipts: list[Any] = list(Erasure.objects.values_list("receipt", flat=True))
        assert len({json.dumps(receipt["scan"]) for receipt in receipts}) == 1

    def test_what_was_planned_is_begun_with_at_once_if_asked(self, lived: User, operator: Actor) -> None:
        planned = erase_begin(actor=operator, user=lived, how=Erasure.PURGE, at=timezone.now() + timedelta(days=9))
        assert planned.status == Erasure.SCHEDULED

        begun = erase_begin(actor=operator, user=lived, how=Erasure.PURGE, at=timezone.now())

        assert (begun.pk, begun.status) == (planned.pk, Erasure.FENCED)

    def test_who_was_purged_is_deleted(self, lived: User, operator: Actor) -> None:
        purge(operator, lived)
        user = User.objects.get(pk=lived.pk)

        begun = erase_begin(actor=operator, user=user, how=Erasure.DELETE)

        assert User.objects.get(pk=lived.pk).status == Status.PURGED
        take_up_erasures.call()
        begun.refresh_from_db()
        assert (begun.status, User.objects.filter(pk=lived.pk).exists()) == (Erasure.COMPLETE, False)

    @pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
    def test_what_is_refused_is_refused_at_once(
        self, how: str, alice: User, operator: Actor, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(Conflict, match="last owner"):
            erase_begin(actor=operator, user=alice, how=how)

        assert everything() == before

    def test_something_left_keeps_it_closed_and_the_others_go(
        self, lived: User, carol: User, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stuck, other = (erase_begin(actor=operator, user=user, how=Erasure.PURGE) for user in (lived, carol))
        monkeypatch.setattr(plans.Step, "is_done", lambda step: step.user_id != lived.pk)

        take_up_erasures.call()

        stuck.refresh_from_db()
        other.refresh_from_db()
        assert (stuck.status, other.status) == (Erasure.FENCED, Erasure.COMPLETE)
        assert User.objects.get(pk=lived.pk).status == Status.PURGING
        monkeypatch.undo()
        assert erasures_finish() == 1

    def test_a_receipt_is_never_written_twice(self, lived: User, operator: Actor) -> None:
        erased = erase_rows(actor=operator, user=lived, how=Erasure.PURGE)
        (first,) = finish([erased])

        (second,) = finish([Erased(Erasure.objects.get())])

        assert second.receipt == first.receipt

    def test_a_search_that_takes_long_is_left_alone(
        self, lived: User, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gdpr.operations.finish.PROLONGED_EVERY", 0.0)
        taken: list[int] = []

        def meanwhile(people: Any, *, watch: Any) -> Any:
            Erasure.objects.update(leased_until=timezone.now())
            watch("table", 0, 1)
            taken.append(erasures_finish())
            return scan(people, watch=watch)

        monkeypatch.setattr("gdpr.operations.finish.scan", meanwhile)

        done: Any = purge(operator, lived)

        assert taken == [0]
        assert done.receipt["scan"]["whole_database"]["residue"] == 0


def test_somebody_elses_organization_is_another_one() -> None:
    assert make_organization("x").pk != make_organization("y").pk
