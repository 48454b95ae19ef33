"""Patterns that others write: they match as Python's do, and never take long."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.patterns import STEPS, found_in, steps

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-c1]", r"\d", r"\w", "^", "$", r"\.", "(?:)"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda pair: f"(?:{pair[0]}|{pair[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}", "*?"])).map(
            lambda pair: f"({pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=8,
)


@given(PATTERNS, st.text("ab1.c", max_size=7))
def test_it_matches_as_python_does(pattern: str, text: str) -> None:
    expected = re.search(pattern.replace("$", r"\Z"), text, re.ASCII)

    assert found_in(pattern, text) is bool(expected)


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("^CC-[0-9]{4}$", "CC-0042", "CC-0042\n"),
        (r"^[a-z]+(-[a-z]+)*$", "night-shift", "night--shift"),
        (r"^ét\x61$", "éta", "eta"),
        (r"[\]\-x]", "-", "a"),
        ("^.$", "漢", "漢字"),
        ("^(gold|silver)?$", "", "bronze"),
    ],
)
def test_what_people_write(pattern: str, yes: str, no: str) -> None:
    assert found_in(pattern, yes)
    assert not found_in(pattern, no)


@pytest.mark.parametrize(
    "pattern",
    [
        "(", ")", "[", "a{3,2}", "*a", r"\1", r"\k", r"\u00e9", "(?=a)", "(?<=a)", "(?P=x)", "[z-a]", r"\p{Nothing}",
        "a" * 201, "((a{99}){99}){99}", "(((){999}){999}){999}b", "\\",
    ],
)  # fmt: skip
def test_what_cannot_be_matched_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as refusal:
        steps(pattern)

    assert set(refusal.value.fields) == {"schema"}


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * 4_000 + "b"),
        ("^(a|a)*(a|aa)*(a|a?)*b$", "a" * 4_000),
        ("(a?){80}a{80}b", "a" * 4_000),
        (f"({'x*' * 60})y", "x" * 4_000),
    ],
)
def test_none_of_them_hangs(pattern: str, text: str) -> None:
    began = time.process_time()

    found = found_in(pattern, text)

    assert steps(pattern) <= STEPS
    assert found is False
    assert time.process_time() - began < 3
