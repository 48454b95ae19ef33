"""A request that is repeated changes nothing more: its key is remembered in the transaction that it caused."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.errors import Conflict
from accounts.models import IdempotencyKey

__all__ = ["Repeatable", "begun", "found", "remember", "repeatable", "was_done"]

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Repeatable:
    """A request that may come twice: who sent it, under which key, and what it asks."""

    principal_id: UUID
    key: str
    asked: str

    def for_row(self, row: str) -> "Repeatable":
        """Give the part of a request on many that is about one row; its key fits the column whatever the key."""
        return replace(self, key=f"{hashlib.sha256(self.key.encode()).hexdigest()} {row}")

    @property
    def digest(self) -> str:
        """What is kept of the request.

        Keyed, because a bare hash of a body with an e-mail address tells the address to who guesses it.
        """
        return self._digest(settings.SECRET_KEY)

    def matches(self, digest: str) -> bool:
        """Say whether this is the request that was kept, under whichever of the installation's keys."""
        secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
        return any(hmac.compare_digest(self._digest(secret), digest) for secret in secrets)

    def _digest(self, secret: str) -> str:
        return salted_hmac("accounts.idempotency", self.asked, secret=secret, algorithm="sha256").hexdigest()


_request: ContextVar[Repeatable | None] = ContextVar("repeatable", default=None)


@contextmanager
def repeatable(request: Repeatable) -> Iterator[None]:
    """Let the operation in this block remember the request."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


def found(request: Repeatable) -> IdempotencyKey | None:
    """Find what came of the request the first time, ``None`` if it is new.

    :raises Conflict: if the key was used for another request
    """
    rows = IdempotencyKey.objects.filter(principal_id=request.principal_id, key=request.key)
    row = rows.filter(expires_at__gt=timezone.now()).first()
    if row is not None and not request.matches(row.request_digest):
        raise Conflict("The Idempotency-Key was used for another request.", remedy="Use a fresh key for each request.")
    return row


def begun(request: Repeatable) -> None:
    """Note that a request on many uses its key, before its first row; what comes of each row is noted with it.

    :raises Conflict: if the key was used for another request
    """
    if found(request) is not None:
        return
    try:
        with transaction.atomic():
            _keep(request)
    except IntegrityError:  # of two at once the second finds the first
        found(request)


def was_done(request: Repeatable) -> bool:
    """Say whether a row of a request on many was done before."""
    return found(request) is not None


def remember(result: object) -> None:
    """Note what came of the request, in the operation's transaction; the second of two at once is refused there."""
    request = _request.get()
    if request is None:
        return
    _request.set(None)
    row = result[0] if isinstance(result, tuple) else result  # a new key comes with its secret
    assert isinstance(row, models.Model)
    _keep(request, result_kind=row._meta.model_name or "", result_id=row.pk)


def _keep(request: Repeatable, **result: Any) -> None:
    now = timezone.now()
    rows = IdempotencyKey.objects.filter(principal_id=request.principal_id, key=request.key)
    rows.filter(expires_at__lte=now).delete()
    IdempotencyKey.objects.create(
        principal_id=request.principal_id,
        key=request.key,
        request_digest=request.digest,
        expires_at=now + KEPT,
        **result,
    )
