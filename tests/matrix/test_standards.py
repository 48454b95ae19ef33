"""docs/asvs.csv: OWASP ASVS 5.0.0, a row for each requirement; none claims a test or a file that is not there."""

import csv
import re
from collections import Counter

import pytest

from tests.attacks.known import missing
from tests.generated import DOCS

with (DOCS / "asvs.csv").open(newline="") as file:
    ROWS = list(csv.DictReader(file))

STATUSES = {"holds", "partly", "deviates", "does not apply", "open"}
LEVELS = {"1": 69, "2": 171, "3": 16}
"""All of the levels 1 and 2 but those about GraphQL, WebSocket and WebRTC, and what was chosen of level 3."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_a_row_claims_what_is_there(row: dict[str, str]) -> None:
    named = row["test"].split()
    tests = [place.removeprefix("tests/") for place in named if place.startswith("tests/")]
    files = [place for place in named if not place.startswith("tests/")]

    assert re.fullmatch(r"v5\.0\.0-\d{1,2}\.\d\.\d{1,2}", row["id"])
    assert row["status"] in STATUSES
    assert row["control"]
    assert [node for node in tests if missing(node)] == []
    assert [place for place in files if not (DOCS.parent / place).is_file()] == []
    assert (row["applies"] == "no") == (row["status"] == "does not apply")
    assert bool(named) == (row["status"] in {"holds", "partly", "deviates"})


def test_every_requirement_of_the_levels_that_are_meant_has_one_row() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert Counter(row["level"] for row in ROWS) == LEVELS
    order = [[int(part) for part in row["id"].removeprefix("v5.0.0-").split(".")] for row in ROWS]
    assert order == sorted(order)
