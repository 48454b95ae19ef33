"""Showing once more who one is, and what wants that."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Invalid, NotAuthenticated, NotFound, NotRecent, Throttled
from accounts.models import AuditEvent, AuditPart, Session, User
from accounts.operations.addresses import email_change
from accounts.operations.base import NewPassword
from accounts.operations.confirmations import session_confirm, session_confirm_with_code
from accounts.operations.credentials import RECENT, is_recent
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.tries import FREE
from accounts.operations.users import user_change_password
from gdpr.operations.exports import user_export, user_export_fetch, user_export_request
from gdpr.operations.own import account_delete
from tests.factories.factors import code_of, make_factor, wrong_code_of
from tests.factories.users import PASSWORD, SessionFactory

FRESH = "f" * 40
NEW = "another sentence that nobody guesses"


def long_ago() -> Any:
    return timezone.now() - RECENT - timedelta(seconds=1)


@pytest.fixture
def session(bob: User) -> Session:
    """One in which bob showed long ago who he is."""
    return SessionFactory.create(user=bob, authenticated_at=long_ago(), methods=["pwd"])


def acting_in(session: Session) -> Actor:
    return policy.actor_for(session.user, door=Door.PAGE, session=session, ip="192.0.2.9")


def confirm(session: Session, *, user: User | None = None, password: str = PASSWORD) -> Session:
    return session_confirm(
        actor=acting_in(session), user=user or session.user, current_password=password, key_hash=FRESH
    )


def proof_of(session: Session) -> str:
    with pytest.raises(SecondFactorNeeded) as refusal:
        confirm(session)
    return refusal.value.proof


def with_code(session: Session, proof: str, code: str) -> Session:
    return session_confirm_with_code(actor=acting_in(session), proof=proof, code=code, key_hash=FRESH)


class TestSessionConfirm:
    """``session_confirm``."""

    def test_counts_from_now_under_a_fresh_key_and_says_how(
        self, session: Session, last_event: Callable[[], AuditEvent]
    ) -> None:
        assert not is_recent(session)

        confirmed = confirm(session)

        event = last_event()
        session.refresh_from_db()
        assert confirmed == session
        assert is_recent(session)
        assert (session.key_hash, session.methods) == (FRESH, ["pwd"])
        assert (event.action, event.outcome, event.subject_id) == ("session.confirm", "done", session.user_id)
        assert event.part(AuditPart.SUBJECT) == {"session": session.public_id, "methods": ["pwd"]}

    def test_a_wrong_password_changes_nothing_and_is_recorded(
        self, session: Session, everything: Callable[[], Any], last_event: Callable[[], AuditEvent]
    ) -> None:
        before = everything()

        with pytest.raises(Invalid) as refusal:
            confirm(session, password="not this one at all")

        event = last_event()
        assert list(refusal.value.fields) == ["current_password"]
        assert everything() == before
        assert (event.action, event.outcome, event.actor_id) == ("session.confirm", "failed", session.user_id)

    def test_is_counted_like_signing_in(self, session: Session) -> None:
        for _ in range(FREE):
            with pytest.raises(Invalid):
                confirm(session, password="not this one at all")

        with pytest.raises(Throttled) as refusal:
            confirm(session)

        session.refresh_from_db()
        assert refusal.value.retry_after == 30
        assert not is_recent(session)

    def test_somebody_elses_account_is_not_there(
        self, session: Session, carol: User, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        with pytest.raises(NotFound):
            confirm(session, user=carol)

        assert everything() == before

    def test_a_programs_session_signs_in_again_instead(self, session: Session, everything: Callable[[], Any]) -> None:
        Session.objects.update(kind=Session.API)
        before = everything()

        with pytest.raises(NotFound):
            confirm(session)

        assert everything() == before

    def test_a_session_that_ended_does_not_come_back(self, session: Session) -> None:
        Session.objects.filter(pk=session.pk).end("test")

        with pytest.raises(NotAuthenticated):
            confirm(session)

        session.refresh_from_db()
        assert not session.is_live


class TestWithCode:
    """``session_confirm_with_code``."""

    def test_a_password_alone_is_not_enough_where_a_factor_is_enrolled(self, session: Session) -> None:
        device = make_factor(session.user)
        proof = proof_of(session)
        session.refresh_from_db()
        assert not is_recent(session)

        with_code(session, proof, code_of(device))

        session.refresh_from_db()
        assert is_recent(session)
        assert (session.key_hash, session.methods) == (FRESH, ["pwd", "otp"])

    def test_a_code_works_once(self, session: Session) -> None:
        code = code_of(make_factor(session.user))
        with_code(session, proof_of(session), code)
        Session.objects.update(authenticated_at=long_ago())

        with pytest.raises(SecondFactorNeeded):
            with_code(session, proof_of(session), code)

        session.refresh_from_db()
        assert not is_recent(session)

    def test_wrong_codes_are_counted(self, session: Session) -> None:
        device = make_factor(session.user)
        proof = proof_of(session)
        for _ in range(FREE):
            with pytest.raises(SecondFactorNeeded):
                with_code(session, proof, wrong_code_of(device))

        with pytest.raises(Throttled):
            with_code(session, proof, code_of(device))

    def test_a_proof_of_somebody_else_is_none(self, session: Session, carol: User) -> None:
        device = make_factor(carol)
        theirs = proof_of(SessionFactory.create(user=carol))

        with pytest.raises(NotAuthenticated):
            with_code(session, theirs, code_of(device))

        session.refresh_from_db()
        assert not is_recent(session)

    def test_another_password_meanwhile_makes_it_void(self, session: Session) -> None:
        device = make_factor(session.user)
        proof = proof_of(session)
        User.objects.filter(pk=session.user_id).update(password="another")

        with pytest.raises(NotAuthenticated):
            with_code(session, proof, code_of(device))


WANTS_IT: dict[str, Callable[[Actor, User], Any]] = {
    "another password": lambda actor, user: user_change_password(
        actor=actor, user=user, current_password=PASSWORD, password=NewPassword(NEW)
    ),
    "another address": lambda actor, user: email_change(
        actor=actor, user=user, email="new@example.com", current_password=PASSWORD
    ),
    "a copy": lambda actor, user: user_export_request(actor=actor, user=user),
    "a copy at once": lambda actor, user: user_export(actor=actor, user=user),
    "the end": lambda actor, user: account_delete(actor=actor, user=user, email=user.email or ""),
}


class TestWhatWantsIt:
    """Operations that a session which was left open does not do."""

    @pytest.mark.parametrize("kind", [Session.BROWSER, Session.API])
    @pytest.mark.parametrize("what", WANTS_IT)
    def test_is_refused_without_and_done_after(
        self, session: Session, everything: Callable[[], Any], what: str, kind: str
    ) -> None:
        Session.objects.update(kind=kind)
        before = everything()

        with pytest.raises(NotRecent) as refusal:
            WANTS_IT[what](acting_in(session), session.user)

        assert (refusal.value.code, refusal.value.http_status) == ("UNAUTHENTICATED", 401)
        assert "Sign in again" in refusal.value.remedy
        assert everything() == before
        Session.objects.update(authenticated_at=timezone.now())
        WANTS_IT[what](acting_in(session), session.user)

    def test_fetching_a_copy_too(self, session: Session) -> None:
        Session.objects.update(authenticated_at=timezone.now())
        export = user_export_request(actor=acting_in(session), user=session.user)
        Session.objects.update(authenticated_at=long_ago())

        with pytest.raises(NotRecent):
            user_export_fetch(actor=acting_in(session), user=session.user, export=export)

    def test_no_password_is_looked_at_before(self, session: Session) -> None:
        with pytest.raises(NotRecent):
            user_change_password(
                actor=acting_in(session), user=session.user, current_password="wrong", password=NewPassword(NEW)
            )

    def test_what_an_admin_does_for_others_does_not(self, erin: User, bob: User) -> None:
        old = SessionFactory.create(user=erin, authenticated_at=long_ago())

        assert user_export_request(actor=acting_in(old), user=bob).user_id == bob.pk
