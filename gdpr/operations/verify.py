"""Proving an erasure again, whenever somebody asks: rows, text, files, and the receipt's signature."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from accounts import ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Invalid, NotFound
from accounts.models import User
from accounts.statuses import Status
from gdpr.models import Erasure
from gdpr.operations import plans
from gdpr.operations.findings import ScanReport, Watch
from gdpr.operations.receipts import Verdict, verified
from gdpr.operations.scan import identifiers_of, scan
from gdpr.traces import Identifiers

__all__ = ["LIVE", "Verification", "erasure_verify", "person_verify", "receipt_read"]

LIVE: Final = "live"
ERASED: Final = "erased"
RECEIPT_LENGTH: Final = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found of one person.

    ``rows`` names the tables with rows that lead to an erased person and should not; ``scan`` is missing where
    nobody said any more by what the person was known; ``verdict`` is about the receipt, where there is one.
    """

    subject: str
    state: str
    rows: tuple[str, ...] = ()
    scan: ScanReport | None = None
    verdict: Verdict | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing is there that should not be; of somebody who is live everything may be there."""
        signed = self.verdict is None or self.verdict.is_good
        if self.state == LIVE:
            return signed and self.verdict is None
        found = self.scan is not None and (self.scan.residue() > 0 or not self.scan.is_complete)
        return signed and not self.rows and not found

    def as_dict(self) -> dict[str, Any]:
        """Give the result as it is printed: places, never what is there."""
        shown: dict[str, Any] = {
            "subject": self.subject,
            "state": self.state,
            "result": self._result,
            "rows_in": list(self.rows),
        }
        if self.verdict is not None:
            shown["receipt"] = "good" if self.verdict.is_good else self.verdict.problem
            shown["signed_with"] = self.verdict.key_id
        if self.scan is None:
            return {**shown, "scan": "not done: nobody said by what the person was known (--identifiers-stdin)"}
        hits = [hit.as_dict() for hit in self.scan.hits.get(self.subject, [])]
        numbers = {**self.scan.as_dict(), "too_short": self.scan.too_short, "seconds": round(self.scan.seconds, 1)}
        return {**shown, "scan": numbers, "hits": hits}

    @property
    def _result(self) -> str:
        if self.state == LIVE and self.verdict is None:
            return "not erased"
        return "clean" if self.is_clean else "NOT CLEAN"


def person_verify(
    *, actor: Actor, user_id: UUID, known_by: Iterable[str] = (), watch: Watch = lambda *_: None
) -> Verification:
    """Look for a person in the whole database and the files: where a live one is, whether an erased one is nowhere.

    It reads, and leaves no event.

    :param known_by: what named an erased person: their own row does not say it any more
    :raises NotFound: if there never was such an account, or none that the actor may see
    :raises NotAllowed: without the permission
    """
    policy.require_coarse(actor, Action.ERASURE_VERIFY)
    user = User.objects.visible_to(actor).filter(pk=user_id).first()
    if user is not None and user.status != Status.PURGED:
        subject = user.public_id
        return Verification(subject=subject, state=LIVE, scan=scan({subject: identifiers_of(user)}, watch=watch))
    erasure = Erasure.objects.visible_to(actor).filter(user_id=user_id).standing().order_by("-created_at").first()
    if user is None and erasure is None:
        raise NotFound("User not found.")
    home = user.organization_id if user else erasure.organization_id if erasure else None
    return _verification(user_id, home, known_by, watch, removed=user is None)


def erasure_verify(
    *,
    actor: Actor,
    document: Mapping[str, Any],
    known_by: Iterable[str] = (),
    trusted: Iterable[str] | None = None,
    watch: Watch = lambda *_: None,
) -> Verification:
    """Check a receipt's signature, then whether what it says is still so.

    :param trusted: public keys that may have signed it; without them this installation's
    :raises Invalid: if it is no receipt
    :raises NotAllowed: without the permission
    """
    policy.require_coarse(actor, Action.ERASURE_VERIFY)
    verdict = verified(document, trusted=trusted)
    user_id = ids.decode("usr", str(document.get("subject", "")))
    if user_id is None:
        raise Invalid("It is no receipt of an erasure.")
    subject = ids.encode("usr", user_id)
    user = User.objects.filter(pk=user_id).first()
    if user is not None and user.status != Status.PURGED:
        return Verification(subject=subject, state=LIVE, verdict=verdict)
    home = ids.decode("org", str(document.get("organization", "")))
    return _verification(user_id, home, known_by, watch, removed=user is None, verdict=verdict)


def _verification(
    user_id: UUID,
    home: UUID | None,
    known_by: Iterable[str],
    watch: Watch,
    *,
    removed: bool,
    verdict: Verdict | None = None,
) -> Verification:
    subject, words = ids.encode("usr", user_id), list(known_by)
    steps = plans.erasure(user_id, removing_account=removed)
    people = {subject: Identifiers.typed(words, user_id=user_id, organizations=[home] if home else [])}
    return Verification(
        subject=subject,
        state=ERASED,
        rows=tuple(sorted({step.table.name for step in steps if not step.is_done()})),
        scan=scan(people, watch=watch) if words else None,
        verdict=verdict,
    )


def receipt_read(text: bytes) -> dict[str, Any]:
    """Read a receipt from a file's content.

    :raises Invalid: if it is none
    """
    try:
        document = json.loads(text) if len(text) <= RECEIPT_LENGTH else None
    except ValueError:
        document = None
    if not isinstance(document, dict) or "subject" not in document:
        raise Invalid("It is no receipt of an erasure.", remedy="A receipt is the JSON that user_purge answered.")
    return document
