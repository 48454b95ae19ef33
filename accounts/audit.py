"""The audit trail's only writer, and its verifier (DESIGN section 6).

``hash = HMAC(key, previous || header || commitments)`` with ``commitment = HMAC(salt, part)``. The
salt has 256 bits, so that a commitment tells nothing about a part that was erased.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from accounts.actions import Action
from accounts.actors import Actor, ActorKind
from accounts.keys import Purpose, keyring
from accounts.models import (
    APIKey,
    Application,
    AuditChain,
    AuditEvent,
    AuditPart,
    ClaimDefinition,
    Invite,
    Membership,
    Organization,
    Outbox,
    Role,
    Session,
    User,
)
from accounts.models.audit import INSTALLATION_CHAIN

__all__ = [
    "Recorded",
    "chained_hash",
    "collected",
    "commitment",
    "failed",
    "record",
    "record_erasure",
    "refused",
    "unwritten",
]

DONE, REFUSED, FAILED = "done", "refused", "failed"
KINDS: Mapping[type[models.Model], str] = {
    User: "user",
    Organization: "organization",
    APIKey: "api_key",
    Session: "session",
    Membership: "membership",
    Application: "application",
    Role: "role",
    ClaimDefinition: "claim",
    Outbox: "letter",
    Invite: "invite",
}
_unwritten: ContextVar[bool] = ContextVar("audit_unwritten", default=False)
_collector: ContextVar[list["Recorded"] | None] = ContextVar("audit_collector", default=None)


@dataclass(frozen=True)
class Recorded:
    """What was just written, for a dry run to show."""

    event: AuditEvent
    detail: Mapping[str, Any]


@contextmanager
def collected() -> Iterator[list[Recorded]]:
    """Collect what is recorded inside the block."""
    recorded: list[Recorded] = []
    token = _collector.set(recorded)
    try:
        yield recorded
    finally:
        _collector.reset(token)


@contextmanager
def unwritten() -> Iterator[None]:
    """Let nothing be written in the block, only collected: for trying things out.

    There many rows are locked one after the other, and the head of a chain, the last lock of all,
    must not be held before the next row.
    """
    token = _unwritten.set(True)
    try:
        yield
    finally:
        _unwritten.reset(token)


def record(
    actor: Actor,
    action: Action,
    subject: models.Model | None,
    *,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    **details: Any,
) -> AuditEvent:
    """Write down what was done, in the transaction that did it; holds the head of the chain until it ends.

    ``reason``, ``before``, ``after`` and ``details`` go into the part about the subject and can be erased.
    """
    detail = _told(reason=reason, before=before, after=after, **details)
    return _write(actor, action, subject, outcome=DONE, detail=detail)


def record_erasure(actor: Actor, action: Action, user: User, **details: Any) -> AuditEvent:
    """Write down that somebody was erased: what is told is about nobody, and stays.

    Of a person who erases themselves the trail keeps neither device nor address.
    """
    if actor.user_id == user.pk:
        actor = replace(actor, device="", ip=None)
    return _write(actor, action, user, outcome=DONE, detail=_told(**details), is_personal=False)


def _told(**details: Any) -> dict[str, Any]:
    return {key: value for key, value in details.items() if value not in ("", None, {})}


def refused(actor: Actor, action: Action, subject: models.Model | None, *, code: str) -> AuditEvent:
    """Write down that policy refused it, in a transaction of its own."""
    return _write(actor, action, subject, outcome=REFUSED, detail={"code": code}, organization_id=actor.organization_id)


def failed(
    actor: Actor, action: Action, subject: models.Model | None, *, organization_id: UUID | None, why: str
) -> AuditEvent:
    """Write down a sign-in that did not succeed, in a transaction of its own."""
    return _write(actor, action, subject, outcome=FAILED, detail={"why": why}, organization_id=organization_id)


def _write(
    actor: Actor,
    action: Action,
    subject: models.Model | None,
    *,
    outcome: str,
    detail: Mapping[str, Any],
    organization_id: UUID | None = None,
    is_personal: bool = True,
) -> AuditEvent:
    if subject is not None:
        organization_id = getattr(subject, "organization_id", None)
    person = subject if isinstance(subject, User) else getattr(subject, "subject", None)
    person = person if is_personal else None
    event = AuditEvent(
        action=action,
        outcome=outcome,
        actor_kind=actor.hands.kind,
        actor_id=actor.hands.id,
        acting_as_id=actor.id if actor.impersonator else None,
        subject_kind=KINDS[subject.__class__] if subject is not None else "",
        subject_id=subject.pk if subject is not None else None,
        person_id=person.pk if person is not None else None,
        organization_id=organization_id,
        door=actor.door,
        request_id=actor.request_id,
    )
    if not _unwritten.get():
        with transaction.atomic():
            _append(event, _parts(event, actor, person, detail))
    if (recorded := _collector.get()) is not None and outcome == DONE:
        recorded.append(Recorded(event, detail))
    return event


def _append(event: AuditEvent, parts: list[AuditPart]) -> None:
    """Put an event at the end of its chain; holds the head until the transaction ends."""
    key = keyring().current(Purpose.AUDIT)
    head = _head(event.organization_id or INSTALLATION_CHAIN)
    event.chain, event.sequence, event.key_id = head.pk, head.sequence + 1, key.id
    event.occurred_at = timezone.now()
    for part in parts:
        part.organization_id = event.organization_id
        setattr(event, f"{part.kind}_commitment", commitment(part))
    event.hash = chained_hash(key.secret, head.hash, event)
    event.save(force_insert=True)
    AuditPart.objects.bulk_create(parts)
    AuditChain.objects.filter(pk=head.pk).update(sequence=event.sequence, hash=event.hash)


def _head(chain: UUID) -> AuditChain:
    AuditChain.objects.bulk_create([AuditChain(pk=chain)], ignore_conflicts=True)
    return AuditChain.objects.select_for_update().get(pk=chain)


def _parts(event: AuditEvent, actor: Actor, person: User | None, detail: Mapping[str, Any]) -> list[AuditPart]:
    device = {key: value for key, value in {"device": actor.device, "os_user": actor.os_user}.items() if value}
    # An impersonator's device and address are their own, not those of the person that they act as.
    there = actor.hands.user_id or (person.pk if person and actor.kind is ActorKind.ANONYMOUS else None)
    contents = (
        (AuditPart.SUBJECT, person.pk if person else None, dict(detail)),
        (AuditPart.ACTOR, there, device),
        (AuditPart.NETWORK, there, {"ip": actor.ip} if actor.ip else {}),
    )
    return [
        AuditPart(event=event, kind=kind, person_id=person_id, salt=secrets.token_hex(32), payload=_plain(payload))
        for kind, person_id, payload in contents
        if payload
    ]


def _plain(payload: Mapping[str, Any]) -> Any:
    """Give the payload as it will be read back, so that both sides commit to the same bytes.

    PostgreSQL knows no negative zero.
    """
    return json.loads(json.dumps(payload, default=str), parse_float=lambda text: float(text) + 0.0)


def commitment(part: AuditPart) -> str:
    """Commit to a part, and to whom it is about, without revealing it."""
    told = {"kind": part.kind, "person": str(part.person_id or ""), "payload": part.payload}
    return hmac.new(part.salt.encode(), canonical(told), hashlib.sha256).hexdigest()


def chained_hash(key: bytes, previous: str, event: AuditEvent) -> str:
    """Bind an event to everything before it."""
    return hmac.new(key, previous.encode() + canonical(header(event)), hashlib.sha256).hexdigest()


def header(event: AuditEvent) -> dict[str, object]:
    """Give what the chain protects, in plain words."""
    return {
        "layout": event.layout,
        "id": event.public_id,
        "chain": str(event.chain),
        "sequence": event.sequence,
        "key_id": event.key_id,
        "action": str(event.action),
        "outcome": event.outcome,
        "actor_kind": str(event.actor_kind),
        "actor": str(event.actor_id or ""),
        "acting_as": str(event.acting_as_id or ""),
        "subject_kind": event.subject_kind,
        "subject": str(event.subject_id or ""),
        "person": str(event.person_id or ""),
        "organization": str(event.organization_id or ""),
        "door": str(event.door),
        "request_id": event.request_id,
        "occurred_at": moment(event.occurred_at),
        "commitments": [event.subject_commitment, event.actor_commitment, event.network_commitment],
    }


def canonical(value: object) -> bytes:
    """Write a value the one way that is hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def moment(at: datetime) -> str:
    """Write a time the one way that is hashed: UTC, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
