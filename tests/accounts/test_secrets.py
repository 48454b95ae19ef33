"""Secrets that are handed out once."""

import re

from hypothesis import given
from hypothesis import strategies as st

from accounts import secrets


def test_what_is_made_is_read_and_matches() -> None:
    made = secrets.generate("idk")
    parsed = secrets.parse("idk", made.text)

    assert parsed is not None
    assert (parsed[0], len(parsed[1]), len(made.hash)) == (made.lookup, 43, 64)
    assert secrets.matches(parsed[1], made.hash)
    assert parsed[1] not in made.hash
    assert len({secrets.generate("idk").text for _ in range(200)}) == 200


def test_every_prefix_suffix_and_changed_letter_opens_nothing() -> None:
    made = secrets.generate("idk")
    others = [made.text[:end] for end in range(len(made.text))]
    others += [made.text[start:] for start in range(1, len(made.text))]
    others += [made.text + extra for extra in ("=", "A", "\n", " ", "\x00", "_", "-")]
    others += [
        made.text[:at] + ("x" if letter != "x" else "y") + made.text[at + 1 :] for at, letter in enumerate(made.text)
    ]
    others += [made.text.upper(), made.text.swapcase(), " " + made.text, made.text.replace("_", "-", 1)]

    for text in others:
        parsed = secrets.parse("idk", text)
        assert parsed is None or parsed[0] != made.lookup or not secrets.matches(parsed[1], made.hash), text


@given(st.text())
def test_no_text_is_a_fault(text: str) -> None:
    assert secrets.parse("idk", text) is None


def test_one_kind_is_not_another() -> None:
    assert secrets.parse("lnk", secrets.generate("idk").text) is None


def test_passwords_that_are_made_are_strong_and_readable() -> None:
    made = {secrets.generate_password() for _ in range(100)}

    assert len(made) == 100
    for password in made:
        assert re.fullmatch(r"(?:[a-km-zA-HJ-NP-Z2-9]{6}-){3}[a-km-zA-HJ-NP-Z2-9]{6}", password)
