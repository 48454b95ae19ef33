"""Restriction (Art. 18): the data is kept, in no list and no search, and nothing of it changes."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Conflict
from accounts.filters import UserFilter
from accounts.models import AuditEvent, Organization, User
from accounts.operations import organizations, recovery, statuses, users
from accounts.operations.base import NewPassword
from gdpr.models import Erasure
from gdpr.operations.erasure import erase, user_delete_activities
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_open
from tests.accounts.api.programs import key_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def restricted(bob: User, operator: Actor) -> User:
    """Bob, who contests what is said of him."""
    return statuses.user_restrict(actor=operator, user=bob, reason="Contested")


CHANGES: dict[str, Callable[[Actor, User, Organization], Any]] = {
    "update": lambda actor, user, _: users.user_update(actor=actor, user=user, changes={"name": "Other"}),
    "set_password": lambda actor, user, _: users.user_set_password(
        actor=actor, user=user, password=NewPassword("correct horse battery staple")
    ),
    "confirm": lambda actor, user, _: users.user_confirm(actor=actor, user=user),
    "unconfirm": lambda actor, user, _: users.user_unconfirm(actor=actor, user=user),
    "tag": lambda actor, user, _: users.user_tag(actor=actor, user=user, tags=["x"]),
    "untag": lambda actor, user, _: users.user_untag(actor=actor, user=user, tags=["x"]),
    "set": lambda actor, user, _: users.user_set(actor=actor, user=user, moderator=True),
    "suspend": lambda actor, user, _: statuses.user_suspend(actor=actor, user=user),
    "activate": lambda actor, user, _: statuses.user_activate(actor=actor, user=user),
    "lock": lambda actor, user, _: statuses.user_lock(actor=actor, user=user),
    "archive": lambda actor, user, _: statuses.user_archive(actor=actor, user=user),
    "restrict": lambda actor, user, _: statuses.user_restrict(actor=actor, user=user),
    "membership_add": lambda actor, user, place: organizations.membership_add(
        actor=actor, organization=place, user=user
    ),
    "admin_link": lambda actor, user, _: recovery.admin_link(actor=actor, user=user),
    "reset_password": lambda actor, user, _: recovery.user_reset_password(actor=actor, user=user),
    "reset_link": lambda actor, user, _: recovery.user_reset_link(actor=actor, user=user),
    "purge": lambda actor, user, _: erase(actor=actor, user=user, how=Erasure.PURGE),
    "delete": lambda actor, user, _: erase(actor=actor, user=user, how=Erasure.DELETE),
    "delete_activities": lambda actor, user, _: user_delete_activities(actor=actor, user=user),
}


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_of_it_is_changed(
    restricted: User, nextdoor: Organization, operator: Actor, everything: Callable[[], Any], name: str
) -> None:
    before, events = everything(), AuditEvent.objects.count()

    with pytest.raises(Conflict):
        CHANGES[name](operator, restricted, nextdoor)

    assert everything() == before
    assert AuditEvent.objects.count() == events


def test_it_stands_in_no_list_and_no_search_unless_it_is_asked_for(restricted: User, acme: Organization) -> None:
    api = key_of(acme, "user.list", "user.search", "user.show")

    def found(path: str) -> set[str]:
        return {row["id"] for row in api.get(path).body["data"]}

    searched = api("POST", "users/search/", {"query": "bob"}).body["data"]
    assert restricted.public_id not in found("users/")
    assert restricted.public_id not in {row["id"] for row in searched}
    assert restricted.public_id not in {
        user.public_id for user in UserFilter.parse("search=bob").apply(User.objects.filter(organization=acme))
    }
    assert restricted.public_id in found("users/?status=restricted")
    assert api.get(f"users/{restricted.public_id}/").body["status"] == "restricted"


def test_it_can_be_asked_about_held_and_lifted(restricted: User, operator: Actor) -> None:
    request_open(actor=operator, user=restricted, kind="rectification")
    hold_place(actor=operator, user=restricted, reason="Case 7", exemption="e")

    lifted = statuses.user_unrestrict(actor=operator, user=restricted)

    assert lifted.status == "active"
    assert users.user_update(actor=operator, user=lifted, changes={"name": "Robert"}).name == "Robert"
