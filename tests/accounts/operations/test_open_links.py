"""Open links: who asks gets a letter, whoever they are; what it says, their mailbox alone knows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotFound, Throttled
from accounts.models import (
    AuditEvent,
    ClaimValue,
    Invite,
    InviteStatus,
    Organization,
    Outbox,
    Throttle,
    User,
)
from accounts.operations import invites, open_links, throttles
from accounts.operations.acceptance import invite_accept, invite_find, invite_join
from accounts.operations.base import NewPassword
from accounts.operations.claims import claim_delete, claim_update
from accounts.operations.installation import sweep
from accounts.operations.invites import user_invite, user_resend_invite, user_revoke_invite
from accounts.operations.open_links import invite_request
from accounts.operations.statuses import STATUS_VERBS
from accounts.statuses import Status
from tests.accounts.mailbox import token_of, work
from tests.accounts.operations.test_invites import KIM, SENTENCE, VISITOR, accepts, link_in, refused, slugs
from tests.factories.claims import make_claim

Acting = Callable[[User], Actor]
Letters = list[EmailMessage]


def asks(token: str, email: str = KIM, actor: Actor = VISITOR) -> Invite:
    return invite_request(actor=actor, token=token, email=email)


@pytest.fixture
def link(acme: Organization, operator: Actor) -> str:
    """The token of an open link for two."""
    return token_of(user_invite(actor=operator, organization=acme, max_uses=2, message="Welcome!").link)


class TestAsking:
    """What comes of an address that is typed."""

    def test_so_many_come_and_no_more(self, acme: Organization, operator: Actor, mailoutbox: Letters) -> None:
        made = user_invite(
            actor=operator,
            organization=acme,
            roles=["moderator"],
            tags=["trial"],
            claims=[(make_claim(acme), "Sales")],
            profile={"locale": "de"},
            max_uses=2,
        )
        for email in (KIM, "lee@example.com", "late@example.com"):
            asks(token_of(made.link), email)
        work()
        tokens = [link_in(letter) for letter in mailoutbox]
        waiting = User.objects.get(email_key=KIM)
        assert (waiting.status, waiting.locale, slugs(waiting)) == (Status.INVITED, "de", ["member"])
        assert [tag.name for tag in waiting.tags.all()] == ["trial"]

        first = accepts(tokens[0], profile={"name": "Kim"})
        assert Invite.objects.get(pk=made.invite.pk).uses == 1
        accepts(tokens[1])

        refused(lambda: accepts(tokens[2]))
        refused(lambda: invite_find(actor=VISITOR, token=token_of(made.link)))
        assert (first.status, first.name, first.email_verified) == (Status.ACTIVE, "Kim", True)
        assert slugs(first) == ["member", "moderator"]
        assert ClaimValue.objects.get(user=first).value == "Sales"
        assert Invite.objects.get(pk=made.invite.pk).status is InviteStatus.ACCEPTED
        assert {tuple(letter.to) for letter in mailoutbox} == {(KIM,), ("lee@example.com",), ("late@example.com",)}

    def test_the_trail_says_who_asked_and_what_came_of_it(self, link: str, mailoutbox: Letters) -> None:
        before = AuditEvent.objects.count()
        asked = asks(link)
        work()
        accepts(link_in(mailoutbox[0]))

        events = AuditEvent.objects.order_by("occurred_at").prefetch_related("parts")[before:]
        assert [(event.action, event.actor_kind, event.subject_id) for event in events] == [
            ("invite.request", "anonymous", asked.pk),
            ("user.invite", "system", asked.pk),
            ("invite.accept", "anonymous", asked.pk),
        ]
        assert events[0].part("network") == {"ip": "192.0.2.9"}

    @pytest.mark.parametrize("who", ["free", "taken", "suspended", "guest", "waiting"])
    def test_the_answer_and_the_work_are_the_same_whomever_it_names(
        self, who: str, link: str, acme: Organization, bob: User, dave: User, operator: Actor, mailoutbox: Letters
    ) -> None:
        if who == "waiting":
            user_invite(actor=operator, organization=acme, email=KIM)
            work()
        if who == "suspended":
            STATUS_VERBS["suspend"].run(actor=operator, user=bob)
            work()
        mailoutbox.clear()
        asks(link, "first@example.com")
        email: str = {"free": KIM, "waiting": KIM, "guest": dave.email}.get(who, bob.email) or ""

        with CaptureQueriesContext(
            connection,
        ) as usual:
            asks(link, "nobody@example.com")
        with CaptureQueriesContext(connection) as named:
            asked = asks(link, email)

        assert len(named) == len(usual)
        assert (asked.user, asked.status) == (None, InviteStatus.PENDING)
        assert Invite.objects.get(kind="link").uses == 0
        work()
        told = [str(letter.subject) for letter in mailoutbox if letter.to == [email]]
        assert (
            told
            == {
                "free": ["Acme: You are invited"],
                "waiting": ["Acme: You are invited"],
                "taken": ["Acme: You have an account already"],
                "guest": [f"{dave.organization.name}: You have an account already"],
                "suspended": [],
            }[who]
        )

    def test_an_account_that_is_there_stays_as_it_is(self, link: str, bob: User) -> None:
        before = User.objects.filter(pk=bob.pk).values().get()
        asked = asks(link, bob.email or "")
        work()

        assert User.objects.filter(pk=bob.pk).values().get() == before
        asked.refresh_from_db()
        assert (asked.status, asked.email, asked.message, asked.user) == (InviteStatus.REVOKED, None, "", None)

    def test_a_mailbox_gets_so_many_letters_in_an_hour(
        self, link: str, bob: User, mailoutbox: Letters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(open_links, "LETTERS", 2)
        for _ in range(4):
            asks(link, bob.email or "")
            asks(link, KIM)
            work()

        assert [letter.to for letter in mailoutbox].count([str(bob.email)]) == 2
        assert [letter.to for letter in mailoutbox].count([KIM]) == 2
        accepts(link_in([letter for letter in mailoutbox if letter.to == [KIM]][-1]))

    def test_who_asks_again_after_theirs_ran_out_gets_another(
        self, acme: Organization, link: str, operator: Actor, mailoutbox: Letters
    ) -> None:
        made = user_invite(actor=operator, organization=acme, email=KIM)
        Invite.objects.filter(pk=made.invite.pk).update(expires_at=timezone.now())
        work()
        mailoutbox.clear()
        asks(link)
        work()

        assert accepts(link_in(mailoutbox[0])) == made.invite.user

    def test_a_claim_that_does_not_fit_any_more_is_left_out(self, acme: Organization, operator: Actor) -> None:
        one, other = make_claim(acme, name="department"), make_claim(acme, name="desk")
        made = user_invite(actor=operator, organization=acme, claims=[(one, "Sales"), (other, "7a")])
        claim_update(actor=operator, definition=one, changes={"schema": {"enum": ["Research"]}})
        claim_delete(actor=operator, definition=other)

        asks(token_of(made.link))
        work()

        assert not ClaimValue.objects.filter(user__email_key=KIM).exists()
        event = AuditEvent.objects.order_by("-occurred_at").prefetch_related("parts")[0]
        assert event.part("subject")["left_out"] == {"claims": ["department"]}

    def test_a_claim_of_somebody_else_does_not_exist(
        self, acme: Organization, nextdoor: Organization, operator: Actor
    ) -> None:
        with pytest.raises(NotFound):
            user_invite(actor=operator, organization=acme, claims=[(make_claim(nextdoor), "Sales")])

    def test_somebody_with_an_account_elsewhere_comes_as_a_guest(
        self, link: str, mallory: User, acting: Acting, acme: Organization
    ) -> None:
        User.objects.filter(pk=mallory.pk).update(email_verified_at=timezone.now())
        mallory.refresh_from_db()
        asks(link, mallory.email or "")
        work()

        joined = invite_join(actor=acting(mallory), invite=Invite.objects.of_person(mallory).get())

        assert joined.organization == acme
        assert Invite.objects.get(kind="link").uses == 1


class TestRefused:
    """What is no way in."""

    def test_a_link_makes_no_account_without_the_mailbox(self, link: str, everything: Callable[[], Any]) -> None:
        before = everything()

        with pytest.raises(Invalid):
            invite_accept(actor=VISITOR, token=link, password=NewPassword(SENTENCE))

        assert everything() == before

    def test_a_personal_one_is_no_open_one(
        self, acme: Organization, operator: Actor, everything: Callable[[], Any]
    ) -> None:
        token = token_of(user_invite(actor=operator, organization=acme, email=KIM, print_link=True).link)
        before = everything()

        with pytest.raises(Invalid):
            asks(token, "lee@example.com")

        assert everything() == before

    def test_what_is_no_address_is_said(self, link: str, everything: Callable[[], Any]) -> None:
        before = everything()
        with pytest.raises(Invalid):
            asks(link, "kim")
        assert everything() == before

    @pytest.mark.parametrize("how", ["revoked", "expired", "inviter left"])
    def test_what_was_asked_for_dies_with_the_link(
        self, how: str, acme: Organization, erin: User, operator: Actor, acting: Acting, mailoutbox: Letters
    ) -> None:
        made = user_invite(actor=acting(erin), organization=acme, max_uses=2)
        asks(token_of(made.link))
        work()
        asks(token_of(made.link), "late@example.com")
        if how == "revoked":
            user_revoke_invite(actor=operator, invite=made.invite)
        if how == "expired":
            Invite.objects.update(expires_at=timezone.now())
        if how == "inviter left":
            STATUS_VERBS["suspend"].run(actor=operator, user=erin)

        work()

        refused(lambda: accepts(link_in(mailoutbox[0])))
        refused(lambda: asks(token_of(made.link)))
        assert not User.objects.filter(email_key="late@example.com").exists()

    def test_sent_again_by_an_admin_it_stands_on_its_own(
        self, acme: Organization, link: str, operator: Actor, mailoutbox: Letters
    ) -> None:
        asked = asks(link)
        work()
        again = user_resend_invite(actor=operator, invite=Invite.objects.get(pk=asked.pk), print_link=True)
        user_revoke_invite(actor=operator, invite=Invite.objects.get(kind="link"))

        assert accepts(token_of(again.link)).status == Status.ACTIVE

    def test_before_the_worker_has_answered_there_is_nothing_to_send_again(
        self, link: str, operator: Actor, everything: Callable[[], Any]
    ) -> None:
        asked = asks(link)
        before = everything()

        with pytest.raises(Conflict):
            user_resend_invite(actor=operator, invite=asked, print_link=True)

        assert everything() == before

    def test_no_more_wait_than_the_bound(
        self, acme: Organization, link: str, bob: User, operator: Actor, monkeypatch: pytest.MonkeyPatch,
        everything: Callable[[], Any],
    ) -> None:  # fmt: skip
        monkeypatch.setattr(invites, "LIVE", 2)
        user_invite(actor=operator, organization=acme, email=KIM)
        before = everything()

        for refusal in (
            lambda: asks(link, "lee@example.com"),
            lambda: asks(link, bob.email or ""),
            lambda: user_invite(actor=operator, organization=acme, email="lee@example.com"),
        ):
            with pytest.raises(Conflict) as why:
                refusal()
            assert why.value.message == "2 invites of the organization wait already."
        assert everything() == before
        Invite.objects.filter(email=KIM).update(expires_at=timezone.now())
        asks(link, "lee@example.com")


class TestBounds:
    """How often one network may try."""

    ELSEWHERE = policy.anonymous(door=Door.PAGE, ip="192.0.2.10")

    def test_asking(self, link: str, bob: User, everything: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(open_links, "REQUESTS", 2)
        for number in range(2):
            asks(link, f"nobody-{number}@example.com")
        before = everything()

        for email in (KIM, bob.email or ""):
            with pytest.raises(Throttled):
                asks(link, email)

        assert everything() == before
        asks(link, actor=self.ELSEWHERE)

    def test_tokens_that_open_nothing(
        self, acme: Organization, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttles, "INVITES", 3)
        good = token_of(user_invite(actor=operator, organization=acme, email=KIM, print_link=True).link)
        for _ in range(5):  # what opens something counts for nothing
            invite_find(actor=VISITOR, token=good)
        for number in range(3):
            refused(lambda number=number: accepts(f"inv_{number:012}_{'A' * 43}"))  # type: ignore[misc]

        for look in (lambda: invite_find(actor=VISITOR, token=good), lambda: accepts(good)):
            with pytest.raises(Throttled) as why:
                look()
            assert 3_590 < why.value.retry_after <= 3_600

        assert invite_find(actor=self.ELSEWHERE, token=good).email == KIM

    def test_joining(
        self, acme: Organization, bob: User, operator: Actor, acting: Acting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttles, "INVITES", 3)
        strange = user_invite(actor=operator, organization=acme, email=KIM).invite
        for _ in range(3):
            with pytest.raises(NotFound):
                invite_join(actor=acting(bob), invite=strange)

        with pytest.raises(Throttled):
            invite_join(actor=acting(bob), invite=strange)

    def test_counters_are_forgotten_with_their_hour(self, link: str) -> None:
        asks(link)
        assert sweep()["throttles"] == 0
        Throttle.objects.update(began_at=timezone.now() - timedelta(minutes=61))
        assert sweep()["throttles"] == 2
        assert not Outbox.objects.exists()
