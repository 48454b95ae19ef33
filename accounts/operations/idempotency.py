"""A request that is repeated changes nothing more: its key is remembered in the transaction that it caused."""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.errors import Conflict
from accounts.models import IdempotencyKey

__all__ = ["Repeatable", "found", "refuse_another", "remember", "repeatable", "was_done"]

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Repeatable:
    """A request that may come twice: who sent it, under which key, and what it asks."""

    principal_id: UUID
    key: str
    asked: str

    def for_row(self, row: str) -> "Repeatable":
        """Give the part of a request on many that is about one row."""
        return replace(self, key=f"{self.rows_begin}{row}")

    @property
    def rows_begin(self) -> str:
        """How the keys of its rows begin; fits the column whatever the key."""
        return f"{hashlib.sha256(self.key.encode()).hexdigest()} "

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
    return _same(request, _kept(request.principal_id, key=request.key))


def refuse_another(request: Repeatable) -> None:
    """Refuse a request on many under the key of another one.

    :raises Conflict: if the key was used for another request
    """
    _same(request, _kept(request.principal_id, key__startswith=request.rows_begin))
    _same(request, _kept(request.principal_id, key=request.key))


def was_done(request: Repeatable) -> bool:
    """Say whether a row of a request on many was done before."""
    return found(request) is not None


def _kept(principal_id: UUID, **key: str) -> IdempotencyKey | None:
    return IdempotencyKey.objects.filter(principal_id=principal_id, expires_at__gt=timezone.now(), **key).first()


def _same(request: Repeatable, row: IdempotencyKey | None) -> IdempotencyKey | None:
    if row is not None and not request.matches(row.request_digest):
        raise Conflict("The Idempotency-Key was used for another request.", remedy="Use a fresh key for each request.")
    return row


def remember(result: object) -> None:
    """Note what came of the request, in the operation's transaction; the second of two at once is refused there."""
    request = _request.get()
    if request is None:
        return
    _request.set(None)
    row = result[0] if isinstance(result, tuple) else result  # a new key comes with its secret
    assert isinstance(row, models.Model)
    now = timezone.now()
    rows = IdempotencyKey.objects.filter(principal_id=request.principal_id, key=request.key)
    rows.filter(expires_at__lte=now).delete()
    IdempotencyKey.objects.create(
        principal_id=request.principal_id,
        key=request.key,
        request_digest=request.digest,
        result_kind=row._meta.model_name or "",
        result_id=row.pk,
        expires_at=now + KEPT,
    )
