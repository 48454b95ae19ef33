"""User verbs: what they change, what they record, what they refuse."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actions import BUILT_IN_ROLES
from accounts.actors import Actor, Door
from accounts.errors import AccountsError, Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound
from accounts.models import (
    APIKey,
    AuditEvent,
    OneTimeLink,
    Organization,
    Outbox,
    RoleAssignment,
    Session,
    User,
)
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.api_keys import api_key_create
from accounts.operations.base import NewPassword
from accounts.operations.installation import keys_rotate, superuser_create
from accounts.operations.organizations import org_create
from accounts.operations.recovery import admin_link
from accounts.operations.sessions import session_revoke, session_revoke_all, session_start
from accounts.operations.statuses import STATUS_VERBS, user_lock, user_suspend
from accounts.operations.users import (
    user_confirm,
    user_create,
    user_set,
    user_set_password,
    user_sign_out,
    user_tag,
    user_unconfirm,
    user_untag,
    user_update,
)
from accounts.passwords import verified
from accounts.statuses import TRANSITIONS, OrganizationStatus, Status
from tests.factories.organizations import give
from tests.factories.users import PASSWORD, SessionFactory, make_user

Acting = Callable[[User], Actor]
Photograph = Callable[[], Any]
LONG = "horses graze behind the mill"


def told(event: AuditEvent) -> dict[str, Any]:
    return dict(event.part("subject"))


def events(action: str) -> list[dict[str, Any]]:
    rows = AuditEvent.objects.filter(action=action, outcome="done").order_by("id").prefetch_related("parts")
    return [told(event) for event in rows]


def fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def refused(error: type[Exception], call: Callable[[], Any], everything: Photograph) -> AccountsError:
    """See to it that a refusal changes nothing."""
    before = everything()
    with pytest.raises(error) as refusal:
        call()
    assert everything() == before
    assert isinstance(refusal.value, AccountsError)
    return refusal.value


class TestCreate:
    """``user_create``."""

    def test_makes_an_account_with_membership_roles_tags_and_event(self, operator: Actor, acme: Organization) -> None:
        user = user_create(
            actor=operator,
            organization=acme,
            email="Bob@Acme.example",
            username="Bob",
            profile={"given_name": "Bob", "family_name": "Builder"},
            password=NewPassword(LONG),
            roles=["moderator"],
            tags=["b", "a"],
            metadata={"floor": 3},
            reason="hired",
        )

        user = fresh(user)
        assert (user.email, user.email_key, user.username, user.username_key) == (
            "Bob@Acme.example",
            "bob@acme.example",
            "Bob",
            "bob",
        )
        assert (user.status, user.version, user.updated_at, user.email_verified) == ("active", 1, None, False)
        assert (user.must_change_password, verified(LONG, user.password)) == (True, True)
        assert [entry.organization_id for entry in user.memberships.all()] == [acme.pk]
        shown = dict.fromkeys(PROFILE_FIELDS, "") | {"given_name": "Bob", "family_name": "Builder"}
        assert events("user.create") == [
            {
                "reason": "hired",
                "after": {
                    **shown,
                    "email": "Bob@Acme.example",
                    "email_verified": False,
                    "username": "Bob",
                    "metadata": {"floor": 3},
                    "tags": ["a", "b"],
                    "roles": ["member", "moderator"],
                    "status": "active",
                    "status_reason": "",
                    "status_until": None,
                    "version": 1,
                },
            }
        ]

    @pytest.mark.parametrize(
        ("given", "error", "field"),
        [
            ({"email": "BOB@acme.example"}, Conflict, "email"),
            ({"username": "BOB"}, Conflict, "username"),
            ({"email": "nobody"}, Invalid, "email"),
            ({"email": "b\u0131b@acme.example"}, Invalid, "email"),
            ({"email": "\u0430lice@acme.example"}, Invalid, "email"),
            ({"email": "a\x00@acme.example"}, Invalid, "email"),
            ({"email": "a\ud800@acme.example"}, Invalid, "email"),
            ({"username": "a@b"}, Invalid, "username"),
            ({"username": "usr_01h455vb4pex5vsknk084sn02q"}, Invalid, "username"),
            ({"profile": {"shoe_size": "43"}}, Invalid, "shoe_size"),
            ({"profile": {"name": "\x00"}}, Invalid, "name"),
            ({"tags": ["a,b"]}, Invalid, "tags"),
            ({"roles": ["emperor"]}, Invalid, "roles"),
            ({"metadata": {"a": "\x00"}}, Invalid, "metadata"),
            ({"metadata": ["a"]}, Invalid, "metadata"),
            ({"metadata": {"a": 10**400}}, Invalid, "metadata"),
            ({"password": NewPassword("short")}, Invalid, "password"),
            ({"password": NewPassword("x" * 129)}, Invalid, "password"),
            ({"reason": "x" * 501}, Invalid, "reason"),
        ],
        ids=lambda value: ascii(value)[:40],
    )
    def test_refuses_what_is_wrong(
        self,
        operator: Actor,
        acme: Organization,
        bob: User,
        everything: Photograph,
        given: dict[str, Any],
        error: type[Exception],
        field: str,
    ) -> None:
        arguments: dict[str, Any] = {"actor": operator, "organization": acme, "email": "new@acme.example", **given}

        refusal = refused(error, lambda: user_create(**arguments), everything)

        assert field in refusal.fields

    def test_a_name_of_ligatures_fits(self, operator: Actor, acme: Organization) -> None:
        user = user_create(actor=operator, organization=acme, email="a@b.example", profile={"name": "\ufb03" * 200})

        assert len(fresh(user).name) == 200

    def test_nothing_is_added_to_an_archived_organization(
        self, operator: Actor, acme: Organization, everything: Photograph
    ) -> None:
        Organization.objects.filter(pk=acme.pk).update(status=OrganizationStatus.ARCHIVED)

        refused(Conflict, lambda: user_create(actor=operator, organization=acme, email="a@b.example"), everything)

    @pytest.mark.parametrize("who", ["mallory", "dave"])
    def test_strangers_cannot(
        self, cast: Any, acting: Acting, acme: Organization, everything: Photograph, who: str
    ) -> None:
        error = {"mallory": NotFound, "dave": NotAllowed}[who]
        actor = acting(getattr(cast, who))

        refused(error, lambda: user_create(actor=actor, organization=acme, email="a@b.example"), everything)


ROLES = list(BUILT_IN_ROLES)
MAY_GIVE = {("owner", role) for role in ROLES} | {("admin", role) for role in ("admin", "moderator", "member")}
MAY_ACT = {
    ("owner", "owner"),
    ("owner", "admin"),
    ("owner", "moderator"),
    ("owner", "member"),
    ("admin", "admin"),
    ("admin", "moderator"),
    ("admin", "member"),
    ("moderator", "member"),
}


class TestPower:
    """Nobody gives what they do not have, nor acts on somebody more powerful: every pair of built-in roles."""

    @pytest.mark.parametrize("mine", ROLES)
    @pytest.mark.parametrize("given", ROLES)
    def test_giving(
        self, acting: Acting, alice: User, acme: Organization, everything: Photograph, mine: str, given: str
    ) -> None:
        actor = acting(make_user(acme, "me", role=mine))

        def call() -> User:
            return user_create(actor=actor, organization=acme, email="new@acme.example", roles=[given])

        if (mine, given) in MAY_GIVE:
            roles = set(call().role_assignments.values_list("role__slug", flat=True))
            assert roles == {given, "member"}
        else:
            refused(NotAllowed, call, everything)

    @pytest.mark.parametrize("mine", ROLES)
    @pytest.mark.parametrize("theirs", ROLES)
    @pytest.mark.parametrize("verb", ["suspend", "tag", "sign_out"])
    def test_acting(
        self,
        acting: Acting,
        alice: User,
        acme: Organization,
        everything: Photograph,
        mine: str,
        theirs: str,
        verb: str,
    ) -> None:
        them = make_user(acme, "them", role=theirs)
        SessionFactory.create(user=them)
        actor = acting(make_user(acme, "me", role=mine))
        call: Callable[[], Any] = {
            "suspend": lambda: user_suspend(actor=actor, user=them),
            "tag": lambda: user_tag(actor=actor, user=them, tags=["x"]),
            "sign_out": lambda: user_sign_out(actor=actor, user=them),
        }[verb]

        if (mine, theirs) in MAY_ACT:
            call()
            assert AuditEvent.objects.get(outcome="done").action == f"user.{verb}"
        else:
            # A plain member may sign out themselves, so gets past the coarse question and sees nobody.
            error = NotFound if (mine, verb) == ("member", "sign_out") else NotAllowed
            refused(error, call, everything)

    @pytest.mark.parametrize("mine", ROLES)
    @pytest.mark.parametrize("flag", ["admin", "moderator"])
    @pytest.mark.parametrize("wanted", [True, False])
    def test_setting(
        self,
        acting: Acting,
        alice: User,
        acme: Organization,
        everything: Photograph,
        mine: str,
        flag: str,
        wanted: bool,
    ) -> None:
        them = make_user(acme, "them", role="member" if wanted else flag)
        actor = acting(make_user(acme, "me", role=mine))
        if mine in {"owner", "admin"}:
            user_set(actor=actor, user=them, **{flag: wanted})  # type: ignore[arg-type]
            assert (flag in set(them.role_assignments.values_list("role__slug", flat=True))) is wanted
        else:
            refused(NotAllowed, lambda: user_set(actor=actor, user=them, **{flag: wanted}), everything)  # type: ignore[arg-type]

    @pytest.mark.parametrize("who", ["alice", "erin", "frank"])
    def test_a_super_user_is_above_everybody(
        self, cast: Any, acting: Acting, acme: Organization, everything: Photograph, who: str
    ) -> None:
        them = make_user(acme, "them", is_superuser=True)
        actor = acting(getattr(cast, who))

        refused(NotAllowed, lambda: user_suspend(actor=actor, user=them), everything)

    def test_a_super_user_may_all(self, acting: Acting, root: User, alice: User, erin: User) -> None:
        assert user_suspend(actor=acting(root), user=erin).status == Status.SUSPENDED

    def test_a_wide_key_is_below_its_owner(
        self, operator: Actor, acme: Organization, erin: User, bob: User, everything: Photograph
    ) -> None:
        made = api_key_create(actor=operator, organization=acme, name="wide", scopes=["admin:users"])
        actor = policy.actor_for_key(made.key, door=Door.API)

        refused(NotAllowed, lambda: user_suspend(actor=actor, user=erin), everything)
        refused(NotAllowed, lambda: user_set(actor=actor, user=bob, admin=True), everything)
        assert user_suspend(actor=actor, user=bob).status == Status.SUSPENDED


class TestJudgedAnew:
    """An actor who died or was demoted since the request began is refused."""

    @pytest.mark.parametrize("death", ["suspended", "locked", "archived"])
    def test_the_dead(self, acting: Acting, erin: User, bob: User, everything: Photograph, death: str) -> None:
        actor = acting(erin)
        User.objects.filter(pk=erin.pk).update(status=death)

        refused(NotAuthenticated, lambda: user_suspend(actor=actor, user=bob), everything)

    def test_the_demoted(self, acting: Acting, erin: User, bob: User, everything: Photograph) -> None:
        actor = acting(erin)
        RoleAssignment.objects.of_user(erin.pk).exclude(role__slug="member").delete()

        refused(NotAllowed, lambda: user_suspend(actor=actor, user=bob), everything)

    def test_whose_session_ended(self, alice: User, bob: User, everything: Photograph) -> None:
        session = SessionFactory.create(user=alice)
        actor = policy.actor_for(alice, door=Door.API, session=session)
        Session.objects.filter(pk=session.pk).end("test")

        refused(NotAuthenticated, lambda: user_suspend(actor=actor, user=bob), everything)

    def test_whose_organization_is_suspended(
        self, acting: Acting, alice: User, bob: User, everything: Photograph
    ) -> None:
        actor = acting(alice)
        Organization.objects.update(status=OrganizationStatus.SUSPENDED)

        refused(NotAuthenticated, lambda: user_suspend(actor=actor, user=bob), everything)

    @pytest.mark.parametrize("verb", ["superuser", "organization", "keys"])
    def test_who_is_no_super_user_any_more(
        self, acting: Acting, root: User, acme: Organization, everything: Photograph, verb: str
    ) -> None:
        actor = acting(root)
        User.objects.filter(pk=root.pk).update(is_superuser=False)
        call: Callable[[], Any] = {
            "superuser": lambda: superuser_create(actor=actor, organization=acme, email="evil@acme.example"),
            "organization": lambda: org_create(actor=actor, slug="evil", name="Evil"),
            "keys": lambda: keys_rotate(actor=actor),
        }[verb]

        refused(NotAllowed, call, everything)

    def test_a_revoked_key(self, operator: Actor, acme: Organization, bob: User, everything: Photograph) -> None:
        made = api_key_create(actor=operator, organization=acme, name="wide", scopes=["admin:users"])
        actor = policy.actor_for_key(made.key, door=Door.API)
        APIKey.objects.filter(pk=made.key.pk).revoke("test")

        refused(NotAuthenticated, lambda: user_suspend(actor=actor, user=bob), everything)


class TestUpdate:
    """``user_update``."""

    def test_changes_what_is_named_and_says_before_and_after(self, operator: Actor, bob: User) -> None:
        user_update(
            actor=operator,
            user=bob,
            changes={"nickname": "Bobby", "tags": ["x"], "metadata": {"a": 1}, "username": "robert"},
            reason="asked",
        )

        after = fresh(bob)
        assert (after.nickname, after.username, after.version, after.metadata) == ("Bobby", "robert", 2, {"a": 1})
        assert after.updated_at is not None
        assert events("user.update") == [
            {
                "reason": "asked",
                "before": {"nickname": "", "username": "bob", "metadata": {}, "tags": []},
                "after": {"nickname": "Bobby", "username": "robert", "metadata": {"a": 1}, "tags": ["x"]},
            }
        ]

    def test_what_is_so_already_changes_nothing(self, operator: Actor, bob: User, everything: Photograph) -> None:
        before = everything()

        user_update(actor=operator, user=bob, changes={"name": "Bob", "email": bob.email, "tags": [], "metadata": {}})

        assert everything() == before

    def test_a_new_address_is_unconfirmed_and_kills_links(self, operator: Actor, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(email_verified_at=bob.created_at)
        admin_link(actor=operator, user=bob)

        user_update(actor=operator, user=bob, changes={"email": "new@acme.example"})

        after = fresh(bob)
        assert (after.email_key, after.email_verified) == ("new@acme.example", False)
        assert not OneTimeLink.objects.live().exists()
        assert events("user.update")[0]["ended"] == {"links": 1}

    def test_the_same_address_in_other_letters_stays_confirmed(self, operator: Actor, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(email_verified_at=bob.created_at)

        user_update(actor=operator, user=bob, changes={"email": "BOB@acme.example"})

        assert (fresh(bob).email, fresh(bob).email_verified) == ("BOB@acme.example", True)

    def test_metadata_key_by_key(self, operator: Actor, bob: User) -> None:
        user_update(actor=operator, user=bob, changes={"metadata": {"a": 1, "b": 2}})
        user_update(actor=operator, user=bob, changes={}, metadata_set={"c": 3}, metadata_remove=["a", "z"])

        assert fresh(bob).metadata == {"b": 2, "c": 3}

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"email": "carol@ACME.example"}, Conflict),
            ({"username": "Carol"}, Conflict),
            ({"is_superuser": True}, Invalid),
            ({"status": "active"}, Invalid),
            ({"email_verified": True}, Invalid),
            ({"password": "x"}, Invalid),
            ({"metadata": []}, Invalid),
            ({"metadata": "text"}, Invalid),
            ({"tags": ["x" * 65]}, Invalid),
            ({"name": "a\nb"}, Invalid),
            ({"email": ""}, Invalid),
        ],
        ids=str,
    )
    def test_refuses(
        self,
        operator: Actor,
        bob: User,
        carol: User,
        everything: Photograph,
        changes: dict[str, Any],
        error: type[Exception],
    ) -> None:
        refused(error, lambda: user_update(actor=operator, user=bob, changes={"bio": "new", **changes}), everything)

    @pytest.mark.parametrize("field", ["email", "username", "tags", "metadata"])
    def test_people_change_their_profile_only(
        self, acting: Acting, bob: User, everything: Photograph, field: str
    ) -> None:
        value = {"tags": ["x"], "metadata": {"a": 1}}.get(field, "bob2@acme.example")
        refused(NotAllowed, lambda: user_update(actor=acting(bob), user=bob, changes={field: value}), everything)
        refused(
            NotAllowed, lambda: user_update(actor=acting(bob), user=bob, changes={}, metadata_set={"a": 1}), everything
        )

        assert user_update(actor=acting(bob), user=bob, changes={"bio": "I build."}).version == 2

    def test_not_after_somebody_elses_change(self, operator: Actor, bob: User, everything: Photograph) -> None:
        user_tag(actor=operator, user=bob, tags=["x"])

        refused(
            Conflict,
            lambda: user_update(actor=operator, user=bob, changes={"name": "R"}, expected_version=1),
            everything,
        )
        assert user_update(actor=operator, user=bob, changes={"name": "R"}, expected_version=2).version == 3


class TestSmallVerbs:
    """Confirm, tag, set, sign out, passwords, sessions."""

    def test_confirming(self, operator: Actor, bob: User) -> None:
        for _ in range(2):
            user_confirm(actor=operator, user=bob)
        assert (fresh(bob).email_verified, fresh(bob).version) == (True, 2)
        for _ in range(2):
            user_unconfirm(actor=operator, user=bob)
        assert (fresh(bob).email_verified, fresh(bob).version) == (False, 3)
        assert events("user.confirm") == [{"before": {"email_verified": False}, "after": {"email_verified": True}}]
        assert events("user.unconfirm") == [{"before": {"email_verified": True}, "after": {"email_verified": False}}]

    def test_tagging(self, operator: Actor, bob: User) -> None:
        user_tag(actor=operator, user=bob, tags=["b", "a"])
        user_tag(actor=operator, user=bob, tags=["a"])
        user_untag(actor=operator, user=bob, tags=["b", "z"])
        user_untag(actor=operator, user=bob, tags=["z"])

        assert ([tag.name for tag in bob.tags.all()], fresh(bob).version) == (["a"], 3)
        assert events("user.tag") == [{"before": {"tags": []}, "after": {"tags": ["a", "b"]}}]
        assert events("user.untag") == [{"before": {"tags": ["a", "b"]}, "after": {"tags": ["a"]}}]

    def test_setting_is_one_change(self, operator: Actor, bob: User) -> None:
        SessionFactory.create(user=bob)

        user_set(actor=operator, user=bob, admin=True, moderator=False, confirmed=True, locked=True, reason="why")

        assert (fresh(bob).status, fresh(bob).version, fresh(bob).status_reason) == ("locked", 2, "why")
        assert events("user.set") == [
            {
                "reason": "why",
                "before": {"email_verified": False, "roles": ["member"], "status": "active", "status_reason": ""},
                "after": {
                    "email_verified": True,
                    "roles": ["admin", "member"],
                    "status": "locked",
                    "status_reason": "why",
                },
                "ended": {"sessions": 1},
            }
        ]

    def test_setting_what_is_so_changes_nothing(self, operator: Actor, bob: User, everything: Photograph) -> None:
        before = everything()

        user_set(actor=operator, user=bob, admin=False, moderator=False, confirmed=False, locked=False)

        assert everything() == before

    def test_setting_is_whole_or_not_at_all(self, operator: Actor, bob: User, everything: Photograph) -> None:
        user_suspend(actor=operator, user=bob)

        refused(Conflict, lambda: user_set(actor=operator, user=bob, admin=True, locked=True), everything)

    def test_signing_out_leaves_keys(self, operator: Actor, acting: Acting, erin: User, acme: Organization) -> None:
        SessionFactory.create_batch(2, user=erin)
        admin_link(actor=operator, user=erin)
        api_key_create(actor=acting(erin), organization=acme, name="k", scopes=["user.show"])

        for _ in range(2):
            user_sign_out(actor=operator, user=erin)

        assert events("user.sign_out") == [{"ended": {"sessions": 2, "links": 1}}]
        assert APIKey.objects.live().count() == 1

    @pytest.mark.parametrize("keep", [True, False])
    def test_a_new_password(self, operator: Actor, bob: User, keep: bool) -> None:
        SessionFactory.create(user=bob)
        admin_link(actor=operator, user=bob)

        user_set_password(actor=operator, user=bob, password=NewPassword(LONG), keep_sessions=keep)

        assert verified(LONG, fresh(bob).password)
        assert (fresh(bob).must_change_password, fresh(bob).version) == (True, 2)
        assert Session.objects.live().exists() is keep
        assert not OneTimeLink.objects.live().exists()
        assert events("user.set_password") == [{"ended": {"links": 1} if keep else {"sessions": 1, "links": 1}}]
        assert Outbox.objects.get().kind == "password_changed"

    def test_sessions_are_ended_by_whom_may(
        self, acting: Acting, operator: Actor, bob: User, carol: User, everything: Photograph
    ) -> None:
        mine, other = SessionFactory.create_batch(2, user=bob)

        refused(NotFound, lambda: session_revoke(actor=acting(carol), session=mine), everything)
        for _ in range(2):
            session_revoke(actor=acting(bob), session=mine)
        assert events("session.revoke") == [{"session": mine.public_id}]
        assert [session_revoke_all(actor=operator, user=bob) for _ in range(2)] == [1, 0]
        assert not Session.objects.live().filter(pk=other.pk).exists()

    @pytest.mark.parametrize("status", ["purging", "purged"])
    def test_nothing_of_the_erased_is_changed(
        self, operator: Actor, bob: User, everything: Photograph, status: str
    ) -> None:
        gone = {"email": None, "email_key": None, "username": None, "username_key": None} if status == "purged" else {}
        User.objects.filter(pk=bob.pk).update(status=status, **gone)

        for call in (
            lambda: user_update(actor=operator, user=bob, changes={"name": "x"}),
            lambda: user_set_password(actor=operator, user=bob, password=NewPassword(LONG)),
            lambda: user_confirm(actor=operator, user=bob),
            lambda: user_tag(actor=operator, user=bob, tags=["x"]),
            lambda: user_set(actor=operator, user=bob, admin=True),
        ):
            refused(Conflict, call, everything)


class TestSignIn:
    """What is wrong is a wrong password, and codes are counted."""

    def start(self, acme: Organization, **given: str) -> Session:
        arguments: dict[str, Any] = {"login": "bob", "password": PASSWORD, "key_hash": "k", **given}
        return session_start(actor=policy.anonymous(door=Door.PAGE), organization=acme, **arguments)

    def test_the_right_one(self, acme: Organization, bob: User) -> None:
        assert self.start(acme).user_id == bob.pk

    @pytest.mark.parametrize(
        "given",
        [
            {"password": "wrong"},
            {"password": ""},
            {"password": "\x00"},
            {"password": "\ud800"},
            {"password": "x" * 1_000_000},
            {"login": "bo\x00b"},
            {"login": "bo\ud800b"},
            {"login": "b\x00b@acme.example"},
            {"login": "bo\u0131b@acme.example"},
            {"login": ""},
            {"login": "@"},
        ],
        ids=lambda given: ascii(given)[:40],
    )
    def test_wrong_ones(self, acme: Organization, bob: User, given: dict[str, str]) -> None:
        with pytest.raises(NotAuthenticated):
            self.start(acme, **given)

        assert not Session.objects.exists()
        assert AuditEvent.objects.get().outcome == "failed"


class TestStatuses:
    """Every verb on every status, on the rows."""

    @pytest.mark.parametrize("verb", sorted(TRANSITIONS))
    @pytest.mark.parametrize("status", list(Status))
    def test_every_pair(
        self, operator: Actor, alice: User, acme: Organization, everything: Photograph, verb: str, status: Status
    ) -> None:
        user = make_user(acme, "them")
        gone = dict.fromkeys(("email", "email_key", "username", "username_key")) if status is Status.PURGED else {}
        before = {"status_before": Status.SUSPENDED} if status is Status.RESTRICTED else {}
        User.objects.filter(pk=user.pk).update(status=status, **gone, **before)
        SessionFactory.create(user=user)
        sources, target = TRANSITIONS[verb]
        run = STATUS_VERBS[verb].run

        if status not in sources:
            refused(Conflict, lambda: run(actor=operator, user=user, reason="why"), everything)
            return
        run(actor=operator, user=user, reason="why")

        after, reached = fresh(user), Status.SUSPENDED if target == "return" else Status(target)
        assert (after.status, after.status_reason, after.version) == (reached, "why", 2)
        assert after.status_before == (status if reached is Status.RESTRICTED else "")
        assert Session.objects.live().exists() is (reached is Status.ACTIVE)
        expected = {
            "reason": "why",
            "before": {"status": status, "status_reason": ""},
            "after": {"status": reached, "status_reason": "why"},
        }
        ended = {} if reached is Status.ACTIVE else {"ended": {"sessions": 1}}
        assert events(f"user.{verb}") == [expected | ended]

    @pytest.mark.parametrize("verb", ["suspend", "lock", "archive", "restrict"])
    def test_leaving_active_kills_everything(
        self, operator: Actor, acting: Acting, erin: User, acme: Organization, verb: str
    ) -> None:
        SessionFactory.create(user=erin)
        admin_link(actor=operator, user=erin)
        api_key_create(actor=acting(erin), organization=acme, name="k", scopes=["user.show"])

        STATUS_VERBS[verb].run(actor=operator, user=erin)

        assert events(f"user.{verb}")[0]["ended"] == {"sessions": 1, "links": 1, "api_keys": 1}
        assert not Session.objects.live().exists()
        assert not OneTimeLink.objects.live().exists()
        assert not APIKey.objects.live().exists()

    @pytest.mark.parametrize("verb", sorted(set(TRANSITIONS) - {"lock"}))
    def test_only_a_lock_has_an_end(self, operator: Actor, bob: User, everything: Photograph, verb: str) -> None:
        until = timezone.now() + timedelta(days=1)
        refusal = refused(Invalid, lambda: STATUS_VERBS[verb].run(actor=operator, user=bob, until=until), everything)
        assert list(refusal.fields) == ["until"]

    @pytest.mark.parametrize("verb", ["suspend", "lock", "archive", "restrict"])
    def test_the_last_owner_and_the_last_super_user_stay(
        self, operator: Actor, alice: User, root: User, everything: Photograph, verb: str
    ) -> None:
        for last in (alice, root):
            refused(Conflict, partial(STATUS_VERBS[verb].run, actor=operator, user=last), everything)
        refused(Conflict, lambda: user_set(actor=operator, user=alice, locked=True), everything)

    def test_an_owner_who_cannot_sign_in_is_none(
        self, operator: Actor, alice: User, nextdoor: Organization, everything: Photograph
    ) -> None:
        guest = make_user(nextdoor, "guest")
        give(guest, alice.organization, "owner")
        Organization.objects.filter(pk=nextdoor.pk).update(status=OrganizationStatus.SUSPENDED)

        refused(Conflict, lambda: user_suspend(actor=operator, user=alice), everything)

    def test_a_lock_that_has_run_out_is_none(self, operator: Actor, bob: User) -> None:
        user_lock(actor=operator, user=bob, until=timezone.now() + timedelta(hours=1))
        User.objects.filter(pk=bob.pk).update(status_until=timezone.now() - timedelta(seconds=1))

        assert fresh(bob).is_active
        assert list(User.objects.in_status([Status.LOCKED])) == []
        assert fresh(bob) in User.objects.live()
        assert user_lock(actor=operator, user=bob).version == 3
