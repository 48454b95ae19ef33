"""Letters: written with the change, delivered once, tried again, never lost, never piling up."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as django_mail
from django.db import transaction
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts.models import Outbox, User
from accounts.operations import outbox
from accounts.operations.outbox import ATTEMPTS, LEASE, deliver, enqueue_due, forget_tasks, tell

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
    assert DBTaskResult.objects.get().args_kwargs == {"args": [row.pk], "kwargs": {}}


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
    assert (row.attempts, row.last_error, row.delivered_at is None) == (1, "", False)


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
        row.refresh_from_db()
        delay = (row.next_attempt_at - before).total_seconds()
        assert 0.79 <= delay / (30 * 2 ** (attempt - 1)) <= 1.21
        assert (row.attempts, row.last_error) == (attempt, "ConnectionRefusedError")
        assert (row.dead_at is not None) == (attempt == ATTEMPTS)
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
    DBTaskResult.objects.filter(args_kwargs={"args": [Outbox.objects.get(user=bob).pk], "kwargs": {}}).delete()
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
