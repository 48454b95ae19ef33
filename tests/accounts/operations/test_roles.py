"""Roles: nobody gives what they do not have, nor for longer; what has run out does not count."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import policy
from accounts.actions import BUILT_IN_ROLES, INSTALLATION_ACTIONS, SYSTEM_ACTIONS, UMBRELLAS, Action
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound, VersionConflict
from accounts.models import AuditEvent, AuditPart, Membership, Organization, Role, RoleAssignment, User
from accounts.operations.api_keys import api_key_create
from accounts.operations.applications import app_create, app_delete, app_update
from accounts.operations.base import NewPassword
from accounts.operations.installation import sweep
from accounts.operations.organizations import membership_add
from accounts.operations.roles import (
    role_assign,
    role_create,
    role_delete,
    role_remove,
    role_update,
    roles_named,
    roles_run_out,
)
from accounts.operations.statuses import user_suspend
from accounts.operations.users import user_create, user_set_password
from accounts.permissions import DESCRIPTIONS, GRANTABLE, free_word_checked
from tests.factories.claims import make_claim, say
from tests.factories.organizations import give
from tests.factories.roles import give_custom, make_application, make_role
from tests.factories.users import make_user

Acting = Callable[[User], Actor]
Everything = Callable[[], dict[str, Any]]

GIVING = ("role.assign", "role.remove", "membership.list", "user.show")
CUSTOM: dict[str, tuple[str, ...]] = {
    "giver": GIVING,
    "giver-who-locks": (*GIVING, "user.lock"),
    "locker": ("user.lock", "user.show"),
    "viewer": ("user.show",),
}
"""Roles of acme's own. Those of its application: ``billing/clerk`` (refund) and ``billing/chief`` (refund, void)."""
GIVEN = (*BUILT_IN_ROLES, *CUSTOM, "billing/clerk", "billing/chief")
MAY: dict[str, set[str]] = {
    "owner": set(GIVEN),
    "admin": set(GIVEN) - {"owner"},
    "moderator": set(),
    "member": set(),
    "giver": {"member", "viewer", "giver"},
    "giver-who-locks": {"member", "viewer", "giver", "locker", "giver-who-locks"},
    "locker": set(),
    "viewer": set(),
    "giver + billing/clerk": {"member", "viewer", "giver", "billing/clerk"},
}
"""Who may give and take what; written down, not computed."""


@pytest.fixture
def acme_roles(acme: Organization, alice: User) -> dict[str, Role]:
    """Every role there is in acme, by its full slug."""
    billing = make_application(acme, "billing", "billing.refund", "billing.void")
    for slug, words in CUSTOM.items():
        make_role(acme, slug, *words)
    make_role(acme, "clerk", "billing.refund", application=billing)
    make_role(acme, "chief", "billing.refund", "billing.void", application=billing)
    return {role.full_slug: role for role in Role.objects.of(acme.pk).select_related("application")}


def with_roles(user: User, organization: Organization, roles: dict[str, Role], named: str) -> User:
    """Give somebody these roles, past the operations."""
    for slug in named.split(" + "):
        if slug in BUILT_IN_ROLES:
            give(user, organization, slug)
        else:
            give_custom(user, roles[slug])
    return user


def held(membership: Membership) -> set[str]:
    """Name the roles that count now."""
    return {entry.role.full_slug for entry in RoleAssignment.objects.live().filter(membership=membership).with_shown()}


class TestEveryPair:
    """The role of the actor by the role given, and taken."""

    def test_the_table_is_whole(self) -> None:
        assert {slug for slug in MAY if "+" not in slug} == {*BUILT_IN_ROLES, *CUSTOM}

    @pytest.mark.parametrize(("mine", "given"), list(product(MAY, GIVEN)))
    def test_at_home(
        self, acme: Organization, acting: Acting, everything: Everything, acme_roles: dict[str, Role],
        mine: str, given: str,
    ) -> None:  # fmt: skip
        actor = acting(with_roles(make_user(acme, "me"), acme, acme_roles, mine))
        them = make_user(acme, "them").memberships.get()
        self.tried(actor, them, acme_roles[given], everything, may=given in MAY[mine])

    @pytest.mark.parametrize(("mine", "given"), list(product(MAY, GIVEN)))
    def test_elsewhere(
        self, acme: Organization, nextdoor: Organization, acting: Acting, everything: Everything,
        acme_roles: dict[str, Role], mine: str, given: str,
    ) -> None:  # fmt: skip
        """Power in acme gives nothing next door, and acme's roles are none of next door's."""
        actor = acting(with_roles(make_user(acme, "me"), acme, acme_roles, mine))
        them = make_user(nextdoor, "them").memberships.get()
        before = everything()
        for call in (role_assign, role_remove):
            with pytest.raises((NotFound, NotAllowed)) as refusal:
                call(actor=actor, membership=them, role=acme_roles[given])
            assert isinstance(refusal.value, NotFound) or not MAY[mine]
        assert everything() == before

    def tried(self, actor: Actor, them: Membership, role: Role, everything: Everything, *, may: bool) -> None:
        events = set(AuditEvent.objects.values_list("pk", flat=True))
        for action, call in ((Action.ROLE_ASSIGN, role_assign), (Action.ROLE_REMOVE, role_remove)):
            if action is Action.ROLE_REMOVE and role.slug != "member":
                RoleAssignment.objects.get_or_create(
                    membership=them, role=role, defaults={"organization": them.organization}
                )
            before = everything()
            if may and not (role.slug == "member" and action is Action.ROLE_REMOVE):
                call(actor=actor, membership=them, role=role)
                assert (role.full_slug in held(them)) is (action is Action.ROLE_ASSIGN or role.slug == "member")
                continue
            with pytest.raises((NotAllowed, NotFound, Conflict)) as refusal:
                call(actor=actor, membership=them, role=role)
            assert everything() == before
            fresh = AuditEvent.objects.exclude(pk__in=events)
            if isinstance(refusal.value, NotAllowed):
                assert {(event.action, event.outcome) for event in fresh} >= {(action, "refused")}
                assert not fresh.filter(action=action, outcome="done").exists()

    @pytest.mark.parametrize("given", ["clerk", "viewer"])
    def test_the_role_of_another_organization_is_none(
        self, operator: Actor, nextdoor: Organization, bob: User, everything: Everything, given: str
    ) -> None:
        theirs = {
            "clerk": make_role(nextdoor, "clerk", application=make_application(nextdoor, "billing", "billing.refund")),
            "viewer": make_role(nextdoor, "viewer", "user.show"),
        }[given]
        before = everything()
        for call in (role_assign, role_remove):
            with pytest.raises(NotFound):
                call(actor=operator, membership=bob.memberships.get(), role=theirs)
        for named in (theirs.public_id, given, f"billing/{given}"):
            with pytest.raises(Invalid):
                membership_add(actor=operator, organization=bob.organization, user=bob, roles=[named])
        assert everything() == before

    def test_a_guest_is_given_a_role_where_they_are_one(
        self, acting: Acting, alice: User, dave: User, acme: Organization, acme_roles: dict[str, Role]
    ) -> None:
        membership = dave.memberships.get(organization=acme)

        role_assign(actor=acting(alice), membership=membership, role=acme_roles["viewer"])

        assert held(membership) == {"member", "viewer"}
        assert acting(dave).permissions_in(acme.pk) == {"user.show"}
        assert acting(dave).permissions_in(dave.organization_id) == frozenset()


class TestRank:
    """Nobody touches the roles of somebody more powerful."""

    def test_of_a_person(
        self, acting: Acting, alice: User, erin: User, acme_roles: dict[str, Role], everything: Everything
    ) -> None:
        before = everything()
        for call in (role_assign, role_remove):
            with pytest.raises(NotAllowed) as refusal:
                call(actor=acting(erin), membership=alice.memberships.get(), role=acme_roles["viewer"])
            assert refusal.value.message == "The account has more permissions than you."
        assert everything() == before

    @pytest.mark.parametrize("powerful", ["owner", "root"])
    def test_of_whoever_has_a_role(
        self, acting: Acting, acme: Organization, alice: User, erin: User, root: User, acme_roles: dict[str, Role],
        everything: Everything, powerful: str,
    ) -> None:  # fmt: skip
        if powerful == "root":
            Membership.objects.create(user=root, organization=acme)
        give_custom(alice if powerful == "owner" else root, acme_roles["viewer"])
        before = everything()

        for call in (
            lambda: role_update(actor=acting(erin), role=acme_roles["viewer"], add_permissions=["user.tag"]),
            lambda: role_update(actor=acting(erin), role=acme_roles["viewer"], permissions=[]),
            lambda: role_delete(actor=acting(erin), role=acme_roles["viewer"]),
        ):
            with pytest.raises(NotAllowed):
                call()

        assert everything() == before
        role_update(actor=acting(erin), role=acme_roles["viewer"], name="Looker")

    def test_a_free_word_gives_no_power_over_people_but_protects_the_account(
        self, acting: Acting, acme: Organization, bob: User, carol: User, frank: User, acme_roles: dict[str, Role],
        operator: Actor,
    ) -> None:  # fmt: skip
        give_custom(bob, acme_roles["billing/clerk"])
        setter = make_role(acme, "setter", "user.show", "user.set_password", "role.assign")
        give_custom(carol, setter)
        with pytest.raises(NotAllowed):
            user_set_password(actor=acting(carol), user=bob, password=NewPassword("correct horse battery staple"))
        user_suspend(actor=acting(frank), user=bob)

        assert acting(bob).organizations_where(Action.USER_SHOW) == []
        assert not bob.is_staff


class TestWidening:
    """A role takes in only what whoever changes it has."""

    @pytest.mark.parametrize(
        "word", ["org.archive", "billing.refund", "nonsense", "org.create", "admin:users", "session.start"]
    )
    def test_beyond_oneself_or_beyond_the_words(
        self, acting: Acting, acme: Organization, erin: User, acme_roles: dict[str, Role], everything: Everything,
        word: str,
    ) -> None:  # fmt: skip
        before = everything()
        calls: tuple[Callable[[], Any], ...] = (
            lambda: role_create(actor=acting(erin), organization=acme, slug="new", name="New", permissions=[word]),
            lambda: role_update(actor=acting(erin), role=acme_roles["viewer"], add_permissions=[word]),
            lambda: role_update(actor=acting(erin), role=acme_roles["viewer"], permissions=[word]),
        )
        for call in calls:
            with pytest.raises(NotAllowed if word == "org.archive" else Invalid):
                call()
        assert everything() == before

    def test_a_role_beyond_oneself_is_not_even_renamed(
        self, acting: Acting, acme: Organization, erin: User, everything: Everything
    ) -> None:
        closer = make_role(acme, "closer", "org.archive")
        before = everything()
        for call in (
            lambda: role_update(actor=acting(erin), role=closer, name="Mine"),
            lambda: role_update(actor=acting(erin), role=closer, permissions=[]),
            lambda: role_delete(actor=acting(erin), role=closer),
        ):
            with pytest.raises(NotAllowed):
                call()
        assert everything() == before

    @pytest.mark.parametrize("word", ["user.show", "billing.other"])
    def test_a_role_of_an_application_holds_its_own_words_only(
        self, operator: Actor, acme_roles: dict[str, Role], word: str
    ) -> None:
        with pytest.raises(Invalid):
            role_update(actor=operator, role=acme_roles["billing/clerk"], add_permissions=[word])

    def test_it_counts_at_once_for_everybody(
        self, operator: Actor, acting: Acting, acme: Organization, bob: User, acme_roles: dict[str, Role]
    ) -> None:
        give_custom(bob, acme_roles["viewer"])
        role_update(actor=operator, role=acme_roles["viewer"], add_permissions=["user.tag"])
        assert acting(bob).permissions_in(acme.pk) == {"user.show", "user.tag"}
        role_update(actor=operator, role=acme_roles["viewer"], remove_permissions=["user.tag"])
        assert acting(bob).permissions_in(acme.pk) == {"user.show"}


class TestBetweenCheckAndUse:
    """What was looked up is read again under the lock."""

    def test_widened_since(
        self, operator: Actor, acting: Acting, erin: User, bob: User, acme_roles: dict[str, Role]
    ) -> None:
        stale, actor = Role.objects.get(pk=acme_roles["viewer"].pk), acting(erin)
        role_update(actor=operator, role=acme_roles["viewer"], slug="boss", add_permissions=["org.archive"])

        with pytest.raises(NotAllowed):
            role_assign(actor=actor, membership=bob.memberships.get(), role=stale)

        assert held(bob.memberships.get()) == {"member"}

    def test_deleted_since(self, operator: Actor, bob: User, acme_roles: dict[str, Role]) -> None:
        stale = Role.objects.get(pk=acme_roles["viewer"].pk)
        role_delete(actor=operator, role=acme_roles["viewer"])

        for call in (
            lambda: role_assign(actor=operator, membership=bob.memberships.get(), role=stale),
            lambda: role_remove(actor=operator, membership=bob.memberships.get(), role=stale),
            lambda: role_update(actor=operator, role=stale, name="x"),
            lambda: role_delete(actor=operator, role=stale),
        ):
            with pytest.raises(NotFound):
                call()

    def test_demoted_since(
        self, operator: Actor, acting: Acting, erin: User, bob: User, acme_roles: dict[str, Role]
    ) -> None:
        actor = acting(erin)
        role_remove(actor=operator, membership=erin.memberships.get(), role=Role.objects.built_in().get(slug="admin"))

        with pytest.raises((NotAllowed, NotFound)):
            role_assign(actor=actor, membership=bob.memberships.get(), role=acme_roles["viewer"])


class TestUntil:
    """An end counts from that second on; nobody gives for longer than they have it."""

    def test_counts_until_then(
        self, operator: Actor, acting: Acting, acme: Organization, bob: User, acme_roles: dict[str, Role]
    ) -> None:
        membership = bob.memberships.get()
        role_assign(
            actor=operator, membership=membership, role=acme_roles["viewer"], until=timezone.now() + timedelta(hours=1)
        )
        assert acting(bob).permissions_in(acme.pk) == {"user.show"}
        RoleAssignment.objects.filter(role=acme_roles["viewer"]).update(until=timezone.now())

        assert acting(bob).permissions_in(acme.pk) == frozenset()
        assert policy.permissions_of(bob) == frozenset()
        assert held(membership) == {"member"}

    def test_must_be_ahead(self, operator: Actor, bob: User, acme_roles: dict[str, Role]) -> None:
        with pytest.raises(Invalid) as refusal:
            role_assign(
                actor=operator, membership=bob.memberships.get(), role=acme_roles["viewer"], until=timezone.now()
            )
        assert refusal.value.fields == {"until": "must be in the future"}

    def test_again_changes_the_end_alone(self, operator: Actor, bob: User, acme_roles: dict[str, Role]) -> None:
        membership, role = bob.memberships.get(), acme_roles["viewer"]
        soon = timezone.now() + timedelta(days=1)
        for until in (soon, None, soon):
            role_assign(actor=operator, membership=membership, role=role, until=until)
            assert RoleAssignment.objects.get(membership=membership, role=role).until == until
        events = AuditEvent.objects.filter(action=Action.ROLE_ASSIGN).count()
        version = User.objects.get(pk=bob.pk).version
        role_assign(actor=operator, membership=membership, role=role, until=soon)
        assert (AuditEvent.objects.filter(action=Action.ROLE_ASSIGN).count(), User.objects.get(pk=bob.pk).version) == (
            events,
            version,
        )

    def test_one_that_has_run_out_makes_room(
        self, operator: Actor, acme: Organization, bob: User, acme_roles: dict[str, Role]
    ) -> None:
        give_custom(bob, acme_roles["viewer"], until=timezone.now() - timedelta(seconds=1))
        membership_add(actor=operator, organization=acme, user=bob, roles=["viewer"])
        assert held(bob.memberships.get()) == {"member", "viewer"}

    @pytest.mark.parametrize("whom", ["themselves", "somebody else", "a new account", "by a key"])
    def test_an_admin_until_friday_gives_nothing_beyond(
        self, acting: Acting, acme: Organization, erin: User, bob: User, everything: Everything, whom: str
    ) -> None:
        friday = timezone.now() + timedelta(days=3)
        RoleAssignment.objects.of_user(erin.pk).filter(role__slug="admin").update(until=friday)
        admin, actor = Role.objects.built_in().get(slug="admin"), acting(erin)
        if whom == "by a key":
            scopes = sorted({str(word) for word in BUILT_IN_ROLES["admin"]})
            made = api_key_create(actor=actor, organization=acme, name="k", scopes=scopes)
            actor = policy.actor_for_key(made.key, door=Door.API)
        before = everything()

        def give_for_good() -> Any:
            if whom == "a new account":
                return user_create(actor=actor, organization=acme, email="new@acme.example", roles=["admin"])
            target = erin if whom == "themselves" else bob
            return role_assign(actor=actor, membership=target.memberships.get(), role=admin)

        with pytest.raises(NotAllowed) as refusal:
            give_for_good()

        assert refusal.value.fields == {"until": "is later than your own"}
        assert everything() == before
        if whom in {"somebody else", "by a key"}:
            role_assign(actor=actor, membership=bob.memberships.get(), role=admin, until=friday)
            assert held(bob.memberships.get()) == {"admin", "member"}

    def test_an_owner_until_a_day_does_not_remain(
        self, operator: Actor, acme: Organization, alice: User, bob: User, everything: Everything
    ) -> None:
        owner = Role.objects.built_in().get(slug="owner")
        role_assign(
            actor=operator, membership=bob.memberships.get(), role=owner, until=timezone.now() + timedelta(days=1)
        )
        before = everything()
        for call in (
            lambda: role_remove(actor=operator, membership=alice.memberships.get(), role=owner),
            lambda: role_assign(
                actor=operator, membership=alice.memberships.get(), role=owner, until=timezone.now() + timedelta(days=9)
            ),
            lambda: user_suspend(actor=operator, user=alice),
        ):
            with pytest.raises(Conflict) as refusal:
                call()
            assert refusal.value.message == "This is the last owner of the organization."
        assert everything() == before
        role_assign(actor=operator, membership=bob.memberships.get(), role=owner)
        role_remove(actor=operator, membership=alice.memberships.get(), role=owner)
        assert held(alice.memberships.get()) == {"member"}

    def test_the_sweep_removes_what_has_run_out_and_says_so(
        self, operator: Actor, bob: User, alice: User, acme_roles: dict[str, Role], last_event: Callable[[], AuditEvent]
    ) -> None:
        over = timezone.now() - timedelta(seconds=1)
        give_custom(bob, acme_roles["viewer"], until=over)
        give_custom(bob, acme_roles["billing/clerk"], until=over)
        give_custom(alice, acme_roles["viewer"], until=timezone.now() + timedelta(days=1))

        assert sweep()["roles"] == 2

        assert not RoleAssignment.objects.run_out().exists()
        assert RoleAssignment.objects.of_user(alice.pk).filter(role__slug="viewer").exists()
        event = AuditEvent.objects.get(action=Action.ROLE_REMOVE)
        assert (event.actor_kind, event.subject_id, event.person_id) == ("system", bob.memberships.get().pk, bob.pk)
        part = event.part(AuditPart.SUBJECT)
        assert (part["reason"], part["before"]["roles"]) == ("Its time is over.", ["billing/clerk", "viewer"])  # type: ignore[index]
        assert roles_run_out() == 0


class TestDefinitions:
    """What a role and an application can be."""

    @pytest.mark.parametrize("slug", [*BUILT_IN_ROLES, "", "Big", "a b", "a/b", "rol_01h455vb4pex5vsknk084sn02q"])
    def test_slugs_that_are_none(self, operator: Actor, acme: Organization, slug: str) -> None:
        with pytest.raises(Invalid):
            role_create(actor=operator, organization=acme, slug=slug, name="x")

    def test_the_database_refuses_what_must_never_be(self, acme: Organization) -> None:
        billing = make_application(acme, "billing", "billing.refund")
        for fields in (
            {"organization": acme, "slug": "owner"},
            {"organization": None, "application": billing, "slug": "x"},
            {"organization": None, "slug": "owner"},
        ):
            with pytest.raises(IntegrityError), transaction.atomic():
                Role.objects.create(name="x", **fields)

    def test_a_slug_is_unique_in_its_place(self, operator: Actor, acme: Organization, nextdoor: Organization) -> None:
        billing = make_application(acme, "billing", "billing.refund")
        for place in (
            {"organization": acme},
            {"organization": acme, "application": billing},
            {"organization": nextdoor},
        ):
            role_create(actor=operator, slug="clerk", name="Clerk", **place)
            with pytest.raises(Conflict):
                role_create(actor=operator, slug="clerk", name="Clerk", **place)

    @pytest.mark.parametrize("slug", list(BUILT_IN_ROLES))
    def test_nobody_changes_the_built_in_ones(
        self, operator: Actor, acting: Acting, alice: User, everything: Everything, slug: str
    ) -> None:
        role = Role.objects.built_in().get(slug=slug)
        before = everything()
        calls: tuple[Callable[..., Any], ...] = (role_update, role_delete)
        for actor, call in product((operator, acting(alice)), calls):
            with pytest.raises(Conflict):
                call(actor=actor, role=role)
        assert everything() == before

    def test_deleting_a_role_ends_it_and_says_for_how_many(
        self, operator: Actor, acme: Organization, bob: User, carol: User, acme_roles: dict[str, Role],
        last_event: Callable[[], AuditEvent],
    ) -> None:  # fmt: skip
        for person in (bob, carol):
            give_custom(person, acme_roles["viewer"])

        assert role_delete(actor=operator, role=acme_roles["viewer"]) == {"assignments": 2}

        assert last_event().part(AuditPart.SUBJECT)["ended"] == {"assignments": 2}
        assert [User.objects.get(pk=person.pk).version for person in (bob, carol)] == [2, 2]
        assert held(bob.memberships.get()) == {"member"}

    def test_deleting_an_application_takes_its_roles_and_claims_along(
        self, operator: Actor, bob: User, acme_roles: dict[str, Role], last_event: Callable[[], AuditEvent]
    ) -> None:
        give_custom(bob, acme_roles["billing/clerk"])
        application = acme_roles["billing/clerk"].application
        assert application is not None
        say(bob, make_claim(bob.organization, "tier", application=application), "gold")
        say(bob, make_claim(bob.organization, "department"), "Sales")

        ended = app_delete(actor=operator, application=application)

        assert ended == {"assignments": 1, "roles": 2, "claims": 1, "values": 1}
        assert [value.definition.name for value in bob.claim_values.all()] == ["department"]
        assert last_event().part(AuditPart.SUBJECT)["ended"] == ended
        assert not Role.objects.filter(slug__in=["clerk", "chief"]).exists()
        assert held(bob.memberships.get()) == {"member"}

    def test_a_word_that_a_role_holds_stays(
        self, operator: Actor, acme_roles: dict[str, Role], everything: Everything
    ) -> None:
        application = acme_roles["billing/clerk"].application
        assert application is not None
        before = everything()
        with pytest.raises(Conflict) as refusal:
            app_update(actor=operator, application=application, remove_permissions=["billing.void"])
        assert refusal.value.message == "The role chief holds billing.void."
        assert everything() == before

    @pytest.mark.parametrize(
        "word",
        [
            "user.show", "user.refund", "org.see", "admin.users", "admin:users", "role.assign", "billing", "billing.",
            ".refund", "Billing.refund", "billing.refund.all", "billing refund", "billing.réfund", "b" * 99 + ".x",
            "a.b\n",
        ],
    )  # fmt: skip
    def test_words_that_no_application_can_define(self, operator: Actor, acme: Organization, word: str) -> None:
        with pytest.raises(Invalid):
            app_create(actor=operator, organization=acme, slug="shop", name="Shop", permissions={word: ""})

    def test_words_that_one_can(self) -> None:
        for word in ("billing.refund", "time-sheet.sign_off", "a.b"):
            assert free_word_checked(word) == word

    def test_versions_guard_changes(self, operator: Actor, acme_roles: dict[str, Role]) -> None:
        role_update(actor=operator, role=acme_roles["viewer"], name="A", expected_version=1)
        with pytest.raises(VersionConflict):
            role_update(actor=operator, role=acme_roles["viewer"], name="B", expected_version=1)
        events = AuditEvent.objects.count()
        assert role_update(actor=operator, role=acme_roles["viewer"], name="A").version == 2
        assert AuditEvent.objects.count() == events

    def test_every_word_has_a_meaning(self) -> None:
        assert set(DESCRIPTIONS) == GRANTABLE == set(Action) - INSTALLATION_ACTIONS - SYSTEM_ACTIONS
        assert not set(UMBRELLAS) & set(GRANTABLE)


class TestNaming:
    """By id, slug, or application/slug where several have it."""

    def test_what_is_meant(self, operator: Actor, acme: Organization, acme_roles: dict[str, Role]) -> None:
        clerk = acme_roles["billing/clerk"]
        for text in ("clerk", "billing/clerk", clerk.public_id, f"{clerk.application.public_id}/clerk"):  # type: ignore[union-attr]
            assert roles_named(acme, [text]) == [clerk]
        make_role(acme, "clerk", application=make_application(acme, "shop", "order.see"))
        with pytest.raises(Invalid) as refusal:
            roles_named(acme, ["clerk"])
        assert refusal.value.remedy == "Say which: billing/clerk, shop/clerk."
        own = make_role(acme, "clerk")
        assert roles_named(acme, ["clerk", "billing/clerk", "clerk"]) == [own, clerk]

    def test_accounts_are_made_with_them(
        self, operator: Actor, acme: Organization, acme_roles: dict[str, Role]
    ) -> None:
        user = user_create(actor=operator, organization=acme, email="n@acme.example", roles=["viewer", "billing/clerk"])
        assert held(user.memberships.get()) == {"member", "viewer", "billing/clerk"}


class TestCost:
    """However many roles: one query for what somebody may do."""

    def test_one_query(self, acting: Acting, acme: Organization, bob: User) -> None:
        application = make_application(acme, "billing", "billing.refund")
        for number in range(40):
            give_custom(bob, make_role(acme, f"r{number}", "user.show", "user.list"))
            give_custom(bob, make_role(acme, f"a{number}", "billing.refund", application=application))

        with CaptureQueriesContext(connection) as queries:
            actor = acting(bob)
            policy.require_coarse(actor, Action.USER_SHOW)
            assert actor.holds(Action.USER_LIST, acme.pk)

        assert len(queries) == 1

    def test_nobody_has_more_than_a_hundred(self, operator: Actor, acme: Organization, bob: User) -> None:
        for number in range(99):
            give_custom(bob, make_role(acme, f"r{number}"))
        with pytest.raises(Conflict):
            role_assign(actor=operator, membership=bob.memberships.get(), role=make_role(acme, "more"))
