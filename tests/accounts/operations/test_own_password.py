"""Changing one's own password."""

from collections.abc import Callable

import pytest

from accounts import policy
from accounts.actors import Door
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import AuditEvent, AuditPart, OneTimeLink, Outbox, Session, User
from accounts.operations.base import NewPassword
from accounts.operations.users import user_change_password
from tests.factories.users import PASSWORD, SessionFactory

NEW = "another sentence that nobody guesses"


def change(user: User, *, session: Session | None = None, current: str = PASSWORD, new: str = NEW) -> User:
    return user_change_password(
        actor=policy.actor_for(user, door=Door.PAGE, session=session),
        user=user,
        current_password=current,
        password=NewPassword(new),
    )


class TestUserChangePassword:
    """``user_change_password``."""

    def test_keeps_this_session_ends_the_others_and_tells(
        self, bob: User, last_event: Callable[[], AuditEvent]
    ) -> None:
        User.objects.filter(pk=bob.pk).update(must_change_password=True)
        here, there = SessionFactory.create(user=bob), SessionFactory.create(user=bob)
        OneTimeLink.objects.create(
            organization_id=bob.organization_id, user=bob, lookup="a" * 12, secret_hash="", expires_at=here.expires_at
        )

        change(bob, session=here)

        event = last_event()
        bob.refresh_from_db()
        there.refresh_from_db()
        assert bob.check_password(NEW)
        assert not bob.must_change_password
        assert (list(Session.objects.live()), there.end_reason) == ([here], "user.change_password")
        assert (event.action, event.actor_id, event.subject_id) == ("user.change_password", bob.pk, bob.pk)
        assert event.part(AuditPart.SUBJECT) == {"ended": {"sessions": 1, "links": 1}}
        assert Outbox.objects.get().kind == "password_changed"

    @pytest.mark.parametrize(
        ("current", "new", "field"),
        [("wrong", NEW, "current_password"), (PASSWORD, PASSWORD, "password"), (PASSWORD, "too short", "password")],
    )
    def test_says_which_input_is_wrong(
        self, bob: User, everything: Callable[[], object], current: str, new: str, field: str
    ) -> None:
        before = everything()

        with pytest.raises(Invalid) as refusal:
            change(bob, current=current, new=new)

        assert list(refusal.value.fields) == [field]
        assert everything() == before

    def test_somebody_elses_is_not_there_even_for_who_may_set_it(
        self, root: User, bob: User, everything: Callable[[], object]
    ) -> None:
        before = everything()

        with pytest.raises(NotFound):
            user_change_password(
                actor=policy.actor_for(root, door=Door.PAGE),
                user=bob,
                current_password=PASSWORD,
                password=NewPassword(NEW),
            )

        assert everything() == before

    def test_the_password_that_was_checked_must_still_be_the_one(self, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(password="set by somebody else meanwhile")

        with pytest.raises(Conflict, match="same moment"):
            change(bob)

        assert User.objects.get(pk=bob.pk).password == "set by somebody else meanwhile"  # noqa: S105
