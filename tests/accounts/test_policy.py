"""Who may do what: liveness, grants, what exists for whom."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actions import BUILT_IN_ROLES, INSTALLATION_ACTIONS, SELF_ACTIONS, SYSTEM_ACTIONS, Action, expand
from accounts.actors import Actor, Door
from accounts.errors import NotAllowed, NotAuthenticated, NotFound
from accounts.models import (
    APIKey,
    Application,
    AuditEvent,
    Membership,
    Organization,
    Permission,
    Role,
    RoleAssignment,
    RolePermission,
    Session,
    User,
)
from accounts.operations.api_keys import api_key_create
from accounts.statuses import OrganizationStatus, Status
from tests.factories.organizations import give
from tests.factories.roles import make_application, make_role
from tests.factories.users import SessionFactory, make_user

Acting = Callable[[User], Actor]
TENANTS: tuple[Any, ...] = (
    User, Organization, Membership, Session, APIKey, AuditEvent, RoleAssignment, Application, Permission, Role
)  # fmt: skip


class TestRoles:
    """The four are rows, and the rows are the words."""

    @pytest.mark.parametrize("slug", list(BUILT_IN_ROLES))
    def test_the_rows_are_the_words(self, db: None, slug: str) -> None:
        role = Role.objects.built_in().get(slug=slug)

        assert set(role.permissions.values_list("permission", flat=True)) == BUILT_IN_ROLES[slug]

    def test_what_drifted_is_brought_back(self, db: None) -> None:
        role = Role.objects.built_in().get(slug="member")
        RolePermission.objects.create(role=role, permission="user.create")
        Role.objects.built_in().get(slug="owner").permissions.filter(permission="user.list").delete()

        Role.objects.install_built_in()

        assert role.permissions.count() == 0
        assert Role.objects.built_in().get(slug="owner").permissions.filter(permission="user.list").exists()

    def test_no_role_reaches_the_installation(self) -> None:
        for words in BUILT_IN_ROLES.values():
            assert not words & (INSTALLATION_ACTIONS | SYSTEM_ACTIONS)

    def test_each_is_within_the_next_stronger(self) -> None:
        roles = list(BUILT_IN_ROLES.values())

        for stronger, weaker in pairwise(roles):
            assert weaker < stronger

    def test_the_umbrella_is_every_verb_on_users(self) -> None:
        assert expand(frozenset({"admin:users", "org.show"})) == {
            "org.show",
            *(
                action
                for action in Action
                if action.startswith(("user.", "session.", "factor.")) and action not in SYSTEM_ACTIONS
            ),
        }


class TestLive:
    """The one question every way in asks."""

    @pytest.mark.parametrize("status", list(Status))
    def test_a_person_of_each_status(self, acme: Organization, alice: User, status: Status) -> None:
        user = make_user(acme, "them")
        gone = dict.fromkeys(("email", "email_key", "username", "username_key")) if status is Status.PURGED else {}
        before = {"status_before": "active"} if status is Status.RESTRICTED else {}
        User.objects.filter(pk=user.pk).update(status=status, **gone, **before)
        user.refresh_from_db()

        if status is Status.ACTIVE:
            policy.assert_live(user)
            return
        with pytest.raises(NotAuthenticated):
            policy.assert_live(user)

    @pytest.mark.parametrize("status", [OrganizationStatus.SUSPENDED, OrganizationStatus.ARCHIVED])
    def test_nobody_of_an_organization_that_is_not(
        self, operator: Actor, acme: Organization, erin: User, status: OrganizationStatus
    ) -> None:
        api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"])
        Organization.objects.filter(pk=acme.pk).update(status=status)

        for principal in (User.objects.get(pk=erin.pk), APIKey.objects.get()):
            with pytest.raises(NotAuthenticated):
                policy.assert_live(principal)

    def test_nobody_at_all(self, db: None) -> None:
        with pytest.raises(NotAuthenticated):
            policy.assert_live(None)

    @pytest.mark.parametrize("death", [{"expires_at": timedelta(seconds=-1)}, {"ended": True}, {"gone": True}], ids=str)
    def test_a_session_that_is_not(self, bob: User, death: dict[str, Any]) -> None:
        session = SessionFactory.create(user=bob)
        policy.assert_live(bob, session=session, needs_session=True)
        if "expires_at" in death:
            Session.objects.update(expires_at=timezone.now() + death["expires_at"])
        elif "ended" in death:
            Session.objects.all().end("test")
        else:
            Session.objects.all().delete()

        with pytest.raises(NotAuthenticated):
            policy.assert_live(bob, session=Session.objects.first(), needs_session=True)

    def test_a_key_that_ran_out(self, operator: Actor, acme: Organization) -> None:
        api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"])
        APIKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        with pytest.raises(NotAuthenticated):
            policy.assert_live(APIKey.objects.get())


class TestGrants:
    """What counts now."""

    def test_an_assignment_that_ran_out_does_not(self, acting: Acting, erin: User, acme: Organization) -> None:
        RoleAssignment.objects.of_user(erin.pk).update(until=timezone.now() + timedelta(hours=1))
        assert acting(erin).permissions_in(acme.pk) == policy.permissions_of(erin) == BUILT_IN_ROLES["admin"]

        RoleAssignment.objects.of_user(erin.pk).update(until=timezone.now() - timedelta(seconds=1))
        assert acting(erin).permissions_in(acme.pk) == policy.permissions_of(erin) == frozenset()

    def test_one_organization_is_not_another(
        self, acting: Acting, bob: User, acme: Organization, nextdoor: Organization
    ) -> None:
        give(bob, nextdoor, "admin")
        actor = acting(bob)

        assert actor.permissions_in(acme.pk) == frozenset()
        assert actor.permissions_in(nextdoor.pk) == BUILT_IN_ROLES["admin"]
        assert actor.organizations_where(Action.USER_SUSPEND) == [nextdoor.pk]

    def test_an_organization_that_is_suspended_grants_nothing(
        self, acting: Acting, bob: User, nextdoor: Organization
    ) -> None:
        give(bob, nextdoor, "owner")
        Organization.objects.filter(pk=nextdoor.pk).update(status=OrganizationStatus.SUSPENDED)

        assert nextdoor.pk not in acting(bob).grants


class TestTenancy:
    """What exists for whom."""

    @pytest.mark.parametrize("model", TENANTS, ids=lambda model: model.__name__)
    def test_a_stranger_sees_nothing_of_another_organization(
        self, operator: Actor, acting: Acting, cast: Any, acme: Organization, model: Any
    ) -> None:
        SessionFactory.create(user=cast.bob)
        api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"])
        make_role(acme, "clerk", application=make_application(acme, "billing", "billing.refund"))
        key = "pk" if model is Organization else "organization_id"

        assert model.objects.filter(**{key: acme.pk}).exists()
        assert not model.objects.visible_to(acting(cast.mallory)).filter(**{key: acme.pk}).exists()
        assert model.objects.visible_to(operator).filter(**{key: acme.pk}).exists()

    def test_a_member_sees_themselves(self, acting: Acting, bob: User, carol: User) -> None:
        SessionFactory.create(user=carol)
        mine = SessionFactory.create(user=bob)

        assert list(User.objects.visible_to(acting(bob))) == [bob]
        assert list(Session.objects.visible_to(acting(bob))) == [mine]

    def test_nobody_sees_nothing(self, cast: Any, operator: Actor, acme: Organization) -> None:
        SessionFactory.create(user=cast.bob)
        nobody = policy.anonymous(door=Door.API)

        for model in TENANTS:
            assert not model.objects.visible_to(nobody).exists()

    @pytest.mark.parametrize("action", list(Action))
    def test_a_stranger_gets_the_same_answer_for_what_is_not_there(
        self, acting: Acting, mallory: User, bob: User, action: Action
    ) -> None:
        with pytest.raises(NotFound) as there:
            policy.require(acting(mallory), action, bob)
        with pytest.raises(NotFound) as absent:
            policy.require(acting(mallory), action, User(organization=bob.organization))

        assert there.value.as_dict() == absent.value.as_dict()

    @pytest.mark.parametrize("action", list(Action))
    def test_a_member_may_what_everybody_may_with_themselves(self, acting: Acting, bob: User, action: Action) -> None:
        assert policy.may(acting(bob), action, bob) is (action in SELF_ACTIONS)

    def test_the_refusal_names_the_permission(self, acting: Acting, bob: User, acme: Organization) -> None:
        with pytest.raises(NotAllowed) as refusal:
            policy.require(acting(bob), Action.ORG_UPDATE, acme)

        assert refusal.value.fields == {"permission": "org.update"}
