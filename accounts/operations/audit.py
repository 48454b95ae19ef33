"""Proving the audit trail: the chain, the parts, the triggers, the checkpoints."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts import database, ledger, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.audit import chained_hash, commitment, moment
from accounts.keys import Purpose, keyring
from accounts.models import AuditChain, AuditEvent, AuditPart

__all__ = ["AuditReport", "audit_checkpoint", "audit_verify"]

CHECKPOINT: Final = "checkpoint"
PARTS: Final = (AuditPart.SUBJECT, AuditPart.ACTOR, AuditPart.NETWORK)
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


def audit_verify(*, actor: Actor) -> AuditReport:
    """Recompute every chain, check every part against its commitment, and compare with the checkpoints.

    Constant memory; reads only.

    :raises NotAllowed: for everybody but the operator and super-users
    """
    policy.require_coarse(actor, Action.AUDIT_VERIFY)
    report = AuditReport()
    for name in sorted(database.missing(connection)):
        report.fault(f"The database lacks {name}; run manage.py migrate.")
    checkpoints = _checkpoints(report)
    for head in AuditChain.objects.order_by("pk").iterator():
        report.chains += 1
        _verify_chain(head, checkpoints.pop(head.pk, {}), report)
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


def _verify_chain(head: AuditChain, checkpoints: dict[int, str], report: AuditReport) -> None:
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
        _verify_parts(event, place, report)
        previous, expected = event.hash, event.sequence + 1
    if (head.sequence, head.hash) != (expected - 1, previous):
        report.fault(f"Chain {head.pk} ends at {expected - 1}, its head says {head.sequence}.")
    if checkpoints:
        report.fault(f"Chain {head.pk} was cut: a checkpoint saw event {max(checkpoints)}.")


def _events(chain: UUID) -> Iterator[AuditEvent]:
    rows = AuditEvent.objects.filter(chain=chain).order_by("sequence").prefetch_related("parts")
    return rows.iterator(chunk_size=BATCH)


def _verify_parts(event: AuditEvent, place: str, report: AuditReport) -> None:
    parts = {part.kind: part for part in event.parts.all()}
    for kind in PARTS:
        committed, part = getattr(event, f"{kind}_commitment"), parts.get(kind)
        if part is None:
            if committed:
                report.fault(f"{place}: its {kind} part is missing and no erasure explains it.")
        elif not _same(commitment(part), committed):
            report.fault(f"{place}: its {kind} part was changed.")


def _same(computed: str, stored: str) -> bool:
    return hmac.compare_digest(computed.encode(), stored.encode())


def audit_checkpoint(*, restored: bool = False) -> int:
    """Write the heads that moved since the last checkpoint to the ledger; says how many.

    :param restored: write them all, and that the chains go on from here, because a backup was restored
    """
    latest = {UUID(line["chain"]): line["sequence"] for line, good in ledger.entries(CHECKPOINT) if good}
    heads = {head.pk: (head.sequence, head.hash) for head in AuditChain.objects.order_by("pk")}
    if restored:
        heads = {**dict.fromkeys(latest, (0, "")), **heads}
    moved = {chain: head for chain, head in heads.items() if restored or head[0] > latest.get(chain, 0)}
    at = moment(timezone.now())
    mark = {"restored": True} if restored else {}
    lines = [
        {"chain": str(chain), "sequence": sequence, "hash": value, "at": at, **mark}
        for chain, (sequence, value) in moved.items()
    ]
    if lines:
        ledger.append(CHECKPOINT, lines)
    return len(lines)
