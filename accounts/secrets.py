"""Secrets that are handed out once and stored as a hash: API keys, one-time links.

Shape: ``<label>_<lookup>_<secret>``. The look-up part finds the row; the secret has 256 bits, so
that a plain SHA-256 is a sufficient hash (ASVS 5.0.0, 11.4 and 11.5.1).
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

__all__ = ["GeneratedSecret", "digest", "generate", "generate_password", "matches", "parse"]

LOOKUP_LENGTH: Final = 12
SHAPE = re.compile(r"([a-z]{3})_([0-9a-z]{12})_([A-Za-z0-9_\-]{43})")
LETTERS: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
LOOKUP_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class GeneratedSecret:
    """A new secret: ``text`` is shown once, the rest is stored."""

    text: str
    lookup: str
    hash: str


def generate(label: str) -> GeneratedSecret:
    """Make a secret with a three-letter label."""
    lookup = "".join(secrets.choice(LOOKUP_ALPHABET) for _ in range(LOOKUP_LENGTH))
    secret = secrets.token_urlsafe(32)
    return GeneratedSecret(text=f"{label}_{lookup}_{secret}", lookup=lookup, hash=digest(secret))


def parse(label: str, text: str) -> tuple[str, str] | None:
    """Split a secret into look-up part and secret part; ``None`` if it has another shape."""
    match = SHAPE.fullmatch(text)
    return (match[2], match[3]) if match and match[1] == label else None


def digest(secret: str) -> str:
    """Hash the secret part as it is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: str, stored: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(digest(secret), stored)


def generate_password() -> str:
    """Make a password of about 140 bits that is easy to read aloud."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(6)) for _ in range(4))
