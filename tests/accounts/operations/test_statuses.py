"""Status verbs."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import APIKey, AuditEvent, AuditPart, Organization, Session, User
from accounts.operations.api_keys import api_key_create
from accounts.operations.base import NewPassword
from accounts.operations.statuses import user_lock, user_restrict, user_suspend, user_unrestrict
from accounts.operations.users import user_set_password, user_update
from accounts.statuses import Status
from tests.factories.organizations import give
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


class TestUserRestrict:
    """``user_restrict`` and back."""

    def test_a_lock_keeps_its_end(self, operator: Actor, bob: User) -> None:
        until = timezone.now() + timedelta(hours=2)
        user_lock(actor=operator, user=bob, until=until)

        restricted = user_restrict(actor=operator, user=bob)
        back = user_unrestrict(actor=operator, user=bob)

        assert (restricted.current_status, back.current_status, back.status_until) == ("restricted", "locked", until)

    def test_a_lock_that_has_run_out_is_none(self, operator: Actor, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(status="locked", status_until=timezone.now() - timedelta(hours=1))

        user_restrict(actor=operator, user=bob)

        assert user_unrestrict(actor=operator, user=bob).status == Status.ACTIVE


class TestTakingOver:
    """Who owns the organization next door is not taken over by an admin at home."""

    def test_neither_password_nor_address(
        self,
        acting: Acting,
        operator: Actor,
        erin: User,
        bob: User,
        nextdoor: Organization,
        everything: Callable[[], Any],
    ) -> None:
        give(bob, nextdoor, "owner")
        before = everything()

        with pytest.raises(NotAllowed):
            user_set_password(actor=acting(erin), user=bob, password=NewPassword("correct horse battery staple"))
        with pytest.raises(NotAllowed):
            user_update(actor=acting(erin), user=bob, changes={"email": "mine@example.com"})

        assert everything() == before
        user_update(actor=acting(erin), user=bob, changes={"nickname": "Bobby"})
        user_set_password(actor=operator, user=bob, password=NewPassword("correct horse battery staple"))
