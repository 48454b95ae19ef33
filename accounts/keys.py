"""The keys of the installation: one file, 0600, kept and backed up apart from the database.

Five purposes, each with a list of keys, newest first: the first one signs and encrypts, the others
stay for reading. On a first start in development the file is made; production names it or refuses
to start (DESIGN section 5); ``python -m accounts.keys FILE`` makes it there, once.
"""

import base64
import json
import os
import secrets
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

__all__ = [
    "Key",
    "Keyring",
    "KeysRefused",
    "Purpose",
    "create",
    "key_mark",
    "keyring",
    "load",
    "open_sealed",
    "rotate",
    "seal",
]

NONCE_LENGTH = 12
ID_LENGTH = 4
SECRET_LENGTH = 32


class Purpose(StrEnum):
    """What a key is for; no key serves two."""

    DJANGO = "django"
    AUDIT = "audit"
    ENCRYPTION = "encryption"
    TOKEN = "token"  # noqa: S105 -- the name of a purpose
    RECEIPT = "receipt"


class KeysRefused(Exception):
    """The file is missing, readable by others, or not what it should be."""


@dataclass(frozen=True)
class Key:
    """One key: 32 random bytes (for ``token`` and ``receipt``: the seed of an Ed25519 key)."""

    id: str
    secret: bytes
    created_at: str

    def as_json(self) -> dict[str, str]:
        """Give the key as it stands in the file."""
        return {"id": self.id, "secret": base64.b64encode(self.secret).decode(), "created_at": self.created_at}

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The Ed25519 key grown from this seed."""
        return Ed25519PrivateKey.from_private_bytes(self.secret)


@dataclass(frozen=True)
class Keyring:
    """All keys of the installation, newest first within each purpose."""

    keys: dict[Purpose, tuple[Key, ...]]

    def current(self, purpose: Purpose) -> Key:
        """Give the key to sign and encrypt with."""
        return self.keys[purpose][0]

    def named(self, purpose: Purpose, key_id: str) -> Key | None:
        """Give the key with this id, ``None`` if there is none."""
        return next((key for key in self.keys[purpose] if key.id == key_id), None)

    def rotated(self) -> "Keyring":
        """Put a fresh key before the present ones, for every purpose."""
        return Keyring({purpose: (_new_key(), *keys) for purpose, keys in self.keys.items()})


def _new_key() -> Key:
    return Key(
        id=secrets.token_hex(ID_LENGTH),
        secret=secrets.token_bytes(SECRET_LENGTH),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def load(path: Path) -> Keyring:
    """Read the file.

    :raises KeysRefused: with a sentence that says what to do
    """
    try:
        if path.stat().st_mode & 0o077:
            raise KeysRefused(f"{path} can be read by others: chmod 600 {path}")
        document = json.loads(path.read_text())
        ring = Keyring({purpose: tuple(_read(entry) for entry in document["keys"][purpose]) for purpose in Purpose})
    except FileNotFoundError:
        raise KeysRefused(f"{path} does not exist: restore it from its backup, or see docs/operating.md") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise KeysRefused(f"{path} cannot be read as a key file: {type(error).__name__}") from None
    if lacking := [purpose for purpose, keys in ring.keys.items() if not keys]:
        raise KeysRefused(f"{path} holds no key for {lacking[0]}: restore it from its backup")
    return ring


def _read(entry: dict[str, Any]) -> Key:
    key = Key(entry["id"], base64.b64decode(entry["secret"], validate=True), entry["created_at"])
    if len(bytes.fromhex(key.id)) != ID_LENGTH or len(key.secret) != SECRET_LENGTH:
        raise ValueError("a key has an id of 4 bytes and 32 secret ones")
    return key


def create(path: Path) -> Keyring:
    """Read the file, or make it with fresh keys if it is not there; of two at once one wins.

    :raises KeysRefused: if it cannot be made or read
    """
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = _written(path, Keyring({purpose: (_new_key(),) for purpose in Purpose}))
            try:
                with suppress(FileExistsError):
                    os.link(temporary, path)
            finally:
                temporary.unlink()
            _synced(path.parent)
    except OSError as error:
        raise KeysRefused(f"{path} cannot be made: {error.strerror}") from None
    return load(path)


def rotate(path: Path) -> Keyring:
    """Put fresh keys first and keep the old ones for reading; running processes see them when restarted.

    :raises KeysRefused: if the file cannot be read or replaced; it is then as it was
    """
    rotated = load(path).rotated()
    try:
        _written(path, rotated).replace(path)
        _synced(path.parent)
    except OSError as error:
        raise KeysRefused(f"{path} cannot be replaced: {error.strerror}") from None
    keyring.cache_clear()
    return rotated


def _written(path: Path, ring: Keyring) -> Path:
    document = {"version": 1, "keys": {purpose: [key.as_json() for key in keys] for purpose, keys in ring.keys.items()}}
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _synced(folder: Path) -> None:
    """Wait until a new name in the folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@cache
def keyring() -> Keyring:
    """Give the keys of this process, read once."""
    return load(settings.KEYS_FILE)


def seal(purpose: str, text: str) -> str:
    """Encrypt a short text for the round trip through somebody else's hands (AES-256-GCM)."""
    key = keyring().current(Purpose.ENCRYPTION)
    nonce = secrets.token_bytes(NONCE_LENGTH)
    box = AESGCM(key.secret).encrypt(nonce, text.encode(), purpose.encode())
    return base64.urlsafe_b64encode(bytes.fromhex(key.id) + nonce + box).decode().rstrip("=")


def key_mark() -> str:
    """Give how everything begins that is encrypted with the present key."""
    # Of the id's 32 bits those 30 that five whole letters of base64 say.
    return base64.urlsafe_b64encode(bytes.fromhex(keyring().current(Purpose.ENCRYPTION).id)).decode()[:5]


def open_sealed(purpose: str, sealed: str) -> str | None:
    """Decrypt what ``seal`` made for the same purpose; ``None`` if it is anything else."""
    try:
        raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        key = keyring().named(Purpose.ENCRYPTION, raw[:4].hex())
        if key is None:
            return None
        return AESGCM(key.secret).decrypt(raw[4 : 4 + NONCE_LENGTH], raw[4 + NONCE_LENGTH :], purpose.encode()).decode()
    except Exception:  # noqa: BLE001 -- whatever is wrong with it, it is not ours
        return None


if __name__ == "__main__":
    try:
        create(Path(sys.argv[1]))
    except (IndexError, KeysRefused) as problem:
        sys.exit(f"Error: {problem}" if isinstance(problem, KeysRefused) else "Usage: python -m accounts.keys FILE")
