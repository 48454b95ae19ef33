"""Claims when two do it at once: a definition and its values never disagree."""

from functools import partial

import pytest

from accounts import policy
from accounts.actors import Actor
from accounts.claims import value_problem
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import ClaimDefinition, ClaimKey, ClaimValue
from accounts.operations.claims import claim_create, claim_delete, claim_update, user_claims_set
from tests.factories.claims import make_claim
from tests.factories.organizations import make_organization
from tests.factories.users import make_user
from tests.races.test_races import refusals, succeeded, together

pytestmark = [pytest.mark.django_db(transaction=True)]
ROUNDS = 6


@pytest.fixture
def shell() -> Actor:
    return policy.operator(os_user="tester")


def test_of_eight_with_one_name_one_is_defined(shell: Actor) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"round-{number}")
        define = partial(claim_create, actor=shell, organization=organization, name="tier", type="string")

        results = together(*[define] * 8)

        assert len(succeeded(results)) == 1
        assert refusals(results) == {Conflict}


@pytest.mark.parametrize("invalid", ["refuse", "delete"])
def test_no_value_slips_in_while_its_limits_change(shell: Actor, invalid: str) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"round-{number}")
        user, claim = make_user(organization, "bob"), make_claim(organization)
        limits = {"schema": {"maxLength": 5}}

        results = together(
            partial(user_claims_set, actor=shell, user=user, definition=claim, value="Engineering"),
            partial(claim_update, actor=shell, definition=claim, changes=limits, invalid=invalid),
        )

        claim.refresh_from_db()
        assert refusals(results) <= {Invalid, Conflict}
        for value in ClaimValue.objects.filter(definition=claim):
            assert value_problem(claim.type, claim.schema, value.value)[1] is None


def test_a_value_set_while_its_claim_is_deleted_goes_with_it_or_is_refused(shell: Actor) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"round-{number}")
        user, claim = make_user(organization, "bob"), make_claim(organization)

        results = together(
            partial(user_claims_set, actor=shell, user=user, definition=claim, value="Sales"),
            partial(claim_delete, actor=shell, definition=claim),
        )

        assert refusals(results) <= {NotFound}
        assert not ClaimDefinition.objects.filter(organization=organization).exists()
        assert not ClaimValue.objects.filter(user=user).exists()
        assert not ClaimKey.objects.filter(user=user).exists()


def test_two_who_say_it_at_once_leave_one_value(shell: Actor) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"round-{number}")
        user, claim = make_user(organization, "bob"), make_claim(organization)
        say = partial(user_claims_set, actor=shell, user=user, definition=claim)

        results = together(*[partial(say, value=word) for word in ("a", "b", "c", "d")])

        assert refusals(results) <= {Conflict}
        value = ClaimValue.objects.get(user=user)
        assert [key.key for key in ClaimKey.objects.filter(user=user)] == [f"text:{value.value}"]
