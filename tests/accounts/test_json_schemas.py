"""Schemas that others write: what is read, what is refused, what a value is told."""

import time
from typing import Any

import pytest

from accounts.errors import Invalid
from accounts.json_schemas import schema_checked, schema_problem


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ([], "is not a JSON object"),
        ({"$ref": "https://elsewhere.example/x"}, "references"),
        ({"items": {"$ref": "#"}}, "references"),
        ({"$defs": {}}, "references"),
        ({"maxlength": 3}, "'maxlength'"),
        ({"format": "email"}, "'format'"),
        ({"patternProperties": {"(a+)+$": {}}}, "'patternProperties'"),
        ({"properties": {"a": {"unevaluatedItems": False}}}, "'unevaluatedItems'"),
        ({"minLength": -1}, "not a JSON Schema"),
        ({"type": "text"}, "not a JSON Schema"),
        ({"properties": {"a": 5}}, "not a JSON Schema"),
        ({"pattern": 5}, "not a JSON Schema"),
        ({"pattern": "("}, "a pattern"),
        ({"allOf": [{"pattern": f"{letter}{{900}}"} for letter in "abcde"]}, "steps together"),
        ({"enum": ["x" * 5_000]}, "larger than"),
        ({"enum": list(range(300))}, "values"),
        ({"const": "a\x00b"}, "U+0000"),
        ({"maximum": 1e22}, "2^53"),
    ],
)
def test_what_cannot_be_a_schema_is_refused(schema: Any, problem: str) -> None:
    with pytest.raises(Invalid) as refusal:
        schema_checked(schema)

    assert problem in refusal.value.fields["schema"]


def test_depth_is_bounded() -> None:
    schema: dict[str, Any] = {}
    for _ in range(3_000):
        schema = {"not": schema}

    with pytest.raises(Invalid):
        schema_checked(schema)


@pytest.mark.parametrize(
    ("schema", "good", "bad", "told"),
    [
        ({"enum": ["Sales", "Lab"]}, "Lab", "Secret", "(enum)"),
        ({"pattern": "^CC-[0-9]{4}$"}, "CC-0001", "Secret", "pattern"),
        ({"maxLength": 5}, "Sales", "Secret", "(maxLength 5)"),
        ({"minimum": 1, "maximum": 10.0}, 10, 11, "(maximum 10)"),
        ({"items": {"maxLength": 2}, "maxItems": 2}, ["en"], ["en", "Secret"], "(maxLength 2, at 1)"),
        ({"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"a": 1}, {"a": "Secret"}, "(type"),
        ({"additionalProperties": False}, {}, {"Secret": 1}, "(additionalProperties false)"),
    ],
)
def test_a_value_is_told_what_is_allowed_and_not_repeated(schema: Any, good: Any, bad: Any, told: str) -> None:
    checked = schema_checked(schema)

    assert schema_problem(checked, good) is None
    problem = schema_problem(checked, bad)
    assert problem is not None
    assert told in problem
    assert "Secret" not in problem


def test_the_widest_check_does_not_take_long() -> None:
    schema = schema_checked({"allOf": [{"items": {"anyOf": [{"pattern": "^(a|aa)*b$"}, {"const": 1}]}}] * 8})
    began = time.process_time()

    assert schema_problem(schema, ["a" * 20] * 190)

    assert time.process_time() - began < 3
