"""Telling people: a row in the transaction that caused it, delivered by the worker, retried, never lost."""

import random
from datetime import timedelta
from typing import Final

from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from accounts import mail
from accounts.models import Outbox, User
from accounts.operations.links import LINKED, link_for

__all__ = ["deliver", "deliver_letter", "enqueue_due", "forget_tasks", "tell"]

ATTEMPTS: Final = 8
FIRST_DELAY: Final = timedelta(seconds=30)
BATCH: Final = 500
LEASE: Final = timedelta(minutes=5)
TASKS_KEPT: Final = timedelta(days=1)


def tell(user: User, letter: str) -> None:
    """Put a letter to a person into the outbox, in the caller's transaction."""
    if letter not in mail.LETTERS:
        raise ValueError(f"There is no letter {letter!r}.")
    row = Outbox.objects.create(organization_id=user.organization_id, user=user, kind=letter)
    deliver_letter.enqueue(row.pk)


@task()
def deliver_letter(row_id: int) -> None:
    """Deliver one row of the outbox: the task that the worker runs."""
    deliver(row_id)


def enqueue_due() -> int:
    """Hand what is due to the worker again: what a killed worker left, and what failed; says how many.

    What waits in the queue already is left alone, so that the queue stays as short as the outbox
    while no worker runs.
    """
    waiting = DBTaskResult.objects.ready().filter(task_path=deliver_letter.module_path)
    queued = {arguments["args"][0] for arguments in waiting.values_list("args_kwargs", flat=True).iterator()}
    due = Outbox.objects.due().order_by("next_attempt_at").values_list("pk", flat=True)
    rows = [row_id for row_id in due[: BATCH + len(queued)] if row_id not in queued][:BATCH]
    for row_id in rows:
        deliver_letter.enqueue(row_id)
    return len(rows)


def forget_tasks() -> int:
    """Delete a day later what the worker has done, and what it left when it was killed; says how many."""
    before = timezone.now() - TASKS_KEPT
    done = DBTaskResult.objects.finished().filter(finished_at__lt=before)
    left = DBTaskResult.objects.running().filter(started_at__lt=before)
    return done.delete()[0] + left.delete()[0]


def deliver(row_id: int) -> bool:
    """Try to deliver one row; what fails is tried again later, doubling the delay, eight times.

    The row is leased before the mail server is spoken to, so that no lock is held meanwhile and
    two workers do not send it twice. Says whether it was delivered.
    """
    if not Outbox.objects.due().filter(pk=row_id).update(next_attempt_at=timezone.now() + LEASE):
        return False
    row = Outbox.objects.select_related("user", "organization").get(pk=row_id)
    try:
        # The secret of a link is made now and stands in the letter alone.
        link = {"link": link_for(row)} if row.kind in LINKED else {}
        mail.LETTERS[row.kind](row.user, **link)
    except Exception as error:  # noqa: BLE001 -- whatever the mail server does, the row says so
        _failed(row, error)
        return False
    Outbox.objects.filter(pk=row.pk).update(delivered_at=timezone.now(), attempts=row.attempts + 1, last_error="")
    return True


def _failed(row: Outbox, error: Exception) -> None:
    attempts = row.attempts + 1
    now = timezone.now()
    delay = FIRST_DELAY * 2**row.attempts * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter, not a secret
    Outbox.objects.filter(pk=row.pk).update(
        attempts=attempts,
        next_attempt_at=now + delay,
        dead_at=now if attempts >= ATTEMPTS else None,
        last_error=type(error).__name__,
    )
