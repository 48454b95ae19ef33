"""Erasing without making anybody wait: a door closes the account for good, the worker does the rest."""

from datetime import datetime

from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from accounts.actors import Actor
from accounts.models import User
from gdpr.models import Erasure, SubjectRequest
from gdpr.operations.erasure import grace_of, user_delete, user_delete_begin, user_purge, user_purge_begin
from gdpr.operations.sweeping import erasures_finish

__all__ = ["erase_begin", "take_up_erasures"]


def erase_begin(
    *,
    actor: Actor,
    user: User,
    how: str,
    reason: str = "",
    at: datetime | None = None,
    request: SubjectRequest | None = None,
) -> Erasure:
    """Have a person erased, or plan to: the account is closed for good at once, and the worker does the rest.

    What names the person is read by the process that erases and lies nowhere else, so that whoever searches for it
    afterwards has to be the one who erased. Again gives the same erasure, in the end with its receipt.

    :param at: not before then; ``None``: after the grace period that the organization settled
    :param request: the person's request that this answers: done when they are erased
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises Conflict: for super-users, last owners, people under legal hold or restriction, and oneself
    """
    at = at or timezone.now() + grace_of(user)
    if at > timezone.now():
        plan = user_purge if how == Erasure.PURGE else user_delete
        return plan(actor=actor, user=user, reason=reason, at=at, request=request).erasure
    begin = user_purge_begin if how == Erasure.PURGE else user_delete_begin
    erasure = begin(actor=actor, user=user, reason=reason, request=request)
    if erasure.status == Erasure.FENCED:
        _tell_worker()
    return erasure


def _tell_worker() -> None:
    """Let the worker take up what was begun; one that is told already and has not begun takes this up too."""
    if not DBTaskResult.objects.ready().filter(task_path=take_up_erasures.module_path).exists():
        take_up_erasures.enqueue()


@task()
def take_up_erasures() -> None:
    """Erase those who were begun with, and search for all of them in one pass: the task that the worker runs.

    A turn is bounded; the next one comes after what waits by then.
    """
    if erasures_finish():
        take_up_erasures.enqueue()
