"""Signing in and out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import NotAllowed, NotAuthenticated, NotFound
from accounts.models import AuditEvent, AuditPart, Organization, Session, User
from accounts.operations import proofs
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.sessions import (
    session_end,
    session_revoke,
    session_revoke_all,
    session_seen,
    session_start,
    session_start_with_code,
)
from accounts.passwords import hashed
from accounts.statuses import OrganizationStatus, Status
from tests.accounts.pages.browsing import at_once
from tests.factories.factors import code_of, make_factor
from tests.factories.users import PASSWORD, SessionFactory, make_user

Acting = Callable[[User], Actor]
KEY = "a" * 40
VISITOR = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Chrome/macOS")


class CountingHasher(PBKDF2PasswordHasher):
    """PBKDF2 with one iteration that counts how often it was asked to work."""

    algorithm = "counting"
    iterations = 1
    worked: ClassVar[list[str]] = []

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        self.worked.append("once")
        return super().encode(password, salt, iterations)


def start(user: User, *, login: str = "", password: str = PASSWORD, key_hash: str = KEY) -> Session:
    return session_start(
        actor=VISITOR,
        organization=user.organization,
        login=login or str(user.username),
        password=password,
        key_hash=key_hash,
    )


def proof_of(user: User) -> str:
    with pytest.raises(SecondFactorNeeded) as refusal:
        start(user)
    return refusal.value.proof


def with_code(proof: str, code: str, *, key_hash: str = KEY) -> Session:
    return session_start_with_code(actor=VISITOR, proof=proof, code=code, key_hash=key_hash)


class TestSessionStart:
    """``session_start``."""

    @pytest.mark.parametrize("login", ["bob", "BOB", "bob@acme.example", "Bob@ACME.example", "id"])
    def test_opens_a_session_by_every_name_and_says_where(
        self, bob: User, login: str, last_event: Callable[[], AuditEvent]
    ) -> None:
        session = start(bob, login=bob.public_id if login == "id" else login)

        event = last_event()
        bob.refresh_from_db()
        assert Session.objects.get().pk == session.pk
        assert (session.user_id, session.key_hash, session.ip, session.device) == (
            bob.pk,
            KEY,
            "192.0.2.9",
            "Chrome/macOS",
        )
        assert bob.last_sign_in_at is not None
        assert (event.action, event.outcome, event.actor_id, event.subject_id) == (
            "session.start",
            "done",
            bob.pk,
            bob.pk,
        )
        assert {part.person_id for part in event.parts.all()} == {bob.pk}

    @pytest.mark.parametrize(
        "who",
        [
            "nobody",
            "unreadable",
            "wrong",
            "suspended",
            "archived",
            "restricted",
            "locked",
            "passwordless",
            "org",
            "away",
        ],
    )
    def test_refuses_everybody_else_with_one_answer_and_one_hash(
        self,
        settings: Any,
        acme: Organization,
        everything: Callable[[], Any],
        last_event: Callable[[], AuditEvent],
        who: str,
    ) -> None:
        settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
        status = Status(who) if who in set(Status) else Status.ACTIVE
        user = make_user(acme, "bob", status=status)
        if who == "passwordless":
            User.objects.filter(pk=user.pk).update(password=hashed(None))
        if who == "away":
            Organization.objects.filter(pk=acme.pk).update(status=OrganizationStatus.SUSPENDED)
        before = everything()
        CountingHasher.worked.clear()

        with pytest.raises(NotAuthenticated) as refusal:
            session_start(
                actor=VISITOR,
                organization=None if who == "org" else acme,
                login={"nobody": "nobody", "unreadable": "@@\u0131"}.get(who, "bob"),
                password="not this one at all" if who == "wrong" else PASSWORD,
                key_hash=KEY,
            )

        event = last_event()
        assert CountingHasher.worked == ["once"]
        assert refusal.value.as_dict() == {
            "code": "UNAUTHENTICATED",
            "message": "E-mail, username or password is wrong.",
            "remedy": "Check them and the organization, or ask an administrator for a new link.",
            "fields": {},
        }
        assert everything() == before
        assert (event.action, event.outcome, event.subject_id) == ("session.start", "failed", None)
        assert event.organization_id == (None if who == "org" else acme.pk)
        assert event.part(AuditPart.SUBJECT) == {"why": "NotAuthenticated"}

    def test_a_lock_whose_end_has_passed_is_none(self, acme: Organization) -> None:
        user = make_user(acme, "bob", status=Status.LOCKED, status_until=timezone.now() - timedelta(seconds=1))

        assert start(user).user_id == user.pk

    @pytest.mark.parametrize("has_factor", [True, False])
    def test_renews_a_hash_of_an_older_kind(self, settings: Any, bob: User, has_factor: bool) -> None:
        settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher", *settings.PASSWORD_HASHERS]
        if has_factor:
            make_factor(bob)
            proof_of(bob)
        else:
            start(bob)

        bob.refresh_from_db()
        assert bob.password.startswith("counting$")
        assert bob.check_password(PASSWORD)

    def test_a_password_alone_opens_nothing_where_a_second_factor_is_enrolled(
        self, bob: User, last_event: Callable[[], AuditEvent]
    ) -> None:
        make_factor(bob)

        proof_of(bob)

        event = last_event()
        assert not Session.objects.exists()
        assert (event.outcome, event.part(AuditPart.SUBJECT)) == ("failed", {"why": "SecondFactorNeeded"})

    def test_an_app_that_was_never_confirmed_is_no_second_factor(self, bob: User) -> None:
        make_factor(bob, confirmed=False)

        assert start(bob).user_id == bob.pk


class TestSessionStartWithCode:
    """``session_start_with_code``."""

    def test_opens_a_session(self, bob: User, last_event: Callable[[], AuditEvent]) -> None:
        device = make_factor(bob)

        session = with_code(proof_of(bob), code_of(device))

        event = last_event()
        assert (session.user_id, session.is_live, event.action, event.actor_id) == (
            bob.pk,
            True,
            "session.start",
            bob.pk,
        )

    def test_each_code_works_once(self, bob: User) -> None:
        device = make_factor(bob)
        proof, code = proof_of(bob), code_of(device)
        with_code(proof, code)

        with pytest.raises(SecondFactorNeeded, match="used before"):
            with_code(proof, code, key_hash="b" * 40)

        assert Session.objects.count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_each_code_works_once_in_a_race_too(self, bob: User) -> None:
        device = make_factor(bob)
        proof, code = proof_of(bob), code_of(device)

        def attempt(number: int) -> Callable[[], Session]:
            return lambda: with_code(proof, code, key_hash=f"{number:040}")

        outcomes = at_once(*[attempt(number) for number in range(6)])

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["SecondFactorNeeded"] * 5 + ["Session"]
        assert Session.objects.count() == 1

    @pytest.mark.parametrize("code", ["", "abcdef", "0" * 400])
    def test_refuses_what_is_no_code(self, bob: User, code: str) -> None:
        make_factor(bob)

        with pytest.raises(SecondFactorNeeded):
            with_code(proof_of(bob), code)

    def test_refuses_somebody_elses_code(self, bob: User, carol: User) -> None:
        make_factor(bob)
        other = make_factor(carol)

        with pytest.raises(SecondFactorNeeded):
            with_code(proof_of(bob), code_of(other))

    @pytest.mark.parametrize("proof", ["", "x", "W10:1:x"])
    def test_refuses_a_proof_that_nobody_signed(self, db: None, proof: str) -> None:
        with pytest.raises(NotAuthenticated, match="took too long"):
            with_code(proof, "123456")

    def test_a_proof_runs_out(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        device = make_factor(bob)
        then = timezone.now() - proofs.LIFE - timedelta(seconds=2)
        with monkeypatch.context() as clock:
            clock.setattr("django.core.signing.time.time", then.timestamp)
            proof = proof_of(bob)

        with pytest.raises(NotAuthenticated, match="took too long"):
            with_code(proof, code_of(device))

    @pytest.mark.parametrize("changed", [{"password": "!"}, {"status": Status.SUSPENDED}])
    def test_a_proof_dies_when_the_account_changes(self, bob: User, changed: dict[str, str]) -> None:
        device = make_factor(bob)
        proof = proof_of(bob)
        User.objects.filter(pk=bob.pk).update(**changed)

        with pytest.raises(NotAuthenticated, match="changed meanwhile") as refusal:
            with_code(proof, code_of(device))

        assert type(refusal.value) is NotAuthenticated
        assert not Session.objects.exists()

    def test_without_a_factor_any_more_there_is_nothing_to_prove(self, bob: User) -> None:
        device = make_factor(bob)
        proof, code = proof_of(bob), code_of(device)
        device.delete()

        with pytest.raises(SecondFactorNeeded):
            with_code(proof, code)


class TestSessionEnd:
    """``session_end``."""

    def test_ends_it_with_one_event_however_often(self, bob: User) -> None:
        session = SessionFactory.create(user=bob)
        actor = policy.actor_for(bob, door=Door.ADMIN)

        session_end(actor=actor, session=session)
        session_end(actor=actor, session=session)

        session.refresh_from_db()
        event = AuditEvent.objects.get(action="session.end")
        assert (session.is_live, session.end_reason, event.actor_id, event.subject_id) == (
            False,
            "signed out",
            bob.pk,
            bob.pk,
        )

    def test_somebody_elses_is_not_there(self, acting: Acting, alice: User, bob: User) -> None:
        session = SessionFactory.create(user=bob)

        with pytest.raises(NotFound):
            session_end(actor=acting(alice), session=session)

        session.refresh_from_db()
        assert session.is_live


class TestSessionRevoke:
    """``session_revoke`` and ``session_revoke_all``."""

    def test_ends_the_one_and_leaves_the_other(
        self, acting: Acting, erin: User, bob: User, last_event: Callable[[], AuditEvent]
    ) -> None:
        one, other = SessionFactory.create(user=bob), SessionFactory.create(user=bob)

        session_revoke(actor=acting(erin), session=one, reason="lost phone")

        other.refresh_from_db()
        event = last_event()
        assert (Session.objects.get(pk=one.pk).end_reason, other.is_live) == ("session.revoke", True)
        assert event.part(AuditPart.SUBJECT) == {"reason": "lost phone", "session": one.public_id}

    def test_ends_all_and_says_how_many(self, acting: Acting, erin: User, bob: User) -> None:
        SessionFactory.create_batch(3, user=bob)

        assert session_revoke_all(actor=acting(erin), user=bob) == 3
        assert session_revoke_all(actor=acting(erin), user=bob) == 0
        assert AuditEvent.objects.filter(action="session.revoke", outcome="done").count() == 1

    @pytest.mark.parametrize(("who", "error"), [("carol", NotFound), ("frank", NotAllowed), ("mallory", NotFound)])
    def test_changes_nothing_for_the_wrong_person(
        self, cast: Any, acting: Acting, everything: Callable[[], Any], who: str, error: type[Exception]
    ) -> None:
        session = SessionFactory.create(user=cast.bob)
        before = everything()

        with pytest.raises(error):
            session_revoke(actor=acting(getattr(cast, who)), session=session)
        with pytest.raises(error):
            session_revoke_all(actor=acting(getattr(cast, who)), user=cast.bob)

        assert everything() == before


class TestSessionSeen:
    """``session_seen``."""

    @pytest.mark.parametrize(("ago", "is_noted"), [(59, False), (61, True)])
    def test_is_noted_once_a_minute(self, bob: User, ago: int, is_noted: bool) -> None:
        then = timezone.now() - timedelta(seconds=ago)
        session = SessionFactory.create(user=bob, last_active_at=then)

        session_seen(session)

        session.refresh_from_db()
        assert (session.last_active_at > then) is is_noted
