"""Bounds on JSON: depth, size, characters, numbers; and never a recursion error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.json_values import BYTES, DEPTH, NODES, json_object_checked

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=10)
NUMBER = st.integers(-(2**53), 2**53) | st.floats(-(2.0**53), 2.0**53)
VALUE = st.recursive(
    st.none() | st.booleans() | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def nested(levels: int) -> dict[str, Any]:
    value: Any = {}
    for _ in range(levels - 1):
        value = [value]
    return {"a": value}


@given(st.dictionaries(TEXT, VALUE, max_size=5))
def test_what_is_within_bounds_is_given_back(value: dict[str, Any]) -> None:
    assert json_object_checked(value, field="metadata") is value


@pytest.mark.parametrize(
    ("value", "good"),
    [
        (nested(DEPTH - 1), True),
        (nested(DEPTH), False),
        (nested(100_000), False),
        ({"a": [0] * (NODES - 3)}, True),
        ({"a": [0] * (NODES - 2)}, False),
        ({"a": "x" * (BYTES - len('{"a": ""}'))}, True),
        ({"a": "x" * (BYTES + 1 - len('{"a": ""}'))}, False),
        ({"a": 2**53}, True),
        ({"a": 2**53 + 1}, False),
        ({"a": -(2**53) - 1}, False),
        ({"a": 10**400}, False),
        ({"a": 1e300}, False),
        ({"a": 1e22}, False),
        ({"a": float("nan")}, False),
        ({"a": float("inf")}, False),
        ({"a": -0.0}, True),
        ({"a": "\x00"}, False),
        ({"\x00": 1}, False),
        ({"a": [{"b": "x\ud800"}]}, False),
        ({"\udfff": 1}, False),
        ({"a": True, "b": None}, True),
        ({"a": b"bytes"}, False),
        ({"a": ("\x00",)}, False),
        ({"a": {1, 2}}, False),
        ([], False),
        ("text", False),
        (None, False),
        (7, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_bounds(value: Any, good: bool) -> None:
    if good:
        assert json_object_checked(value, field="metadata") is value
        return
    with pytest.raises(Invalid) as refusal:
        json_object_checked(value, field="metadata")
    assert list(refusal.value.fields) == ["metadata"]


def test_a_value_that_holds_itself_ends() -> None:
    value: dict[str, Any] = {}
    value["again"] = [value]

    with pytest.raises(Invalid, match="levels"):
        json_object_checked(value, field="metadata")


def test_a_value_shared_a_thousand_times_ends() -> None:
    value: Any = []
    for _ in range(18):
        value = [value, value]

    with pytest.raises(Invalid, match="values"):
        json_object_checked({"a": value}, field="metadata")


def test_numbers_survive_json() -> None:
    value = {"a": 2**53, "b": 0.1, "c": -1.5e-9}

    assert json.loads(json.dumps(json_object_checked(value, field="f"))) == value
