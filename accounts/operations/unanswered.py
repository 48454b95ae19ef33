"""Accounts that waited for somebody who never came: put away a month after their last invite ended."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.errors import AccountsError
from accounts.models import Invite, User
from accounts.operations.statuses import change_status
from accounts.statuses import Status

__all__ = ["unanswered_archive"]

log = structlog.get_logger("accounts.invites")
KEPT: Final = timedelta(days=30)
BATCH: Final = 500
REASON: Final = "Nobody accepted the invite."


def unanswered_archive(now: datetime | None = None) -> int:
    """Archive the accounts that wait although their invites ended a month ago, each with its event; says how many.

    From there they go as all who are archived do; inviting the address again takes the account up. Whoever
    must remain is named in the log and tried again.
    """
    before = (now or timezone.now()) - KEPT
    waiting = _unanswered(before).order_by("created_at", "pk").values_list("pk", flat=True)
    return sum(_archive(User(pk=user_id), before) for user_id in list(waiting[:BATCH]))


def _unanswered(before: datetime) -> models.QuerySet[User]:
    """Give those who wait since before a moment, and none of whose invites was good after it."""
    good = Invite.objects.filter(user=OuterRef("pk"), expires_at__gt=before)
    good = good.filter(Q(revoked_at=None) | Q(revoked_at__gt=before))
    return User.objects.filter(status=Status.INVITED, created_at__lte=before).exclude(Exists(good))


def _archive(user: User, before: datetime) -> int:
    """Archive one, if that is still so; ``0`` if not."""
    try:
        with transaction.atomic():
            user = User.objects.locked(user)
            if not _unanswered(before).filter(pk=user.pk).exists():
                return 0
            changed, ended = change_status(user, "archive", reason=REASON)
            audit.record(policy.system(), Action.USER_ARCHIVE, user, reason=REASON, **changed, ended=ended)
    except AccountsError as refusal:
        log.warning("waiting account kept", user=user.public_id, code=refusal.code, why=refusal.message)
        return 0
    return 1
