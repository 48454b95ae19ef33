"""What a browser does only for somebody who showed a short while ago who they are (ASVS 7.5.3), at every door.

It compares itself with ``SHOWN_ANEW``: what is in it is refused in a browser that was left open, and all else is not.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actions import SHOWN_ANEW
from accounts.actors import Actor, Door
from accounts.errors import NotRecent
from accounts.models import AuditEvent, Membership, Role, Session, User
from accounts.models.sessions import RECENT
from accounts.operations.base import OPERATIONS
from accounts.operations.invites import user_invite, user_resend_invite
from accounts.operations.organizations import membership_add
from accounts.operations.roles import role_assign, role_create, role_update
from accounts.operations.users import user_create, user_set, user_update
from tests.factories.roles import make_role
from tests.factories.users import SessionFactory
from tests.matrix.test_operations import PERMISSIONS, World, build

__all__ = ["build"]

SENSITIVE = sorted(name for name in PERMISSIONS if OPERATIONS[name] in SHOWN_ANEW)


def long_ago() -> Any:
    return timezone.now() - RECENT - timedelta(seconds=1)


def left_open(user: User, kind: str = Session.BROWSER) -> Actor:
    """Give the principal of a session in which somebody showed long ago who they are."""
    session = SessionFactory.create(user=user, kind=kind, authenticated_at=long_ago())
    return policy.actor_for(user, door=Door.ADMIN, session=session)


def strongest(world: World, name: str) -> User:
    """Give somebody who may do it: an admin where one may, or else the super-user."""
    somebody = world.erin if PERMISSIONS[name].expected("erin") == "+" else world.root
    assert isinstance(somebody, User)
    return somebody


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
def test_an_operation_asks_if_it_is_most_sensitive(world: World, everything: Callable[[], Any], name: str) -> None:
    verb, person = PERMISSIONS[name], strongest(world, name)
    verb.prepare(world)
    actor = left_open(person)
    before, recorded = everything(), AuditEvent.objects.count()

    if OPERATIONS[name] not in SHOWN_ANEW:
        verb.call(world, actor)
        return
    with pytest.raises(NotRecent):
        verb.call(world, actor)

    assert everything() == before
    assert AuditEvent.objects.count() == recorded  # it is no refusal by policy
    session = SessionFactory.create(user=person)
    verb.call(world, policy.actor_for(person, door=Door.ADMIN, session=session))


@pytest.mark.parametrize("name", SENSITIVE)
def test_a_program_that_signed_in_is_not_asked(world: World, name: str) -> None:
    verb = PERMISSIONS[name]
    verb.prepare(world)

    verb.call(world, left_open(strongest(world, name), Session.API))


def invited(world: World) -> Any:
    return user_invite(
        actor=world.operator, organization=world.acme, email="lee@example.com", roles=["member", "admin"]
    ).invite


GIVING: dict[str, Callable[[World, Actor, str], Any]] = {
    "role_assign": lambda world, actor, slug: role_assign(
        actor=actor,
        membership=Membership.objects.select_related("organization", "user").get(user=world.bob),
        role=Role.objects.built_in().get(slug=slug),
    ),
    "user_create": lambda world, actor, slug: user_create(
        actor=actor, organization=world.acme, email="new@example.com", roles=[slug]
    ),
    "user_invite": lambda world, actor, slug: user_invite(
        actor=actor, organization=world.acme, email="new@example.com", roles=["member", slug]
    ),
    "user_set": lambda world, actor, slug: user_set(
        actor=actor, user=world.bob, admin=slug == "admin" or None, moderator=slug == "moderator" or None
    ),
    "membership_add": lambda world, actor, slug: membership_add(
        actor=actor, organization=world.acme, user=world.oscar, roles=[slug]
    ),
    "role_create": lambda world, actor, slug: role_create(
        actor=actor, organization=world.acme, slug="clerk", name="Clerk", permissions=words_of(slug)
    ),
    "role_update": lambda world, actor, slug: role_update(actor=actor, role=world.role, permissions=words_of(slug)),
}
"""Every way to give somebody a role, or a role a permission."""


def words_of(slug: str) -> list[str]:
    return ["user.show", "user.purge" if slug == "admin" else "user.suspend"]


@pytest.mark.parametrize("way", GIVING)
def test_giving_what_permits_it_asks_too(world: World, everything: Callable[[], Any], way: str) -> None:
    actor = left_open(world.root)
    before = everything()

    with pytest.raises(NotRecent):
        GIVING[way](world, actor, "admin")

    assert everything() == before
    GIVING[way](world, actor, "moderator")


def test_sending_an_invite_to_be_an_admin_again_asks_too(world: World) -> None:
    with pytest.raises(NotRecent):
        user_resend_invite(actor=left_open(world.erin), invite=invited(world))


def test_giving_an_admin_more_time_asks_too(world: World) -> None:
    GIVING["role_assign"](world, world.operator, "admin")
    membership, role = Membership.objects.get(user=world.bob), Role.objects.built_in().get(slug="admin")
    end = timezone.now() + timedelta(days=1)

    with pytest.raises(NotRecent):
        role_assign(actor=left_open(world.alice), membership=membership, role=role, until=end)


def test_a_role_that_an_application_knows_is_not_meant(world: World) -> None:
    role = make_role(world.acme, "planner", "billing.refund", application=world.application)
    membership = Membership.objects.get(user=world.bob)

    assert role_assign(actor=left_open(world.erin), membership=membership, role=role) == membership


def test_another_address_of_somebody_asks_too_and_another_name_does_not(
    world: World, everything: Callable[[], Any]
) -> None:
    actor, before = left_open(world.erin), everything()

    with pytest.raises(NotRecent):
        user_update(actor=actor, user=world.bob, changes={"email": "mine@example.com"})

    assert everything() == before
    user_update(actor=actor, user=world.bob, changes={"name": "Robert", "email": world.bob.email})


def test_no_word_is_asked_for_that_nobody_could_do(world: World) -> None:
    """A word that no operation has would be a hole that looks like a wall."""
    assert set(OPERATIONS.values()) >= SHOWN_ANEW
