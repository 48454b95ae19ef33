"""Every event by every credential: which die, which live, at the very next use.

``x`` it opens nothing any more, ``+`` it still opens its door. The columns: a browser's session, an API
key that the person made, links that were made for them (to sign in, to set a new password, to confirm
their address, to have another one), an invite that they made, a program's access token and refresh token, the token
with which somebody else acts as them, and the one with which they act as somebody else, begun in that browser, and a
code that was mailed to them, in the sign-in that waits for it; last, a passkey.
"""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import ids, policy
from accounts.actors import Door
from accounts.errors import NotAuthenticated
from accounts.models import Factor, Outbox, Purpose, Role, Session, User
from accounts.operations import (
    acceptance,
    addresses,
    api_keys,
    factors,
    impersonation,
    invites,
    organizations,
    passkeys,
    recovery,
    roles,
    sessions,
    statuses,
    tokens,
    tries,
    users,
)
from accounts.operations.base import OPERATIONS, NewPassword
from accounts.operations.links import CODE, code_for, mint
from accounts.operations.proofs import SecondFactorNeeded
from gdpr.operations import erasure, replay
from tests.accounts.mailbox import token_of
from tests.factories.authenticator import make_passkey
from tests.factories.cast import make_cast
from tests.factories.factors import make_factor, make_mail_factor
from tests.factories.organizations import make_guest
from tests.factories.users import PASSWORD, SessionFactory, make_email_change, make_user
from tests.matrix.test_operations import modules

World = SimpleNamespace
Event = Callable[[World], Any]


def status(verb: str) -> Event:
    return lambda world: statuses.STATUS_VERBS[verb].run(actor=world.operator, user=world.erin)


def on_erin(operation: Callable[..., Any], **arguments: Any) -> Event:
    return lambda world: operation(actor=world.operator, user=world.erin, **arguments)


def with_factor(operation: Callable[..., Any]) -> Event:
    """Do it to erin, who has a second factor."""

    def event(world: World) -> Any:
        make_factor(world.erin)
        return operation(actor=world.operator, user=world.erin)

    return event


def on_acme(operation: Callable[..., Any]) -> Event:
    return lambda world: operation(actor=world.operator, organization=world.acme)


def new_password() -> NewPassword:
    return NewPassword("correct horse battery staple")


def redeem(world: World, token: str) -> Any:
    return recovery.link_redeem(
        actor=policy.anonymous(door=Door.PAGE), token=token, password=new_password(), key_hash="f" * 40
    )


def reset(world: World, token: str) -> Any:
    return recovery.password_reset(actor=policy.anonymous(door=Door.PAGE), token=token, password=new_password())


def confirmed(world: World, token: str) -> Any:
    return addresses.email_confirm(actor=policy.anonymous(door=Door.PAGE), token=token)


def accept(_: World, token: str) -> Any:
    return acceptance.invite_accept(actor=policy.anonymous(door=Door.PAGE), token=token, password=new_password())


CELLS: dict[str, tuple[str, Event]] = {
    "user_suspend": ("xxxxxxxxxxxxx", status("suspend")),
    "user_lock": ("xxxxxxxxxxxxx", status("lock")),
    "_lock_out": ("xxxxxxxxxxxxx", on_erin(tries._lock_out)),
    "user_archive": ("xxxxxxxxxxxxx", status("archive")),
    "user_restrict": ("xxxxxxxxxxxxx", status("restrict")),
    "user_set": ("xxxxxxxxxxxxx", on_erin(users.user_set, locked=True)),
    "user_set_password": (
        "x+xx+x+xxxxx+",
        lambda world: users.user_set_password(actor=world.operator, user=world.erin, password=new_password()),
    ),
    "link_redeem": ("x+xx+x+xxxxx+", lambda world: redeem(world, world.token)),
    "password_reset": ("x+xx+x+xxxxx+", lambda world: reset(world, world.reset)),
    "email_confirm": ("++++x++++++++", lambda world: confirmed(world, world.confirm)),
    "email_change": (
        "+++++x+++++++",
        lambda world: addresses.email_change(
            actor=policy.actor_for(world.erin, door=Door.API),
            user=world.erin,
            email="another@example.com",
            current_password=PASSWORD,
        ),
    ),
    "user_reset_link": ("+++x+++++++++", on_erin(recovery.user_reset_link)),
    "user_purge": ("xxxxxxxxxxxxx", on_erin(erasure.erase, how="purge")),
    "user_delete": ("xxxxxxxxxxxxx", on_erin(erasure.erase, how="delete")),
    "user_purge_begin": ("xxxxxxxxxxxxx", on_erin(erasure.user_purge_begin)),
    "user_delete_begin": ("xxxxxxxxxxxxx", on_erin(erasure.user_delete_begin)),
    "erasure_replay": (
        "xxxxxxxxxxxxx",
        on_erin(replay.erasure_replay, line={"erasure": ids.encode("ers", ids.new()), "how": "purge"}),
    ),
    "user_delete_activities": ("x++++++xxxx++", on_erin(erasure.user_delete_activities)),
    "user_update": ("++xxxx+++++x+", on_erin(users.user_update, changes={"email": "new@example.com"})),
    "user_sign_out": ("x+xx+x+xxxxx+", on_erin(users.user_sign_out)),
    "session_revoke_all": ("x++++++xxxx++", on_erin(sessions.session_revoke_all)),
    "session_revoke": (
        "x+++++++++x++",
        lambda world: sessions.session_revoke(actor=world.operator, session=world.session),
    ),
    "api_key_revoke": ("+x+++++++++++", lambda world: api_keys.api_key_revoke(actor=world.operator, key=world.key)),
    "admin_link": ("++x++++++++++", on_erin(recovery.admin_link)),
    "org_suspend": ("xxxxxxxxxxxxx", on_acme(organizations.org_suspend)),
    "org_archive": ("xxxxxxxxxxxxx", on_acme(organizations.org_archive)),
    "user_confirm": ("+++++++++++++", on_erin(users.user_confirm)),
    "user_disable_two_factor": ("x+xx+x+xxxxxx", with_factor(factors.user_disable_two_factor)),
    "user_reset_two_factor": ("x+xx+x+xxxxxx", with_factor(factors.user_reset_two_factor)),
    "factor_remove": (
        "x+xx+x+xxxxxx",
        lambda world: factors.factor_remove(
            actor=world.operator, factor=Factor.objects.passkeys().get(user=world.erin)
        ),
    ),
    "user_revoke_invite": (
        "++++++x++++++",
        lambda world: invites.user_revoke_invite(actor=world.operator, invite=world.invite),
    ),
    "user_resend_invite": (
        "++++++x++++++",
        lambda world: invites.user_resend_invite(actor=world.operator, invite=world.invite),
    ),
    "invite_accept": ("++++++x++++++", lambda world: accept(world, world.accept)),
    "invite_join": ("++++++x++++++", lambda world: acceptance.invite_join(actor=world.kim, invite=world.invite)),
    "invite_decline": ("++++++x++++++", lambda world: acceptance.invite_decline(actor=world.kim, invite=world.invite)),
    "user_impersonate": (
        "+++++++++x+++",
        lambda world: impersonation.user_impersonate(
            actor=policy.actor_for(world.alice, door=Door.API), user=world.erin, reason="Again"
        ),
    ),
    "impersonation_stop": (
        "++++++++++x++",
        lambda world: impersonation.impersonation_stop(
            actor=policy.actor_for(world.bob, door=Door.API, session=world.borrowing.session),
            session=world.borrowing.session,
        ),
    ),
    # What the person may do goes with the role; what they hold stays theirs, and permits less from then on.
    "role_remove": (
        "++++++x+++x++",
        lambda world: roles.role_remove(
            actor=world.operator,
            membership=world.erin.memberships.get(),
            role=Role.objects.get(organization=None, slug="admin"),
        ),
    ),
    "membership_remove": (
        "+++++++++++++",
        lambda world: organizations.membership_remove(
            actor=world.operator, membership=make_guest(world.erin, world.nextdoor)
        ),
    ),
    "user_tag": ("+++++++++++++", on_erin(users.user_tag, tags=["x"])),
}

END_NOTHING = {
    "_session_confirm",
    "_session_confirm_with_code",
    "_session_confirm_with_passkey",
    "account_delete",
    "account_keep",
    "_invite_request",
    "_password_reset_request",
    "invite_request",
    "_session_start",
    "_session_start_with_code",
    "_session_start_with_passkey",
    "_session_start_with_second_passkey",
    "api_key_create",
    "app_create",
    "app_delete",
    "app_update",
    "backup_recorded",
    "claim_create",
    "claim_delete",
    "claim_update",
    "erasure_cancel",
    "email_confirm_request",
    "factor_enrol_finish",
    "factor_enrol_start",
    "hold_place",
    "hold_release",
    "hold_review",
    "installation_start",
    "keys_rotate",
    "letter_retry",
    "mail_code_send",
    "membership_add",
    "org_activate",
    "org_create",
    "org_update",
    "passkey_enrol_finish",
    "passkey_enrol_start",
    "recovery_codes_renew",
    "request_close",
    "request_extend",
    "request_open",
    "restore_recorded",
    "retention_run",
    "role_assign",
    "role_create",
    "role_delete",
    "role_update",
    "session_end",
    "superuser_create",
    "terms_update",
    "user_activate",
    "user_change_password",
    "user_claims_remove",
    "user_claims_set",
    "user_create",
    "user_export",
    "user_export_fetch",
    "user_export_request",
    "user_invite",
    "user_reset_password",
    "user_unconfirm",
    "user_unlock",
    "user_unrestrict",
    "user_untag",
}
"""Operations that make, undo or change something else, or end one's own session (tests/accounts/operations)."""


def build() -> World:
    """Make erin, who administers acme, with one credential of each kind."""
    cast, operator = make_cast(), policy.operator(os_user="tester", request_id="test")
    acme, nextdoor, erin = cast.alice.organization, cast.mallory.organization, cast.erin
    made = api_keys.api_key_create(
        actor=policy.actor_for(erin, door=Door.API), organization=acme, name="script", scopes=["user.show"]
    )
    link = recovery.admin_link(actor=operator, user=erin)
    issued = tokens.token_start(
        actor=policy.anonymous(door=Door.API), organization=acme, login="erin", password=PASSWORD
    )
    reset_link = mint(erin, Purpose.PASSWORD_RESET, is_mailed=True)
    confirm_link = mint(erin, Purpose.EMAIL_CONFIRM, is_mailed=True)
    session = SessionFactory.create(user=erin)
    by_alice = policy.actor_for(cast.alice, door=Door.API)
    borrowed = impersonation.user_impersonate(actor=by_alice, user=erin, reason="Ticket 1")
    by_erin = policy.actor_for(erin, door=Door.API, session=session)
    borrowing = impersonation.user_impersonate(actor=by_erin, user=cast.bob, reason="Ticket 2")
    make_email_change(erin)
    change_link = mint(erin, Purpose.EMAIL_CHANGE, is_mailed=True)
    kim = make_user(nextdoor, "kim", email_verified_at=erin.created_at)
    invited = invites.user_invite(
        actor=policy.actor_for(erin, door=Door.API), organization=acme, email=kim.email, print_link=True
    )
    make_mail_factor(erin)
    with pytest.raises(SecondFactorNeeded) as asked:
        sessions.session_start(
            actor=policy.anonymous(door=Door.PAGE),
            organization=acme,
            login="erin",
            password=PASSWORD,
            key_hash="c" * 40,
        )
    return SimpleNamespace(
        proof=asked.value.proof,
        code=code_for(Outbox.objects.get(kind=CODE)),
        kim=policy.actor_for(kim, door=Door.API),
        invite=invited.invite,
        accept=token_of(invited.link),
        acme=acme,
        nextdoor=nextdoor,
        erin=erin,
        operator=operator,
        alice=cast.alice,
        bob=cast.bob,
        session=session,
        borrowed=borrowed,
        borrowing=borrowing,
        issued=issued,
        key=made.key,
        secret=made.secret,
        token=token_of(link),
        reset=token_of(reset_link),
        confirm=token_of(confirm_link),
        change=token_of(change_link),
        passkey=make_passkey(erin),
    )


def opens(use: Callable[[], Any]) -> str:
    """Try a credential, and undo what comes of it."""
    with transaction.atomic():
        try:
            use()
        except NotAuthenticated:
            return "x"
        finally:
            transaction.set_rollback(True)
    return "+"


def uses_of(world: World) -> list[Callable[[], Any]]:
    """Give the use of each credential, in the order of the columns."""
    return [
        lambda: use_session(world),
        lambda: api_keys.api_key_authenticated(world.secret),
        lambda: redeem(world, world.token),
        lambda: reset(world, world.reset),
        lambda: confirmed(world, world.confirm),
        lambda: confirmed(world, world.change),
        lambda: accept(world, world.accept),
        lambda: tokens.token_authenticated(world.issued.access_token),
        lambda: tokens.token_refresh(actor=policy.anonymous(door=Door.API), token=world.issued.refresh_token),
        lambda: tokens.token_authenticated(world.borrowed.access_token),
        lambda: tokens.token_authenticated(world.borrowing.access_token),
        lambda: sessions.session_start_with_code(
            actor=policy.anonymous(door=Door.PAGE), proof=world.proof, code=world.code, key_hash="e" * 40
        ),
        lambda: use_passkey(world),
    ]


def use_passkey(world: World) -> None:
    question = passkeys.ask_anybody("browser")
    assert question is not None
    passkeys.session_start_with_passkey(
        actor=policy.anonymous(door=Door.PAGE),
        organization="",
        browser="browser",
        state=question.state,
        answer=world.passkey.shown(question.options),
        key_hash="d" * 40,
    )


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

    assert "".join(opens(use) for use in uses_of(world)) == letters


def test_with_nothing_done_everything_lives(world: World) -> None:
    assert "".join(opens(use) for use in uses_of(world)) == "+++++++++++++"


@pytest.mark.parametrize("verb", ["suspend", "archive", "lock", "restrict"])
def test_what_died_stays_dead_when_the_person_comes_back(world: World, verb: str) -> None:
    back = {"suspend": "activate", "archive": "activate", "lock": "unlock", "restrict": "unrestrict"}[verb]

    status(verb)(world)
    status(back)(world)

    # What somebody shows to sign in is theirs, and no door: a passkey opens again, as the password does.
    assert "".join(opens(use) for use in uses_of(world)) == "xxxxxxxxxxxx+"


def test_what_a_guesser_locked_opens_again_when_the_lock_ends(world: World) -> None:
    tries._lock_out(actor=policy.system(), user=world.erin)
    User.objects.filter(pk=world.erin.pk).update(status_until=timezone.now() - timedelta(seconds=1))

    assert "".join(opens(use) for use in uses_of(world)) == "+++++++++++++"
