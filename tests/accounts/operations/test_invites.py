"""Invites: whom they make, what they give, what they cannot; accepted once, by whom they are for, dead otherwise."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound
from accounts.models import (
    AuditEvent,
    ClaimValue,
    Invite,
    InviteStatus,
    Membership,
    Organization,
    Outbox,
    RoleAssignment,
    User,
)
from accounts.operations.acceptance import invite_accept, invite_decline, invite_find, invite_join
from accounts.operations.api_keys import api_key_create, api_key_revoke
from accounts.operations.applications import app_create
from accounts.operations.base import NewPassword
from accounts.operations.invites import user_invite, user_resend_invite, user_revoke_invite
from accounts.operations.organizations import org_suspend, org_update
from accounts.operations.roles import role_create, role_delete, role_update
from accounts.operations.statuses import STATUS_VERBS, user_archive
from accounts.operations.users import user_create, user_set, user_update
from accounts.passwords import verified
from accounts.statuses import Status
from tests.accounts.mailbox import token_of, work
from tests.factories.claims import make_claim
from tests.factories.users import make_user

Acting = Callable[[User], Actor]
Letters = list[EmailMessage]
SENTENCE = "another sentence that nobody guesses"
VISITOR = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Chrome/macOS", request_id="visit-1")
KIM = "kim@example.com"


def accepts(token: str, **more: Any) -> User:
    return invite_accept(actor=VISITOR, token=token, password=NewPassword(SENTENCE), **more)


def link_in(letter: EmailMessage) -> str:
    found = re.search(r"/invite/(inv_\S+)/", str(letter.body))
    assert found is not None, letter.body
    return found[1]


def refused(use: Callable[[], Any]) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        use()
    assert refusal.value.message == "This link is used up, has run out or never was one."


def slugs(user: User, place: Organization | None = None) -> list[str]:
    held = RoleAssignment.objects.filter(membership__user=user, organization=place or user.organization)
    return sorted(entry.role.full_slug for entry in held.select_related("role__application"))


def actions_since(start: int) -> list[str]:
    return [str(event.action) for event in AuditEvent.objects.order_by("occurred_at")[start:]]


@pytest.fixture
def invited(acme: Organization, erin: User, acting: Acting, mailoutbox: Letters) -> Invite:
    """Kim, invited by erin; the letter is out."""
    made = user_invite(actor=acting(erin), organization=acme, email=KIM, roles=["moderator"], message="Welcome!")
    work()
    return made.invite


class TestInvite:
    """What is made."""

    def test_an_address_gets_an_account_that_waits_and_a_letter(
        self, acme: Organization, erin: User, acting: Acting, mailoutbox: Letters
    ) -> None:
        claim = make_claim(acme)
        before = AuditEvent.objects.count()

        made = user_invite(
            actor=acting(erin),
            organization=acme,
            email="Kim@Example.com",
            profile={"name": "Kim Lee"},
            roles=["moderator"],
            tags=["vip"],
            claims=[(claim, "Sales")],
            message="Welcome!\n<b>Come.</b>",
        )

        user = User.objects.get(organization=acme, email_key=KIM)
        assert (user.status, user.name, user.has_usable_password(), user.email_verified) == (
            Status.INVITED,
            "Kim Lee",
            False,
            False,
        )
        assert slugs(user) == ["member"]
        assert [tag.name for tag in user.tags.all()] == ["vip"]
        assert ClaimValue.objects.get(user=user).value == "Sales"
        assert (made.link, made.invite.status, made.invite.lookup) == ("", InviteStatus.PENDING, None)
        assert abs(made.invite.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)
        assert actions_since(before) == ["user.invite"]
        assert Invite.objects.get().delivery == "queued"
        work()
        (letter,) = mailoutbox
        assert letter.to == ["Kim@Example.com"]
        assert "Welcome!" in str(letter.body)
        assert "<b>" not in letter.alternatives[0][0]  # type: ignore[attr-defined]
        assert Invite.objects.with_shown().get().delivery == "sent"

    def test_no_secret_lies_anywhere_before_the_letter_is_written(
        self, acme: Organization, erin: User, acting: Acting
    ) -> None:
        user_invite(actor=acting(erin), organization=acme, email=KIM)

        assert list(Invite.objects.values_list("lookup", "secret_hash")) == [(None, "")]

    def test_a_printed_link_sends_no_letter_and_confirms_nothing(
        self, acme: Organization, erin: User, acting: Acting, mailoutbox: Letters
    ) -> None:
        made = user_invite(actor=acting(erin), organization=acme, email=KIM, print_link=True)

        user = accepts(token_of(made.link))

        work()
        assert user.status == Status.ACTIVE
        assert not user.email_verified
        assert [letter.subject for letter in mailoutbox] == [
            f"{acme.name}: Welcome",
            f"{acme.name}: Confirm your e-mail address",
        ]

    def test_an_address_with_an_account_is_refused_and_its_password_stays(
        self, acme: Organization, erin: User, bob: User, acting: Acting, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(Conflict) as refusal:
            user_invite(actor=acting(erin), organization=acme, email=bob.email or "")

        assert refusal.value.fields == {"email": "taken"}
        assert everything() == before

    @pytest.mark.parametrize("verb", ["suspend", "lock", "archive", "restrict"])
    def test_so_is_one_whose_account_is_closed(self, verb: str, acme: Organization, bob: User, operator: Actor) -> None:
        STATUS_VERBS[verb].run(actor=operator, user=bob)

        with pytest.raises(Conflict):
            user_invite(actor=operator, organization=acme, email=bob.email or "")

    def test_an_archived_account_that_nobody_used_is_no_way_to_what_it_holds(
        self,
        acme: Organization,
        alice: User,
        erin: User,
        operator: Actor,
        acting: Acting,
        everything: Callable[[], Any],
    ) -> None:
        old = user_create(actor=operator, organization=acme, email=KIM, roles=["owner"])
        user_archive(actor=operator, user=old)
        before = everything()

        with pytest.raises(NotAllowed):
            user_invite(actor=acting(erin), organization=acme, email=KIM)

        assert everything() == before

    def test_a_guest_is_refused(self, acme: Organization, dave: User, operator: Actor) -> None:
        with pytest.raises(Conflict, match="guest"):
            user_invite(actor=operator, organization=acme, email=dave.email or "")

    def test_an_invited_address_names_the_way_to_send_again(self, invited: Invite, operator: Actor) -> None:
        with pytest.raises(Conflict) as refusal:
            user_invite(actor=operator, organization=invited.organization, email=KIM)

        assert refusal.value.remedy == f"Send it again: user_resend_invite {invited.public_id}"

    def test_nobody_gives_what_they_do_not_have(
        self, acme: Organization, erin: User, acting: Acting, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(NotAllowed):
            user_invite(actor=acting(erin), organization=acme, email=KIM, roles=["owner"])

        assert everything() == before
        assert AuditEvent.objects.order_by("-occurred_at")[0].outcome == "refused"

    def test_what_cannot_be_is_named(self, acme: Organization, operator: Actor) -> None:
        later = timezone.now() + timedelta(days=91)
        for field, wrong in {
            "email": {"email": "nobody"},
            "message": {"email": KIM, "message": "x" * 1_001},
            "expires_at": {"email": KIM, "expires_at": later},
            "max_uses": {"max_uses": 0},
            "roles": {"email": KIM, "roles": ["nobody"]},
            "locale": {"profile": {"locale": "?"}},
        }.items():
            with pytest.raises(Invalid) as refusal:
                user_invite(actor=operator, organization=acme, **wrong)  # type: ignore[arg-type]
            assert field in refusal.value.fields
        with pytest.raises(Invalid):
            user_invite(actor=operator, organization=acme, email=KIM, max_uses=2)
        assert not Invite.objects.exists()

    def test_the_organization_settles_how_long(self, acme: Organization, operator: Actor) -> None:
        org_update(actor=operator, organization=acme, invite_days=30)

        made = user_invite(actor=operator, organization=acme)

        assert abs(made.invite.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
        for wrong in (0, 91):
            with pytest.raises(Invalid):
                org_update(actor=operator, organization=acme, invite_days=wrong)

    def test_a_suspended_organization_invites_nobody(self, acme: Organization, operator: Actor) -> None:
        org_suspend(actor=operator, organization=acme)

        with pytest.raises(Conflict):
            user_invite(actor=operator, organization=acme, email=KIM)


class TestAccept:
    """Who holds the secret."""

    def test_the_link_in_the_letter_makes_the_account_theirs(self, invited: Invite, mailoutbox: Letters) -> None:
        before = AuditEvent.objects.count()

        user = accepts(link_in(mailoutbox[0]), profile={"name": "Kim"})

        user.refresh_from_db()
        assert (user.status, user.name, user.email_verified) == (Status.ACTIVE, "Kim", True)
        assert verified(SENTENCE, user.password)
        assert slugs(user) == ["member", "moderator"]
        invited.refresh_from_db()
        assert (invited.status, invited.uses, invited.user_id) == (InviteStatus.ACCEPTED, 1, user.pk)
        assert actions_since(before) == ["invite.accept"]
        event = AuditEvent.objects.order_by("-occurred_at")[0]
        assert (event.subject_id, event.person_id, event.actor_kind) == (invited.pk, user.pk, "anonymous")
        assert [letter.kind for letter in Outbox.objects.filter(state="queued")] == ["joined"]

    def test_they_are_welcomed_once_in_their_language(
        self, acme: Organization, operator: Actor, mailoutbox: Letters
    ) -> None:
        made = user_invite(actor=operator, organization=acme, email=KIM, profile={"locale": "de"}, print_link=True)

        accepts(token_of(made.link))
        work()

        (welcome,) = [letter for letter in mailoutbox if letter.subject == "Acme: Willkommen"]
        assert welcome.to == [KIM]
        assert "/sign-in/" in str(welcome.body)
        assert Outbox.objects.filter(kind="joined").count() == 1

    def test_it_works_once(self, invited: Invite, mailoutbox: Letters) -> None:
        token = link_in(mailoutbox[0])
        accepts(token)

        refused(lambda: accepts(token))

    def test_a_bad_password_leaves_it_good(
        self, invited: Invite, mailoutbox: Letters, everything: Callable[[], Any]
    ) -> None:
        token, before = link_in(mailoutbox[0]), everything()

        with pytest.raises(Invalid):
            invite_accept(actor=VISITOR, token=token, password=NewPassword("password"))

        assert everything() == before
        accepts(token)

    @pytest.mark.parametrize(
        "how",
        ["expired", "revoked", "resent", "archived", "inviter left", "inviter demoted", "suspended", "moved", "wrong"],
    )
    def test_what_kills_it(
        self, how: str, invited: Invite, erin: User, operator: Actor, mailoutbox: Letters, everything: Callable[[], Any]
    ) -> None:
        token = link_in(mailoutbox[0])
        user = invited.user
        assert user is not None
        kills: dict[str, Callable[[], Any]] = {
            "expired": lambda: Invite.objects.update(expires_at=timezone.now()),
            "revoked": lambda: user_revoke_invite(actor=operator, invite=invited),
            "resent": lambda: user_resend_invite(actor=operator, invite=invited),
            "archived": lambda: user_archive(actor=operator, user=user),
            "inviter left": lambda: STATUS_VERBS["suspend"].run(actor=operator, user=erin),
            "inviter demoted": lambda: user_set(actor=operator, user=erin, admin=False),
            "suspended": lambda: org_suspend(actor=operator, organization=invited.organization),
            "moved": lambda: user_update(actor=operator, user=user, changes={"email": "new@example.com"}),
            "wrong": lambda: None,
        }
        kills[how]()
        token = token[:-1] + ("A" if token[-1] != "A" else "B") if how == "wrong" else token
        before = everything()

        refused(lambda: invite_find(actor=VISITOR, token=token))
        refused(lambda: accepts(token))

        assert everything() == before

    def test_a_role_that_was_deleted_or_is_beyond_the_inviter_now_is_left_out(
        self, acme: Organization, erin: User, operator: Actor, acting: Acting
    ) -> None:
        gone = role_create(actor=operator, organization=acme, slug="gone", name="Gone", permissions=["user.show"])
        wider = role_create(actor=operator, organization=acme, slug="wider", name="Wider", permissions=["user.show"])
        made = user_invite(
            actor=acting(erin), organization=acme, email=KIM, roles=["gone", "wider", "moderator"], print_link=True
        )
        role_delete(actor=operator, role=gone)
        role_update(actor=operator, role=wider, permissions=["user.show", "org.archive"])

        user = accepts(token_of(made.link))

        assert slugs(user) == ["member", "moderator"]
        event = AuditEvent.objects.order_by("-occurred_at").prefetch_related("parts")[0]
        assert event.part("subject")["left_out"] == {"roles": ["wider"]}

    def test_roles_of_applications_come_too(self, acme: Organization, operator: Actor) -> None:
        app = app_create(
            actor=operator, organization=acme, slug="billing", name="Billing", permissions={"billing.refund": ""}
        )
        role_create(
            actor=operator,
            organization=acme,
            application=app,
            slug="clerk",
            name="Clerk",
            permissions=["billing.refund"],
        )
        made = user_invite(actor=operator, organization=acme, email=KIM, roles=["billing/clerk"], print_link=True)

        assert slugs(accepts(token_of(made.link))) == ["billing/clerk", "member"]

    def test_an_invite_of_a_key_dies_with_the_key(self, acme: Organization, operator: Actor) -> None:
        key = api_key_create(actor=operator, organization=acme, name="hr", scopes=["admin:users"]).key
        made = user_invite(
            actor=policy.actor_for_key(key, door=Door.API), organization=acme, email=KIM, print_link=True
        )

        api_key_revoke(actor=operator, key=key)

        refused(lambda: accepts(token_of(made.link)))
        assert Invite.objects.get().status is InviteStatus.REVOKED

    def test_an_invite_whose_inviter_is_unknown_opens_nothing(self, invited: Invite, mailoutbox: Letters) -> None:
        Invite.objects.update(invited_by=None)

        refused(lambda: accepts(link_in(mailoutbox[0])))


class TestRevokeAndResend:
    """Afterwards."""

    def test_revoking_takes_message_address_letter_and_account_away(
        self, acme: Organization, erin: User, acting: Acting, mailoutbox: Letters
    ) -> None:
        made = user_invite(actor=acting(erin), organization=acme, email=KIM, message="Welcome!")

        revoked = user_revoke_invite(actor=acting(erin), invite=made.invite, reason="Wrong address")

        work()
        assert mailoutbox == []
        assert Invite.objects.with_shown().get().delivery == "dropped: not sent: the invite was revoked"
        assert (revoked.status, revoked.message, revoked.email, revoked.email_key) == (
            InviteStatus.REVOKED,
            "",
            None,
            None,
        )
        assert User.objects.get(email_key=KIM).status == Status.ARCHIVED
        seen = AuditEvent.objects.count()
        user_revoke_invite(actor=acting(erin), invite=revoked)
        assert AuditEvent.objects.count() == seen

    def test_after_it_the_address_can_be_invited_again(self, invited: Invite, operator: Actor) -> None:
        user_revoke_invite(actor=operator, invite=invited)

        again = user_invite(actor=operator, organization=invited.organization, email=KIM, print_link=True)

        assert again.invite.user_id == invited.user_id
        user = accepts(token_of(again.link))
        assert (user.status, slugs(user)) == (Status.ACTIVE, ["member"])

    def test_an_accepted_one_is_neither_revoked_nor_sent_again(
        self, invited: Invite, operator: Actor, mailoutbox: Letters
    ) -> None:
        accepts(link_in(mailoutbox[0]))

        for verb in (user_revoke_invite, user_resend_invite):
            with pytest.raises(Conflict):
                verb(actor=operator, invite=invited)

    def test_sent_again_the_old_link_is_dead_and_the_new_one_works(
        self, invited: Invite, operator: Actor, mailoutbox: Letters
    ) -> None:
        old = link_in(mailoutbox[0])
        Invite.objects.update(expires_at=timezone.now())

        user_resend_invite(actor=operator, invite=invited)
        work()

        refused(lambda: accepts(old))
        assert accepts(link_in(mailoutbox[1])).email_verified

    def test_sent_again_before_it_went_out_one_letter_goes_out(
        self, acme: Organization, operator: Actor, mailoutbox: Letters
    ) -> None:
        made = user_invite(actor=operator, organization=acme, email=KIM)

        user_resend_invite(actor=operator, invite=made.invite)
        work()

        assert len(mailoutbox) == 1
        ends = Outbox.objects.order_by("created_at", "pk").values_list("state", "last_error")
        assert list(ends) == [("dropped", "not sent: the invite was sent again"), ("sent", "")]
        assert Invite.objects.with_shown().get().delivery == "sent"

    def test_an_open_link_is_shown_anew(self, acme: Organization, operator: Actor) -> None:
        made = user_invite(actor=operator, organization=acme)

        again = user_resend_invite(actor=operator, invite=made.invite)

        refused(lambda: invite_find(actor=VISITOR, token=token_of(made.link)))
        assert invite_find(actor=VISITOR, token=token_of(again.link)) == made.invite

    def test_nobody_gets_a_link_to_what_they_could_not_give(
        self, acme: Organization, alice: User, erin: User, acting: Acting, everything: Callable[[], Any]
    ) -> None:
        made = user_invite(actor=acting(alice), organization=acme, email=KIM, roles=["owner"])
        before = everything()

        with pytest.raises(NotAllowed):
            user_resend_invite(actor=acting(erin), invite=made.invite, print_link=True)

        assert everything() == before

    def test_to_the_address_that_the_account_has_now(
        self, invited: Invite, operator: Actor, mailoutbox: Letters
    ) -> None:
        assert invited.user is not None
        user_update(actor=operator, user=invited.user, changes={"email": "new@example.com"})
        mailoutbox.clear()

        user_resend_invite(actor=operator, invite=invited)
        work()

        assert [letter.to for letter in mailoutbox if "/invite/" in str(letter.body)] == [["new@example.com"]]


class TestGuest:
    """Somebody with an account elsewhere."""

    @pytest.fixture
    def kim(self, nextdoor: Organization) -> User:
        """Kim, at home next door, with a confirmed address."""
        kim = make_user(nextdoor, "kim", email_verified_at=timezone.now())
        User.objects.filter(pk=kim.pk).update(email=KIM, email_key=KIM)
        kim.refresh_from_db()
        return kim

    def test_they_come_as_a_guest(self, invited: Invite, kim: User, acting: Acting) -> None:
        before = AuditEvent.objects.count()

        membership = invite_join(actor=acting(kim), invite=Invite.objects.of_person(kim).get())

        assert (membership.organization_id, membership.is_home) == (invited.organization_id, False)
        assert slugs(kim, invited.organization) == ["member", "moderator"]
        waiting = User.objects.get(organization=invited.organization, email_key=KIM)
        assert waiting.status == Status.ARCHIVED
        invited.refresh_from_db()
        assert (invited.status, invited.user_id) == (InviteStatus.ACCEPTED, kim.pk)
        assert actions_since(before) == ["invite.accept"]
        assert AuditEvent.objects.order_by("-occurred_at")[0].organization_id == invited.organization_id

    def test_they_decline(self, invited: Invite, kim: User, acting: Acting, mailoutbox: Letters) -> None:
        invite_decline(actor=acting(kim), invite=Invite.objects.of_person(kim).get())

        assert Invite.objects.get().status is InviteStatus.REVOKED
        refused(lambda: accepts(link_in(mailoutbox[0])))
        assert not Membership.objects.filter(user=kim, organization=invited.organization).exists()

    @pytest.mark.parametrize("how", ["unconfirmed", "another", "revoked", "demoted", "stranger"])
    def test_nobody_else_finds_it(
        self,
        how: str,
        invited: Invite,
        kim: User,
        bob: User,
        erin: User,
        operator: Actor,
        acting: Acting,
        everything: Callable[[], Any],
    ) -> None:
        who = bob if how == "stranger" else kim
        if how == "unconfirmed":
            User.objects.filter(pk=kim.pk).update(email_verified_at=None)
        if how == "another":
            User.objects.filter(pk=kim.pk).update(email="x@example.com", email_key="x@example.com")
        if how == "revoked":
            user_revoke_invite(actor=operator, invite=invited)
        if how == "demoted":
            user_set(actor=operator, user=erin, admin=False)
        before = everything()

        for verb in (invite_join, invite_decline):
            with pytest.raises(NotFound):
                verb(actor=acting(who), invite=invited)

        assert everything() == before
