"""JSON Schemas that others write (Draft 2020-12), bounded so that checking a value cannot hang or leave the house.

Of the vocabulary the closed list ``KEYWORDS`` is read. References are refused, local ones too: with them a small
schema can be endless, and a remote one makes the service fetch what somebody else chose. ``format`` is refused
because the standard only annotates with it. Patterns are matched by ``accounts.patterns``, in linear time.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import jsonschema
from jsonschema import validators
from jsonschema.exceptions import SchemaError, ValidationError

from accounts.errors import Invalid
from accounts.json_values import json_plain, json_problem
from accounts.patterns import STEPS, found_in, steps

__all__ = ["schema_checked", "schema_problem"]

BYTES: Final = 4_096
NODES: Final = 200
LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMAS: Final = frozenset({"additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"})
NAMED: Final = frozenset({"properties"})
PLAIN: Final = frozenset(
    {
        "const", "dependentRequired", "description", "enum", "exclusiveMaximum", "exclusiveMinimum", "maxContains",
        "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties",
        "minimum", "multipleOf", "pattern", "required", "title", "type", "uniqueItems",
    }
)  # fmt: skip
KEYWORDS: Final = LISTS | SCHEMAS | NAMED | PLAIN


def _pattern(validator: Any, text: str, value: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not found_in(text, value):
        yield ValidationError("does not match the pattern")


Checker: Final = validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


def schema_checked(schema: Any) -> dict[str, Any]:
    """Give a schema back if values can be checked by it.

    At most 4 KiB and 200 values; patterns of at most 4,000 steps together.

    :raises Invalid: saying what is wrong with it
    """
    problem = "is not a JSON object" if not isinstance(schema, dict) else json_problem(schema, nodes=NODES)
    if problem is None and len(json.dumps(schema)) > BYTES:
        problem = f"is larger than {BYTES} bytes"
    if problem:
        raise _wrong(problem)
    patterns = [pattern for part in _parts(schema) for pattern in _read(part)]
    try:
        Checker.check_schema(schema, format_checker=None)
    except SchemaError as error:
        where = "/".join(str(step) for step in error.absolute_path)
        raise _wrong(f"is not a JSON Schema (Draft 2020-12){f', at {where}' if where else ''}") from None
    if sum(map(steps, patterns)) > STEPS:
        raise _wrong(f"has patterns of more than {STEPS:,} steps together")
    checked: dict[str, Any] = json_plain(schema)
    return checked


def schema_problem(schema: Mapping[str, Any], value: Any) -> str | None:
    """Say where a value is not as a checked schema wants it; never what the value is."""
    error = next(iter(Checker(schema).iter_errors(value)), None)
    if error is None:
        return None
    where = "/".join(str(step) for step in error.absolute_path if isinstance(step, int))
    wanted = "" if isinstance(error.validator_value, dict | list) else f" {json.dumps(error.validator_value)}"
    return f"is not what the claim allows ({error.validator}{wanted}{f', at {where}' if where else ''})"


def _wrong(problem: str) -> Invalid:
    return Invalid(f"The schema {problem}.", fields={"schema": problem})


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """Give every schema in a schema, itself first; ``true`` and ``false`` say all that they say."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield part
        for keyword, content in part.items():
            if keyword in SCHEMAS:
                waiting.append(content)
            elif keyword in LISTS and isinstance(content, list):
                waiting += content
            elif keyword in NAMED and isinstance(content, dict):
                waiting += content.values()


def _read(part: dict[str, Any]) -> Iterator[str]:
    """Refuse what is not on the list; gives the pattern, if there is one."""
    if unknown := sorted(set(part) - KEYWORDS):
        word = unknown[0]
        problem = "has references, which are not followed" if word in {"$ref", "$dynamicRef", "$defs"} else (
            f"has the keyword {word!r}, by which nothing is checked here"
        )  # fmt: skip
        raise Invalid(
            f"The schema {problem}.", remedy=f"One of: {', '.join(sorted(KEYWORDS))}.", fields={"schema": problem}
        )
    if isinstance(part.get("pattern"), str):
        yield part["pattern"]
