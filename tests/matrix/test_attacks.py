"""The lists of docs/ that name tests: nothing there is claimed that is not tried."""

import pytest

from tests.attacks.known import Attack, attacks, missing

ATTACKS = list(attacks())


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.id)
def test_every_known_attack_is_tried_or_says_why_not(attack: Attack) -> None:
    assert [node for node in attack.tests if missing(node)] == []
    assert [bool(attack.tests), bool(attack.not_here), bool(attack.open)].count(True) == 1
    assert bool(attack.paths) == bool(attack.tests)
    assert len(set(attack.tests)) == len(attack.tests)


def test_each_is_listed_once() -> None:
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS) > 80


@pytest.mark.parametrize(
    "node",
    [
        "attacks/test_nothing.py",
        "attacks/known.py",
        "matrix/test_attacks.py::test_nothing",
        "matrix/test_attacks.py::T",
    ],
)
def test_what_collects_nothing_is_noticed(node: str) -> None:
    assert missing(node)
    assert not missing("matrix/test_attacks.py::test_what_collects_nothing_is_noticed")
