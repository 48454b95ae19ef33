"""Acting as somebody when two do it at once: one is live for each pair, and a browser comes back once."""

from functools import partial

import pytest

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import NotAllowed, NotAuthenticated, NotFound
from accounts.models import Session
from accounts.models.sessions import session_key_hash
from accounts.operations.impersonation import impersonation_stop, user_impersonate
from accounts.operations.statuses import user_suspend
from accounts.operations.tokens import token_authenticated
from tests.factories.organizations import make_organization
from tests.factories.users import SessionFactory, make_user
from tests.races.test_races import refusals, succeeded, together

pytestmark = [pytest.mark.django_db(transaction=True)]
ROUNDS = 6


@pytest.fixture
def shell() -> Actor:
    return policy.operator(os_user="tester")


def test_of_eight_beginnings_one_is_live(shell: Actor) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"round-{number}")
        owner, bob = make_user(organization, "alice", role="owner"), make_user(organization, "bob")
        session = SessionFactory.create(user=owner)
        alice = policy.actor_for(owner, door=Door.API, session=session)
        begin = partial(user_impersonate, user=bob, reason="Ticket 1")

        results = together(*[partial(begin, actor=alice)] * 4, *[partial(begin, actor=shell)] * 4)

        assert len(succeeded(results)) == 8
        live = Session.objects.live().filter(user=bob, kind="impersonation")
        assert sorted(live.values_list("impersonator_kind", flat=True)) == ["operator", "user"]


def test_who_is_suspended_while_they_begin_acts_as_nobody(shell: Actor) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"round-{number}")
        make_user(organization, "olga", role="owner")
        owner, bob = make_user(organization, "alice", role="owner"), make_user(organization, "bob")
        alice = policy.actor_for(owner, door=Door.API, session=SessionFactory.create(user=owner))

        results = together(
            partial(user_impersonate, actor=alice, user=bob, reason="Ticket 1"),
            partial(user_suspend, actor=shell, user=owner),
        )

        assert refusals(results) <= {NotAuthenticated, NotAllowed}
        assert not Session.objects.live().filter(user=bob).exists()
        for begun in (result for result in succeeded(results) if hasattr(result, "access_token")):
            with pytest.raises(NotAuthenticated):
                token_authenticated(begun.access_token)


def test_a_browser_comes_back_once(shell: Actor) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"round-{number}")
        owner, bob = make_user(organization, "alice", role="owner"), make_user(organization, "bob")
        own = SessionFactory.create(user=owner)
        alice = policy.actor_for(owner, door=Door.PAGE, session=own)
        begun = user_impersonate(actor=alice, user=bob, reason="Ticket 1", key_hash=session_key_hash(f"key {number}"))
        keys = [session_key_hash(f"fresh {number} {which}") for which in range(4)]

        results = together(
            *[partial(impersonation_stop, actor=alice, session=begun.session, key_hash=key) for key in keys]
        )

        (back,) = succeeded(results)
        assert refusals(results) == {NotFound}
        own.refresh_from_db()
        assert own.key_hash == back.key_hash
        assert not Session.objects.live().filter(user=bob).exists()
