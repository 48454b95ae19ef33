"""How long sessions live, and how many of them."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actors import Door
from accounts.errors import NotAuthenticated
from accounts.models import AuditEvent, AuditPart, Session, User
from accounts.models.sessions import RECENT
from accounts.operations.sessions import ADMIN_LIMITS, LIMITS, MOST, TOO_MANY, session_seen, session_start
from accounts.operations.tokens import token_refresh, token_start
from tests.factories.organizations import give
from tests.factories.users import PASSWORD, SessionFactory

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "signing-in.md"
VISITOR = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Chrome/macOS")


def browser(user: User) -> Session:
    key = f"b{Session.objects.count():039}"
    return session_start(
        actor=VISITOR, organization=user.organization, login=str(user.username), password=PASSWORD, key_hash=key
    )


def program(user: User) -> Session:
    return token_start(
        actor=VISITOR, organization=user.organization, login=str(user.username), password=PASSWORD
    ).session


class TestLimits:
    """Absolute and by inactivity."""

    @pytest.mark.parametrize("start", [browser, program])
    @pytest.mark.parametrize(
        ("who", "limits"),
        [("bob", LIMITS), ("frank", LIMITS), ("erin", ADMIN_LIMITS), ("alice", ADMIN_LIMITS), ("root", ADMIN_LIMITS)],
    )
    def test_are_shorter_for_who_administers_at_every_door(
        self, cast: Any, who: str, limits: Any, start: Callable[[User], Session]
    ) -> None:
        session = start(getattr(cast, who))

        began = session.authenticated_at
        assert (session.expires_at - began, session.idle_at - began) == (limits.lifetime, limits.idle)

    @pytest.mark.parametrize("column", ["expires_at", "idle_at"])
    def test_are_judged_when_it_is_read_by_filters_too(self, bob: User, column: str) -> None:
        session = browser(bob)
        assert Session.objects.live().get() == session

        Session.objects.update(**{column: timezone.now() - timedelta(seconds=1)})

        session.refresh_from_db()
        assert not session.is_live
        assert not Session.objects.live().exists()
        with pytest.raises(NotAuthenticated):
            policy.assert_live(bob, session=session, needs_session=True)

    def test_a_refresh_token_that_nobody_used_for_long_opens_nothing(self, bob: User) -> None:
        issued = token_start(actor=VISITOR, organization=bob.organization, login="bob", password=PASSWORD)
        Session.objects.update(idle_at=timezone.now() - timedelta(seconds=1))

        with pytest.raises(NotAuthenticated):
            token_refresh(actor=VISITOR, token=issued.refresh_token)

    def test_using_it_puts_the_idle_end_off_and_not_the_other(self, bob: User) -> None:
        now = timezone.now()
        session = SessionFactory.create(
            user=bob,
            created_at=now - timedelta(days=3),
            last_active_at=now - timedelta(days=2),
            idle_at=now + timedelta(days=5),
            expires_at=now + timedelta(days=27),
        )

        session_seen(session)

        session.refresh_from_db()
        assert session.idle_at >= now + LIMITS.idle
        assert session.expires_at == now + timedelta(days=27)

    def test_who_came_to_administer_meanwhile_has_the_shorter_ones(self, bob: User) -> None:
        session = browser(bob)
        hours = timezone.now() - timedelta(hours=2)
        Session.objects.update(created_at=hours, last_active_at=hours)
        give(bob, bob.organization, "admin")
        session.refresh_from_db()

        session_seen(session)

        session.refresh_from_db()
        assert session.expires_at == session.created_at + ADMIN_LIMITS.lifetime
        assert session.idle_at == session.last_active_at + ADMIN_LIMITS.idle

    def test_one_that_ended_for_lack_of_use_is_not_woken_by_it(self, bob: User) -> None:
        then = timezone.now() - timedelta(days=8)
        session = SessionFactory.create(user=bob, last_active_at=then, idle_at=then + LIMITS.idle)

        session_seen(session)

        session.refresh_from_db()
        assert session.last_active_at == then


class TestHowMany:
    """A person has so many at once."""

    def test_the_oldest_ends_in_the_same_event(self, bob: User, carol: User) -> None:
        theirs = SessionFactory.create(user=carol)
        now = timezone.now()
        old = [SessionFactory.create(user=bob, created_at=now - timedelta(hours=MOST - n)) for n in range(MOST)]
        ended = SessionFactory.create(user=bob, created_at=now - timedelta(hours=99), ended_at=now, end_reason="test")

        new = browser(bob)

        event = AuditEvent.objects.get(action="session.start")
        for session in (*old, theirs, ended):
            session.refresh_from_db()
        assert (old[0].is_live, old[0].end_reason) == (False, TOO_MANY)
        assert all(session.is_live for session in (*old[1:], new, theirs))
        assert ended.end_reason == "test"
        assert event.part(AuditPart.SUBJECT) == {"session": new.public_id, "ended": {"sessions": 1}}

    def test_programs_count_too(self, bob: User) -> None:
        for _ in range(MOST):
            SessionFactory.create(user=bob)

        program(bob)

        assert Session.objects.live().filter(user=bob).count() == MOST

    def test_up_to_that_none_ends(self, bob: User) -> None:
        SessionFactory.create_batch(MOST - 1, user=bob)

        browser(bob)

        assert Session.objects.live().filter(user=bob).count() == MOST
        assert "ended" not in AuditEvent.objects.get(action="session.start").part(AuditPart.SUBJECT)


def test_what_the_document_says_is_so() -> None:
    text = DOCUMENT.read_text()
    rows = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", text.partition("## Sessions")[2], re.MULTILINE))

    def days(length: timedelta) -> str:
        return f"{length.days} days" if length.days else f"{length.seconds // 3600} hour{'s' * (length.seconds > 3600)}"

    assert rows["a session ends at the latest after"] == days(LIMITS.lifetime)
    assert rows["of an owner, admin or super-user"] == days(ADMIN_LIMITS.lifetime)
    assert rows["a session that nobody uses ends after"] == days(LIMITS.idle)
    assert rows["of an owner, admin or super-user, after"] == days(ADMIN_LIMITS.idle)
    assert rows["live sessions of a person, at most"] == str(MOST)
    assert rows["having shown who one is counts for"] == f"{RECENT.seconds // 60} minutes"
