"""The proof by canaries: something unique in every column of a person; after erasure the database holds none of it.

A twin in the same organization, and the same address in another, keep everything. ``unreached`` makes sure
that nobody adds a column that no canary reaches.
"""

import pytest

from accounts.actors import Actor
from accounts.models import Organization, User
from accounts.operations.audit import audit_verify
from gdpr.models import Erasure
from gdpr.operations.erasure import erase
from tests.factories.users import make_user
from tests.gdpr.canaries import Canary, database_text, planted, unreached

pytestmark = pytest.mark.django_db


def left(canaries: list[Canary], text: str) -> set[str]:
    """Name the columns whose canaries the text holds, those apart that erasure keeps."""
    return {
        f"{canary.table}.{canary.column}"
        for canary in canaries
        if canary.text and canary.text in text and not canary.is_retained
    }


@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
def test_nothing_of_the_person_is_left_and_everything_of_the_twin(
    how: str, bob: User, carol: User, alice: User, nextdoor: Organization, operator: Actor
) -> None:
    theirs = planted(bob, alice)
    twins = planted(carol, alice)
    assert unreached(theirs) == []
    elsewhere = make_user(nextdoor, "elsewhere")
    User.objects.filter(pk=elsewhere.pk).update(given_name=carol.given_name)
    before = database_text()
    assert left(theirs, before) == {
        f"{canary.table}.{canary.column}" for canary in theirs if canary.text and not canary.is_retained
    }
    twin_before = left(twins, before)

    erase(actor=operator, user=bob, how=how)

    after = database_text()
    assert left(theirs, after) == set()
    assert left(twins, after) == twin_before
    assert [fault for fault in audit_verify(actor=operator).faults if "erasure explains" in fault] == []
