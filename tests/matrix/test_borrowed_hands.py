"""Every operation by somebody who acts as another person: what is for borrowed hands, and what is not.

An action that stands in neither set fails: whoever adds one says which it is. Refused is what is not listed, so that
what is forgotten here is refused all the same.
"""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from accounts import policy
from accounts.actions import BORROWED_HANDS, INSTALLATION_ACTIONS, Action
from accounts.actors import Actor, ActorKind, Door
from accounts.errors import NotAllowed
from accounts.models import AuditEvent, User
from accounts.operations import claims
from accounts.operations.base import OPERATIONS
from accounts.operations.impersonation import impersonation_stop, user_impersonate
from accounts.operations.tokens import token_authenticated
from accounts.operations.users import user_update
from tests.factories.claims import make_claim, say
from tests.matrix import test_operations as every
from tests.matrix.test_operations import modules

OPEN = {
    Action.USER_LIST,
    Action.USER_SEARCH,
    Action.USER_SHOW,
    Action.USER_INVITES,
    Action.USER_UPDATE,
    Action.USER_CLAIMS_SET,
    Action.USER_CLAIMS_REMOVE,
    Action.SESSION_LIST,
    Action.FACTOR_LIST,
    Action.IMPERSONATION_STOP,
    Action.ORG_LIST,
    Action.ORG_SHOW,
    Action.MEMBERSHIP_LIST,
    Action.APP_LIST,
    Action.ROLE_LIST,
    Action.API_KEY_LIST,
    Action.CLAIM_LIST,
    Action.LETTER_LIST,
    Action.AUDIT_LIST,
    Action.ERASURE_LIST,
    Action.HOLD_LIST,
    Action.REQUEST_LIST,
}
"""To look, to change the person's own profile and claims, and to stop."""

REFUSED = INSTALLATION_ACTIONS | {
    # credentials: whoever has them is the person, after it is over too
    Action.USER_SET_PASSWORD,
    Action.USER_CHANGE_PASSWORD,
    Action.USER_RESET_PASSWORD,
    Action.PASSWORD_RESET,
    Action.PASSWORD_RESET_REQUEST,
    Action.EMAIL_CHANGE,
    Action.EMAIL_CONFIRM,
    Action.EMAIL_CONFIRM_REQUEST,
    Action.USER_CONFIRM,
    Action.USER_UNCONFIRM,
    Action.LINK_REDEEM,
    Action.USER_DISABLE_TWO_FACTOR,
    Action.USER_RESET_TWO_FACTOR,
    Action.FACTOR_ENROL,
    Action.FACTOR_REMOVE,
    Action.FACTOR_RENEW_CODES,
    Action.FACTOR_SEND_CODE,
    Action.SESSION_CONFIRM,
    Action.API_KEY_CREATE,
    Action.API_KEY_REVOKE,
    Action.SESSION_START,
    # where the person is signed in
    Action.SESSION_END,
    Action.SESSION_REVOKE,
    Action.USER_SIGN_OUT,
    # what is theirs to ask for
    Action.USER_EXPORT,
    Action.USER_PURGE,
    Action.USER_DELETE,
    Action.USER_DELETE_ACTIVITIES,
    Action.ACCOUNT_DELETE,
    Action.ACCOUNT_KEEP,
    Action.ERASURE_CANCEL,
    Action.REQUEST_OPEN,
    Action.REQUEST_EXTEND,
    Action.REQUEST_CLOSE,
    Action.HOLD_PLACE,
    Action.HOLD_REVIEW,
    Action.HOLD_RELEASE,
    Action.TERMS_UPDATE,
    # once more somebody else
    Action.USER_IMPERSONATE,
    # who may what, and who belongs where
    Action.USER_SET,
    Action.ROLE_CREATE,
    Action.ROLE_UPDATE,
    Action.ROLE_DELETE,
    Action.ROLE_ASSIGN,
    Action.ROLE_REMOVE,
    Action.MEMBERSHIP_ADD,
    Action.MEMBERSHIP_REMOVE,
    Action.USER_CREATE,
    Action.USER_INVITE,
    Action.USER_RESEND_INVITE,
    Action.USER_REVOKE_INVITE,
    Action.INVITE_REQUEST,
    Action.INVITE_ACCEPT,
    Action.INVITE_DECLINE,
    # other people and things: who acts may more, and does it in their own name
    Action.USER_SUSPEND,
    Action.USER_SUSPEND_MATCHING,
    Action.USER_ACTIVATE,
    Action.USER_LOCK,
    Action.USER_UNLOCK,
    Action.USER_RESTRICT,
    Action.USER_UNRESTRICT,
    Action.USER_ARCHIVE,
    Action.USER_TAG,
    Action.USER_UNTAG,
    Action.ORG_UPDATE,
    Action.ORG_ARCHIVE,
    Action.APP_CREATE,
    Action.APP_UPDATE,
    Action.APP_DELETE,
    Action.CLAIM_CREATE,
    Action.CLAIM_UPDATE,
    Action.CLAIM_DELETE,
    Action.LETTER_RETRY,
}
World = SimpleNamespace


def build() -> World:
    """Make everybody, and the operator acting as alice, who owns acme and may anything there."""
    world = every.build()
    begun = user_impersonate(actor=world.operator, user=world.alice, reason="Ticket 1")
    session = token_authenticated(begun.access_token)
    world.borrowed = policy.actor_for(world.alice, door=Door.API, session=session, ip="192.0.2.1")
    world.impersonation = session
    world.editable = make_claim(world.acme, "editable", is_editable=True)
    say(world.alice, world.editable, "Sales")
    return world


def test_every_action_is_for_borrowed_hands_or_not() -> None:
    assert set(Action) == OPEN | REFUSED
    assert not OPEN & REFUSED
    assert OPEN == BORROWED_HANDS


def operation_named(name: str) -> Callable[..., Any]:
    found = (vars(module)[name] for module in modules() if hasattr(vars(module).get(name), "__wrapped__"))
    operation: Callable[..., Any] = next(found)
    return operation


modules()
NOT_FOR_THEM = sorted(name for name, action in OPERATIONS.items() if action not in OPEN)


@pytest.mark.parametrize("name", NOT_FOR_THEM)
def test_what_is_not_for_borrowed_hands_is_refused_before_anything_else(
    world: World, everything: Callable[[], Any], name: str
) -> None:
    """Whatever it is asked with: nothing is read, hashed or prepared."""
    operation, seen = operation_named(name), set(AuditEvent.objects.values_list("pk", flat=True))
    given = [word for word in inspect.signature(operation).parameters if word != "actor"]
    before = everything()

    with pytest.raises(NotAllowed) as refusal:
        operation(actor=world.borrowed, **dict.fromkeys(given))

    assert "borrowed hands" in refusal.value.message
    assert everything() == before
    (event,) = AuditEvent.objects.exclude(pk__in=seen)
    assert (event.action, event.outcome, event.actor_kind, event.acting_as_id) == (
        OPERATIONS[name],
        "refused",
        ActorKind.OPERATOR,
        world.alice.pk,
    )


@pytest.mark.parametrize("name", sorted(set(every.PERMISSIONS) & set(NOT_FOR_THEM)))
def test_nor_does_policy_let_it_pass_where_no_operation_is_asked(world: World, name: str) -> None:
    action = OPERATIONS[name]

    assert not world.borrowed.holds(action, world.acme.pk)
    assert not policy.may(world.borrowed, action, world.alice)
    with pytest.raises(NotAllowed):
        policy.require_coarse(world.borrowed, action)


CHANGES: dict[str, Callable[[World, Actor], Any]] = {
    "user_update": lambda world, actor: user_update(actor=actor, user=world.alice, changes={"nickname": "Al"}),
    "user_claims_set": lambda world, actor: claims.user_claims_set(
        actor=actor, user=world.alice, definition=world.editable, value="IT"
    ),
    "user_claims_remove": lambda world, actor: claims.user_claims_remove(
        actor=actor, user=world.alice, definition=world.editable
    ),
    "impersonation_stop": lambda world, actor: impersonation_stop(actor=actor, session=world.impersonation),
}


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - set(NOT_FOR_THEM)))
def test_what_is_for_borrowed_hands_is_done_and_says_both(world: World, name: str) -> None:
    seen = set(AuditEvent.objects.values_list("pk", flat=True))

    CHANGES[name](world, world.borrowed)

    (event,) = AuditEvent.objects.exclude(pk__in=seen)
    assert (event.action, event.outcome, event.actor_kind, event.actor_id, event.acting_as_id) == (
        OPERATIONS[name],
        "done",
        ActorKind.OPERATOR,
        None,
        world.alice.pk,
    )


def test_others_are_only_looked_at(world: World, everything: Callable[[], Any]) -> None:
    before = everything()

    assert User.objects.visible_to(world.borrowed).filter(pk=world.bob.pk).exists()
    changes: list[Callable[[], Any]] = [
        lambda: user_update(actor=world.borrowed, user=world.bob, changes={"nickname": "B"}),
        lambda: claims.user_claims_set(actor=world.borrowed, user=world.bob, definition=world.editable, value="IT"),
    ]
    for change in changes:
        with pytest.raises(NotAllowed):
            change()
    assert everything() == before
