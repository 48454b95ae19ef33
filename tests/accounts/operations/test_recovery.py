"""Lost passwords and unconfirmed addresses: who gets a letter, what its link opens, when it dies."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from accounts import mail, policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAllowed, NotAuthenticated, Throttled, VersionConflict
from accounts.models import (
    AuditEvent,
    AuditPart,
    OneTimeLink,
    Organization,
    Outbox,
    Purpose,
    ResetRequest,
    Session,
    Throttle,
    User,
)
from accounts.operations import outbox
from accounts.operations.addresses import email_confirm
from accounts.operations.base import NewPassword
from accounts.operations.installation import sweep
from accounts.operations.links import LIFE, link_find, link_for, mint
from accounts.operations.organizations import org_activate, org_suspend
from accounts.operations.outbox import deliver, tell
from accounts.operations.recovery import (
    LETTERS,
    REQUESTS,
    admin_link,
    link_redeem,
    password_reset,
    password_reset_request,
    user_reset_link,
    user_reset_password,
)
from accounts.operations.statuses import STATUS_VERBS, user_activate, user_suspend
from accounts.operations.users import user_change_password, user_create, user_set_password, user_sign_out, user_update
from accounts.statuses import Status
from tests.accounts.mailbox import token_in, token_of, work
from tests.factories.factors import make_factor
from tests.factories.organizations import give, make_guest
from tests.factories.users import PASSWORD, SessionFactory, make_email_change, make_user

Acting = Callable[[User], Actor]
Letters = list[EmailMessage]
NEW = "another sentence that nobody guesses"
VISITOR = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Chrome/macOS", request_id="visit-1")
ASKED = "password.reset_request"


def asks(organization: Organization | None, login: str, *, ip: str | None = "192.0.2.9") -> None:
    actor = policy.anonymous(door=Door.PAGE, ip=ip, request_id="visit-1")
    password_reset_request(actor=actor, organization=organization, login=login)


def resets(token: str, password: str = NEW) -> User:
    return password_reset(actor=VISITOR, token=token, password=NewPassword(password))


def reset_token(user: User, purpose: Purpose = Purpose.PASSWORD_RESET, *, is_mailed: bool = True) -> str:
    return token_of(mint(user, purpose, is_mailed=is_mailed))


def refused(use: Callable[[], Any]) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        use()
    assert refusal.value.message == "This link is used up, has run out or never was one."


class TestMint:
    """What a link is."""

    @pytest.mark.parametrize("purpose", Purpose)
    def test_is_of_the_public_address_and_kept_as_a_hash(self, settings: Any, bob: User, purpose: Purpose) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        make_email_change(bob)

        link = mint(bob, purpose, is_mailed=True)

        row = OneTimeLink.objects.get()
        secret = token_of(link).split("_", 2)[2]
        assert link == f"{settings.PUBLIC_URL}/link/{token_of(link)}/"
        assert secret not in str(OneTimeLink.objects.values())
        about = "new@example.com" if purpose == Purpose.EMAIL_CHANGE else "bob@acme.example"
        assert (row.purpose, row.sent_to_key) == (purpose, about)
        assert timedelta(0) <= timezone.now() + LIFE[purpose] - row.expires_at < timedelta(seconds=5)

    def test_lives_as_long_as_its_purpose_says(self) -> None:
        assert {
            Purpose.SIGN_IN: timedelta(minutes=15),
            Purpose.PASSWORD_RESET: timedelta(hours=1),
            Purpose.WELCOME: timedelta(days=3),
            Purpose.EMAIL_CONFIRM: timedelta(days=3),
            Purpose.EMAIL_CHANGE: timedelta(days=3),
        } == LIFE

    def test_kills_the_earlier_ones_for_the_same_purpose_alone(self, bob: User, carol: User) -> None:
        first, other = reset_token(bob), reset_token(bob, Purpose.EMAIL_CONFIRM)
        hers = reset_token(carol)

        second = reset_token(bob)

        refused(lambda: link_find(first))
        assert [link_find(token).user for token in (second, other, hers)] == [bob, bob, carol]


class TestRequest:
    """Asking for a link."""

    def test_brings_a_letter_whose_link_sets_a_password(self, bob: User, mailoutbox: Letters) -> None:
        asks(bob.organization, "bob@acme.example")
        work()

        (letter,) = mailoutbox
        event = AuditEvent.objects.get()
        assert (letter.to, letter.subject) == (["bob@acme.example"], "Acme: Choose a new password")
        assert (event.action, event.subject_id, event.actor_kind, event.door) == (ASKED, bob.pk, "anonymous", "page")
        assert event.request_id == "visit-1"
        assert event.part(AuditPart.NETWORK) == {"ip": "192.0.2.9"}
        resets(token_in(letter))
        bob.refresh_from_db()
        assert bob.check_password(NEW)

    def test_the_secret_is_made_for_the_letter_and_lies_nowhere_before(self, bob: User, mailoutbox: Letters) -> None:
        asks(bob.organization, "bob")

        assert not OneTimeLink.objects.exists()
        row = ResetRequest.objects.get()
        assert "bob" not in str(list(ResetRequest.objects.values()))
        assert [task.args_kwargs["args"] for task in DBTaskResult.objects.all()] == [[row.pk]]
        work()
        secret = token_in(mailoutbox[0]).split("_", 2)[2]
        stored = [str(list(model.objects.values())) for model in (OneTimeLink, Outbox, AuditPart, AuditEvent)]
        assert not [text for text in stored if secret in text]

    @pytest.mark.parametrize("who", ["absent", "invited", "suspended", "locked", "archived", "restricted", "purged",
                                     "elsewhere", "malformed", "nowhere", "on hold"])  # fmt: skip
    def test_is_the_same_work_whomever_it_names_and_they_get_nothing(
        self, bob: User, acme: Organization, nextdoor: Organization, mailoutbox: Letters, who: str
    ) -> None:
        home: Organization | None = acme
        login = f"{who.replace(' ', '-')}@acme.example"
        if who in {"invited", "suspended", "locked", "archived", "restricted"}:
            make_user(acme, who, status=Status(who))
        elif who == "purged":
            gone = make_user(acme, who)
            nothing = {"email": None, "email_key": None, "username": None, "username_key": None}
            User.objects.filter(pk=gone.pk).update(status=Status.PURGED, **nothing)
        elif who == "elsewhere":
            login = make_user(nextdoor, "nora").email or ""
        elif who == "malformed":
            login = "no name \N{SNOWMAN}"
        elif who == "nowhere":
            home, login = None, "bob@acme.example"
        elif who == "on hold":
            home, login = nextdoor, make_user(nextdoor, "nora").email or ""
            Organization.objects.filter(pk=nextdoor.pk).update(status="suspended")

        def work_of(place: Organization | None, name: str) -> tuple[list[str], int, int]:
            before = ResetRequest.objects.count(), DBTaskResult.objects.count()
            with CaptureQueriesContext(connection) as captured:
                asks(place, name)
            statements = [query["sql"].split(" ")[0] for query in captured]
            return statements, ResetRequest.objects.count() - before[0], DBTaskResult.objects.count() - before[1]

        asks(acme, "whoever")  # the first of the hour begins the counter of the network
        known, asked = work_of(acme, "bob@acme.example"), work_of(home, login)
        assert asked == known
        assert known[1:] == (1, 1)
        work()
        assert [letter.to for letter in mailoutbox] == [["bob@acme.example"]]
        assert AuditEvent.objects.filter(action=ASKED).count() == 1
        assert OneTimeLink.objects.count() == 1

    def test_an_account_gets_so_many_letters_an_hour(self, bob: User, carol: User, mailoutbox: Letters) -> None:
        for login in ["bob", "BOB@acme.example", bob.public_id, "bob", "bob"]:
            asks(bob.organization, login)
            work()

        assert len(mailoutbox) == LETTERS == 3
        asks(bob.organization, "carol")
        work()
        assert len(mailoutbox) == LETTERS + 1
        Outbox.objects.update(created_at=timezone.now() - timedelta(minutes=61))
        asks(bob.organization, "bob")
        work()
        assert len(mailoutbox) == LETTERS + 2
        link_find(token_in(mailoutbox[-1]))

    @pytest.mark.parametrize(
        ("ip", "same", "other"),
        [
            ("192.0.2.9", "192.0.2.9", "192.0.2.10"),
            ("2001:db8:1:2::3", "2001:db8:1:2:ffff::1", "2001:db8:1:3::3"),
            (None, None, "192.0.2.9"),
        ],
    )
    def test_a_network_asks_so_often_whomever_it_names(
        self, bob: User, everything: Callable[[], Any], ip: str | None, same: str | None, other: str
    ) -> None:
        for number in range(REQUESTS):
            asks(bob.organization, f"nobody-{number}", ip=ip)
        Throttle.objects.update(began_at=timezone.now() - timedelta(minutes=20))
        before = everything()

        for login in ("bob", "nobody"):
            with pytest.raises(Throttled) as refusal:
                asks(bob.organization, login, ip=same)
            assert 39 * 60 < refusal.value.retry_after <= 40 * 60
        assert everything() == before
        asks(bob.organization, "bob", ip=other)
        Throttle.objects.update(began_at=timezone.now() - timedelta(minutes=61))
        asks(bob.organization, "bob", ip=same)

    def test_is_forgotten_after_an_hour(self, bob: User) -> None:
        for minutes in (59, 61):
            asks(bob.organization, "bob")
            row = ResetRequest.objects.order_by("-pk")[:1].get()
            ResetRequest.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(minutes=minutes))

        assert sweep()["reset_requests"] == 1
        assert ResetRequest.objects.count() == 1

    def test_of_somebody_erased_meanwhile_nothing_comes(self, bob: User, mailoutbox: Letters) -> None:
        asks(bob.organization, "bob")
        User.objects.filter(pk=bob.pk).delete()

        work()

        assert mailoutbox == []


class TestLetter:
    """A letter that waits, while something happens."""

    @pytest.mark.parametrize(
        "event",
        [
            lambda world: user_set_password(actor=world.operator, user=world.bob, password=NewPassword(NEW)),
            lambda world: user_update(actor=world.operator, user=world.bob, changes={"email": "new@acme.example"},
                                      skip_verification=True),
            lambda world: user_suspend(actor=world.operator, user=world.bob),
            lambda world: user_sign_out(actor=world.operator, user=world.bob),
        ],
        ids=["user.set_password", "user.update", "user.suspend", "user.sign_out"],
    )  # fmt: skip
    def test_is_taken_back(
        self,
        operator: Actor,
        bob: User,
        alice: User,
        mailoutbox: Letters,
        event: Callable[[Any], Any],
        request: pytest.FixtureRequest,
    ) -> None:
        verb = request.node.callspec.id
        user_reset_password(actor=operator, user=bob)
        waiting = Outbox.objects.get()

        event(SimpleNamespace(operator=operator, bob=bob))
        work()

        assert not deliver(waiting.pk)
        assert not [letter for letter in mailoutbox if "/link/" in str(letter.body)]
        assert not OneTimeLink.objects.exists()
        waiting.refresh_from_db()
        assert (waiting.state, waiting.last_error) == (Outbox.DROPPED, f"not sent: taken back by {verb}")

    def test_one_that_is_taken_back_after_the_worker_took_it_gets_no_link(
        self, operator: Actor, bob: User, mailoutbox: Letters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user_reset_password(actor=operator, user=bob)
        row = Outbox.objects.get()

        def slow(letter: Outbox) -> str:
            user_sign_out(actor=operator, user=bob)
            return link_for(letter)

        monkeypatch.setattr(outbox, "link_for", slow)

        assert not deliver(row.pk)
        assert mailoutbox == []
        assert not OneTimeLink.objects.exists()
        row.refresh_from_db()
        assert (row.state, row.attempts, row.last_error) == ("dropped", 0, "not sent: taken back by user.sign_out")

    def test_one_that_is_no_longer_true_after_the_worker_took_it_is_dropped_at_once(
        self, operator: Actor, bob: User, mailoutbox: Letters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        user_reset_password(actor=operator, user=bob)
        row = Outbox.objects.get()

        def slow(letter: Outbox) -> str:
            User.objects.filter(pk=bob.pk).update(status="locked")
            return link_for(letter)

        monkeypatch.setattr(outbox, "link_for", slow)

        assert not deliver(row.pk)
        row.refresh_from_db()
        assert (row.state, row.attempts, row.last_error) == ("dropped", 0, "not sent: the account is locked")
        assert (mailoutbox, OneTimeLink.objects.count()) == ([], 0)

    @pytest.mark.parametrize("goes_out", [True, False])
    def test_one_that_is_taken_back_while_the_server_has_it_says_what_became_of_it(
        self, operator: Actor, bob: User, monkeypatch: pytest.MonkeyPatch, goes_out: bool
    ) -> None:
        user_reset_password(actor=operator, user=bob)
        row = Outbox.objects.get()

        def slow(*_: Any, **__: Any) -> None:
            user_sign_out(actor=operator, user=bob)
            if not goes_out:
                raise TimeoutError

        monkeypatch.setattr(mail, "send", slow)

        assert deliver(row.pk) is goes_out
        row.refresh_from_db()
        expected = ("sent", 1, "") if goes_out else ("dropped", 0, "not sent: taken back by user.sign_out")
        assert (row.state, row.attempts, row.last_error) == expected
        assert not OneTimeLink.objects.live().exists()

    def test_waits_while_the_organization_is_on_hold(
        self, operator: Actor, bob: User, root: User, mailoutbox: Letters
    ) -> None:
        user_reset_password(actor=operator, user=bob)
        org_suspend(actor=operator, organization=bob.organization)
        work()
        row = Outbox.objects.get()
        assert (mailoutbox, row.state, row.attempts) == ([], "queued", 1)
        assert row.last_error == "The organization is suspended."

        org_activate(actor=operator, organization=bob.organization)
        Outbox.objects.update(next_attempt_at=timezone.now())
        assert deliver(Outbox.objects.get().pk)
        assert link_find(token_in(mailoutbox[0])).user == bob

    def test_one_that_only_confirms_outlives_another_password(
        self, operator: Actor, bob: User, mailoutbox: Letters
    ) -> None:
        tell(bob, "confirm_email")

        user_set_password(actor=operator, user=bob, password=NewPassword(NEW))
        work()

        (letter,) = [letter for letter in mailoutbox if "/link/" in str(letter.body)]
        assert email_confirm(actor=VISITOR, token=token_in(letter)).email_verified


class TestUserResetPassword:
    """``user_reset_password`` and ``user_reset_link``."""

    def test_sends_a_letter_and_leaves_the_password(
        self, acting: Acting, erin: User, bob: User, mailoutbox: Letters, last_event: Callable[[], AuditEvent]
    ) -> None:
        session = SessionFactory.create(user=bob)

        user_reset_password(actor=acting(erin), user=bob, reason="asked at the desk")
        work()

        event = last_event()
        bob.refresh_from_db()
        assert (event.action, event.subject_id, event.actor_id) == ("user.reset_password", bob.pk, erin.pk)
        assert event.part(AuditPart.SUBJECT) == {"reason": "asked at the desk"}
        assert bob.check_password(PASSWORD)
        assert Session.objects.get(pk=session.pk).is_live
        assert resets(token_in(mailoutbox[0])) == bob

    def test_a_link_by_hand_proves_no_mailbox(self, operator: Actor, bob: User, mailoutbox: Letters) -> None:
        link = user_reset_link(actor=operator, user=bob)

        assert resets(token_of(link)).email_verified is False
        assert token_of(link) not in str(list(AuditPart.objects.values()))
        work()
        assert [letter.subject for letter in mailoutbox] == ["Acme: Your password was changed"]

    @pytest.mark.parametrize("operation", [user_reset_password, user_reset_link])
    @pytest.mark.parametrize("status", ["invited", "suspended", "locked", "archived", "restricted"])
    def test_who_may_not_sign_in_gets_none(
        self, operator: Actor, acme: Organization, everything: Callable[[], Any], operation: Any, status: str
    ) -> None:
        user = make_user(acme, "sam", status=Status(status))
        before = everything()

        with pytest.raises(Conflict):
            operation(actor=operator, user=user)

        assert everything() == before

    @pytest.mark.parametrize("operation", [user_reset_password, user_reset_link])
    @pytest.mark.parametrize("whom", ["owner", "super-user", "owner next door"])
    def test_nobody_resets_the_more_powerful(
        self, acting: Acting, erin: User, acme: Organization, nextdoor: Organization, everything: Callable[[], Any],
        operation: Any, whom: str,
    ) -> None:  # fmt: skip
        user = make_user(acme, "victim", role="owner" if whom == "owner" else "member", is_superuser="super" in whom)
        if whom == "owner next door":
            make_guest(user, nextdoor)
            give(user, nextdoor, "owner")
        admin = make_user(acme, "adam", role="admin")
        before = everything()

        with pytest.raises(NotAllowed):
            operation(actor=acting(admin), user=user)

        assert everything() == before
        assert AuditEvent.objects.get().outcome == "refused"

    def test_heeds_the_version(self, operator: Actor, bob: User) -> None:
        with pytest.raises(VersionConflict):
            user_reset_password(actor=operator, user=bob, expected_version=bob.version + 1)

        assert not Outbox.objects.exists()


class TestPasswordReset:
    """``password_reset``."""

    def test_sets_it_ends_everything_else_and_tells(
        self, operator: Actor, bob: User, last_event: Callable[[], AuditEvent]
    ) -> None:
        User.objects.filter(pk=bob.pk).update(must_change_password=True)
        session = SessionFactory.create(user=bob)
        token, other = reset_token(bob), token_of(admin_link(actor=operator, user=bob))
        version = bob.version

        user = resets(token)

        bob.refresh_from_db()
        event = last_event()
        assert user == bob
        assert (bob.check_password(NEW), bob.must_change_password, bob.version) == (True, False, version + 1)
        assert (event.action, event.subject_id, event.actor_kind) == ("password.reset", bob.pk, "anonymous")
        assert event.part(AuditPart.SUBJECT) == {"ended": {"sessions": 1, "links": 1}}
        assert Session.objects.get(pk=session.pk).end_reason == "password.reset"
        assert Outbox.objects.get().kind == "password_changed"
        refused(lambda: link_find(other))

    @pytest.mark.parametrize("has_factor", [True, False])
    def test_signs_nobody_in(self, bob: User, has_factor: bool) -> None:
        if has_factor:
            make_factor(bob)

        resets(reset_token(bob))

        assert not Session.objects.exists()

    def test_a_letter_proves_the_mailbox_too(self, bob: User) -> None:
        assert resets(reset_token(bob)).email_verified

    def test_works_once(self, bob: User, everything: Callable[[], Any]) -> None:
        token = reset_token(bob)
        resets(token)
        before = everything()

        refused(lambda: resets(token, "a third sentence that nobody guesses"))

        assert everything() == before

    def test_a_password_that_may_not_be_used_leaves_the_link_good(
        self, bob: User, everything: Callable[[], Any]
    ) -> None:
        token = reset_token(bob)
        before = everything()

        with pytest.raises(Invalid):
            resets(token, "too short")

        assert everything() == before
        assert resets(token) == bob

    @pytest.mark.parametrize(
        ("use", "purposes"),
        [
            (resets, {Purpose.PASSWORD_RESET, Purpose.WELCOME}),
            (lambda token: email_confirm(actor=VISITOR, token=token), {Purpose.EMAIL_CONFIRM}),
            (
                lambda token: link_redeem(actor=VISITOR, token=token, password=NewPassword(NEW), key_hash="a" * 40),
                {Purpose.SIGN_IN},
            ),
        ],
        ids=["reset", "confirm", "sign in"],
    )
    @pytest.mark.parametrize("purpose", Purpose)
    def test_a_link_is_good_for_its_purpose_and_for_nothing_else(
        self, bob: User, everything: Callable[[], Any], use: Callable[[str], Any], purposes: set[Purpose],
        purpose: Purpose,
    ) -> None:  # fmt: skip
        token = reset_token(bob, purpose)
        before = everything()

        if purpose in purposes:
            use(token)
        else:
            refused(lambda: use(token))
            assert everything() == before

    @pytest.mark.parametrize("verb", ["suspend", "lock", "archive", "restrict"])
    def test_whom_it_was_for_stays_out_and_it_stays_dead_when_they_come_back(
        self, operator: Actor, bob: User, alice: User, verb: str
    ) -> None:
        token = reset_token(bob)
        STATUS_VERBS[verb].run(actor=operator, user=bob)

        refused(lambda: resets(token))
        back = {"suspend": user_activate, "archive": user_activate}.get(verb) or STATUS_VERBS[f"un{verb}"].run
        back(actor=operator, user=bob)
        refused(lambda: resets(token))
        bob.refresh_from_db()
        assert bob.check_password(PASSWORD)

    @pytest.mark.parametrize("how", ["suspended past the operations", "organization", "address past the operations"])
    def test_it_is_judged_when_it_is_used(self, bob: User, everything: Callable[[], Any], how: str) -> None:
        token = reset_token(bob)
        if how == "organization":
            Organization.objects.filter(pk=bob.organization_id).update(status="suspended")
        elif how.startswith("address"):
            User.objects.filter(pk=bob.pk).update(email="b@acme.example", email_key="b@acme.example")
        else:
            User.objects.filter(pk=bob.pk).update(status=Status.SUSPENDED)
        before = everything()

        refused(lambda: resets(token))

        assert everything() == before

    def test_dies_with_ones_own_change_of_password(self, acting: Acting, bob: User) -> None:
        token = reset_token(bob)
        user_change_password(
            actor=acting(bob), user=bob, current_password=PASSWORD, password=NewPassword("a third good sentence here")
        )

        refused(lambda: resets(token))

    def test_dies_with_another_address_and_stays_dead_when_it_comes_back(self, operator: Actor, bob: User) -> None:
        token = reset_token(bob)
        for email in ("new@acme.example", "bob@acme.example"):
            user_update(actor=operator, user=bob, changes={"email": email})

        refused(lambda: resets(token))

    def test_another_spelling_of_the_same_address_changes_nothing(self, operator: Actor, bob: User) -> None:
        token = reset_token(bob)
        user_update(actor=operator, user=bob, changes={"email": "BOB@acme.example"})

        assert resets(token) == bob

    def test_lives_an_hour(self, bob: User) -> None:
        token = reset_token(bob)
        made = OneTimeLink.objects.get().expires_at - timedelta(hours=1)
        for minutes, is_good in ((59, True), (61, False)):
            OneTimeLink.objects.update(expires_at=made + timedelta(hours=1) - timedelta(minutes=minutes))
            if is_good:
                link_find(token)
            else:
                refused(lambda: link_find(token))

    @pytest.mark.parametrize(
        "change", [lambda t: t[:-1], lambda t: t + "A", str.swapcase, lambda t: "", lambda t: "x\0"]
    )
    def test_nearly_the_secret_opens_nothing_and_costs_no_hash(
        self, bob: User, monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]
    ) -> None:
        token = reset_token(bob)
        monkeypatch.setattr("accounts.operations.base.hashed", lambda _: pytest.fail("it hashed"))

        refused(lambda: resets(change(token)))


class TestConfirm:
    """``email_confirm``, and the letters that lead to it."""

    def test_confirms_and_is_recorded(self, bob: User, last_event: Callable[[], AuditEvent]) -> None:
        version = bob.version

        user = email_confirm(actor=VISITOR, token=reset_token(bob, Purpose.EMAIL_CONFIRM))

        event = last_event()
        assert (user.email_verified, user.version) == (True, version + 1)
        assert (event.action, event.subject_id) == ("email.confirm", bob.pk)

    def test_works_once(self, bob: User) -> None:
        token = reset_token(bob, Purpose.EMAIL_CONFIRM)
        email_confirm(actor=VISITOR, token=token)

        refused(lambda: email_confirm(actor=VISITOR, token=token))

    def test_an_admins_change_of_address_sends_a_link_to_the_new_one(
        self, acting: Acting, erin: User, bob: User, mailoutbox: Letters
    ) -> None:
        User.objects.filter(pk=bob.pk).update(email_verified_at=timezone.now())

        changed = user_update(actor=acting(erin), user=bob, changes={"email": "new@acme.example"})
        work()

        (letter,) = [letter for letter in mailoutbox if letter.to == ["new@acme.example"]]
        assert letter.subject == "Acme: Confirm your e-mail address"
        assert not changed.email_verified
        assert email_confirm(actor=VISITOR, token=token_in(letter)).email_verified

    def test_a_further_change_voids_the_link(self, operator: Actor, bob: User, mailoutbox: Letters) -> None:
        user_update(actor=operator, user=bob, changes={"email": "new@acme.example"})
        work()
        user_update(actor=operator, user=bob, changes={"email": "newer@acme.example"})

        (letter,) = [letter for letter in mailoutbox if letter.to == ["new@acme.example"]]
        refused(lambda: email_confirm(actor=VISITOR, token=token_in(letter)))
        assert not User.objects.get(pk=bob.pk).email_verified

    @pytest.mark.parametrize(
        ("changes", "more"),
        [
            ({"email": "new@acme.example"}, {"skip_verification": True}),
            ({"email": "BOB@acme.example"}, {}),
            ({"nickname": "Bobby"}, {}),
        ],
    )
    def test_nothing_to_confirm_sends_nothing(
        self, operator: Actor, bob: User, changes: dict[str, str], more: dict[str, Any]
    ) -> None:
        user_update(actor=operator, user=bob, changes=changes, **more)

        assert not Outbox.objects.exclude(kind="email_changed").exists()

    def test_a_change_that_is_refused_sends_nothing(
        self, operator: Actor, bob: User, carol: User, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(Conflict):
            user_update(actor=operator, user=bob, changes={"email": carol.email})

        assert everything() == before


class TestNewAccount:
    """``user_create`` with ``send_link``."""

    def test_without_a_password_a_link_brings_the_first_one(
        self, operator: Actor, acme: Organization, mailoutbox: Letters
    ) -> None:
        user = user_create(actor=operator, organization=acme, email="kim@acme.example", send_link=True)
        work()

        (letter,) = mailoutbox
        assert (letter.to, letter.subject) == (["kim@acme.example"], "Acme: Your account is ready")
        assert OneTimeLink.objects.get().purpose == Purpose.WELCOME
        resets(token_in(letter))
        user.refresh_from_db()
        assert (user.check_password(NEW), user.email_verified) == (True, True)

    def test_with_a_password_it_confirms_the_address(
        self, operator: Actor, acme: Organization, mailoutbox: Letters
    ) -> None:
        user_create(
            actor=operator, organization=acme, email="kim@acme.example", password=NewPassword(NEW), send_link=True
        )
        work()

        assert email_confirm(actor=VISITOR, token=token_in(mailoutbox[0])).email_verified

    def test_sends_nothing_unless_asked(self, operator: Actor, acme: Organization) -> None:
        user_create(actor=operator, organization=acme, email="kim@acme.example")

        assert not Outbox.objects.exists()

    def test_with_nothing_to_send_for_it_is_refused(
        self, operator: Actor, acme: Organization, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(Invalid, match="nothing to send a link for"):
            user_create(
                actor=operator, organization=acme, email="kim@acme.example", password=NewPassword(NEW), verified=True,
                send_link=True,
            )  # fmt: skip

        assert everything() == before
