"""The worker, and what it put into somebody's mailbox."""

import re

from django.core import mail
from django_tasks_db.models import DBTaskResult

__all__ = ["code_in", "token_in", "token_of", "work"]


def work() -> None:
    """Do what waits in the queue, and what comes of it, as the worker does."""
    while waiting := DBTaskResult.objects.ready().order_by("enqueued_at").first():
        waiting.task.call(*waiting.args_kwargs["args"])
        DBTaskResult.objects.filter(pk=waiting.pk).delete()


def token_of(link: str) -> str:
    """Give the secret in the address of a link."""
    return link.rstrip("/").rpartition("/")[2]


def token_in(letter: mail.EmailMessage) -> str:
    """Give the secret of the link in a letter."""
    found = re.search(r"/link/(lnk_\S+)/", str(letter.body))
    assert found is not None, letter.body
    return found[1]


def code_in(letter: mail.EmailMessage) -> str:
    """Give the code in a letter."""
    found = re.search(r"^(\d{8})$", str(letter.body), re.MULTILINE)
    assert found is not None, letter.body
    return found[1]
