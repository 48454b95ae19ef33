"""Organization verbs and memberships."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import AccountsError, Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound, VersionConflict
from accounts.models import AuditEvent, Membership, Organization, Session, User
from accounts.operations.api_keys import api_key_create
from accounts.operations.organizations import (
    ORGANIZATION_TRANSITIONS,
    membership_add,
    membership_remove,
    org_activate,
    org_archive,
    org_create,
    org_suspend,
    org_update,
)
from accounts.statuses import OrganizationStatus
from tests.factories.organizations import give, make_organization
from tests.factories.users import SessionFactory, make_user

Acting = Callable[[User], Actor]
Photograph = Callable[[], Any]
VERBS = {"suspend": org_suspend, "activate": org_activate, "archive": org_archive}
TABLE = {
    "active": {"suspend": "suspended", "activate": None, "archive": "archived"},
    "suspended": {"suspend": None, "activate": "active", "archive": "archived"},
    "archived": {"suspend": None, "activate": "active", "archive": None},
}


def events(action: str) -> list[dict[str, Any]]:
    rows = AuditEvent.objects.filter(action=action, outcome="done").order_by("id").prefetch_related("parts")
    return [dict(event.part("subject")) for event in rows]


def refused(error: Any, call: Callable[[], Any], everything: Photograph) -> AccountsError:
    """See to it that a refusal changes nothing."""
    before = everything()
    with pytest.raises(error) as refusal:
        call()
    assert everything() == before
    assert isinstance(refusal.value, AccountsError)
    return refusal.value


class TestOrganizations:
    """Make, rename, suspend, activate, archive."""

    def test_making(self, db: None, operator: Actor) -> None:
        organization = org_create(actor=operator, slug="acme", name=" Acme ", reason="new")

        shown = {"slug": "acme", "name": "Acme", "language": "en", "invite_days": 7, "second_factor": "optional"}
        shown |= {"mail_codes": "refused", "status": "active", "status_reason": ""}
        assert Organization.objects.filter(pk=organization.pk, version=1).values(*shown).get() == shown
        assert organization.impersonation_minutes == 60
        assert events("org.create") == [{"reason": "new", "after": {**shown, "impersonation_max": "1h"}}]

    @pytest.mark.parametrize(
        "slug",
        [
            "",
            "A",
            "-a",
            "a-",
            "a b",
            "a\n",
            "\u00e4",
            "x" * 64,
            "01890a5d-ac96-774b-bcce-b302099a8057",
            "01890a5dac96774bbcceb302099a8057",
            "org_01h455vb4pex5vsknk084sn02q",
        ],
        ids=ascii,
    )
    def test_slugs_that_are_none(self, operator: Actor, acme: Organization, everything: Photograph, slug: str) -> None:
        assert "slug" in refused(Invalid, lambda: org_create(actor=operator, slug=slug, name="X"), everything).fields
        refused(Invalid, lambda: org_update(actor=operator, organization=acme, slug=slug), everything)

    def test_what_is_taken_or_wrong(
        self, operator: Actor, acme: Organization, nextdoor: Organization, everything: Photograph
    ) -> None:
        refused(Conflict, lambda: org_create(actor=operator, slug="acme", name="X"), everything)
        refused(Conflict, lambda: org_update(actor=operator, organization=nextdoor, slug="acme"), everything)
        for name in ("", " ", "x" * 201, "a\nb", "\x00", "\ud800"):
            refused(Invalid, partial(org_create, actor=operator, slug="x", name=name), everything)

    def test_its_language_is_one_that_letters_are_written_in(
        self, operator: Actor, acme: Organization, everything: Photograph
    ) -> None:
        for wrong in ("fr", "", "DE", "de-AT"):
            change = partial(org_update, actor=operator, organization=acme, language=wrong)
            refusal = refused(Invalid, change, everything)
            assert refusal.fields == {"language": "must be one of: en, de"}

        assert org_update(actor=operator, organization=acme, language="de").language == "de"
        assert events("org.update") == [{"before": {"language": "en"}, "after": {"language": "de"}}]

    def test_renaming(self, operator: Actor, acme: Organization, everything: Photograph) -> None:
        org_update(actor=operator, organization=acme, name="Acme Ltd", slug="acme")
        after = everything()
        org_update(actor=operator, organization=acme, name="Acme Ltd")

        assert everything() == after
        assert Organization.objects.get(pk=acme.pk).version == 2
        assert events("org.update") == [{"before": {"name": "Acme"}, "after": {"name": "Acme Ltd"}}]

    @pytest.mark.parametrize("version", [0, 2])
    def test_what_was_changed_since_the_caller_looked_stays(
        self, operator: Actor, acme: Organization, everything: Photograph, version: int
    ) -> None:
        for change in (partial(org_update, name="Other"), org_suspend, org_archive):
            call = partial(change, actor=operator, organization=acme, expected_version=version)
            refused(VersionConflict, call, everything)
        org_update(actor=operator, organization=acme, name="Other", expected_version=1)

        assert Organization.objects.filter(pk=acme.pk, name="Other", version=2).exists()

    def test_the_table_is_all_there_is(self) -> None:
        assert {
            (status, verb, str(target))
            for verb, (sources, target) in ORGANIZATION_TRANSITIONS.items()
            for status in sources
        } == {(status, verb, target) for status, row in TABLE.items() for verb, target in row.items() if target}

    @pytest.mark.parametrize("verb", sorted(VERBS))
    @pytest.mark.parametrize("status", sorted(TABLE))
    def test_every_pair(
        self, operator: Actor, acme: Organization, bob: User, everything: Photograph, verb: str, status: str
    ) -> None:
        Organization.objects.filter(pk=acme.pk).update(status=status)
        SessionFactory.create(user=bob)
        target = TABLE[status][verb]
        if target is None:
            refused(Conflict, lambda: VERBS[verb](actor=operator, organization=acme), everything)
            return
        VERBS[verb](actor=operator, organization=acme, reason="why")

        acme.refresh_from_db()
        assert (acme.status, acme.status_reason, acme.version) == (target, "why", 2)
        assert Session.objects.live().exists() is (target == "active")
        ended = {} if target == "active" else {"ended": {"sessions": 1}}
        expected = {
            "reason": "why",
            "before": {"status": status, "status_reason": ""},
            "after": {"status": target, "status_reason": "why"},
        }
        assert events(f"org.{verb}") == [expected | ended]

    @pytest.mark.parametrize("verb", ["suspend", "archive"])
    def test_nothing_of_it_works(self, operator: Actor, acting: Acting, erin: User, bob: User, verb: str) -> None:
        made = api_key_create(actor=operator, organization=erin.organization, name="k", scopes=["admin:users"])
        key, person = policy.actor_for_key(made.key, door=Door.API), acting(erin)

        VERBS[verb](actor=operator, organization=erin.organization)

        for actor in (key, person):
            with pytest.raises(NotAuthenticated):
                policy.current(actor)

    @pytest.mark.parametrize("verb", ["suspend", "archive"])
    def test_the_last_super_user_lives_there(
        self, operator: Actor, root: User, everything: Photograph, verb: str
    ) -> None:
        refused(Conflict, lambda: VERBS[verb](actor=operator, organization=root.organization), everything)
        make_user(make_organization("other"), "second", is_superuser=True)
        VERBS[verb](actor=operator, organization=root.organization)

    @pytest.mark.parametrize(
        ("who", "verb", "error"),
        [
            ("alice", "suspend", NotAllowed),
            ("alice", "activate", NotAllowed),
            ("erin", "archive", NotAllowed),
            ("frank", "archive", NotAllowed),
            ("mallory", "archive", NotFound),
            ("bob", "archive", NotAllowed),
        ],
    )
    def test_whom_it_is_not_for(
        self, cast: Any, acting: Acting, acme: Organization, everything: Photograph, who: str, verb: str, error: Any
    ) -> None:
        refused(error, lambda: VERBS[verb](actor=acting(getattr(cast, who)), organization=acme), everything)

    def test_an_owner_puts_it_away(self, acting: Acting, alice: User, acme: Organization) -> None:
        assert org_archive(actor=acting(alice), organization=acme).status == OrganizationStatus.ARCHIVED


class TestMemberships:
    """Guests come and go."""

    def test_joining(self, operator: Actor, acme: Organization, mallory: User, everything: Photograph) -> None:
        membership = membership_add(actor=operator, organization=acme, user=mallory, roles=["moderator"])
        after = everything()
        membership_add(actor=operator, organization=acme, user=mallory, roles=["moderator"])

        assert everything() == after
        assert events("membership.add") == [{"after": {"roles": ["member", "moderator"]}}]
        assert AuditEvent.objects.get().organization_id == acme.pk
        assert membership.is_home is False

    def test_leaving(self, operator: Actor, acme: Organization, dave: User, everything: Photograph) -> None:
        membership = Membership.objects.get(user=dave, organization=acme)
        again = Membership.objects.get(pk=membership.pk)

        membership_remove(actor=operator, membership=membership)

        assert not Membership.objects.filter(pk=again.pk).exists()
        assert events("membership.remove") == [{"before": {"roles": ["member"]}}]
        refused(NotFound, lambda: membership_remove(actor=operator, membership=again), everything)

    def test_home_stays(self, operator: Actor, bob: User, everything: Photograph) -> None:
        home = bob.memberships.get()

        refused(Conflict, lambda: membership_remove(actor=operator, membership=home), everything)

    def test_the_last_owner_stays(
        self, operator: Actor, nextdoor: Organization, mallory: User, everything: Photograph
    ) -> None:
        lonely = make_organization("lonely")
        owned = give(mallory, lonely, "owner").membership

        refused(Conflict, lambda: membership_remove(actor=operator, membership=owned), everything)

    @pytest.mark.parametrize("role", ["owner", "admin", "moderator", "member"])
    @pytest.mark.parametrize("mine", ["owner", "admin", "moderator", "member"])
    def test_nobody_gives_or_takes_what_they_do_not_have(
        self, acting: Acting, alice: User, acme: Organization, everything: Photograph, mine: str, role: str
    ) -> None:
        me = make_user(acme, "me", role=mine)
        home = make_organization("third")
        guest = make_user(home, "guest")
        give(me, home, "moderator")  # sees the people there
        actor = acting(me)
        allowed = mine == "owner" or (mine == "admin" and role != "owner")

        def add() -> Any:
            return membership_add(actor=actor, organization=acme, user=guest, roles=[role])

        if allowed:
            membership = add()
            membership_remove(actor=acting(me), membership=membership)
            assert events("membership.remove") == [{"before": {"roles": sorted({role, "member"})}}]
            return
        refused(NotAllowed, add, everything)
        membership = give(guest, acme, role).membership
        give(guest, acme, "member")
        refused(
            NotAllowed if mine == "admin" else (NotAllowed, NotFound),
            lambda: membership_remove(actor=actor, membership=membership),
            everything,
        )

    def test_strangers_are_not_found(
        self, acting: Acting, alice: User, acme: Organization, mallory: User, everything: Photograph
    ) -> None:
        refused(NotFound, lambda: membership_add(actor=acting(alice), organization=acme, user=mallory), everything)

    def test_nothing_is_added_to_an_archived_one(
        self, operator: Actor, acme: Organization, mallory: User, everything: Photograph
    ) -> None:
        Organization.objects.filter(pk=acme.pk).update(status=OrganizationStatus.ARCHIVED)

        refused(Conflict, lambda: membership_add(actor=operator, organization=acme, user=mallory), everything)
