"""Passwords: how they are hashed and which are refused.

Argon2id with 19 MiB, t=2, p=1 (OWASP's profile): about 30 ms of CPU where Django's default takes 270. Passwords are
compared in Unicode's form NFKC, so that a keyboard that composes its letters otherwise is no other password; hashes of
other programs are compared with what was typed as it is, and become ours at the next sign-in.
"""

import os
import threading
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Final

import bcrypt
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    BCryptPasswordHasher,
    check_password,
    get_hasher,
    identify_hasher,
    make_password,
)
from django.contrib.auth.password_validation import CommonPasswordValidator

from accounts.errors import Invalid

__all__ = ["AT_ONCE", "Argon2idHasher", "RawBCryptHasher", "hashed", "needs_rehash", "password_checked", "verified"]

SHORTEST: Final = 15
LONGEST: Final = 128
TRIED: Final = 1_024
"""Hashes that were imported may be of longer ones; nothing beyond this is worth hashing (denial of service)."""
AT_ONCE: Final = max(2, os.cpu_count() or 2)
"""How many hashes one process makes at a time: each takes 19 MiB, whoever asks for them and how many do."""
FOREIGN: Final = {"$2a$": "bcrypt$", "$2b$": "bcrypt$", "$2y$": "bcrypt$", "$argon2": "argon2"}
"""How hashes of other programs begin, and what Django puts before them."""
WEAKEST: Final = 3
"""zxcvbn's score that is refused below: 3 is "safely unguessable", 10^8 guesses."""


class Argon2idHasher(Argon2PasswordHasher):
    """OWASP's profile: 19 MiB, two passes, one lane."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1


class RawBCryptHasher(BCryptPasswordHasher):
    """Hashes of other programs by bcrypt, which looks at the first 72 bytes; its library refuses more."""

    def encode(self, password: str, salt: bytes) -> str:  # type: ignore[override]
        """Hash no more than bcrypt ever looked at."""
        data = bcrypt.hashpw(password.encode()[:72], salt)
        return f"{self.algorithm}${data.decode('ascii')}"


_hashing = threading.BoundedSemaphore(AT_ONCE)


@cache
def _common() -> frozenset[str]:
    """Give what many people use where 15 characters are asked for.

    Lists of stolen passwords hold few so long; what people do instead is write a common one again and again, or two.
    """
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 -- as above

    ranked = FREQUENCY_LISTS["passwords"]
    again = (word * times for word in ranked[:3_000] for times in (2, 3, 4))
    two = ("".join(pair) for pair in product(ranked[:150], repeat=2))
    return frozenset(
        word for word in (*ranked, *CommonPasswordValidator().passwords, *again, *two) if len(word) >= SHORTEST
    )


def password_checked(password: str, *, about: Sequence[str] = ()) -> str:
    """Give the password back if it may be used.

    15 to 128 characters (NIST SP 800-63B-4, 3.1.1.2: a single factor), no composition rules, not a
    common one, not guessable from what is known about the account.

    :param about: e-mail, names and other words that must not make it up
    :raises Invalid: saying which rule it breaks, never repeating the password
    """
    problem = None
    given, password = password, unicodedata.normalize("NFKC", password) if len(password) <= TRIED else password
    if len(password) < SHORTEST:
        problem = f"must have at least {SHORTEST} characters"
    elif len(password) > LONGEST:
        problem = f"must have at most {LONGEST} characters"
    elif any("\ud800" <= character <= "\udfff" or character == "\x00" for character in password):
        problem = "contains a character that is not allowed"
    elif password.casefold() in _common():
        problem = "is one that many people use"
    elif _score(password, about) < WEAKEST:
        problem = "is too easy to guess"
    if problem:
        raise Invalid(
            f"The password {problem}.",
            remedy="Use a sentence that nobody would guess.",
            fields={"password": problem},
        )
    return given


def _score(password: str, about: Sequence[str]) -> int:
    from zxcvbn import zxcvbn  # noqa: PLC0415 -- a megabyte that most commands never need

    words = [part for entry in about if entry for part in (entry, *entry.replace("@", ".").split("."))]
    score: int = zxcvbn(password[:72], user_inputs=words)["score"]
    return score


def hashed(password: str | None) -> str:
    """Hash a password, or make the unusable mark for none."""
    with _hashing:
        return make_password(password and unicodedata.normalize("NFKC", password))


def verified(password: str, encoded: str) -> bool:
    """Check a password against a hash, in constant time; one that cannot be right costs the same work."""
    fits = len(password) <= TRIED and not any("\ud800" <= character <= "\udfff" for character in password)
    encoded = _as_django_writes(encoded)
    if not needs_rehash(encoded):
        password = unicodedata.normalize("NFKC", password) if fits else ""
    with _hashing:
        try:
            return check_password(password if fits else "", encoded) and fits
        except ValueError:  # a hash that nobody can read is no password, and the same work
            return check_password("", make_password(None))


def _as_django_writes(encoded: str) -> str:
    return next((word + encoded for begin, word in FOREIGN.items() if encoded.startswith(begin)), encoded)


def needs_rehash(encoded: str) -> bool:
    """Say whether a hash is of an older kind than the one now in use."""
    preferred, encoded = get_hasher(), _as_django_writes(encoded)
    try:
        return identify_hasher(encoded).algorithm != preferred.algorithm or preferred.must_update(encoded)
    except ValueError:  # none set, or nothing that anybody can read
        return False
