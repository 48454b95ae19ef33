"""Proving the audit trail: the chain, the parts, the triggers, the checkpoints."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts import database, ids, ledger, policy
from accounts.actions import Action
from accounts.actors import Actor, ActorKind
from accounts.audit import chained_hash, commitment, moment
from accounts.keys import Purpose, keyring
from accounts.models import AuditChain, AuditEvent, AuditPart

__all__ = ["CHECKPOINT", "AuditReport", "audit_checkpoint", "audit_verify"]

CHECKPOINT: Final = "checkpoint"
PARTS: Final = (AuditPart.SUBJECT, AuditPart.ACTOR, AuditPart.NETWORK)
ERASING: Final = (
    Action.USER_PURGE,
    Action.USER_DELETE,
    Action.USER_DELETE_ACTIVITIES,
    Action.ERASURE_REPLAY,
)
NEVER: Final = datetime.min.replace(tzinfo=UTC)
FAULTS_KEPT: Final = 1_000
BATCH: Final = 2_000


@dataclass
class AuditReport:
    """What a verification found."""

    events: int = 0
    chains: int = 0
    checkpoints: int = 0
    faults: list[str] = field(default_factory=list)
    faults_left_out: int = 0

    def fault(self, text: str) -> None:
        """Note something that should not be."""
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(text)
        else:
            self.faults_left_out += 1

    @property
    def is_intact(self) -> bool:
        """Whether everything is as it was written."""
        return not self.faults


@dataclass
class _Explanations:
    """Why parts may be missing: by event of an erasure or of retention, the last that there is of each."""

    erased: dict[UUID, datetime] = field(default_factory=dict)
    mentioned: dict[UUID, datetime] = field(default_factory=dict)
    run_out: dict[str, datetime] = field(default_factory=dict)

    def note(self, event: AuditEvent) -> None:
        """Take in what an event explains; what its own part says counts only if it is as it was written."""
        part = next((part for part in event.parts.all() if part.kind == AuditPart.SUBJECT), None)
        told: dict[str, Any] = {}
        if part is not None and _same(commitment(part), event.subject_commitment):
            told = part.payload
        if event.action == Action.RETENTION_RUN:
            for kind, before in told.get("before", {}).items():
                at = min(datetime.fromisoformat(before), event.occurred_at)
                self.run_out[kind] = max(at, self.run_out.get(kind, NEVER))
            return
        if event.subject_id is not None and "planned_for" not in told:
            self.erased[event.subject_id] = max(event.occurred_at, self.erased.get(event.subject_id, NEVER))
        for public_id in told.get("parts", []):
            if identifier := ids.decode("evt", public_id):
                self.mentioned[identifier] = event.occurred_at

    def explain(self, event: AuditEvent, kind: str) -> bool:
        """Say whether something that came later took this part away."""
        person = _about(event, kind)
        later = [self.mentioned.get(event.pk, NEVER)]
        if person is not None:
            later.append(self.erased.get(person, NEVER))
        if person is not None or kind == AuditPart.NETWORK:
            later.append(self.run_out.get(kind, NEVER))
        return event.occurred_at < max(later)


def _about(event: AuditEvent, kind: str) -> UUID | None:
    """Say whom a part is about, by what the header says: parts about nobody stay, but for addresses."""
    if kind != AuditPart.SUBJECT and event.actor_kind == ActorKind.USER:
        return event.actor_id
    if kind == AuditPart.SUBJECT or event.actor_kind == ActorKind.ANONYMOUS:
        return event.person_id
    return None


def audit_verify(*, actor: Actor) -> AuditReport:
    """Recompute every chain, check every part against its commitment, and compare with the checkpoints.

    A part may be missing if a later event explains it: the erasure of the person it was about, an erasure
    that names the event, or a run of retention. Reads only; memory grows with the erased alone.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Unavailable: if the ledger cannot be read
    """
    policy.require_coarse(actor, Action.AUDIT_VERIFY)
    report = AuditReport()
    for name in sorted(database.missing(connection)):
        report.fault(f"The database lacks {name}; run manage.py migrate.")
    checkpoints = _checkpoints(report)
    explanations = _explanations()
    for head in AuditChain.objects.order_by("pk").iterator():
        report.chains += 1
        _verify_chain(head, checkpoints.pop(head.pk, {}), explanations, report)
    for chain in checkpoints:
        report.fault(f"Chain {chain} has checkpoints but is gone.")
    known = AuditChain.objects.values("pk")
    if strays := AuditEvent.objects.exclude(chain__in=known).count():
        report.fault(f"{strays} events belong to no chain.")
    return report


def _checkpoints(report: AuditReport) -> dict[UUID, dict[int, str]]:
    found: dict[UUID, dict[int, str]] = {}
    for line, good in ledger.entries(CHECKPOINT):
        if not good:
            report.fault("A checkpoint in the ledger has a bad signature.")
            continue
        report.checkpoints += 1
        chain, sequence = UUID(line["chain"]), line["sequence"]
        if line.get("restored"):
            # A backup was restored: what the chain had beyond it was on another way, which is gone.
            found[chain] = {at: seen for at, seen in found.get(chain, {}).items() if at < sequence}
        if sequence:
            found.setdefault(chain, {})[sequence] = line["hash"]
    return {chain: seen for chain, seen in found.items() if seen}


def _explanations() -> _Explanations:
    explanations = _Explanations()
    rows = AuditEvent.objects.filter(action__in=(*ERASING, Action.RETENTION_RUN), outcome="done")
    for event in rows.order_by("occurred_at", "pk").prefetch_related("parts").iterator(chunk_size=BATCH):
        explanations.note(event)
    return explanations


def _verify_chain(
    head: AuditChain, checkpoints: dict[int, str], explanations: _Explanations, report: AuditReport
) -> None:
    previous, expected = "", 1
    for event in _events(head.pk):
        report.events += 1
        place = f"Event {event.public_id} (chain {head.pk}, {event.sequence})"
        if event.sequence != expected:
            report.fault(f"{place}: {event.sequence - expected} events before it are missing.")
        key = keyring().named(Purpose.AUDIT, event.key_id)
        if key is None:
            report.fault(f"{place}: its key {event.key_id} is not in the key file.")
        elif not _same(chained_hash(key.secret, previous, event), event.hash):
            report.fault(f"{place}: the event or the one before it was changed.")
        if not _same(checkpoints.pop(event.sequence, event.hash), event.hash):
            report.fault(f"{place}: it is not the event that the checkpoint saw.")
        _verify_parts(event, place, explanations, report)
        previous, expected = event.hash, event.sequence + 1
    if (head.sequence, head.hash) != (expected - 1, previous):
        report.fault(f"Chain {head.pk} ends at {expected - 1}, its head says {head.sequence}.")
    if head.checkpointed > head.sequence:
        report.fault(f"Chain {head.pk} claims a checkpoint at {head.checkpointed}, beyond its end.")
    if checkpoints:
        report.fault(f"Chain {head.pk} was cut: a checkpoint saw event {max(checkpoints)}.")


def _events(chain: UUID) -> Iterator[AuditEvent]:
    rows = AuditEvent.objects.filter(chain=chain).order_by("sequence").prefetch_related("parts")
    return rows.iterator(chunk_size=BATCH)


def _verify_parts(event: AuditEvent, place: str, explanations: _Explanations, report: AuditReport) -> None:
    parts = {part.kind: part for part in event.parts.all()}
    for kind in PARTS:
        committed, part = getattr(event, f"{kind}_commitment"), parts.get(kind)
        if part is None:
            if committed and not explanations.explain(event, kind):
                report.fault(f"{place}: its {kind} part is missing and nothing later explains it.")
        elif not _same(commitment(part), committed):
            report.fault(f"{place}: its {kind} part was changed.")


def _same(computed: str, stored: str) -> bool:
    return hmac.compare_digest(computed.encode(), stored.encode())


def audit_checkpoint(*, restored: bool = False) -> int:
    """Write the heads that moved since the last checkpoint to the ledger; says how many.

    :param restored: write them all, and that the chains go on from here, because a backup was restored
    :raises Unavailable: if the ledger cannot be written; the next sweep tries again
    """
    rows = AuditChain.objects.order_by("pk")
    moved = {head.pk: (head.sequence, head.hash) for head in (rows if restored else rows.moved())}
    if restored:
        gone = {UUID(line["chain"]): (0, "") for line, good in ledger.entries(CHECKPOINT) if good}
        moved = {**gone, **moved}
    at = moment(timezone.now())
    mark = {"restored": True} if restored else {}
    lines = [
        {"chain": str(chain), "sequence": sequence, "hash": value, "at": at, **mark}
        for chain, (sequence, value) in moved.items()
    ]
    if lines:
        ledger.append(CHECKPOINT, lines)
    for chain, (sequence, _) in moved.items():
        AuditChain.objects.filter(pk=chain).update(checkpointed=sequence)
    return len(lines)
