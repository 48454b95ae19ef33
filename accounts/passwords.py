"""Passwords: how they are hashed and which are refused.

Argon2id with 19 MiB, t=2, p=1 (OWASP's profile): about 30 ms of CPU where Django's default takes 270.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    check_password,
    get_hasher,
    identify_hasher,
    make_password,
)
from django.contrib.auth.password_validation import CommonPasswordValidator

from accounts.errors import Invalid

__all__ = ["Argon2idHasher", "hashed", "needs_rehash", "password_checked", "verified"]

SHORTEST: Final = 15
LONGEST: Final = 128
TRIED: Final = 1_024
"""Hashes that were imported may be of longer ones; nothing beyond this is worth hashing (denial of service)."""
WEAKEST: Final = 3
"""zxcvbn's score that is refused below: 3 is "safely unguessable", 10^8 guesses."""


class Argon2idHasher(Argon2PasswordHasher):
    """OWASP's profile: 19 MiB, two passes, one lane."""

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1


@cache
def _common() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def password_checked(password: str, *, about: Sequence[str] = ()) -> str:
    """Give the password back if it may be used.

    15 to 128 characters (NIST SP 800-63B-4, 3.1.1.2: a single factor), no composition rules, not a
    common one, not guessable from what is known about the account.

    :param about: e-mail, names and other words that must not make it up
    :raises Invalid: saying which rule it breaks, never repeating the password
    """
    problem = None
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
    return password


def _score(password: str, about: Sequence[str]) -> int:
    from zxcvbn import zxcvbn  # noqa: PLC0415 -- a megabyte that most commands never need

    words = [part for entry in about if entry for part in (entry, *entry.replace("@", ".").split("."))]
    score: int = zxcvbn(password[:72], user_inputs=words)["score"]
    return score


def hashed(password: str | None) -> str:
    """Hash a password, or make the unusable mark for none."""
    return make_password(password)


def verified(password: str, encoded: str) -> bool:
    """Check a password against a hash, in constant time; one that cannot be right costs the same work."""
    fits = len(password) <= TRIED and not any("\ud800" <= character <= "\udfff" for character in password)
    return check_password(password if fits else "", encoded) and fits


def needs_rehash(encoded: str) -> bool:
    """Say whether a hash is of an older kind than the one now in use."""
    preferred = get_hasher()
    hasher = identify_hasher(encoded)
    return hasher.algorithm != preferred.algorithm or preferred.must_update(encoded)
