"""Invites by program: made, listed, and accepted by who has an account elsewhere."""

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Invite, Membership, Organization, User
from accounts.operations.invites import user_invite
from tests.accounts.api.programs import API, key_of
from tests.factories.users import make_user


@pytest.fixture
def kim(nextdoor: Organization) -> User:
    """Kim, at home next door, with a confirmed address."""
    return make_user(nextdoor, "kim", email_verified_at=timezone.now())


def test_made_shown_and_listed_by_status(acme: Organization, alice: User) -> None:
    api = key_of(acme, "admin:users")

    made = api.post("invites/", {"email": "kim@example.com", "name": "Kim"})
    link = api.post("invites/", {"max_uses": 3})

    assert (made.status_code, made.body["status"], made.body["delivery"]) == (201, "pending", "queued")
    assert set(made.body) >= {"id", "status", "email", "role", "expires_at", "max_uses", "uses"}
    assert "link" not in made.body
    assert (link.body["link"].startswith("http"), link.body["role"]) == (True, "member")
    assert api.get(f"invites/{made.body['id']}/").body == made.body
    assert [row["id"] for row in api.get("invites/?status=pending").body["data"]] == [
        made.body["id"],
        link.body["id"],
    ]
    assert api.get("invites/?status=accepted").body["data"] == []
    assert api.get("invites/?status=asleep").status_code == 422


def test_again_with_the_same_key_makes_no_second(acme: Organization, alice: User) -> None:
    api = key_of(acme, "admin:users")

    first = api.post("invites/", {"max_uses": 3}, Idempotency_Key="one")
    again = api.post("invites/", {"max_uses": 3}, Idempotency_Key="one")

    assert (again.status_code, again.body["id"]) == (201, first.body["id"])
    assert ("link" in first.body, "link" in again.body) == (True, False)
    assert Invite.objects.count() == 1


def test_somebody_with_an_account_elsewhere_comes_as_a_guest(
    acme: Organization, alice: User, kim: User, operator: Actor
) -> None:
    user_invite(actor=operator, organization=acme, email=kim.email, roles=["moderator"], message="Come.")
    api = API.of(kim)

    (mine,) = api.get("me/invites/").body["data"]
    assert (mine["organization_name"], mine["roles"], mine["message"]) == (
        acme.name,
        ["member", "moderator"],
        "Come.",
    )
    joined = api.post(f"me/invites/{mine['id']}/accept/", {})

    assert (joined.status_code, joined.body["home"]) == (200, False)
    assert Membership.objects.filter(user=kim, organization=acme).exists()
    assert api.get("me/invites/").body["data"] == []


def test_or_declines(acme: Organization, alice: User, kim: User, operator: Actor) -> None:
    made = user_invite(actor=operator, organization=acme, email=kim.email)
    api = API.of(kim)

    assert api.post(f"me/invites/{made.invite.public_id}/decline/", {}).status_code == 204
    assert api.post(f"me/invites/{made.invite.public_id}/accept/", {}).status_code == 404
    assert not Membership.objects.filter(user=kim, organization=acme).exists()
