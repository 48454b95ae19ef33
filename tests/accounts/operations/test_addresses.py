"""A person's own change of address: asked for, waiting, confirmed by the link that went to the new one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAuthenticated, NotFound, Throttled
from accounts.models import AuditEvent, AuditPart, EmailChange, OneTimeLink, Outbox, Purpose, User
from accounts.operations.addresses import LETTERS, address_of, email_change, email_confirm, email_confirm_request
from accounts.operations.links import LIFE, mint
from accounts.operations.outbox import deliver
from accounts.operations.users import user_sign_out, user_update
from tests.accounts.mailbox import token_in, token_of, work
from tests.factories.users import PASSWORD, make_email_change

Letters = list[EmailMessage]
VISITOR = policy.anonymous(door=Door.PAGE)
NEW = "Robert@new.example"


def asks(user: User, email: str = NEW, *, current: str = PASSWORD) -> EmailChange:
    return email_change(actor=policy.actor_for(user, door=Door.API), user=user, email=email, current_password=current)


def confirms(token: str) -> User:
    return email_confirm(actor=VISITOR, token=token)


def is_dead(token: str) -> bool:
    try:
        address_of(token)
    except NotAuthenticated:
        with pytest.raises(NotAuthenticated):
            confirms(token)
        return True
    return False


class TestAsking:
    """``email_change``."""

    def test_nothing_changes_until_the_link_is_opened(
        self, bob: User, mailoutbox: Letters, last_event: Callable[[], AuditEvent]
    ) -> None:
        change = asks(bob)
        work()

        event = last_event()
        version = bob.version
        bob.refresh_from_db()
        assert (bob.email, bob.version) == ("bob@acme.example", version)
        assert (change.email, change.email_key) == ("Robert@new.example", "robert@new.example")
        assert timedelta(0) <= timezone.now() + LIFE[Purpose.EMAIL_CONFIRM] - change.expires_at < timedelta(seconds=5)
        (letter,) = mailoutbox
        assert (letter.to, letter.subject) == (["Robert@new.example"], "Acme: Confirm your new e-mail address")
        assert (event.action, event.actor_id, event.subject_id) == ("email.change", bob.pk, bob.pk)
        assert event.part(AuditPart.SUBJECT) == {"after": {"pending_email": "Robert@new.example"}}
        assert address_of(token_in(letter)) == (bob, "Robert@new.example")

    @pytest.mark.parametrize(
        ("email", "current", "field"),
        [(NEW, "wrong", "current_password"), ("nonsense", PASSWORD, "email"), ("BOB@acme.example", PASSWORD, "email")],
    )
    def test_says_which_input_is_wrong(
        self, bob: User, everything: Callable[[], object], email: str, current: str, field: str
    ) -> None:
        before = everything()

        with pytest.raises(Invalid) as refusal:
            asks(bob, email, current=current)

        assert list(refusal.value.fields) == [field]
        assert everything() == before

    def test_somebody_elses_is_not_there(self, bob: User, root: User, everything: Callable[[], object]) -> None:
        before = everything()

        with pytest.raises(NotFound):
            email_change(actor=policy.actor_for(root, door=Door.API), user=bob, email=NEW, current_password=PASSWORD)

        assert everything() == before

    def test_the_password_that_was_checked_must_still_be_the_one(self, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(password="set by somebody else meanwhile")

        with pytest.raises(Conflict, match="same moment"):
            asks(bob)

        assert not EmailChange.objects.exists()

    def test_an_address_that_is_taken_is_asked_for_like_any_other(
        self, bob: User, carol: User, mailoutbox: Letters
    ) -> None:
        asks(bob, "carol@acme.example")
        work()

        assert (len(mailoutbox), mailoutbox[0].to) == (1, ["carol@acme.example"])

    def test_another_takes_its_place(self, bob: User, mailoutbox: Letters) -> None:
        asks(bob, "first@new.example")
        work()
        asks(bob, "second@new.example")
        asks(bob, "third@new.example")
        work()

        first, third = (token_in(letter) for letter in mailoutbox)
        assert is_dead(first)
        assert confirms(third).email == "third@new.example"
        states = Outbox.objects.filter(kind="email_change").order_by("created_at").values_list("state", "last_error")
        assert list(states) == [
            ("sent", ""), ("dropped", "not sent: another address was asked for"), ("sent", ""),
        ]  # fmt: skip

    def test_is_bounded(self, bob: User, everything: Callable[[], object]) -> None:
        for number in range(LETTERS):
            asks(bob, f"{number}@new.example")
        before = everything()

        with pytest.raises(Throttled) as refusal:
            asks(bob)

        assert 3_500 < refusal.value.retry_after <= 3_600
        assert everything() == before
        Outbox.objects.update(created_at=timezone.now() - timedelta(minutes=61))
        assert asks(bob).email == NEW


class TestConfirming:
    """``email_confirm`` of an address that was asked for."""

    @pytest.fixture
    def token(self, bob: User, mailoutbox: Letters) -> str:
        asks(bob)
        work()
        return token_in(mailoutbox.pop())

    def test_the_address_is_theirs_and_the_one_before_is_told(
        self, bob: User, token: str, mailoutbox: Letters, last_event: Callable[[], AuditEvent]
    ) -> None:
        reset = token_of(mint(bob, Purpose.PASSWORD_RESET, is_mailed=True))
        version = bob.version

        confirms(token)

        event = last_event()
        work()
        bob.refresh_from_db()
        assert (bob.email, bob.email_key, bob.email_verified) == ("Robert@new.example", "robert@new.example", True)
        assert bob.version == version + 1
        assert [(letter.to, letter.subject) for letter in mailoutbox] == [
            (["bob@acme.example"], "Acme: Your e-mail address was changed")
        ]
        assert (event.action, event.subject_id, event.actor_kind) == ("email.confirm", bob.pk, "anonymous")
        assert event.part(AuditPart.SUBJECT) == {
            "before": {"email": "bob@acme.example"},
            "after": {"email": "Robert@new.example"},
            "ended": {"links": 1},
        }
        assert not OneTimeLink.objects.live().exists()
        assert not EmailChange.objects.exists()
        assert is_dead(token)
        assert is_dead(reset)

    def test_one_that_is_taken_by_then_is_not_given_and_the_link_stays_good(
        self, bob: User, carol: User, token: str, operator: Actor, everything: Callable[[], Any]
    ) -> None:
        user_update(actor=operator, user=carol, changes={"email": NEW}, skip_verification=True)
        before = everything()

        with pytest.raises(Conflict, match="already has an account"):
            confirms(token)

        assert everything() == before
        user_update(actor=operator, user=carol, changes={"email": "carol@acme.example"}, skip_verification=True)
        assert confirms(token).email == NEW

    def test_runs_out(self, bob: User, token: str) -> None:
        EmailChange.objects.update(expires_at=timezone.now())

        assert is_dead(token)
        bob.refresh_from_db()
        assert bob.email == "bob@acme.example"

    def test_a_link_to_another_address_than_the_one_that_waits_confirms_nothing(self, bob: User, token: str) -> None:
        EmailChange.objects.update(email="else@new.example", email_key="else@new.example")

        with pytest.raises(NotAuthenticated):
            confirms(token)

    def test_a_change_by_somebody_else_ends_it(self, bob: User, token: str, operator: Actor) -> None:
        user_update(actor=operator, user=bob, changes={"email": "other@acme.example"})

        assert is_dead(token)
        assert not EmailChange.objects.exists()

    def test_a_letter_that_waits_is_taken_back_with_it(self, bob: User, operator: Actor, mailoutbox: Letters) -> None:
        asks(bob)
        letter = Outbox.objects.get()

        user_sign_out(actor=operator, user=bob)

        assert not EmailChange.objects.exists()
        letter.refresh_from_db()
        assert (letter.state, letter.last_error) == ("dropped", "not sent: taken back by user.sign_out")
        assert not deliver(letter.pk)
        assert mailoutbox == []

    def test_a_letter_about_what_ran_out_is_dropped(self, bob: User, mailoutbox: Letters) -> None:
        asks(bob)
        EmailChange.objects.update(expires_at=timezone.now())
        letter = Outbox.objects.get()

        assert not deliver(letter.pk)

        letter.refresh_from_db()
        assert (letter.state, letter.last_error) == ("dropped", "not sent: the change of address is over")

    def test_confirming_the_present_address_leaves_the_change_alone(self, bob: User, token: str) -> None:
        confirms(token_of(mint(bob, Purpose.EMAIL_CONFIRM, is_mailed=True)))

        assert confirms(token).email == NEW


class TestErasure:
    """The address that waits is the person's too."""

    def test_is_searched_for_and_goes(self, bob: User, operator: Actor) -> None:
        from gdpr.operations.erasure import erase
        from gdpr.operations.scan import identifiers_of

        make_email_change(bob, "Robert@new.example")
        assert set(identifiers_of(bob).emails) >= {"Robert@new.example", "robert@new.example", "bob@acme.example"}

        erase(actor=operator, user=bob, how="purge")

        assert not EmailChange.objects.exists()


class TestTheLetterOnceMore:
    """``email_confirm_request``."""

    @pytest.fixture
    def person(self, bob: User) -> Actor:
        return policy.actor_for(bob, door=Door.PAGE)

    def test_another_letter_confirms_and_the_link_before_is_dead(
        self, bob: User, person: Actor, mailoutbox: Letters, last_event: Callable[[], AuditEvent]
    ) -> None:
        email_confirm_request(actor=person, user=bob)
        event = last_event()
        work()
        email_confirm_request(actor=person, user=bob)
        work()

        assert (event.action, event.subject_id) == ("email.confirm_request", bob.pk)
        before, after = (token_in(letter) for letter in mailoutbox)
        assert is_dead(before)
        assert confirms(after).email_verified

    def test_one_that_waits_is_taken_back(self, bob: User, person: Actor) -> None:
        for _ in range(2):
            email_confirm_request(actor=person, user=bob)

        assert sorted(Outbox.objects.values_list("state", flat=True)) == ["dropped", "queued"]

    def test_not_once_it_is_confirmed(self, bob: User, person: Actor) -> None:
        User.objects.filter(pk=bob.pk).update(email_verified_at=timezone.now())

        with pytest.raises(Conflict):
            email_confirm_request(actor=person, user=bob)

        assert not Outbox.objects.exists()

    def test_nobody_asks_for_somebody_else(self, bob: User, root: User, operator: Actor) -> None:
        for actor in (policy.actor_for(root, door=Door.API), operator):
            with pytest.raises(NotFound):
                email_confirm_request(actor=actor, user=bob)

        assert not Outbox.objects.exists()

    def test_five_an_hour(self, bob: User, person: Actor) -> None:
        for _ in range(LETTERS):
            email_confirm_request(actor=person, user=bob)

        with pytest.raises(Throttled):
            email_confirm_request(actor=person, user=bob)

        assert Outbox.objects.count() == LETTERS
