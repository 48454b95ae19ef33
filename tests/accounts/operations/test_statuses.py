"""Status verbs."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.actors import Actor
from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import APIKey, AuditEvent, AuditPart, Session, User
from accounts.operations.api_keys import api_key_create
from accounts.operations.statuses import user_suspend
from accounts.statuses import Status
from tests.factories.users import SessionFactory

Acting = Callable[[User], Actor]


class TestUserSuspend:
    """``user_suspend``."""

    def test_locks_the_person_out_and_says_who_did_it(
        self, acting: Acting, alice: User, bob: User, last_event: Callable[[], AuditEvent]
    ) -> None:
        session = SessionFactory.create(user=bob)

        user_suspend(actor=acting(alice), user=bob, reason="left")

        bob.refresh_from_db()
        event = last_event()
        assert (bob.status, bob.status_reason) == (Status.SUSPENDED, "left")
        assert Session.objects.get(pk=session.pk).end_reason == "user.suspend"
        assert (event.action, event.actor_id, event.subject_id) == ("user.suspend", alice.pk, bob.pk)
        assert event.part(AuditPart.SUBJECT)["ended"] == {"sessions": 1}

    def test_kills_the_keys_the_person_made(self, acting: Acting, root: User, alice: User, erin: User) -> None:
        made = api_key_create(actor=acting(erin), organization=erin.organization, name="script", scopes=["user.show"])

        user_suspend(actor=acting(alice), user=erin)

        assert APIKey.objects.get(pk=made.key.pk).revoke_reason == "user.suspend"

    def test_the_last_owner_stays(self, operator: Actor, alice: User) -> None:
        with pytest.raises(Conflict, match="last owner"):
            user_suspend(actor=operator, user=alice)

        alice.refresh_from_db()
        assert alice.status == Status.ACTIVE

    @pytest.mark.parametrize(("who", "error"), [("carol", NotAllowed), ("mallory", NotFound), ("frank", NotAllowed)])
    def test_changes_nothing_for_the_wrong_person(
        self, cast: Any, acting: Acting, everything: Callable[[], Any], who: str, error: type[Exception]
    ) -> None:
        subject = cast.erin if who == "frank" else cast.bob
        before = everything()

        with pytest.raises(error):
            user_suspend(actor=acting(getattr(cast, who)), user=subject)

        assert everything() == before
