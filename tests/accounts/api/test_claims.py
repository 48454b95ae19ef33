"""Claims through the API: what a refusal says beside."""

from accounts.models import ClaimDefinition, ClaimValue, Organization, User
from tests.accounts.api.programs import key_of
from tests.factories.claims import make_claim, say


def test_a_claim_that_is_narrowed_answers_with_whose_values_no_longer_fit(acme: Organization, bob: User) -> None:
    department = make_claim(acme)
    say(bob, department, "Secretariat")
    address, narrower = f"claims/{department.public_id}/", {"schema": {"maxLength": 5}}

    refused = key_of(acme, "claim.update", "claim.list", "user.show").patch(address, narrower)
    blind = key_of(acme, "claim.update", "claim.list").patch(address, narrower)

    problem = "is not what the claim allows (maxLength 5)"
    assert (refused.status_code, refused.body["code"]) == (409, "CONFLICT")
    assert refused.body["unfit"] == [{"user": bob.public_id, "problem": problem}]
    assert refused.body["unfit_total"] == 1
    assert (blind.status_code, blind.body["unfit"], blind.body["unfit_total"]) == (409, [], 1)
    assert "Secretariat" not in refused.content.decode()
    assert ClaimDefinition.objects.get().schema == {}
    assert ClaimValue.objects.count() == 1
