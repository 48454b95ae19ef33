"""Acting as somebody else: who may, for how long, what ends it, and who is recorded."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import ids, policy
from accounts.actors import Actor, ActorKind, Door
from accounts.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound
from accounts.models import AuditEvent, Organization, RoleAssignment, Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations import api_keys, organizations, sessions, statuses, users
from accounts.operations.audit import audit_verify
from accounts.operations.impersonation import Impersonation, impersonation_stop, user_impersonate
from accounts.operations.roles import role_remove
from accounts.operations.tokens import token_authenticated
from accounts.statuses import Status
from gdpr.operations.erasure import erase, user_delete_activities
from tests.factories.organizations import give, make_guest
from tests.factories.roles import give_custom, make_application, make_role
from tests.factories.users import SessionFactory, make_user

REASON = "Ticket 4521"
AsAlice = Callable[[], Actor]


@pytest.fixture
def at_desk(alice: User) -> Actor:
    """Alice, signed in with a browser."""
    return signed_in(alice)


def signed_in(user: User) -> Actor:
    session = SessionFactory.create(user=user)
    return policy.actor_for(user, door=Door.API, session=session, ip="192.0.2.1", device="Test/Python")


def begin(actor: Actor, user: User, **more: Any) -> Impersonation:
    return user_impersonate(actor=actor, user=user, **{"reason": REASON, **more})


def borrowed(begun: Impersonation) -> Actor:
    """Give the principal of whoever shows the token."""
    session = token_authenticated(begun.access_token)
    return policy.actor_for(session.user, door=Door.API, session=session, ip="192.0.2.1", device="Test/Python")


def opens(begun: Impersonation) -> bool:
    try:
        token_authenticated(begun.access_token)
    except NotAuthenticated:
        return False
    return True


class TestStart:
    """``user_impersonate``."""

    def test_gives_a_token_that_says_who_acts_and_lives_as_long_as_the_impersonation(
        self, at_desk: Actor, alice: User, bob: User
    ) -> None:
        begun = begin(at_desk, bob)

        said = json.loads(base64.urlsafe_b64decode(begun.access_token.split(".")[1] + "=="))
        session = Session.objects.get(kind=Session.IMPERSONATION)
        assert (said["sub"], said["act"], said["sid"]) == (
            bob.public_id,
            {"sub": alice.public_id},
            session.public_id,
        )
        assert said["org"] == bob.organization.public_id
        assert said["exp"] == int(session.expires_at.timestamp())
        assert abs(session.expires_at - timezone.now() - timedelta(minutes=30)) < timedelta(seconds=5)
        assert (session.user, session.reason, session.started_in) == (bob, REASON, at_desk.session_id)
        assert (session.impersonator, session.device, session.ip) == (alice.public_id, "Test/Python", "192.0.2.1")
        assert not session.refresh_tokens.exists()

    def test_is_recorded_with_the_reason_and_until_when(self, at_desk: Actor, alice: User, bob: User) -> None:
        begun = begin(at_desk, bob, duration=timedelta(minutes=15))

        event = AuditEvent.objects.prefetch_related("parts").get(action="user.impersonate")
        assert event == begun.event
        assert (event.actor_id, event.acting_as_id, event.subject_id) == (alice.pk, None, bob.pk)
        assert event.part("subject") == {
            "reason": REASON,
            "session": begun.session.public_id,
            "until": begun.session.expires_at.isoformat(),
        }

    def test_leaves_the_person_as_they_are_and_tells_them_by_no_letter(
        self, at_desk: Actor, bob: User, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        begin(at_desk, bob)

        after = everything()
        assert {name for name in after if after[name] != before[name]} == {"Session", "AuditEvent"}

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_a_reason_is_needed(self, at_desk: Actor, bob: User, everything: Callable[[], Any], reason: str) -> None:
        before = everything()

        with pytest.raises(Invalid) as refusal:
            begin(at_desk, bob, reason=reason)

        assert set(refusal.value.fields) == {"reason"}
        assert everything() == before

    @pytest.mark.parametrize(
        ("most", "asked", "given"),
        [
            (60, None, 30),
            (60, 60, 60),
            (60, 1, 1),
            (15, None, 15),
            (24 * 60, 24 * 60, 24 * 60),
        ],
    )
    def test_lasts_as_long_as_asked_up_to_what_the_organization_allows(
        self, operator: Actor, bob: User, most: int, asked: int | None, given: int
    ) -> None:
        organizations.org_update(
            actor=operator, organization=bob.organization, impersonation_max=timedelta(minutes=most)
        )

        begun = begin(operator, bob, duration=timedelta(minutes=asked) if asked else None)

        assert abs(begun.session.expires_at - timezone.now() - timedelta(minutes=given)) < timedelta(seconds=5)

    @pytest.mark.parametrize("asked", [timedelta(minutes=61), timedelta(seconds=59), timedelta(0), -timedelta(hours=1)])
    def test_no_longer_than_that(
        self, operator: Actor, bob: User, everything: Callable[[], Any], asked: timedelta
    ) -> None:
        before = everything()

        with pytest.raises(Invalid) as refusal:
            begin(operator, bob, duration=asked)

        assert set(refusal.value.fields) == {"duration"}
        assert everything() == before

    def test_no_longer_than_the_session_in_which_it_was_begun(self, at_desk: Actor, bob: User) -> None:
        soon = timezone.now() + timedelta(minutes=5)
        Session.objects.filter(pk__in=[at_desk.session_id]).update(expires_at=soon)

        assert begin(at_desk, bob).session.expires_at == soon

    @pytest.mark.parametrize("status", sorted(set(Status) - {Status.ACTIVE, Status.PURGED, Status.INVITED}))
    def test_of_an_active_account_only(
        self, operator: Actor, bob: User, status: Status, everything: Callable[[], Any]
    ) -> None:
        User.objects.filter(pk=bob.pk).update(
            status=status, status_before="active" if status is Status.RESTRICTED else ""
        )
        before = everything()

        with pytest.raises(Conflict):
            begin(operator, bob)

        assert everything() == before


class TestWhoMay:
    """Strictly less powerful, everywhere."""

    def refused(self, actor: Actor, user: User, before: Any, everything: Callable[[], Any]) -> None:
        with pytest.raises(NotAllowed):
            begin(actor, user)
        assert everything() == before
        event = AuditEvent.objects.order_by("-id")[0]
        assert (event.action, event.outcome, event.subject_id) == ("user.impersonate", "refused", user.pk)

    @pytest.mark.parametrize("who", ["alice", "erin", "root"])
    @pytest.mark.parametrize("whom", ["alice", "erin", "frank", "bob", "root"])
    def test_as_whom(self, cast: Any, who: str, whom: str, everything: Callable[[], Any]) -> None:
        actor, user = signed_in(getattr(cast, who)), getattr(cast, whom)
        may = {"alice": {"erin", "frank", "bob"}, "erin": {"frank", "bob"}, "root": {"alice", "erin", "frank", "bob"}}

        if whom in may[who]:
            assert begin(actor, user).session.user == user
        elif (who, whom) in {("alice", "root"), ("erin", "root")}:
            with pytest.raises(NotFound):
                begin(actor, user)
        else:
            self.refused(actor, user, everything(), everything)

    def test_as_a_super_user_not_even_the_operator(
        self, operator: Actor, root: User, everything: Callable[[], Any]
    ) -> None:
        self.refused(operator, root, everything(), everything)

    def test_as_another_owner_or_admin_nobody_who_is_the_same(
        self, acme: Organization, alice: User, erin: User, everything: Callable[[], Any]
    ) -> None:
        owner, admin = make_user(acme, "olga", role="owner"), make_user(acme, "adam", role="admin")

        self.refused(signed_in(alice), owner, everything(), everything)
        self.refused(signed_in(erin), admin, everything(), everything)

    def test_as_nobody_who_may_more_anywhere_else(
        self, at_desk: Actor, bob: User, nextdoor: Organization, everything: Callable[[], Any]
    ) -> None:
        give(bob, nextdoor, "admin")

        self.refused(at_desk, bob, everything(), everything)

    def test_as_nobody_with_a_word_of_an_application_that_one_has_not(
        self, frank: User, bob: User, acme: Organization, everything: Callable[[], Any]
    ) -> None:
        give_custom(frank.memberships.get(), make_role(acme, "support", "user.impersonate", "user.show"))
        application = make_application(acme, "billing", "billing.refund")
        give_custom(bob.memberships.get(), make_role(acme, "clerk", "billing.refund", application=application))

        self.refused(signed_in(frank), bob, everything(), everything)

    def test_a_stranger_and_nobody_at_all_are_refused_alike(self, mallory: User, bob: User, acme: Organization) -> None:
        nobody = User(pk=ids.new(), organization=acme)

        told = []
        for whom in (bob, nobody):
            with pytest.raises(NotFound) as refusal:
                begin(signed_in(mallory), whom)
            told.append(refusal.value.as_dict())
        assert told[0] == told[1]

    def test_a_guest_is_for_their_home_to_act_as(self, at_desk: Actor, dave: User) -> None:
        with pytest.raises((NotFound, NotAllowed)):
            begin(at_desk, dave)

    def test_a_key_within_its_scopes(self, alice: User, bob: User, frank: User) -> None:
        made = api_keys.api_key_create(
            actor=policy.actor_for(alice, door=Door.API), organization=bob.organization, name="support",
            scopes=["user.show", "user.impersonate"],
        )  # fmt: skip
        key = policy.actor_for_key(made.key, door=Door.API)

        begun = begin(key, bob)

        assert begun.session.impersonator == made.key.public_id
        assert opens(begun)
        with pytest.raises(NotAllowed):
            begin(key, frank)


class TestBorrowedHands:
    """What is seen, and what is not for borrowed hands (tests/matrix/test_borrowed_hands.py has every operation)."""

    def test_changes_the_persons_own_profile_and_both_are_recorded(
        self, at_desk: Actor, alice: User, bob: User
    ) -> None:
        actor = borrowed(begin(at_desk, bob))

        users.user_update(actor=actor, user=bob, changes={"nickname": "Bobby"})

        event = AuditEvent.objects.prefetch_related("parts").get(action="user.update")
        assert (event.actor_kind, event.actor_id, event.acting_as_id) == ("user", alice.pk, bob.pk)
        about = {part.kind: part.person_id for part in event.parts.all()}
        assert about == {"subject": bob.pk, "actor": alice.pk, "network": alice.pk}
        assert (event.actor_name, event.acting_as) == (alice.public_id, bob.public_id)
        assert audit_verify(actor=policy.operator(os_user="tester")).is_intact

    @pytest.mark.parametrize("changes", [{"email": "new@example.com"}, {"username": "robert"}, {"tags": ["x"]}])
    def test_never_their_address_username_or_tags_even_where_they_may_change_those(
        self, at_desk: Actor, bob: User, changes: dict[str, Any], everything: Callable[[], Any]
    ) -> None:
        give_custom(bob.memberships.get(), make_role(bob.organization, "clerk", "user.update", "user.show"))
        actor, before = borrowed(begin(at_desk, bob)), everything()

        with pytest.raises(NotAllowed):
            users.user_update(actor=actor, user=bob, changes=changes)

        assert (everything()["User"], everything()["UserTag"]) == (before["User"], before["UserTag"])

    def test_sees_what_the_person_sees_and_changes_nobody_else(self, at_desk: Actor, frank: User, bob: User) -> None:
        actor = borrowed(begin(at_desk, frank))

        assert User.objects.visible_to(actor).filter(pk=bob.pk).exists()
        with pytest.raises(NotAllowed) as refusal:
            statuses.user_suspend(actor=actor, user=bob)
        assert "borrowed hands" in refusal.value.message
        event = AuditEvent.objects.get(outcome="refused")
        assert (event.action, event.actor_id, event.acting_as_id) == ("user.suspend", at_desk.id, frank.pk)

    def test_other_organizations_of_the_person_are_out_of_reach(
        self, at_desk: Actor, bob: User, nextdoor: Organization
    ) -> None:
        make_guest(bob, nextdoor)
        own = policy.actor_for(bob, door=Door.API)
        actor = borrowed(begin(at_desk, bob))

        assert nextdoor in Organization.objects.visible_to(own)
        assert set(Organization.objects.visible_to(actor)) == {bob.organization}

    def test_is_not_nested(self, at_desk: Actor, erin: User, bob: User, everything: Callable[[], Any]) -> None:
        actor, before = borrowed(begin(at_desk, erin)), everything()

        with pytest.raises(NotAllowed) as refusal:
            begin(actor, bob)

        assert "borrowed hands" in refusal.value.message
        assert everything() == before

    def test_their_device_and_address_are_not_taken_for_the_persons(self, at_desk: Actor, bob: User) -> None:
        begin(at_desk, bob)

        assert not Session.objects.own().filter(user=bob).exists()


class TestOneAtATime:
    """For each pair."""

    def test_the_next_ends_the_one_before(self, at_desk: Actor, bob: User) -> None:
        first = begin(at_desk, bob)

        second = begin(at_desk, bob)

        assert (opens(first), opens(second)) == (False, True)
        first.session.refresh_from_db()
        assert first.session.end_reason == "user.impersonate"
        assert AuditEvent.objects.prefetch_related("parts").get(pk=second.event.pk).part("subject")["ended"] == {
            "sessions": 1
        }

    def test_another_person_and_another_who_acts_are_other_pairs(
        self, at_desk: Actor, operator: Actor, erin: User, bob: User, carol: User
    ) -> None:
        begun = [begin(at_desk, bob), begin(at_desk, carol), begin(signed_in(erin), bob), begin(operator, bob)]

        assert [opens(each) for each in begun] == [True] * 4

    @pytest.mark.parametrize("who", ["alice", "operator"])
    def test_the_database_holds_one_too(self, who: str, at_desk: Actor, operator: Actor, bob: User) -> None:
        begun = begin({"alice": at_desk, "operator": operator}[who], bob)
        row = Session.objects.get(pk=begun.session.pk)
        row.pk, row.key_hash = ids.new(), "another"

        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)

    def test_a_session_of_ones_own_names_nobody(self, bob: User) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            SessionFactory.create(user=bob, impersonator_kind="operator")


class TestStop:
    """``impersonation_stop``."""

    def test_by_its_own_token(self, at_desk: Actor, alice: User, bob: User) -> None:
        begun = begin(at_desk, bob)

        impersonation_stop(actor=borrowed(begun), session=begun.session)

        assert not opens(begun)
        event = AuditEvent.objects.get(action="impersonation.stop")
        assert (event.actor_id, event.acting_as_id, event.subject_id) == (alice.pk, bob.pk, bob.pk)

    def test_a_browser_goes_back_to_its_own_session_once(self, at_desk: Actor, alice: User, bob: User) -> None:
        begun = begin(at_desk, bob, key_hash=session_key_hash("the key of the impersonation"))
        own = Session.objects.get(pk__in=[at_desk.session_id])
        assert own.key_hash.startswith("waits-")

        back = impersonation_stop(actor=at_desk, session=begun.session, key_hash="a" * 40)

        assert (back.pk, back.user, back.key_hash, back.is_live) == (own.pk, alice, "a" * 40, True)
        assert not opens(begun)
        with pytest.raises(NotFound):
            impersonation_stop(actor=at_desk, session=begun.session, key_hash="b" * 40)
        own.refresh_from_db()
        assert own.key_hash == "a" * 40

    def test_not_somebody_elses(self, at_desk: Actor, erin: User, bob: User) -> None:
        begun = begin(at_desk, bob, key_hash="c" * 40)

        for actor in (signed_in(erin), signed_in(bob), policy.actor_for(erin, door=Door.PAGE)):
            with pytest.raises(NotFound):
                impersonation_stop(actor=actor, session=begun.session, key_hash="a" * 40)
        assert opens(begun)

    def test_not_to_a_session_that_does_not_wait_for_it(self, at_desk: Actor, bob: User) -> None:
        begun = begin(at_desk, bob)

        for actor in (at_desk, borrowed(begun)):
            with pytest.raises(NotFound):
                impersonation_stop(actor=actor, session=begun.session, key_hash="a" * 40)
        assert opens(begun)

    def test_not_a_session_of_ones_own(self, at_desk: Actor) -> None:
        with pytest.raises(NotFound):
            impersonation_stop(actor=at_desk, session=Session.objects.get(pk__in=[at_desk.session_id]))

    def test_one_whose_own_session_has_died_does_not_come_back(
        self, at_desk: Actor, operator: Actor, alice: User, bob: User, acme: Organization
    ) -> None:
        make_user(acme, "olga", role="owner")
        begun = begin(at_desk, bob, key_hash="c" * 40)
        statuses.user_suspend(actor=operator, user=alice)

        with pytest.raises(NotAuthenticated):
            impersonation_stop(actor=at_desk, session=begun.session, key_hash="a" * 40)

    def test_the_person_ends_it_too(self, at_desk: Actor, bob: User) -> None:
        begun = begin(at_desk, bob)

        sessions.session_revoke(actor=signed_in(bob), session=begun.session)

        assert not opens(begun)


ENDS: dict[str, Callable[[Actor, Any], Any]] = {
    "its time": lambda _, w: Session.objects.filter(pk=w["begun"].session.pk).update(expires_at=timezone.now()),
    "the person is suspended": lambda op, w: statuses.user_suspend(actor=op, user=w["erin"]),
    "who acts is suspended": lambda op, w: statuses.user_suspend(actor=op, user=w["alice"]),
    "who acts is signed out": lambda op, w: users.user_sign_out(actor=op, user=w["alice"]),
    "the session of who acts ends": lambda op, w: sessions.session_revoke(actor=op, session=w["own"]),
    "who acts is locked by their row alone": lambda _, w: User.objects.filter(pk=w["alice"].pk).update(status="locked"),
    "who acts is erased": lambda op, w: erase(actor=op, user=w["alice"], how="delete"),
    "the history of who acts is erased": lambda op, w: user_delete_activities(actor=op, user=w["alice"]),
    "the history of the person is erased": lambda op, w: user_delete_activities(actor=op, user=w["erin"]),
    "who acts is no owner any more": lambda op, w: role_remove(
        actor=op, membership=w["alice"].memberships.get(), role=RoleAssignment.objects.get(
            membership__user=w["alice"], role__slug="owner").role),
    "the person becomes as powerful": lambda op, w: users.user_set(actor=op, user=w["erin"], admin=False)
    and organizations.membership_add(actor=op, organization=w["erin"].organization, user=w["erin"], roles=["owner"]),
    "the person becomes a super-user": lambda _, w: User.objects.filter(pk=w["erin"].pk).update(is_superuser=True),
    "the person becomes more powerful elsewhere": lambda _, w: give(w["erin"], w["nextdoor"], "owner"),
    "the organization is suspended": lambda op, w: organizations.org_suspend(
        actor=op, organization=w["alice"].organization),
}  # fmt: skip


@pytest.mark.parametrize("what", ENDS)
def test_ends_with(what: str, at_desk: Actor, operator: Actor, alice: User, erin: User, nextdoor: Organization) -> None:
    make_user(alice.organization, "olga", role="owner")
    own = Session.objects.get(pk__in=[at_desk.session_id])
    begun = begin(at_desk, erin)
    actor = borrowed(begun)
    assert opens(begun)

    ENDS[what](operator, {"begun": begun, "own": own, "alice": alice, "erin": erin, "nextdoor": nextdoor})

    assert not opens(begun)
    with pytest.raises(NotAuthenticated):
        users.user_update(actor=actor, user=erin, changes={"nickname": "E"})


@pytest.mark.parametrize("what", ["revoked", "run out", "its maker is suspended"])
def test_one_begun_with_a_key_dies_with_the_key(what: str, operator: Actor, alice: User, bob: User) -> None:
    make_user(alice.organization, "olga", role="owner")
    made = api_keys.api_key_create(
        actor=policy.actor_for(alice, door=Door.API), organization=bob.organization, name="support",
        scopes=["user.show", "user.impersonate"],
    )  # fmt: skip
    begun = begin(policy.actor_for_key(made.key, door=Door.API), bob)
    assert opens(begun)

    if what == "revoked":
        api_keys.api_key_revoke(actor=operator, key=made.key)
    elif what == "run out":
        type(made.key).objects.filter(pk=made.key.pk).update(expires_at=timezone.now())
    else:
        statuses.user_suspend(actor=operator, user=alice)

    assert not opens(begun)
    begun.session.refresh_from_db()
    assert (begun.session.ended_at is None) is (what == "run out")


def test_events_of_the_operator_as_somebody_say_so(operator: Actor, bob: User) -> None:
    actor = borrowed(begin(operator, bob))

    users.user_update(actor=actor, user=bob, changes={"nickname": "Bobby"})

    event = AuditEvent.objects.prefetch_related("parts").get(action="user.update")
    assert (event.actor_kind, event.actor_id, event.acting_as_id) == (ActorKind.OPERATOR, None, bob.pk)
    assert audit_verify(actor=operator).is_intact
