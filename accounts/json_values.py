"""Bounds on JSON that comes from outside (SECURITY B.9).

PostgreSQL refuses NUL and lone surrogates where SQLite stores them silently, and both store
numbers that no other program can read back.
"""

import json
import math
from typing import Any, Final

from accounts.errors import Invalid
from accounts.identifiers import text_refused

__all__ = ["INTEGER", "json_object_checked", "json_plain", "json_problem"]

BYTES: Final = 16_384
DEPTH: Final = 20
NODES: Final = 1_000
INTEGER: Final = 2**53


def json_object_checked(value: Any, *, field: str) -> dict[str, Any]:
    """Give an object back if any database and any program can keep it.

    At most 16 KiB, 20 levels and 1,000 values; numbers within 2^53 (PostgreSQL
    gives 1e22 back as a whole number); no NUL, no lone surrogate.

    :raises Invalid: saying what is wrong with it
    """
    problem = "is not a JSON object" if not isinstance(value, dict) else json_problem(value, nodes=NODES)
    if problem is None and len(json.dumps(value)) > BYTES:
        problem = f"is larger than {BYTES} bytes"
    if problem:
        raise Invalid(f"The {field} {problem}.", fields={field: problem})
    checked: dict[str, Any] = value
    return checked


def json_problem(value: Any, *, nodes: int) -> str | None:
    """Say why a value cannot be kept; walks without recursion, because depth is what an attacker chooses.

    :param nodes: how many values it may hold
    """
    waiting: list[tuple[Any, int]] = [(value, 1)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > DEPTH or seen > nodes:
            return f"has more than {DEPTH} levels or {nodes} values"
        if isinstance(node, dict):
            waiting += [(part, depth + 1) for item in node.items() for part in item]
        elif isinstance(node, list):
            waiting += [(part, depth + 1) for part in node]
        elif isinstance(node, str):
            if problem := text_refused(node):
                return problem
        elif isinstance(node, float) and not math.isfinite(node):
            return "holds a number that is none"
        elif isinstance(node, int | float) and abs(node) > INTEGER:
            return "holds a number beyond 2^53"
        elif not isinstance(node, int | float | None):
            return "holds what JSON has no word for"
    return None


def json_plain(value: Any) -> Any:
    """Write the numbers of a checked value the one way that both databases give back: no 1.0, no -0.0."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, list):
        return [json_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: json_plain(entry) for key, entry in value.items()}
    return value
