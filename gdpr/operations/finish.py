"""What follows an erasure outside its transaction: ledger at once; files, the database's own copies, scan, receipt."""

import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import ledger, letter_files
from accounts.audit import moment
from accounts.errors import Unavailable
from accounts.models import AuditChain
from gdpr.models import Erasure
from gdpr.operations import exports
from gdpr.operations.file_scan import files_naming
from gdpr.operations.findings import ScanReport
from gdpr.operations.receipts import built, signed
from gdpr.operations.requests import request_facts, request_of
from gdpr.operations.scan import scan
from gdpr.traces import Identifiers

__all__ = ["LEASE", "LEDGER_KIND", "Erased", "finish", "remember"]

log = structlog.get_logger("gdpr.erasure")
LEDGER_KIND: Final = "erasure"
LEASE: Final = timedelta(minutes=10)
"""So long an erasure is left to whoever did it and has not been heard of since."""
PROLONGED_EVERY: Final = 30.0
UNKNOWN: Final = "the process that erased ended before it could look, and nobody knows any more what to look for"


class Erased(NamedTuple):
    """An erasure, whether it was done just now, and by what the person was known: in memory only."""

    erasure: Erasure
    is_fresh: bool = False
    known_by: Identifiers | None = None


def finish(erased: Sequence[Erased], *, is_replay: bool = False) -> list[Erasure]:
    """Finish erasures that are committed, all of them in one pass, and give them with their receipts.

    :param is_replay: they were erased before, and a restored backup had brought them back
    """
    people = {entry.erasure.public_id: entry.known_by for entry in erased if entry.known_by is not None}
    for entry in erased:
        exports.forget(entry.erasure.user_id)
        letter_files.forget(entry.erasure.user_id)
    _forget_letters(people)
    _forget_copies()
    report = scan(people, watch=_Lease(erased)) if people else None
    return [_concluded(entry, report if entry.known_by is not None else None, is_replay=is_replay) for entry in erased]


class _Lease:
    """Says while the search is under way that whoever does it is alive; not along the connection that it reads by."""

    def __init__(self, erased: Sequence[Erased]) -> None:
        self.mine = [entry.erasure.pk for entry in erased]
        self.prolonged = time.monotonic()

    def __call__(self, *_: object) -> None:
        """Prolong the lease now and then."""
        if time.monotonic() - self.prolonged >= PROLONGED_EVERY:
            self.prolonged = time.monotonic()
            under_way = Erasure.objects.filter(pk__in=self.mine, status=Erasure.ERASED)
            under_way.update(leased_until=timezone.now() + LEASE)


def remember(erased: Erased) -> None:
    """Write into the ledger that somebody was erased, as soon as that is committed.

    :raises Unavailable: if the ledger cannot be written; the sweep tries again
    """
    erasure = erased.erasure
    line = {
        "erasure": erasure.public_id,
        "user": str(erasure.user_id),
        "organization": str(erasure.organization_id),
        "how": erasure.how,
        "at": moment(timezone.now()),
    }
    try:
        ledger.append(LEDGER_KIND, [line])
    except Unavailable as problem:
        raise Unavailable(
            f"It is erased, but not finished. {problem.message}",
            remedy="See to it that LEDGER_URL can be used; the sweep then finishes, and gives the receipt.",
        ) from None


def _forget_letters(people: dict[str, Identifiers]) -> None:
    """Delete letters to others that lie as files and name one of these people; once each, whatever comes of it."""
    folder = Path(settings.EMAIL_FILE_PATH)
    listed = [path for path in folder.iterdir() if path.is_file()] if people and folder.is_dir() else []
    for path in files_naming(listed, people):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # the search that follows finds it, and the receipt says so
            log.error("letter stays", file=path.name, why=type(error).__name__)  # noqa: TRY400 -- the path may name


def _forget_copies() -> None:
    """Let SQLite's search index and write-ahead log forget what was deleted; in PostgreSQL the rewrite does."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO accounts_usersearch_trigram(accounts_usersearch_trigram) VALUES ('optimize')")
        if not connection.in_atomic_block:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _concluded(entry: Erased, report: ScanReport | None, *, is_replay: bool) -> Erasure:
    """Give the erasure its one receipt, unless it has one already."""
    erasure = entry.erasure
    assert erasure.erased_at is not None
    assert erasure.event_id is not None
    found: dict[str, Any] | None = report.as_dict(erasure.public_id) if report else None
    if found and found["residue"]:
        log.error("residue", erasure=erasure.public_id, places=found["residue"])
    head = AuditChain.objects.filter(pk=erasure.organization_id).values("sequence", "hash").get()
    now = timezone.now()
    request = request_of(erasure)
    document = built(
        receipt_id=erasure.public_id,
        user_id=erasure.user_id,
        organization_id=erasure.organization_id,
        how=erasure.how,
        cause=_cause(erasure, is_replay=is_replay),
        requested_at=erasure.created_at,
        erased_at=erasure.erased_at,
        made_at=now,
        tables=erasure.counts["tables"],
        in_transaction=0,
        whole_database=found,
        whole_database_missing="" if found else UNKNOWN,
        event_id=erasure.event_id,
        chain_head=head,
        vendor=connection.vendor,
        request=request_facts(request, now) if request else None,
    )
    unfinished = Erasure.objects.filter(pk=erasure.pk, status=Erasure.ERASED)
    unfinished.update(receipt=signed(document), status=Erasure.COMPLETE, completed_at=now, leased_until=None)
    erasure.refresh_from_db()
    return erasure


def _cause(erasure: Erasure, *, is_replay: bool) -> str:
    if is_replay:
        return "replay"
    return {"operator": "operator", "system": "retention"}.get(erasure.requested_by_kind, "request")
