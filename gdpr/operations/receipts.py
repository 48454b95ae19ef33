"""The receipt of an erasure: what was done, what was kept and why, what was looked for and not found, what dies when.

A document of plain data without anything personal but the id that was given up, signed with the installation's
Ed25519 key over its canonical JSON (``accounts.audit.canonical``: sorted keys, no spaces, ASCII) without the member
``signature``. Whoever has the document can check it without this service; docs/receipt.schema.json describes it.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.template.loader import render_to_string

from accounts import ids
from accounts.audit import canonical, moment
from accounts.keys import Key, Purpose, keyring
from gdpr.personal_data import TABLES
from gdpr.registry import Retain, Table, described

__all__ = ["Verdict", "as_html", "built", "map_digest", "public_keys", "signed", "verified"]

SCHEMA: Final = "erasure-receipt"
VERSION: Final = 1
ALGORITHM: Final = "Ed25519"
ARTICLE: Final = "17"
REWRITE_DAYS: Final = 7
"""How often the tables of PostgreSQL are rewritten by the retention run; until then its files hold dead rows."""


@dataclass(frozen=True)
class Verdict:
    """Whether a receipt is what was signed; ``problem`` is empty if it is.

    ``is_ours`` says that this installation, or a key that was named as trusted, signed it: anybody can sign.
    """

    problem: str
    key_id: str = ""
    is_ours: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it is as it was signed, by whom it should be."""
        return not self.problem and self.is_ours


def built(
    *,
    receipt_id: str,
    user_id: UUID,
    organization_id: UUID,
    how: str,
    cause: str,
    requested_at: datetime,
    erased_at: datetime,
    made_at: datetime,
    tables: Iterable[Mapping[str, Any]],
    in_transaction: int,
    whole_database: Mapping[str, Any] | None,
    whole_database_missing: str = "",
    event_id: UUID,
    chain_head: Mapping[str, Any],
    vendor: str,
    request: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write a receipt, not signed yet, from plain facts alone.

    :param cause: in one word what asked for it: ``request``, ``operator``, ``retention``, ``replay``; never free text
    :param request: the person's request that it answers (``request_facts``)
    :param tables: what happened to how many rows: ``table``, ``action``, ``rows`` and, of what was kept, ``why``
    :param in_transaction: what the look before the commit found; anything but 0 would have undone it all
    :param whole_database: the numbers of the scan afterwards (``ScanReport.as_dict``)
    :param whole_database_missing: why there is no such scan
    :param chain_head: sequence and hash of the audit chain when the receipt was made
    """
    listed = list(tables)
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "id": receipt_id,
        "subject": ids.encode("usr", user_id),
        "organization": ids.encode("org", organization_id),
        "article": ARTICLE,
        "how": how,
        "cause": cause,
        "request": None if request is None else dict(request),
        "requested_at": moment(requested_at),
        "erased_at": moment(erased_at),
        "made_at": moment(made_at),
        "counts": [_count(entry) for entry in listed if entry["action"] != "keep"],
        "kept": _kept(entry for entry in listed if entry["action"] == "keep"),
        "scan": {
            "in_transaction": in_transaction,
            "whole_database": None if whole_database is None else dict(whole_database),
            "missing": whole_database_missing if whole_database is None else "",
        },
        "physical": _physical(vendor, erased_at),
        "audit": {"event": ids.encode("evt", event_id), "chain": dict(chain_head)},
        "software": settings.SOFTWARE_VERSION,
        "map": map_digest(),
    }


def _count(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"table": entry["table"], "action": entry["action"], "rows": entry["rows"]}


def _kept(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Say of what was kept which columns, and every reason that the map gives."""
    by_name = {table.name: table for table in TABLES}
    kept: dict[tuple[str, Retain], dict[str, Any]] = {}
    for entry in entries:
        for reason, columns in _reasons(by_name[entry["table"]]).items():
            if reason.reason not in entry["why"]:
                continue
            shown = kept.setdefault((entry["table"], reason), _shown(entry["table"], columns, reason))
            shown["rows"] += entry["rows"]
    return list(kept.values())


def _reasons(table: Table) -> dict[Retain, list[str]]:
    reasons: dict[Retain, list[str]] = {}
    for name, column in table.columns.items():
        if isinstance(column.erase, Retain):
            reasons.setdefault(column.erase, []).append(name)
    return reasons


def _shown(table: str, columns: Sequence[str], reason: Retain) -> dict[str, Any]:
    return {
        "table": table,
        "columns": list(columns),
        "why": reason.why,
        "basis": str(reason.basis),
        "exemption": str(reason.exemption),
        "until": str(reason.until),
        "rows": 0,
    }


def _physical(vendor: str, erased_at: datetime) -> list[dict[str, str]]:
    """Say honestly where the bytes still are when the rows are gone, and until when."""
    day = erased_at.date()
    backups = {
        "what": "backups made before",
        "until": str(day + timedelta(days=settings.BACKUP_DAYS)),
        "how": f"kept for {settings.BACKUP_DAYS} days; one that is restored is erased again before it serves",
    }
    if vendor == "sqlite":
        return [
            {"what": "free pages", "until": str(day), "how": "overwritten at once (secure_delete)"},
            {"what": "write-ahead log", "until": str(day), "how": "emptied after the erasure (checkpoint, truncate)"},
            backups,
        ]
    rewritten = str(day + timedelta(days=REWRITE_DAYS))
    return [
        {"what": "dead rows in tables and indexes", "until": rewritten, "how": "rewritten by the retention run"},
        {"what": "samples of the planner", "until": rewritten, "how": "replaced by the ANALYZE after the rewrite"},
        {"what": "write-ahead log", "until": rewritten, "how": "recycled by the server; an archive of it is a backup"},
        backups,
    ]


def map_digest() -> str:
    """Give the digest of the map of personal data that the erasure followed (``gdpr_coverage --json``)."""
    return hashlib.sha256(canonical(list(described(TABLES)))).hexdigest()


# --- the signature ---------------------------------------------------------------------------
def signed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give a document with the signature of this installation."""
    body = {name: value for name, value in document.items() if name != "signature"}
    key = keyring().current(Purpose.RECEIPT)
    value = key.signing_key.sign(canonical(body))
    return {
        **body,
        "signature": {
            "algorithm": ALGORITHM,
            "key_id": key.id,
            "public_key": _public_key(key),
            "value": base64.b64encode(value).decode(),
        },
    }


def public_keys() -> dict[str, str]:
    """Give the public keys, by id, with which receipts of this installation can be checked anywhere."""
    return {key.id: _public_key(key) for key in keyring().keys[Purpose.RECEIPT]}


def _public_key(key: Key) -> str:
    return base64.b64encode(key.signing_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def verified(document: Mapping[str, Any], *, trusted: Iterable[str] | None = None) -> Verdict:
    """Check a signature with the document alone; no database is asked.

    :param trusted: public keys (base64) that may have signed it; without them those of this installation
    """
    signature = document.get("signature")
    if not isinstance(signature, Mapping):
        return Verdict("It has no signature.")
    if document.get("schema") != SCHEMA:
        return Verdict("It is no receipt of an erasure.")
    if signature.get("algorithm") != ALGORITHM:
        return Verdict(f"It is not signed with {ALGORITHM}.")
    key_id, public_key = str(signature.get("key_id", "")), str(signature.get("public_key", ""))
    body = {name: value for name, value in document.items() if name != "signature"}
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(str(signature.get("value", "")), validate=True), canonical(body))
    except (InvalidSignature, binascii.Error, ValueError):
        return Verdict("It is not as it was signed.", key_id)
    known = public_keys().values() if trusted is None else trusted
    if public_key not in set(known):
        return Verdict("It was signed with a key that is not trusted here.", key_id)
    return Verdict("", key_id, is_ours=True)


# --- for people ------------------------------------------------------------------------------
def as_html(document: Mapping[str, Any]) -> str:
    """Write a receipt as one page without scripts, to read, print and keep."""
    what = {table.name: table.what for table in TABLES}
    shown = {
        name: [{**entry, "what": what.get(entry["table"], "")} for entry in document[name]]
        for name in ("counts", "kept")
    }
    return render_to_string("gdpr/receipt.html", {"receipt": {**document, **shown}})
