"""Telling people: a row in the transaction that caused it, delivered by the worker, retried, never lost."""

import random
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from accounts import audit, letter_files, mail, mail_server, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict
from accounts.models import Outbox, User
from accounts.operations.base import operation
from accounts.operations.credentials import guard_changeable
from accounts.operations.links import code_for, link_for
from accounts.profile import reason_checked

__all__ = ["deliver", "deliver_letter", "enqueue_due", "forget_tasks", "letter_retry", "tell"]

ATTEMPTS: Final = 8
FIRST_DELAY: Final = timedelta(seconds=30)
BATCH: Final = 500
LEASE: Final = mail_server.WHOLE + timedelta(minutes=1)
"""How long a worker has a letter for itself: longer than the mail server is spoken to."""
TASKS_KEPT: Final = timedelta(days=1)


def tell(user: User, letter: str, *, address: str = "") -> Outbox:
    """Put a letter to a person into the outbox, in the caller's transaction, and give it.

    :param address: where it goes, if not to the address that the person has now
    """
    if letter not in mail.LETTERS:
        raise ValueError(f"There is no letter {letter!r}.")
    row = Outbox.objects.create(
        organization_id=user.organization_id, user=user, kind=letter, address=address or user.email or ""
    )
    deliver_letter.enqueue(str(row.pk))
    return row


@operation(Action.LETTER_RETRY)
def letter_retry(*, actor: Actor, letter: Outbox, reason: str = "") -> Outbox:
    """Put a letter that failed into the outbox again, to be tried at once and eight times as before.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Conflict: if it has not failed, or nothing is sent to the account any more
    """
    user = User.objects.locked(letter.user)
    policy.require(actor, Action.LETTER_RETRY, letter)
    letter = Outbox.objects.locked(letter)
    guard_changeable(user)
    if letter.state != Outbox.FAILED:
        raise Conflict(f"The letter is {letter.state}.", remedy="Only one that has failed can be tried again.")
    letter.state, letter.attempts, letter.dead_at, letter.last_error = Outbox.QUEUED, 0, None, ""
    letter.next_attempt_at = timezone.now()
    letter.save()
    audit.record(actor, Action.LETTER_RETRY, letter, reason=reason_checked(reason), letter=letter.kind)
    deliver_letter.enqueue(str(letter.pk))
    return letter


@task()
def deliver_letter(letter_id: str) -> None:
    """Deliver one letter: the task that the worker runs."""
    deliver(UUID(letter_id))


def enqueue_due() -> int:
    """Hand what is due to the worker again: what a killed worker left, and what failed; says how many.

    What waits in the queue already is left alone, so that the queue stays as short as the outbox
    while no worker runs.
    """
    waiting = DBTaskResult.objects.ready().filter(task_path=deliver_letter.module_path)
    queued = {arguments["args"][0] for arguments in waiting.values_list("args_kwargs", flat=True).iterator()}
    due = Outbox.objects.due().order_by("next_attempt_at").values_list("pk", flat=True)
    rows = [row for letter_id in due[: BATCH + len(queued)] if (row := str(letter_id)) not in queued][:BATCH]
    for row in rows:
        deliver_letter.enqueue(row)
    return len(rows)


def forget_tasks() -> int:
    """Delete a day later what the worker has done, and what it left when it was killed; says how many."""
    before = timezone.now() - TASKS_KEPT
    done = DBTaskResult.objects.finished().filter(finished_at__lt=before)
    left = DBTaskResult.objects.running().filter(started_at__lt=before)
    return done.delete()[0] + left.delete()[0]


def deliver(letter_id: UUID) -> bool:
    """Try to deliver one letter; what fails for now is tried again later, doubling the delay, eight times.

    The row is leased before the mail server is spoken to, so that no lock is held meanwhile and two workers do
    not send it twice. What the server will not take for good, or what is no longer true, is not tried again.
    Says whether it was delivered.
    """
    now = timezone.now()
    if not Outbox.objects.due().filter(pk=letter_id).update(next_attempt_at=now + LEASE):
        return False
    row = Outbox.objects.select_related("user__organization", "organization").filter(pk=letter_id).first()
    if row is None:  # the person was erased at this moment
        return False
    try:
        letter = mail.LETTERS[row.kind]
        mail.guard_true(letter, row.user, row.address)
        # The secret of a link or a code is made now and stands in the letter alone.
        secret = code_for(row) if letter.has_code else link_for(row) if letter.purpose else ""
        mail.send(row, secret=secret)
    except mail.NotSent as reason:
        Outbox.objects.filter(pk=row.pk).drop(str(reason))
        return False
    except Exception as error:  # noqa: BLE001 -- whatever the mail server does, the row says so
        _failed(row, mail.failure_of(error, row.address))
        return False
    # It is sent whatever became of it meanwhile: what was taken back too late did go out, with a dead link.
    sent = {"state": Outbox.SENT, "delivered_at": timezone.now(), "dead_at": None, "last_error": ""}
    if not Outbox.objects.filter(pk=row.pk).update(**sent, attempts=row.attempts + 1):
        letter_files.forget(row.user_id)  # erased while it was written
    return True


def _failed(row: Outbox, failure: mail.Failure) -> None:
    """Note why, and when to try again, if at all."""
    noted: dict[str, Any] = {"attempts": row.attempts + 1, "last_error": failure.why}
    if failure.is_final or noted["attempts"] >= ATTEMPTS:
        noted |= {"state": Outbox.FAILED, "dead_at": timezone.now()}
    else:
        delay = FIRST_DELAY * 2**row.attempts * random.uniform(0.8, 1.2)  # noqa: S311 -- jitter, not a secret
        noted["next_attempt_at"] = timezone.now() + delay
    # One that was taken back meanwhile stays so.
    Outbox.objects.filter(pk=row.pk, state=Outbox.QUEUED).update(**noted)
