"""Claims of other people that mention somebody who is erased."""

import pytest

from accounts.actors import Actor
from accounts.claims import ClaimType
from accounts.models import ClaimDefinition, ClaimKey, ClaimValue, Organization, User
from gdpr.operations.erasure import erase
from tests.factories.claims import make_claim, say
from tests.gdpr.canaries import database_text

pytestmark = pytest.mark.django_db


def test_a_mention_of_the_person_goes_from_every_claim(
    acme: Organization, bob: User, carol: User, operator: Actor
) -> None:
    word = "bob@acme.example"
    deputy = make_claim(acme, "deputy", description=f"Not {word}", schema={"enum": [word, "none"]})
    notes = make_claim(acme, "notes", type=str(ClaimType.JSON))
    langs = make_claim(acme, "langs", type="strings")
    say(carol, deputy, word)
    say(carol, notes, {"of": [word], word: 1})
    say(carol, langs, ["en", word])
    say(bob, langs, ["de"])

    erase(actor=operator, user=bob, how="purge")

    assert word not in database_text()
    assert {value.definition.name: value.value for value in ClaimValue.objects.select_related("definition")} == {
        "deputy": "[erased]", "notes": {"of": ["[erased]"], "[erased]": 1}, "langs": ["en", "[erased]"],
    }  # fmt: skip
    assert [key.key for key in ClaimKey.objects.filter(user=carol)] == ["text:en"]
    changed = ClaimDefinition.objects.get(name="deputy")
    assert (changed.description, changed.schema) == ("Not [erased]", {"enum": ["[erased]", "none"]})
