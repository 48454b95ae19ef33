"""Every event by every credential: which die, which live, at the very next use.

``x`` it opens nothing any more, ``+`` it still opens its door. The columns: a browser's session, an API
key that the person made, a one-time link that was made for them.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from accounts import ids, policy
from accounts.actors import Actor, Door
from accounts.errors import NotAuthenticated
from accounts.models import Organization, Session, User
from accounts.operations import api_keys, installation, organizations, sessions, statuses, users
from accounts.operations.base import OPERATIONS, NewPassword
from gdpr.operations import erasure, replay
from tests.factories.users import SessionFactory
from tests.matrix.test_operations import modules

World = SimpleNamespace
Event = Callable[[World], Any]


def status(verb: str) -> Event:
    return lambda world: statuses.STATUS_VERBS[verb].run(actor=world.operator, user=world.erin)


def on_erin(operation: Callable[..., Any], **arguments: Any) -> Event:
    return lambda world: operation(actor=world.operator, user=world.erin, **arguments)


def on_acme(operation: Callable[..., Any]) -> Event:
    return lambda world: operation(actor=world.operator, organization=world.acme)


def new_password() -> NewPassword:
    return NewPassword("correct horse battery staple")


def redeem(world: World, token: str) -> Any:
    return installation.link_redeem(
        actor=policy.anonymous(door=Door.PAGE), token=token, password=new_password(), key_hash="f" * 40
    )


CELLS: dict[str, tuple[str, Event]] = {
    "user_suspend": ("xxx", status("suspend")),
    "user_lock": ("xxx", status("lock")),
    "user_archive": ("xxx", status("archive")),
    "user_restrict": ("xxx", status("restrict")),
    "user_set": ("xxx", on_erin(users.user_set, locked=True)),
    "user_set_password": (
        "x+x",
        lambda world: users.user_set_password(actor=world.operator, user=world.erin, password=new_password()),
    ),
    "link_redeem": ("x+x", lambda world: redeem(world, world.token)),
    "user_purge": ("xxx", on_erin(erasure.erase, how="purge")),
    "user_delete": ("xxx", on_erin(erasure.erase, how="delete")),
    "erasure_fence": ("xxx", on_erin(erasure.erasure_fence, how="purge")),
    "erasure_replay": (
        "xxx",
        on_erin(replay.erasure_replay, line={"erasure": ids.encode("ers", ids.new()), "how": "purge"}),
    ),
    "user_delete_activities": ("x++", on_erin(erasure.user_delete_activities)),
    "user_update": ("++x", on_erin(users.user_update, changes={"email": "new@example.com"})),
    "user_sign_out": ("x+x", on_erin(users.user_sign_out)),
    "session_revoke_all": ("x++", on_erin(sessions.session_revoke_all)),
    "session_revoke": ("x++", lambda world: sessions.session_revoke(actor=world.operator, session=world.session)),
    "api_key_revoke": ("+x+", lambda world: api_keys.api_key_revoke(actor=world.operator, key=world.key)),
    "admin_link": ("++x", on_erin(installation.admin_link)),
    "org_suspend": ("xxx", on_acme(organizations.org_suspend)),
    "org_archive": ("xxx", on_acme(organizations.org_archive)),
    "user_confirm": ("+++", on_erin(users.user_confirm)),
    "user_tag": ("+++", on_erin(users.user_tag, tags=["x"])),
}

END_NOTHING = {
    "_session_start",
    "_session_start_with_code",
    "api_key_create",
    "backup_recorded",
    "erasure_cancel",
    "hold_place",
    "hold_release",
    "hold_review",
    "installation_start",
    "keys_rotate",
    "letter_retry",
    "membership_add",
    "membership_remove",
    "org_activate",
    "org_create",
    "org_update",
    "request_close",
    "request_extend",
    "request_open",
    "restore_recorded",
    "retention_run",
    "session_end",
    "superuser_create",
    "terms_update",
    "user_activate",
    "user_change_password",
    "user_create",
    "user_export",
    "user_export_fetch",
    "user_export_request",
    "user_unconfirm",
    "user_unlock",
    "user_unrestrict",
    "user_untag",
}
"""Operations that make, undo or change something else, or end one's own session (tests/accounts/operations)."""


@pytest.fixture
def world(acme: Organization, alice: User, erin: User, root: User, operator: Actor) -> World:
    """Erin, who administers acme, with one credential of each kind."""
    made = api_keys.api_key_create(
        actor=policy.actor_for(erin, door=Door.API), organization=acme, name="script", scopes=["user.show"]
    )
    link = installation.admin_link(actor=operator, user=erin)
    return SimpleNamespace(
        acme=acme,
        erin=erin,
        operator=operator,
        session=SessionFactory.create(user=erin),
        key=made.key,
        secret=made.secret,
        token=link.rstrip("/").rpartition("/")[2],
    )


def opens(use: Callable[[], Any]) -> str:
    try:
        use()
    except NotAuthenticated:
        return "x"
    return "+"


def use_session(world: World) -> None:
    erin = User.objects.select_related("organization").filter(pk=world.erin.pk).first()
    session = Session.objects.filter(pk=world.session.pk).first()
    policy.assert_live(erin, session=session, needs_session=True)


def test_every_operation_is_listed() -> None:
    modules()

    assert set(OPERATIONS) == set(CELLS) | END_NOTHING


@pytest.mark.parametrize("name", CELLS)
def test_what_dies(world: World, name: str) -> None:
    letters, event = CELLS[name]

    event(world)

    uses: tuple[Callable[[], Any], ...] = (
        lambda: use_session(world),
        lambda: api_keys.api_key_authenticated(world.secret),
        lambda: redeem(world, world.token),
    )
    assert "".join(opens(use) for use in uses) == letters


def test_with_nothing_done_everything_lives(world: World) -> None:
    assert opens(lambda: use_session(world)) == "+"
    assert opens(lambda: api_keys.api_key_authenticated(world.secret)) == "+"
    assert opens(lambda: redeem(world, world.token)) == "+"


@pytest.mark.parametrize("verb", ["suspend", "archive", "lock", "restrict"])
def test_what_died_stays_dead_when_the_person_comes_back(world: World, verb: str) -> None:
    back = {"suspend": "activate", "archive": "activate", "lock": "unlock", "restrict": "unrestrict"}[verb]

    status(verb)(world)
    status(back)(world)

    assert opens(lambda: use_session(world)) == "x"
    assert opens(lambda: api_keys.api_key_authenticated(world.secret)) == "x"
    assert opens(lambda: redeem(world, world.token)) == "x"
