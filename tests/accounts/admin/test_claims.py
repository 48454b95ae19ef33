"""Claims by click."""

from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ClaimDefinition, ClaimValue, Organization
from accounts.operations.claims import claim_update
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.claims import SHELL, make_claim, say


@pytest.fixture
def browser(cast: SimpleNamespace) -> Client:
    """Alice's."""
    client = Client()
    sign_in(client, cast.alice)
    return client


@pytest.fixture
def department(acme: Organization, cast: SimpleNamespace) -> ClaimDefinition:
    """A claim that says something of bob."""
    made = make_claim(acme, appears_in=["id_token"])
    say(cast.bob, made, "Secretariat")
    return made


def form(**values: str) -> dict[str, str]:
    opened = {"initial-is_personal": "True", "initial-in_id_token": "True", "version": "1", "invalid": "refuse"}
    return {**opened, "is_personal": "on", "in_id_token": "on", **values}


def test_values_that_would_not_fit_are_listed_before_they_go(
    browser: Client, cast: SimpleNamespace, department: ClaimDefinition
) -> None:
    address = reverse("admin:accounts_claimdefinition_change", args=[department.public_id])

    refused = browser.post(address, form(schema='{"maxLength": 5}'))

    assert refused.status_code == 422
    assert text_of(refused).count("1 value would no longer fit") >= 2, "in the message and above the list"
    assert cast.bob.public_id in text_of(refused)
    assert "Secretariat" not in text_of(refused)
    assert ClaimValue.objects.count() == 1
    assert browser.post(address, form(schema='{"maxLength": 5}', invalid="delete")).status_code == 302
    assert ClaimValue.objects.count() == 0


def test_what_somebody_changed_meanwhile_stays(browser: Client, department: ClaimDefinition) -> None:
    address = reverse("admin:accounts_claimdefinition_change", args=[department.public_id])
    claim_update(actor=SHELL, definition=department, changes={"appears_in": ["userinfo"]})

    late = browser.post(address, form(description="Where"))
    again = browser.post(
        address, {**form(description="Where", version="2"), "initial-in_id_token": "False", "in_id_token": ""}
    )

    assert (late.status_code, again.status_code) == (409, 302)
    assert "It appears in userinfo is now: True" in text_of(late)
    department.refresh_from_db()
    assert (department.description, department.appears_in) == ("Where", ["userinfo"])


def test_a_typed_value_that_does_not_fit_is_told_beside_it(
    browser: Client, cast: SimpleNamespace, department: ClaimDefinition, acme: Organization
) -> None:
    address = reverse("admin:accounts_user_claims", args=[cast.bob.public_id])
    age = make_claim(acme, "age", type="integer")

    assert "Secretariat" in text_of(browser.get(address))
    for value, told in (("old", "Is not JSON."), ("1.5", "Is not a whole number.")):
        refused = browser.post(address, {"claim": age.public_id, "value": value})
        assert refused.status_code == 422
        assert told in text_of(refused)
    assert browser.post(address, {"claim": department.public_id, "remove": "yes"}).status_code == 302
    assert not ClaimValue.objects.exists()


def test_people_are_listed_by_a_claim(browser: Client, department: ClaimDefinition) -> None:
    text = text_of(browser.get("/admin/accounts/user/?claim=department%3DSecretariat"))

    assert "bob@acme.example" in text
    assert "carol@acme.example" not in text
