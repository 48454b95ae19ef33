"""What is kept outside the main database, so that a restored or truncated one is found out.

A file of JSON lines, only ever appended to and synced, each line signed with the receipt key
(Ed25519): the heads of the audit chains now, the erasures later.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from django.conf import settings

from accounts.audit import canonical
from accounts.keys import Purpose, keyring

__all__ = ["append", "entries"]


def _path() -> Path:
    return Path(unquote(urlsplit(settings.LEDGER_URL).path))


def append(kind: str, lines: list[dict[str, Any]]) -> None:
    """Add signed lines and wait until they are on the disk."""
    key = keyring().current(Purpose.RECEIPT)
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "w") as file:
        for line in lines:
            body = {"kind": kind, "key_id": key.id, **line}
            file.write(json.dumps({**body, "signature": key.signing_key.sign(canonical(body)).hex()}) + "\n")
        file.flush()
        os.fsync(file.fileno())


def entries(kind: str) -> Iterator[tuple[dict[str, Any], bool]]:
    """Read the lines of one kind, each with whether its signature is good."""
    path = _path()
    if not path.exists():
        return
    with path.open() as file:
        for text in file:
            try:
                line = json.loads(text)
                signature = bytes.fromhex(line.pop("signature"))
                good = _is_signed(line, signature)
            except (ValueError, KeyError, TypeError, AttributeError):
                line, good = {"kind": kind}, False
            if line.get("kind") == kind:
                yield line, good


def _is_signed(line: dict[str, Any], signature: bytes) -> bool:
    key = keyring().named(Purpose.RECEIPT, line["key_id"])
    if key is None:
        return False
    try:
        key.signing_key.public_key().verify(signature, canonical(line))
    except InvalidSignature:
        return False
    return True
