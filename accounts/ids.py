"""Identifiers as people and programs see them: TypeID, a prefix and a UUIDv7 in base32.

The database stores the plain UUID; ``usr_01h455vb4pex5vsknk084sn02q`` exists only at the edge.
Source: the TypeID specification 0.3 (Crockford base32, 26 digits, the first at most 7).
"""

import re
import uuid

from uuid_utils.compat import uuid7

__all__ = ["decode", "encode", "looks_like_id", "new", "prefix_of"]

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
DIGIT = {character: value for value, character in enumerate(ALPHABET)}
DIGITS = 26
TYPEID = re.compile(r"([a-z]{3})_([0-7][0-9a-hjkmnp-tv-z]{25})")
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}(?:\1[0-9a-f]{4}){2}\1[0-9a-f]{12}", re.IGNORECASE)


def new() -> uuid.UUID:
    """Make an identifier that sorts by the time it was made."""
    return uuid7()


def encode(prefix: str, value: uuid.UUID) -> str:
    """Write an identifier as it is shown."""
    number = value.int
    digits = [ALPHABET[(number >> shift) & 31] for shift in range(5 * (DIGITS - 1), -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def decode(prefix: str, text: str) -> uuid.UUID | None:
    """Read an identifier of this kind, prefixed or as a plain UUID.

    Returns ``None`` for anything else, an identifier of another kind included.
    """
    if match := TYPEID.fullmatch(text):
        if match[1] != prefix:
            return None
        number = 0
        for character in match[2]:
            number = number << 5 | DIGIT[character]
        return uuid.UUID(int=number)
    return uuid.UUID(text) if UUID_TEXT.fullmatch(text) else None


def prefix_of(text: str) -> str | None:
    """Say what kind of thing a prefixed identifier names, or ``None`` if it is not one."""
    match = TYPEID.fullmatch(text)
    return match[1] if match else None


def looks_like_id(text: str) -> bool:
    """Say whether a text would be read as an identifier, so that no username may look like one."""
    return bool(re.match(r"[a-z]{3}_[0-9a-z]{26}$", text, re.IGNORECASE) or UUID_TEXT.fullmatch(text))
