"""The letters that the archive adds to those of the house."""

from datetime import datetime
from typing import Final

from accounts.mail import Letter
from accounts.models import User
from gdpr.models import Erasure

__all__ = ["DELETION_PLANNED"]


def _deleted_on(user: User) -> datetime | None:
    """Say when the account goes that the person wants deleted, while that waits."""
    waiting = Erasure.objects.filter(user_id=user.pk, requested_by=user.pk, status=Erasure.SCHEDULED).first()
    return waiting.due_at if waiting else None


DELETION_PLANNED: Final = Letter(
    kind="deletion_planned", title="Account to be deleted", page="account-delete", until=_deleted_on
)
