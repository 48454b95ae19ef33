"""How long it takes to hand over a long history, and in how much memory: a ZIP of one person with many events."""

import resource
import tempfile
import time

from accounts import ids
from accounts.models import AuditChain, AuditEvent, AuditPart, Organization, User
from gdpr.operations.copies import Copy, Scope
from gdpr.operations.renderings import written
from gdpr.operations.snapshots import snapshot
from tests.bench.world import HASH, analyzed, load

__all__ = ["measure"]

BATCH = 5_000


def measure(events: int = 100_000) -> None:
    """Write copies with a tenth of the events and with all of them; print seconds, size and peak memory."""
    organization = Organization.objects.create(slug="default", name="default")
    load(organization, 100)
    user = User.objects.filter(organization=organization).order_by("pk")[0]
    for first, last in ((0, events // 10), (events // 10, events)):
        act(user, first, last)
        analyzed()
        for form in ("json", "zip"):
            seconds, of_ours, size = handed_over(user, form)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{last:,} events, {form}: {seconds:.1f} s ({of_ours:.1f} s on a processor), {size / 1e6:.1f} MB, "
                f"peak {peak:.0f} MiB",
                flush=True,
            )


def handed_over(user: User, form: str) -> tuple[float, float, int]:
    """Write a copy into a file; gives seconds, those on a processor among them, and bytes."""
    started, at_work = time.perf_counter(), time.process_time()
    with tempfile.TemporaryFile() as file, snapshot() as using:
        written(Copy(user.pk, Scope.ACCESS, using), form, file)
        return time.perf_counter() - started, time.process_time() - at_work, file.tell()


def act(user: User, first: int, last: int) -> None:
    """Put events into the trail, each with two parts about the person who caused it."""
    head, _ = AuditChain.objects.get_or_create(pk=user.organization_id)
    for start in range(first, last, BATCH):
        events = [
            AuditEvent(
                chain=head.pk,
                sequence=place + 1,
                key_id="bench",
                action="session.start",
                outcome="done",
                actor_kind="user",
                actor_id=user.pk,
                subject_kind="user",
                subject_id=user.pk,
                person_id=user.pk,
                organization_id=user.organization_id,
                door="admin",
                request_id=ids.new().hex,
                occurred_at=user.created_at,
                hash=HASH,
                actor_commitment=HASH,
                network_commitment=HASH,
            )
            for place in range(start, min(start + BATCH, last))
        ]
        AuditEvent.objects.bulk_create(events)
        told = {"actor": {"device": "Chrome/macOS"}, "network": {"ip": "192.0.2.7"}}
        AuditPart.objects.bulk_create(
            AuditPart(
                event=event,
                kind=kind,
                person_id=user.pk,
                organization_id=user.organization_id,
                salt=HASH,
                payload=payload,
            )
            for event in events
            for kind, payload in told.items()
        )
