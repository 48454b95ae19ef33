"""Guessing: how often passwords and codes may be wrong, and that nobody can keep somebody else out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import AccountsError, Invalid, Throttled
from accounts.models import AuditEvent, FailedTries, Organization, Outbox, Session, Throttle, TriesOf, User
from accounts.operations import tries
from accounts.operations.base import NewPassword
from accounts.operations.installation import sweep
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.recovery import admin_link, link_redeem
from accounts.operations.sessions import session_start, session_start_with_code
from accounts.operations.statuses import user_lock, user_unlock
from accounts.operations.tries import FREE, KEPT, LONGEST_WAIT, MOST, PER_NETWORK
from accounts.operations.users import user_change_password, user_set_password
from accounts.statuses import Status
from gdpr.models import Erasure
from gdpr.operations.erasure import erase
from tests.accounts.pages.browsing import at_once
from tests.factories.factors import code_of, make_factor, wrong_code_of
from tests.factories.users import PASSWORD, SessionFactory, make_user

HOME, ELSEWHERE = "192.0.2.9", "198.51.100.7"
WRONG = "not this one at all"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Let time pass."""
    real, passed = timezone.now, timedelta()

    def wait(length: timedelta) -> None:
        nonlocal passed
        passed += length

    monkeypatch.setattr(timezone, "now", lambda: real() + passed)
    return wait


def visitor(ip: str | None = ELSEWHERE, door: Door = Door.PAGE) -> Actor:
    return policy.anonymous(door=door, ip=ip, device="Chrome/macOS")


def start(
    organization: Organization | None, login: str = "bob", password: str = WRONG, *, ip: str | None = ELSEWHERE
) -> Session:
    key_hash = f"f{Session.objects.count():039}"
    return session_start(
        actor=visitor(ip), organization=organization, login=login, password=password, key_hash=key_hash
    )


def answers(organization: Organization | None, number: int, **named: Any) -> list[str]:
    """Try so often with a wrong password; gives the codes."""
    given = []
    for _ in range(number):
        with pytest.raises(AccountsError) as refusal:
            start(organization, **named)
        given.append(refusal.value.code)
    return given


WRONGS = ["UNAUTHENTICATED"]
THROTTLED = ["THROTTLED"]


class TestPasswords:
    """Wrong ones in a row."""

    def test_ten_are_free_then_one_waits_twice_as_long_each_time(
        self, acme: Organization, bob: User, clock: Callable[[timedelta], None]
    ) -> None:
        assert answers(acme, FREE + 1) == WRONGS * FREE + THROTTLED
        waits = []
        for _ in range(9):
            with pytest.raises(Throttled) as refusal:
                start(acme, password=PASSWORD)
            waits.append(refusal.value.retry_after)
            clock(timedelta(seconds=refusal.value.retry_after - 1))
            assert answers(acme, 1) == THROTTLED
            clock(timedelta(seconds=2))
            assert answers(acme, 1) == WRONGS
        assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]

    def test_what_is_refused_costs_no_hash_and_is_no_try(
        self, acme: Organization, bob: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answers(acme, FREE)
        before = FailedTries.objects.get(person_id=bob.pk).count
        monkeypatch.setattr("accounts.operations.sessions.verified", lambda *_: pytest.fail("a hash was made"))

        assert answers(acme, 3) == THROTTLED * 3
        assert FailedTries.objects.get(person_id=bob.pk).count == before

    @pytest.mark.parametrize(
        "login", ["nobody", "nobody@acme.example", "@@\u0131", "usr_01m7zf1rvbefpsy72efejqhak3", "x" * 5000]
    )
    def test_a_name_that_nobody_has_is_slowed_down_alike(
        self, acme: Organization, bob: User, login: str, clock: Callable[[timedelta], None]
    ) -> None:
        told = []
        for name in ("bob", login):
            FailedTries.objects.all().delete()
            codes = answers(acme, FREE + 2, login=name)
            with pytest.raises(Throttled) as refusal:
                start(acme, login=name)
            told.append((codes, refusal.value.as_dict(), refusal.value.retry_after))

        assert told[0] == told[1]

    def test_of_an_organization_that_nobody_has_too(self, bob: User) -> None:
        assert answers(None, FREE + 1) == WRONGS * FREE + THROTTLED

    @pytest.mark.parametrize("status", [Status.SUSPENDED, Status.INVITED, Status.ARCHIVED, Status.RESTRICTED])
    def test_who_may_not_sign_in_is_told_nothing_by_it(self, acme: Organization, status: Status) -> None:
        make_user(acme, "bob", status=status)

        assert answers(acme, FREE + 1, password=PASSWORD) == WRONGS * FREE + THROTTLED

    def test_all_spellings_of_one_account_count_together(self, acme: Organization, bob: User) -> None:
        spellings = ["bob", "BOB", "bob@acme.example", "Bob@ACME.example", bob.public_id]

        codes = [code for _ in range(2) for login in spellings for code in answers(acme, 1, login=login)]

        assert codes == WRONGS * FREE
        assert answers(acme, 1, login="bob") == THROTTLED

    def test_of_two_accounts_apart(self, acme: Organization, nextdoor: Organization, bob: User) -> None:
        make_user(nextdoor, "bob")
        answers(acme, FREE + 1)

        assert answers(nextdoor, 1) == WRONGS

    def test_the_right_one_sets_them_back(self, acme: Organization, bob: User) -> None:
        answers(acme, FREE - 1)

        start(acme, password=PASSWORD)

        assert answers(acme, FREE - 1) == WRONGS * (FREE - 1)

    def test_from_where_one_was_before_is_counted_apart(self, acme: Organization, bob: User) -> None:
        SessionFactory.create(user=bob, ip=HOME)
        answers(acme, FREE + 3, ip=ELSEWHERE)

        assert start(acme, password=PASSWORD, ip=HOME).user_id == bob.pk
        assert answers(acme, 1, ip=ELSEWHERE) == THROTTLED

    def test_guessing_from_there_is_slowed_down_too(self, acme: Organization, bob: User) -> None:
        SessionFactory.create(user=bob, ip=HOME)

        assert answers(acme, FREE + 1, ip=HOME) == WRONGS * FREE + THROTTLED

    @pytest.mark.django_db(transaction=True)
    def test_none_is_free_of_many_at_once(self, acme: Organization, bob: User) -> None:
        answers(acme, FREE - 2)

        def guess(number: int) -> Callable[[], Session]:
            return lambda: start(acme, ip=f"198.51.100.{number}")

        told = at_once(*[guess(number) for number in range(8)])

        assert sorted(problem.code for problem in told) == THROTTLED * 6 + WRONGS * 2


class TestTheHundredth:
    """The account is locked, with an end."""

    def guess(self, acme: Organization, clock: Callable[[timedelta], None], number: int) -> list[str]:
        codes = []
        for place in range(number):
            codes += answers(acme, 1, ip=f"198.51.{place // 250}.{place % 250}")
            clock(LONGEST_WAIT + timedelta(seconds=1))
        return codes

    def test_locks_for_an_hour_and_says_so(
        self, acme: Organization, bob: User, clock: Callable[[timedelta], None]
    ) -> None:
        far = timezone.now() + timedelta(days=90)
        session = SessionFactory.create(user=bob, expires_at=far, idle_at=far)
        codes = self.guess(acme, clock, MOST - 1)
        assert User.objects.get(pk=bob.pk).current_status == Status.ACTIVE

        codes += answers(acme, 1)

        bob.refresh_from_db()
        event = AuditEvent.objects.get(action="user.lock")
        assert codes == WRONGS * MOST
        assert (bob.current_status, bob.status_reason) == (Status.LOCKED, "Too many tries to sign in were wrong.")
        assert (event.actor_kind, event.outcome, event.subject_id) == ("system", "done", bob.pk)
        assert Outbox.objects.filter(user=bob, kind="account_locked").count() == 1
        assert answers(acme, 1, password=PASSWORD) == THROTTLED
        clock(LONGEST_WAIT + timedelta(seconds=1))
        assert User.objects.get(pk=bob.pk).current_status == Status.ACTIVE
        session.refresh_from_db()
        assert session.is_live, "whoever guesses ends nobody's sessions"
        assert start(acme, password=PASSWORD).user_id == bob.pk

    def test_the_last_owner_waits_and_stays(
        self, acme: Organization, alice: User, clock: Callable[[timedelta], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tries, "MOST", 2)

        assert answers(acme, 3, login="alice") == WRONGS * 2 + THROTTLED
        assert User.objects.get(pk=alice.pk).current_status == Status.ACTIVE

    def test_names_of_nobody_wait_as_long(self, acme: Organization, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tries, "MOST", 2)
        told = []
        for login in ("bob", "nobody"):
            codes = answers(acme, 3, login=login)
            with pytest.raises(Throttled) as refusal:
                start(acme, login=login)
            told.append((codes, refusal.value.as_dict(), refusal.value.retry_after))

        assert told[0] == told[1]


class TestNetworks:
    """Whomever they name."""

    def test_may_be_wrong_so_often_in_an_hour(
        self, acme: Organization, bob: User, clock: Callable[[timedelta], None]
    ) -> None:
        for place in range(PER_NETWORK):
            assert answers(acme, 1, login=f"somebody{place}") == WRONGS
        assert answers(acme, 1, login="bob") == THROTTLED
        assert answers(acme, 1, login="bob", ip=HOME) == WRONGS
        clock(timedelta(hours=1, seconds=1))
        assert answers(acme, 1, login="bob") == WRONGS

    def test_the_right_one_takes_back_no_more_than_itself(self, acme: Organization, bob: User) -> None:
        answers(acme, 3, login="carol")

        start(acme, password=PASSWORD)

        assert Throttle.objects.get().used == 3

    def test_one_subscriber_is_one(self, acme: Organization, bob: User) -> None:
        for host in range(3):
            answers(acme, 1, ip=f"2001:db8:0:1::{host:x}")
        answers(acme, 1, ip="2001:db8:0:2::1")

        assert sorted(Throttle.objects.values_list("used", flat=True)) == [1, 3]

    def test_a_flood_of_names_fills_nothing(self, acme: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tries, "NAMES_OF_NOBODY", 4)
        for place in range(40):
            answers(acme, 1, login=f"somebody{place}", ip=None)

        assert FailedTries.objects.count() <= 4


class TestCodes:
    """Of a second factor, by whoever knows the password."""

    def proof(self, user: User) -> str:
        with pytest.raises(SecondFactorNeeded) as refusal:
            start(user.organization, password=PASSWORD)
        return refusal.value.proof

    def test_are_counted_apart_and_slowed_down(
        self, acme: Organization, bob: User, clock: Callable[[timedelta], None]
    ) -> None:
        device = make_factor(bob)
        for _ in range(FREE):
            with pytest.raises(SecondFactorNeeded):
                session_start_with_code(
                    actor=visitor(), proof=self.proof(bob), code=wrong_code_of(device), key_hash="a" * 40
                )

        with pytest.raises(Throttled):
            session_start_with_code(actor=visitor(), proof=self.proof(bob), code=code_of(device), key_hash="a" * 40)
        assert FailedTries.objects.get(person_id=bob.pk, kind=TriesOf.CODE).count == FREE
        assert not Session.objects.exists()

    def test_the_right_one_sets_them_back(self, bob: User) -> None:
        device = make_factor(bob)
        with pytest.raises(SecondFactorNeeded):
            session_start_with_code(
                actor=visitor(), proof=self.proof(bob), code=wrong_code_of(device), key_hash="a" * 40
            )

        session_start_with_code(actor=visitor(), proof=self.proof(bob), code=code_of(device), key_hash="a" * 40)

        assert not FailedTries.objects.filter(person_id=bob.pk).exists()


def change(bob: User) -> Any:
    return user_change_password(
        actor=policy.actor_for(bob, door=Door.PAGE, ip=ELSEWHERE),
        user=bob,
        current_password=WRONG,
        password=NewPassword("horses graze behind the mill"),
    )


class TestOtherWays:
    """Where else a password is tried, and what sets the count back."""

    def test_ones_present_password(self, bob: User) -> None:
        for _ in range(FREE):
            with pytest.raises(Invalid):
                change(bob)

        with pytest.raises(Throttled):
            change(bob)

    @pytest.mark.parametrize("how", ["link", "admin sets it", "own change", "unlock"])
    def test_another_password_or_somebody_who_vouches_sets_it_back(
        self, acme: Organization, bob: User, operator: Actor, how: str
    ) -> None:
        answers(acme, FREE + 1)
        fresh = NewPassword("horses graze behind the mill")
        if how == "link":
            token = admin_link(actor=operator, user=bob).rstrip("/").rpartition("/")[2]
            link_redeem(actor=visitor(), token=token, password=fresh, key_hash="b" * 40)
        elif how == "admin sets it":
            user_set_password(actor=operator, user=bob, password=fresh)
        elif how == "own change":
            SessionFactory.create(user=bob, ip=HOME)
            actor = policy.actor_for(bob, door=Door.PAGE, ip=HOME)
            user_change_password(actor=actor, user=bob, current_password=PASSWORD, password=fresh)
        else:
            user_lock(actor=operator, user=bob)
            user_unlock(actor=operator, user=bob)

        assert not FailedTries.objects.filter(person_id=bob.pk).exists()

    def test_the_sweep_forgets_what_nobody_tried_again(
        self, acme: Organization, bob: User, clock: Callable[[timedelta], None]
    ) -> None:
        answers(acme, 1)
        clock(KEPT - timedelta(seconds=1))
        assert (sweep()["tries"], FailedTries.objects.get().person_id) == (0, bob.pk)
        clock(timedelta(seconds=2))
        assert (sweep()["tries"], FailedTries.objects.exists()) == (1, False)


def test_of_an_erased_account_nothing_is_counted(acme: Organization, bob: User, operator: Actor) -> None:
    erase(actor=operator, user=bob, how=Erasure.PURGE)

    codes = answers(acme, FREE + 1, login=bob.public_id)

    assert codes == WRONGS * FREE + THROTTLED, "as of a name that nobody has"
    assert not FailedTries.objects.filter(person_id=bob.pk).exists()
