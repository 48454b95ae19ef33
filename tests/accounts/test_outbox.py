"""Letters: written with the change, delivered once, tried again, never lost, never piling up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, NotFound
from accounts.models import AuditEvent, Organization, Outbox, User
from accounts.operations import outbox
from accounts.operations.outbox import ATTEMPTS, LEASE, deliver, enqueue_due, forget_tasks, letter_retry, tell
from accounts.operations.sessions import session_start
from accounts.operations.statuses import STATUS_VERBS
from accounts.operations.users import user_set, user_update
from tests.factories.letters import make_failed_letter
from tests.factories.users import PASSWORD, make_user

pytestmark = pytest.mark.django_db
Letters = list[django_mail.EmailMessage]


class BrokenBackend:
    """A mail server that fails."""

    def __init__(self, **_: Any) -> None: ...

    def send_messages(self, _: Any) -> int:
        """Fail, and say whose letter it was."""
        raise ConnectionRefusedError("bob@acme.example: refused")


@pytest.fixture
def broken(settings: Any) -> None:
    """No letter goes out."""
    settings.EMAIL_BACKEND = f"{__name__}.BrokenBackend"


def make_due() -> None:
    Outbox.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_a_letter_and_its_task_come_with_the_change_or_not_at_all(bob: User) -> None:
    with transaction.atomic():
        tell(bob, "password_changed")
        transaction.set_rollback(True)

    assert (Outbox.objects.count(), DBTaskResult.objects.count()) == (0, 0)

    tell(bob, "password_changed")
    row = Outbox.objects.get()
    assert row.address == "bob@acme.example"
    assert DBTaskResult.objects.get().args_kwargs == {"args": [str(row.pk)], "kwargs": {}}


def test_a_letter_that_does_not_exist_is_a_fault_of_ours(bob: User) -> None:
    with pytest.raises(ValueError, match="no letter"):
        tell(bob, "nonsense")


def test_is_delivered_once(bob: User, mailoutbox: Letters) -> None:
    tell(bob, "password_changed")
    row = Outbox.objects.get()

    assert deliver(row.pk)
    assert not deliver(row.pk)

    (letter,) = mailoutbox
    assert (letter.to, letter.subject) == (["bob@acme.example"], "Acme: Your password was changed")
    row.refresh_from_db()
    assert (row.state, row.attempts, row.last_error, row.delivered_at is None) == ("sent", 1, "", False)


def test_another_workers_lease_is_left_alone(bob: User, mailoutbox: Letters) -> None:
    tell(bob, "password_changed")
    row = Outbox.objects.get()
    Outbox.objects.update(next_attempt_at=timezone.now() + LEASE)

    assert not deliver(row.pk)
    assert enqueue_due() == 0
    assert mailoutbox == []


@pytest.mark.usefixtures("broken")
def test_failing_is_tried_again_later_and_later_then_given_up(bob: User) -> None:
    tell(bob, "password_changed")
    row = Outbox.objects.get()

    for attempt in range(1, ATTEMPTS + 1):
        make_due()
        before = timezone.now()
        assert not deliver(row.pk)
        after = timezone.now()
        row.refresh_from_db()
        if attempt < ATTEMPTS:
            doubled = timedelta(seconds=30) * 2 ** (attempt - 1)
            assert before + 0.8 * doubled <= row.next_attempt_at <= after + 1.2 * doubled
        assert (row.attempts, row.last_error) == (attempt, "the mail server cannot be reached")
        assert (row.dead_at is not None) == (row.state == "failed") == (attempt == ATTEMPTS)
    make_due()
    assert not deliver(row.pk)
    assert enqueue_due() == 0


def test_what_a_killed_worker_left_is_taken_up_again(bob: User, mailoutbox: Letters) -> None:
    tell(bob, "password_changed")
    DBTaskResult.objects.update(status="RUNNING", started_at=timezone.now())  # killed before it could deliver

    assert enqueue_due() == 1
    for waiting in DBTaskResult.objects.ready():
        waiting.task.call(*waiting.args_kwargs["args"])

    assert len(mailoutbox) == 1
    assert Outbox.objects.get().delivered_at is not None


def test_while_no_worker_runs_the_queue_does_not_grow(bob: User, carol: User) -> None:
    tell(bob, "password_changed")
    tell(carol, "password_changed")
    assert DBTaskResult.objects.count() == 2

    assert [enqueue_due() for _ in range(5)] == [0] * 5
    DBTaskResult.objects.filter(args_kwargs={"args": [str(Outbox.objects.get(user=bob).pk)], "kwargs": {}}).delete()
    assert [enqueue_due() for _ in range(5)] == [1, 0, 0, 0, 0]
    assert DBTaskResult.objects.count() == 2


def test_a_long_row_of_letters_is_taken_up_in_portions(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BATCH", 3)
    for _ in range(7):
        tell(bob, "password_changed")
    DBTaskResult.objects.all().delete()

    assert [enqueue_due() for _ in range(4)] == [3, 3, 1, 0]


@pytest.mark.parametrize(
    ("fields", "gone"),
    [
        ({"status": "SUCCESSFUL", "finished_at": timedelta(hours=25)}, True),
        ({"status": "FAILED", "finished_at": timedelta(hours=25)}, True),
        ({"status": "RUNNING", "started_at": timedelta(hours=25)}, True),
        ({"status": "SUCCESSFUL", "finished_at": timedelta(hours=23)}, False),
        ({"status": "RUNNING", "started_at": timedelta(hours=23)}, False),
        ({"status": "READY", "enqueued_at": timedelta(hours=25)}, False),
    ],
    ids=str,
)
def test_tasks_are_forgotten_a_day_later(bob: User, fields: dict[str, Any], gone: bool) -> None:
    tell(bob, "password_changed")
    ago: Callable[[Any], Any] = lambda value: timezone.now() - value if isinstance(value, timedelta) else value  # noqa: E731
    DBTaskResult.objects.update(**{name: ago(value) for name, value in fields.items()})

    assert forget_tasks() == int(gone)
    assert DBTaskResult.objects.exists() is not gone


def test_a_row_that_went_while_its_task_waited_is_no_fault(bob: User) -> None:
    tell(bob, "password_changed")
    row = Outbox.objects.get()
    Outbox.objects.all().delete()

    assert not deliver(row.pk)


class TestRetry:
    """``letter_retry``; who may is in the matrix."""

    def test_queues_it_anew_and_tells_the_trail(
        self, bob: User, operator: Actor, mailoutbox: Letters, last_event: Callable[[], AuditEvent]
    ) -> None:
        letter = make_failed_letter(bob)

        again = letter_retry(actor=operator, letter=letter, reason="it is back")

        assert (again.state, again.attempts, again.dead_at, again.last_error) == ("queued", 0, None, "")
        event = last_event()
        assert (event.action, event.subject_kind, event.subject_id) == ("letter.retry", "letter", letter.pk)
        assert (event.person_id, event.part("subject")) == (
            bob.pk,
            {"reason": "it is back", "letter": "password_changed"},
        )
        for waiting in DBTaskResult.objects.ready():
            waiting.task.call(*waiting.args_kwargs["args"])
        assert len(mailoutbox) == 1

    @pytest.mark.parametrize("state", ["queued", "sent", "dropped"])
    def test_refuses_what_has_not_failed(
        self, bob: User, operator: Actor, everything: Callable[[], Any], state: str
    ) -> None:
        letter = make_failed_letter(bob)
        now = timezone.now()
        times = {"queued": (None, None), "sent": (now, None), "dropped": (None, now)}[state]
        Outbox.objects.update(state=state, delivered_at=times[0], dead_at=times[1])
        before = everything()

        with pytest.raises(Conflict, match=f"The letter is {state}"):
            letter_retry(actor=operator, letter=letter)

        assert everything() == before

    def test_one_that_went_with_its_person_is_not_found(self, bob: User, operator: Actor) -> None:
        letter = make_failed_letter(bob)
        Outbox.objects.all().delete()

        with pytest.raises(NotFound):
            letter_retry(actor=operator, letter=letter)

    def test_refuses_for_a_restricted_account(self, bob: User, operator: Actor, everything: Callable[[], Any]) -> None:
        letter = make_failed_letter(bob)
        User.objects.filter(pk=bob.pk).update(status="restricted", status_before="active")
        before = everything()

        with pytest.raises(Conflict, match="restricted"):
            letter_retry(actor=operator, letter=letter)

        assert everything() == before


class TestCauses:
    """What a person is told of, and what not."""

    def kinds(self) -> list[str]:
        return list(Outbox.objects.order_by("pk").values_list("kind", flat=True))

    @pytest.mark.parametrize(
        ("verb", "before", "kinds"),
        [
            ("suspend", "active", ["account_suspended"]),
            ("lock", "active", ["account_locked"]),
            ("activate", "suspended", []),
            ("unlock", "locked", []),
            ("archive", "active", []),
            ("restrict", "active", []),
        ],
    )
    def test_statuses(self, bob: User, operator: Actor, verb: str, before: str, kinds: list[str]) -> None:
        User.objects.filter(pk=bob.pk).update(status=before)

        STATUS_VERBS[verb].run(actor=operator, user=bob)

        assert self.kinds() == kinds

    def test_lifting_a_restriction_from_somebody_suspended_tells_nothing(self, bob: User, operator: Actor) -> None:
        User.objects.filter(pk=bob.pk).update(status="restricted", status_before="suspended")

        STATUS_VERBS["unrestrict"].run(actor=operator, user=bob)

        assert self.kinds() == []

    def test_a_lock_by_user_set_is_told_too(self, bob: User, operator: Actor) -> None:
        user_set(actor=operator, user=bob, locked=True)

        assert self.kinds() == ["account_locked"]

    def test_a_changed_address_is_told_at_the_one_before(self, bob: User, operator: Actor, mailoutbox: Letters) -> None:
        user_update(actor=operator, user=bob, changes={"email": "robert@acme.example"})

        letter = Outbox.objects.get(kind="email_changed")
        assert letter.address == "bob@acme.example"
        assert deliver(letter.pk)
        (message,) = mailoutbox
        assert message.to == ["bob@acme.example"]
        assert "robert@" not in str(message.message())  # the mailbox may be somebody else's by now
        assert "Tell an administrator of Acme" in " ".join(str(message.body).split())

    def test_the_same_address_again_tells_nothing(self, bob: User, operator: Actor) -> None:
        user_update(actor=operator, user=bob, changes={"email": "Bob@ACME.example", "nickname": "B"})

        assert self.kinds() == []

    def test_a_refused_change_tells_nothing(self, bob: User, carol: User, operator: Actor) -> None:
        with pytest.raises(Conflict):
            user_update(actor=operator, user=bob, changes={"email": "carol@acme.example"})

        assert self.kinds() == []

    def signs_in(self, user: User, device: str, number: int) -> None:
        actor = policy.anonymous(door=Door.PAGE, ip="192.0.2.1", device=device)
        session_start(
            actor=actor, organization=user.organization, login=user.email or "", password=PASSWORD,
            key_hash=f"{number:040d}",
        )  # fmt: skip

    def test_signing_in_from_a_new_device(self, acme: Organization) -> None:
        user = make_user(acme, "paula")
        told = []
        for number, device in enumerate(["Chrome/macOS", "Chrome/macOS", "Safari/iOS", "Safari/iOS", "Chrome/macOS"]):
            self.signs_in(user, device, number)
            told.append(len(self.kinds()))

        assert told == [0, 0, 1, 1, 1]  # the first ever tells nothing
        assert set(self.kinds()) == {"new_sign_in"}
