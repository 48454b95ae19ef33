"""Receipts."""

from datetime import UTC, datetime
from typing import Any

from accounts import ids
from gdpr.operations.plans import KEEP
from gdpr.operations.receipts import built, signed
from gdpr.personal_data import TOMBSTONE, TRAIL

__all__ = ["make_receipt"]

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
NUMBERS = {
    "residue": 0,
    "elsewhere": 2,
    "statistics": 0,
    "tables": 40,
    "columns": 200,
    "rows": 12_345,
    "bytes": 1_234_567,
    "files": 3,
    "unread": {},
}


def make_receipt(**changes: Any) -> dict[str, Any]:
    """Make a signed receipt of an erasure that was nobody's."""
    facts: dict[str, Any] = {
        "receipt_id": ids.encode("ers", ids.new()),
        "user_id": ids.new(),
        "organization_id": ids.new(),
        "how": "purge",
        "cause": "operator",
        "requested_at": AT,
        "erased_at": AT,
        "made_at": AT,
        "tables": [
            {"table": "accounts_session", "action": "delete", "rows": 3},
            {"table": "accounts_user", "action": "overwrite", "rows": 1},
            {"table": "accounts_organization", "action": "scrub", "rows": 1},
            {"table": "accounts_user", "action": KEEP, "rows": 1, "why": TOMBSTONE.reason, "until": "…"},
            {"table": "accounts_auditevent", "action": KEEP, "rows": 4, "why": TRAIL.reason, "until": "…"},
            {"table": "accounts_auditevent", "action": KEEP, "rows": 2, "why": TRAIL.reason, "until": "…"},
        ],
        "in_transaction": 0,
        "whole_database": NUMBERS,
        "event_id": ids.new(),
        "chain_head": {"sequence": 7, "hash": "0" * 64},
        "vendor": "sqlite",
    }
    return signed(built(**{**facts, **changes}))
