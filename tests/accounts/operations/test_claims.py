"""Claims: defined, changed, deleted, set and taken away."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotAllowed, NotFound
from accounts.filters import UserFilter
from accounts.models import (
    AuditEvent,
    AuditPart,
    ClaimDefinition,
    ClaimKey,
    ClaimValue,
    Membership,
    Organization,
    Role,
    RoleAssignment,
    RolePermission,
    User,
)
from accounts.operations import claims
from accounts.operations.claims import (
    claim_create,
    claim_delete,
    claim_unfit,
    claim_update,
    user_claims_remove,
    user_claims_set,
)
from accounts.operations.organizations import org_archive
from accounts.operations.statuses import user_restrict
from accounts.operations.users import user_create
from tests.factories.claims import make_claim, say
from tests.factories.roles import make_application
from tests.factories.users import make_user

Acting = Callable[[User], Actor]
Photograph = Callable[[], dict[str, Any]]


class TestDefine:
    """What can be said."""

    def test_says_what_it_is_and_who_did_it(
        self, acme: Organization, erin: User, acting: Acting, last_event: Callable[[], AuditEvent]
    ) -> None:
        application = make_application(acme)

        made = claim_create(
            actor=acting(erin), organization=acme, application=application, name="tier", type="string",
            schema={"enum": ["gold"]}, is_editable=True, appears_in=["userinfo", "id_token"], description=" What ",
        )  # fmt: skip

        row = ClaimDefinition.objects.get()
        event = last_event()
        assert (row.pk, row.word, row.type, row.schema) == (made.pk, "crm/tier", "string", {"enum": ["gold"]})
        assert (row.is_personal, row.is_editable, row.appears_in) == (True, True, ["id_token", "userinfo"])
        assert (event.action, event.actor_id, event.subject_id) == ("claim.create", erin.pk, row.pk)
        assert event.part(AuditPart.SUBJECT)["after"] == {
            "application": "crm", "name": "tier", "type": "string", "schema": {"enum": ["gold"]}, "is_personal": True,
            "is_editable": True, "appears_in": ["id_token", "userinfo"], "description": "What",
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("given", "field"),
        [
            ({"name": "email"}, "name"),
            ({"type": "colour"}, "type"),
            ({"schema": {"$ref": "https://elsewhere.example"}}, "schema"),
            ({"appears_in": ["newspaper"]}, "appears_in"),
            ({"description": "x" * 501}, "description"),
            ({"is_personal": False, "is_editable": True}, "is_editable"),
        ],
    )
    def test_refuses_what_is_wrong(
        self, acme: Organization, operator: Actor, everything: Photograph, given: dict[str, Any], field: str
    ) -> None:
        before = everything()

        with pytest.raises(Invalid) as refusal:
            claim_create(actor=operator, organization=acme, **{"name": "tier", "type": "string", **given})

        assert set(refusal.value.fields) == {field}
        assert everything() == before

    def test_a_name_is_once_in_an_organization_and_once_in_each_application(
        self, acme: Organization, nextdoor: Organization
    ) -> None:
        crm, shop = make_application(acme), make_application(acme, "shop")
        for application in (None, crm, shop):
            make_claim(acme, "tier", application=application)
            with pytest.raises(Conflict):
                make_claim(acme, "tier", application=application)

        assert make_claim(nextdoor, "tier").word == "tier"
        assert ClaimDefinition.objects.count() == 4

    def test_an_application_of_another_organization_does_not_exist(
        self, acme: Organization, nextdoor: Organization, everything: Photograph
    ) -> None:
        application = make_application(nextdoor)
        before = everything()

        with pytest.raises(NotFound, match="Application not found"):
            make_claim(acme, application=application)

        assert everything() == before

    def test_none_in_an_archived_organization_and_no_more_than_the_bound(
        self, acme: Organization, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claims, "MOST", 1)
        make_claim(acme)
        with pytest.raises(Conflict, match="at most 1"):
            make_claim(acme, "tier")
        org_archive(actor=operator, organization=acme)
        with pytest.raises(Conflict, match="archived"):
            make_claim(acme, "tier")


class TestChange:
    """What becomes of values."""

    @pytest.fixture
    def department(self, acme: Organization, bob: User, carol: User) -> ClaimDefinition:
        """A claim that says something of two people."""
        made = make_claim(acme)
        say(bob, made, "Engineering")
        say(carol, made, "Lab")
        return made

    def test_values_that_would_not_fit_stop_it(
        self, department: ClaimDefinition, bob: User, operator: Actor, everything: Photograph
    ) -> None:
        before = everything()

        with pytest.raises(Conflict) as refusal:
            claim_update(actor=operator, definition=department, changes={"schema": {"maxLength": 5}})

        assert refusal.value.fields == {"invalid": "1 value would no longer fit"}
        assert "Engineering" not in str(refusal.value.as_dict())
        assert everything() == before
        unfit = claim_unfit(actor=operator, definition=department, schema={"maxLength": 5})
        problem = "is not what the claim allows (maxLength 5)"
        assert unfit.shown == [{"user": bob.public_id, "problem": problem}]
        assert refusal.value.more == unfit.as_dict() == {"unfit": unfit.shown, "unfit_total": 1}

    def test_the_list_names_whom_the_actor_may_see_and_counts_the_others(
        self, department: ClaimDefinition, acme: Organization, bob: User, acting: Acting
    ) -> None:
        definer = Role.objects.create(organization=acme, slug="definer", name="Definer")
        for word in ("claim.list", "claim.update"):
            RolePermission.objects.create(role=definer, permission=word)
        home = Membership.objects.get(user=bob)
        RoleAssignment.objects.create(organization=acme, membership=home, role=definer)

        with pytest.raises(Conflict) as refusal:
            claim_update(actor=acting(bob), definition=department, changes={"schema": {"maxLength": 2}})

        assert [entry["user"] for entry in refusal.value.more["unfit"]] == [bob.public_id]
        assert refusal.value.more["unfit_total"] == 2

    def test_the_list_is_bounded(
        self, department: ClaimDefinition, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claims, "LISTED", 1)

        unfit = claim_unfit(actor=operator, definition=department, schema={"maxLength": 2})

        assert (len(unfit.shown), len(unfit.ids)) == (1, 2)

    def test_or_go_if_that_is_said(
        self,
        department: ClaimDefinition,
        bob: User,
        carol: User,
        operator: Actor,
        last_event: Callable[[], AuditEvent],
    ) -> None:
        versions = dict(User.objects.values_list("pk", "version"))

        claim_update(actor=operator, definition=department, changes={"schema": {"maxLength": 5}}, invalid="delete")

        assert [value.user for value in ClaimValue.objects.all()] == [carol]
        assert [key.user for key in ClaimKey.objects.all()] == [carol]
        told = last_event().part(AuditPart.SUBJECT)
        assert told["ended"] == {"values": 1}
        assert "Engineering" not in str(told)
        assert User.objects.get(pk=bob.pk).version == versions[bob.pk] + 1
        assert User.objects.get(pk=carol.pk).version == versions[carol.pk]

    def test_a_change_that_checks_nothing_checks_no_values(
        self, department: ClaimDefinition, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(claims, "CHECKED", 1)
        with pytest.raises(Conflict, match="more than 1 values"):
            claim_update(actor=operator, definition=department, changes={"schema": {"maxLength": 50}})

        changed = claim_update(actor=operator, definition=department, changes={"description": "Where"})

        assert (changed.description, changed.version) == ("Where", 2)

    def test_the_same_again_changes_nothing(
        self, department: ClaimDefinition, operator: Actor, everything: Photograph
    ) -> None:
        before, events = everything(), AuditEvent.objects.count()

        claim_update(actor=operator, definition=department, changes={"schema": {}, "description": ""})

        assert (everything(), AuditEvent.objects.count()) == (before, events)

    @pytest.mark.parametrize("field", ["name", "type", "application", "organization"])
    def test_name_type_and_owner_stay(
        self, department: ClaimDefinition, operator: Actor, everything: Photograph, field: str
    ) -> None:
        before = everything()

        with pytest.raises(Invalid):
            claim_update(actor=operator, definition=department, changes={field: "x"})

        assert everything() == before

    def test_deleting_takes_all_values_and_says_how_many(
        self, department: ClaimDefinition, operator: Actor, last_event: Callable[[], AuditEvent]
    ) -> None:
        assert claim_delete(actor=operator, definition=department) == 2

        assert not ClaimValue.objects.exists()
        assert not ClaimKey.objects.exists()
        assert not ClaimDefinition.objects.exists()
        event = last_event()
        assert (event.action, event.part(AuditPart.SUBJECT)["ended"]) == ("claim.delete", {"values": 2})
        with pytest.raises(NotFound):
            claim_delete(actor=operator, definition=department)


class TestSay:
    """What is said of whom, by whom."""

    def test_sets_replaces_and_says_who_did_it(
        self, acme: Organization, bob: User, erin: User, acting: Acting, last_event: Callable[[], AuditEvent]
    ) -> None:
        department = make_claim(acme)
        version = bob.version

        user_claims_set(actor=acting(erin), user=bob, definition=department, value="Sales")
        changed = user_claims_set(actor=acting(erin), user=bob, definition=department, value="Lab", reason="moved")

        value = ClaimValue.objects.get()
        event = last_event()
        assert (value.value, value.set_by, value.user, value.organization) == ("Lab", erin.pk, bob, acme)
        assert [key.key for key in ClaimKey.objects.all()] == ["text:Lab"]
        assert changed.version == version + 2
        assert (event.action, event.subject_id, event.person_id) == ("user.claims_set", bob.pk, bob.pk)
        assert event.part(AuditPart.SUBJECT) == {
            "reason": "moved", "before": {"department": "Sales"}, "after": {"department": "Lab"},
        }  # fmt: skip

    def test_the_same_again_changes_nothing_and_true_is_not_one(
        self, acme: Organization, bob: User, everything: Photograph
    ) -> None:
        anything = make_claim(acme, "anything", type="json")
        say(bob, anything, {"a": True})
        before, events = everything(), AuditEvent.objects.count()

        say(bob, anything, {"a": True})
        assert (everything(), AuditEvent.objects.count()) == (before, events)

        say(bob, anything, {"a": 1})
        assert ClaimValue.objects.get().value == {"a": 1}

    def test_taking_away(self, acme: Organization, bob: User, operator: Actor, everything: Photograph) -> None:
        department = make_claim(acme)
        say(bob, department, "Sales")

        user_claims_remove(actor=operator, user=bob, definition=department)

        assert not ClaimValue.objects.exists()
        assert not ClaimKey.objects.exists()
        before, events = everything(), AuditEvent.objects.count()
        user_claims_remove(actor=operator, user=bob, definition=department)
        assert (everything(), AuditEvent.objects.count()) == (before, events)

    def test_what_the_claim_does_not_allow_is_refused_and_not_repeated(
        self, acme: Organization, bob: User, operator: Actor, everything: Photograph
    ) -> None:
        department = make_claim(acme, schema={"enum": ["Sales"]})
        before = everything()

        with pytest.raises(Invalid) as refusal:
            user_claims_set(actor=operator, user=bob, definition=department, value="Secret")

        assert set(refusal.value.fields) == {"value"}
        assert "Secret" not in str(refusal.value.as_dict())
        assert everything() == before

    def test_people_set_of_themselves_what_is_editable_and_nothing_else(
        self, acme: Organization, bob: User, acting: Acting, everything: Photograph
    ) -> None:
        shirt, tier = make_claim(acme, "shirt_size", is_editable=True), make_claim(acme, "tier")
        say(bob, tier, "gold")

        user_claims_set(actor=acting(bob), user=bob, definition=shirt, value="M")

        before = everything()
        with pytest.raises(NotFound):
            user_claims_set(actor=acting(bob), user=bob, definition=tier, value="platinum")
        with pytest.raises(NotFound):
            user_claims_remove(actor=acting(bob), user=bob, definition=tier)
        assert everything() == before
        claim_update(actor=acting(User.objects.get(username="alice")), definition=shirt, changes={"is_editable": False})
        with pytest.raises(NotFound):
            user_claims_set(actor=acting(bob), user=bob, definition=shirt, value="L")
        assert ClaimValue.objects.get(definition=shirt).value == "M"

    def test_who_sees_a_claim_of_their_own_that_is_not_editable_is_told_so(
        self, acme: Organization, bob: User, acting: Acting, everything: Photograph
    ) -> None:
        tier = make_claim(acme, "tier")
        reader = Role.objects.create(organization=acme, slug="reader", name="Reader")
        RolePermission.objects.create(role=reader, permission="claim.list")
        home = Membership.objects.get(user=bob)
        RoleAssignment.objects.create(organization=acme, membership=home, role=reader)
        before = everything()

        with pytest.raises(NotAllowed, match="tier yourself") as refusal:
            user_claims_set(actor=acting(bob), user=bob, definition=tier, value="gold")

        assert refusal.value.fields == {"permission": "user.claims_set"}
        assert AuditEvent.objects.filter(action="user.claims_set", outcome="refused", actor_id=bob.pk).count() == 1
        assert everything() == before

    def test_nobody_says_something_of_somebody_more_powerful(
        self, acme: Organization, alice: User, erin: User, acting: Acting, everything: Photograph
    ) -> None:
        tier = make_claim(acme, "tier")
        before = everything()

        with pytest.raises(NotAllowed, match="more permissions"):
            user_claims_set(actor=acting(erin), user=alice, definition=tier, value="gold")

        assert everything() == before

    def test_a_claim_of_next_door_does_not_exist_even_for_who_sees_both(
        self, nextdoor: Organization, bob: User, operator: Actor, everything: Photograph
    ) -> None:
        theirs = make_claim(nextdoor)
        before = everything()

        with pytest.raises(NotFound, match="Claim not found"):
            user_claims_set(actor=operator, user=bob, definition=theirs, value="Sales")

        assert everything() == before

    def test_nothing_is_said_of_somebody_restricted(
        self, acme: Organization, bob: User, operator: Actor, everything: Photograph
    ) -> None:
        department = make_claim(acme)
        user_restrict(actor=operator, user=bob)
        before = everything()

        with pytest.raises(Conflict, match="restricted"):
            say(bob, department, "Sales")

        assert everything() == before

    def test_a_guests_claims_are_for_their_home_alone(
        self, nextdoor: Organization, dave: User, alice: User, mallory: User, acting: Acting
    ) -> None:
        say(dave, make_claim(nextdoor), "Sales")

        assert not ClaimValue.objects.visible_to(acting(alice)).exists()
        assert ClaimValue.objects.visible_to(acting(mallory)).count() == 1
        assert ClaimValue.objects.visible_to(acting(dave)).count() == 1
        assert not ClaimDefinition.objects.visible_to(acting(alice)).exists()


class TestNewAccount:
    """Claims given with the account."""

    def test_has_its_claims_from_the_first_moment(
        self, acme: Organization, operator: Actor, last_event: Callable[[], AuditEvent]
    ) -> None:
        made = user_create(
            actor=operator, organization=acme, email="kim@acme.example", claims=[(make_claim(acme), "Sales")]
        )

        assert ClaimValue.objects.get(user=made).value == "Sales"
        assert last_event().part(AuditPart.SUBJECT)["after"]["claims"] == {"department": "Sales"}  # type: ignore[index]

    def test_or_is_not_made(
        self, acme: Organization, nextdoor: Organization, operator: Actor, everything: Photograph
    ) -> None:
        strict, theirs = make_claim(acme, schema={"maxLength": 1}), make_claim(nextdoor)
        before = everything()

        for claim, error in ((strict, Invalid), (theirs, NotFound)):
            with pytest.raises(error):
                user_create(actor=operator, organization=acme, email="kim@acme.example", claims=[(claim, "Sales")])

        assert everything() == before


class TestFind:
    """Claims as a filter."""

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ("department=Sales", {"bob"}),
            ("department=Lab", set()),
            ("crm/department=Lab", {"bob"}),
            ("crm/department=Sales", set()),
            ("langs=de", {"bob", "carol"}),
            ("langs=fr", {"carol"}),
            ("age=41", {"carol"}),
            ("age=41.0", {"carol"}),
            ("nothing=1", set()),
        ],
    )
    def test_people_by_a_claim(
        self, acme: Organization, nextdoor: Organization, bob: User, carol: User, asked: str, found: set[str]
    ) -> None:
        department, langs = make_claim(acme), make_claim(acme, "langs", type="strings")
        say(bob, department, "Sales")
        say(bob, make_claim(acme, application=make_application(acme)), "Lab")
        say(bob, langs, ["en", "de"])
        say(carol, langs, ["de", "fr"])
        say(carol, make_claim(acme, "age", type="integer"), 41)
        say(make_user(nextdoor, "nina"), make_claim(nextdoor), "Sales")

        users = UserFilter.build({"claim": asked}).apply(User.objects.filter(organization=acme))

        assert {user.username for user in users} == found

    @pytest.mark.parametrize("asked", ["department", "=x", "x" * 300 + "=1"])
    def test_what_is_no_filter_is_refused(self, asked: str) -> None:
        with pytest.raises(Invalid) as refusal:
            UserFilter.build({"claim": asked})

        assert set(refusal.value.fields) == {"claim"}
