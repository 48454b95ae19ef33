"""The transition table, written out once more (INTERFACE section 2)."""

import pytest

from accounts.statuses import TRANSITIONS, Status, next_status

ORDER = ["invited", "active", "suspended", "locked", "restricted", "archived", "purging", "purged"]
TABLE = {
    # from:       invited     active        suspended     locked        restricted  archived      purging purged
    "suspend": [None, "suspended", None, "suspended", None, None, None, None],
    "activate": [None, None, "active", None, None, "active", None, None],
    "lock": [None, "locked", None, None, None, None, None, None],
    "unlock": [None, None, None, "active", None, None, None, None],
    "archive": ["archived", "archived", "archived", "archived", None, None, None, None],
    "restrict": [None, "restricted", "restricted", "restricted", None, "restricted", None, None],
    "unrestrict": [None, None, None, None, "before", None, None, None],
}


def test_the_table_is_of_these_words() -> None:
    assert (list(Status), set(TRANSITIONS)) == (ORDER, set(TABLE))


@pytest.mark.parametrize("verb", sorted(TABLE))
@pytest.mark.parametrize("status", ORDER)
def test_every_pair(verb: str, status: str) -> None:
    expected = TABLE[verb][ORDER.index(status)]

    for before in (Status.ACTIVE, Status.SUSPENDED, Status.LOCKED, Status.ARCHIVED):
        reached = next_status(verb, Status(status), before)
        assert reached == (before if expected == "before" else expected)
