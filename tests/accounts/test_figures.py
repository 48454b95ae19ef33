"""docs/signing-in.md tells the figures that the code has (ASVS 6.1.1): each sentence is made of them here."""

from datetime import timedelta
from pathlib import Path

import pytest

from accounts.models.sessions import RECENT
from accounts.operations import factors, tries
from accounts.passwords import LONGEST, SHORTEST, Argon2idHasher
from accounts.tokens import LIFE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "signing-in.md"
WORDS = {1: "one", 2: "two", 5: "five", 10: "ten"}


def minutes(length: timedelta) -> int:
    return length.seconds // 60


HASH = [WORDS[number] for number in (Argon2idHasher.time_cost, Argon2idHasher.parallelism)]
BITS = 5 * factors.GROUPS * factors.GROUP
SENTENCES = [
    f"where the person was signed in from before | {tries.FREE} in a row | wait {tries.FIRST_WAIT.seconds} seconds,",
    f"| the second factor of an account | {tries.FREE} in a row | the same |",
    f"| any of these, the {tries.MOST}th in a row | | the account is locked for an hour; letter and event say so |",
    f"| {tries.PER_NETWORK} in an hour | the rest of that hour |",
    f"such names share {tries.NAMES_OF_NOBODY:,} counts",
    f"Rows of failures are forgotten after {tries.KEPT.days} days without a try",
    f"Argon2id with {Argon2idHasher.memory_cost // 1024} MiB, {HASH[0]} passes, {HASH[1]} lane.",
    f"{SHORTEST} to {LONGEST} characters, no rules of composition.",
    f"come {WORDS[factors.CODES]} recovery codes, shown once, each good once ({BITS} bits; only a hash is kept).",
    f"An **access token**, for {WORDS[minutes(LIFE)]} minutes:",
    f"these are done only within {WORDS[minutes(RECENT)]} minutes after the password was shown",
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_document_says_so(sentence: str) -> None:
    assert sentence in DOCUMENT.read_text()


def test_the_waits_end_where_it_says() -> None:
    assert timedelta(hours=1) == tries.LONGEST_WAIT
    assert (
        tries.FIRST_WAIT * 2 ** (tries.MOST_DOUBLINGS - 1)
        < tries.LONGEST_WAIT
        <= tries.FIRST_WAIT * 2**tries.MOST_DOUBLINGS
    )
    assert len(factors.ALPHABET) == 2**5
