"""API keys: at most what their maker has, and dead when the maker is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actions import BUILT_IN_ROLES, INSTALLATION_ACTIONS, SYSTEM_ACTIONS, UMBRELLAS, Action
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound
from accounts.models import APIKey, AuditEvent, Organization, RoleAssignment, User
from accounts.operations.api_keys import SCOPES, api_key_create, api_key_revoke
from accounts.operations.statuses import user_activate, user_suspend
from accounts.secrets import matches, parse
from accounts.statuses import OrganizationStatus
from tests.factories.users import make_user

Acting = Callable[[User], Actor]
Photograph = Callable[[], Any]


def refused(error: Any, call: Callable[[], Any], everything: Photograph) -> None:
    before = everything()
    with pytest.raises(error):
        call()
    assert everything() == before


def test_making(operator: Actor, acme: Organization, acting: Acting, alice: User) -> None:
    made = api_key_create(actor=acting(alice), organization=acme, name="script", scopes=["user.show", "user.list"])

    key = APIKey.objects.get()
    parsed = parse("idk", made.secret)
    assert parsed is not None
    assert (key.lookup, matches(parsed[1], key.secret_hash), key.made_by) == (parsed[0], True, alice)
    assert parsed[1] not in str(APIKey.objects.values().get())
    assert key.scopes == ["user.list", "user.show"]
    assert timedelta(days=364) < key.expires_at - timezone.now() <= timedelta(days=365)
    event = AuditEvent.objects.prefetch_related("parts").get()
    assert event.part("subject") == {
        "after": {"name": "script", "scopes": key.scopes, "expires_at": key.expires_at.isoformat()}
    }
    assert (event.subject_kind, event.subject_id) == ("api_key", key.pk)


@pytest.mark.parametrize(
    "given",
    [
        {"scopes": []},
        {"scopes": ["user.fly"]},
        {"scopes": ["org.create"]},
        {"scopes": ["session.start"]},
        {"scopes": ["superuser.create"]},
        {"scopes": ["*"]},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "a\nb"},
        {"expires_at": timedelta(seconds=-1)},
        {"expires_at": timedelta(days=366)},
    ],
    ids=str,
)
def test_what_is_wrong(operator: Actor, acme: Organization, everything: Photograph, given: dict[str, Any]) -> None:
    if "expires_at" in given:
        given = {"expires_at": timezone.now() + given["expires_at"]}
    arguments: dict[str, Any] = {"name": "k", "scopes": ["user.show"], **given}

    refused(Invalid, lambda: api_key_create(actor=operator, organization=acme, **arguments), everything)


def test_the_scopes_are_what_an_organization_can_give() -> None:
    assert {*UMBRELLAS, *(set(Action) - INSTALLATION_ACTIONS - SYSTEM_ACTIONS)} == SCOPES


@pytest.mark.parametrize("scope", sorted(SCOPES))
@pytest.mark.parametrize("role", ["owner", "admin", "moderator"])
def test_nobody_gives_a_key_what_they_do_not_have(
    acting: Acting, acme: Organization, alice: User, everything: Photograph, role: str, scope: str
) -> None:
    actor = acting(make_user(acme, "me", role=role))
    held = BUILT_IN_ROLES[role]
    wanted = UMBRELLAS.get(scope, frozenset({scope}))

    def call() -> Any:
        return api_key_create(actor=actor, organization=acme, name="k", scopes=[scope])

    if Action.API_KEY_CREATE in held and wanted <= held:
        assert call().key.scopes == [scope]
    else:
        refused(NotAllowed, call, everything)


def test_a_key_makes_no_stronger_key(operator: Actor, acme: Organization, everything: Photograph) -> None:
    made = api_key_create(actor=operator, organization=acme, name="k", scopes=["api_key.create", "user.show"])
    actor = policy.actor_for_key(made.key, door=Door.API)

    refused(
        NotAllowed,
        lambda: api_key_create(actor=actor, organization=acme, name="x", scopes=["user.suspend"]),
        everything,
    )
    child = api_key_create(actor=actor, organization=acme, name="x", scopes=["user.show"])
    assert child.key.made_by is None


def test_a_key_of_a_key_is_its_makers(acting: Acting, erin: User, acme: Organization, operator: Actor) -> None:
    made = api_key_create(actor=acting(erin), organization=acme, name="k", scopes=["api_key.create", "user.show"])
    actor = policy.actor_for_key(made.key, door=Door.API)
    child = api_key_create(actor=actor, organization=acme, name="x", scopes=["user.show"])

    assert child.key.made_by == erin
    user_suspend(actor=operator, user=erin)
    assert not APIKey.objects.live().exists()


def test_a_key_shrinks_with_its_maker(acting: Acting, erin: User, acme: Organization, bob: User) -> None:
    made = api_key_create(actor=acting(erin), organization=acme, name="k", scopes=["admin:users"])
    actor = policy.actor_for_key(made.key, door=Door.API)
    assert actor.holds(Action.USER_SUSPEND, acme.pk)

    RoleAssignment.objects.of_user(erin.pk).exclude(role__slug="member").delete()

    assert policy.current(actor).permissions_in(acme.pk) == frozenset()
    with pytest.raises(NotAllowed):
        user_suspend(actor=actor, user=bob)


def test_a_key_dies_with_its_maker_and_stays_dead(
    operator: Actor, acting: Acting, erin: User, acme: Organization
) -> None:
    made = api_key_create(actor=acting(erin), organization=acme, name="k", scopes=["user.show"])
    actor = policy.actor_for_key(made.key, door=Door.API)

    user_suspend(actor=operator, user=erin)
    user_activate(actor=operator, user=erin)

    with pytest.raises(NotAuthenticated):
        policy.current(actor)
    assert APIKey.objects.get().revoke_reason == "user.suspend"


def test_revoking(operator: Actor, acme: Organization, acting: Acting, mallory: User, everything: Photograph) -> None:
    made = api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"])
    refused(NotFound, lambda: api_key_revoke(actor=acting(mallory), key=made.key), everything)

    api_key_revoke(actor=operator, key=made.key, reason="lost")
    after = everything()
    api_key_revoke(actor=operator, key=made.key, reason="lost")

    assert everything() == after
    assert APIKey.objects.get().revoke_reason == "api_key.revoke"
    event = AuditEvent.objects.prefetch_related("parts").get(action="api_key.revoke")
    assert event.part("subject") == {"reason": "lost"}


def test_an_archived_organization_gets_none(operator: Actor, acme: Organization, everything: Photograph) -> None:
    Organization.objects.filter(pk=acme.pk).update(status=OrganizationStatus.ARCHIVED)

    refused(
        Conflict,
        lambda: api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"]),
        everything,
    )
