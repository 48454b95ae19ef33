"""Every operation by everybody: who may, who may not, for whom it does not exist; and its event.

A new operation that is not listed here fails. One letter for each of the cast:
``+`` it is done, ``-`` NotAllowed, ``0`` NotFound (it does not exist for them).
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts import ids, operations, policy
from accounts.actions import Action
from accounts.actors import Actor, Door
from accounts.errors import NotAllowed, NotAuthenticated, NotFound
from accounts.models import (
    APIKey,
    Application,
    AuditEvent,
    ClaimDefinition,
    Factor,
    Invite,
    Membership,
    Organization,
    Role,
    Session,
    User,
)
from accounts.operations import (
    api_keys,
    applications,
    backups,
    claims,
    factors,
    impersonation,
    installation,
    invites,
    organizations,
    outbox,
    recovery,
    roles,
    sessions,
    statuses,
    tries,
    users,
)
from accounts.operations.base import OPERATIONS, NewPassword
from accounts.statuses import Status
from gdpr import operations as archive
from gdpr.models import Export, LegalHold, SubjectRequest
from gdpr.operations import erasure, exports, holds, replay, requests, retention, terms
from tests.factories.cast import make_cast
from tests.factories.claims import make_claim, say
from tests.factories.factors import make_factor
from tests.factories.letters import make_failed_letter
from tests.factories.organizations import make_guest
from tests.factories.roles import give_custom, make_application, make_role
from tests.factories.users import SessionFactory, make_user

CAST = ("operator", "root", "alice", "erin", "frank", "carol", "bob", "mallory", "dave", "key")
"""The shell, super-user, owner, admin, moderator, member, the person themselves, owner next door, guest, narrow key."""

World = SimpleNamespace
Call = Callable[[World, Actor], Any]


@dataclass(frozen=True)
class Verb:
    """Who may, how it is called, and what must be so before."""

    letters: str
    call: Call
    prepare: Callable[[World], Any] = lambda _: None

    def expected(self, who: str) -> str:
        """The letter of one of the cast."""
        return dict(zip(CAST, self.letters, strict=True))[who]


def status_verb(letters: str, verb: str, status: Status = Status.ACTIVE) -> Verb:
    def prepare(world: World) -> None:
        before = Status.ACTIVE if status is Status.RESTRICTED else ""
        User.objects.filter(pk=world.bob.pk).update(status=status, status_before=before)

    return Verb(letters, lambda world, actor: statuses.STATUS_VERBS[verb].run(actor=actor, user=world.bob), prepare)


def on_bob(letters: str, operation: Callable[..., Any], **arguments: Any) -> Verb:
    return Verb(letters, lambda world, actor: operation(actor=actor, user=world.bob, **arguments))


def on_acme(letters: str, operation: Callable[..., Any], **arguments: Any) -> Verb:
    return Verb(letters, lambda world, actor: operation(actor=actor, organization=world.acme, **arguments))


def new_password() -> NewPassword:
    return NewPassword("correct horse battery staple")


def fetched(world: World, actor: Actor) -> Any:
    """Fetch an export of bob that the actor asked for when they still might."""
    row = Export(
        user=world.bob,
        organization=world.acme,
        requested_by_kind=actor.kind,
        requested_by=actor.id,
        scope="access",
        format="json",
        status=Export.QUEUED,
    )
    if User.objects.filter(pk=world.bob.pk).exists():
        row.save()
        exports.export_make(row.pk)
    try:
        return exports.user_export_fetch(actor=actor, user=world.bob, export=row)
    finally:
        Export.objects.all().delete()


PERMISSIONS: dict[str, Verb] = {
    "user_create": on_acme("++++---0--", users.user_create, email="new@example.com"),
    "user_update": on_bob("++++-0+00-", users.user_update, changes={"nickname": "Bobby"}),
    "user_set_password": Verb(
        "++++---0--",
        lambda world, actor: users.user_set_password(actor=actor, user=world.bob, password=new_password()),
    ),
    "user_reset_password": on_bob("++++---0--", recovery.user_reset_password),
    "user_reset_link": on_bob("++++---0--", recovery.user_reset_link),
    "user_suspend": status_verb("+++++--0--", "suspend"),
    "user_activate": status_verb("+++++--0--", "activate", Status.SUSPENDED),
    "user_lock": status_verb("+++++--0--", "lock"),
    "_lock_out": on_bob("+++++--0--", tries._lock_out),
    "user_unlock": status_verb("+++++--0--", "unlock", Status.LOCKED),
    "user_restrict": status_verb("++++---0--", "restrict"),
    "user_unrestrict": status_verb("++++---0--", "unrestrict", Status.RESTRICTED),
    "user_archive": status_verb("++++---0--", "archive"),
    "user_confirm": on_bob("++++---0--", users.user_confirm),
    "user_unconfirm": Verb(
        "++++---0--",
        lambda world, actor: users.user_unconfirm(actor=actor, user=world.bob),
        lambda world: User.objects.filter(pk=world.bob.pk).update(email_verified_at=world.bob.created_at),
    ),
    "user_tag": on_bob("+++++--0--", users.user_tag, tags=["x"]),
    "user_untag": Verb(
        "+++++--0--",
        lambda world, actor: users.user_untag(actor=actor, user=world.bob, tags=["x"]),
        lambda world: world.bob.tags.create(name="x", organization=world.acme),
    ),
    "user_set": on_bob("++++---0--", users.user_set, confirmed=True),
    "user_sign_out": on_bob("+++++0+00-", users.user_sign_out),
    "user_disable_two_factor": on_bob("++++---0--", factors.user_disable_two_factor),
    "user_reset_two_factor": on_bob("++++---0--", factors.user_reset_two_factor),
    "factor_remove": Verb("++++-0+00-", lambda world, actor: factors.factor_remove(actor=actor, factor=world.factor)),
    "user_impersonate": on_bob("++++---0--", impersonation.user_impersonate, reason="Ticket 1"),
    "user_invite": on_acme("++++---0--", invites.user_invite, email="new@example.com"),
    "user_resend_invite": Verb(
        "++++---0--", lambda world, actor: invites.user_resend_invite(actor=actor, invite=world.invite)
    ),
    "user_revoke_invite": Verb(
        "++++---0--", lambda world, actor: invites.user_revoke_invite(actor=actor, invite=world.invite)
    ),
    "session_revoke": Verb(
        "++++-0+00-", lambda world, actor: sessions.session_revoke(actor=actor, session=world.session)
    ),
    "session_revoke_all": on_bob("++++-0+00-", sessions.session_revoke_all),
    "org_create": Verb("++--------", lambda _, actor: organizations.org_create(actor=actor, slug="new", name="New")),
    "org_update": on_acme("++++---0--", organizations.org_update, name="New"),
    "org_suspend": on_acme("++--------", organizations.org_suspend),
    "org_activate": Verb(
        "++--------",
        lambda world, actor: organizations.org_activate(actor=actor, organization=world.acme),
        lambda world: Organization.objects.filter(pk=world.acme.pk).update(status="suspended"),
    ),
    "org_archive": on_acme("+++----0--", organizations.org_archive),
    "membership_add": Verb(  # oscar is at home next door: nobody of acme can see him
        "++00---0--",
        lambda world, actor: organizations.membership_add(
            actor=actor, organization=world.acme, user=world.oscar, roles=["member"]
        ),
    ),
    "membership_remove": Verb(
        "++++---0--",
        lambda world, actor: organizations.membership_remove(actor=actor, membership=world.guest),
    ),
    "api_key_create": on_acme("++++---0--", api_keys.api_key_create, name="x", scopes=["user.show"]),
    "api_key_revoke": Verb(
        "++++---0--", lambda world, actor: api_keys.api_key_revoke(actor=actor, key=world.other_key)
    ),
    "claim_create": on_acme("++++---0--", claims.claim_create, name="tier", type="string"),
    "claim_update": Verb(
        "++++---0--",
        lambda world, actor: claims.claim_update(
            actor=actor, definition=world.claim, changes={"description": "Where somebody works"}
        ),
    ),
    "claim_delete": Verb("++++---0--", lambda world, actor: claims.claim_delete(actor=actor, definition=world.claim)),
    "user_claims_set": Verb(
        "++++-0+00-",
        lambda world, actor: claims.user_claims_set(actor=actor, user=world.bob, definition=world.claim, value="Sales"),
    ),
    "user_claims_remove": Verb(
        "++++-0+00-",
        lambda world, actor: claims.user_claims_remove(actor=actor, user=world.bob, definition=world.claim),
        lambda world: say(world.bob, world.claim, "Sales"),
    ),
    "app_create": on_acme("++++---0--", applications.app_create, slug="shop", name="Shop"),
    "app_update": Verb(
        "++++---0--",
        lambda world, actor: applications.app_update(actor=actor, application=world.application, name="New"),
    ),
    "app_delete": Verb(
        "++++---0--", lambda world, actor: applications.app_delete(actor=actor, application=world.application)
    ),
    "role_create": on_acme("++++---0--", roles.role_create, slug="clerk", name="Clerk", permissions=["user.show"]),
    "role_update": Verb(
        "++++---0--", lambda world, actor: roles.role_update(actor=actor, role=world.role, permissions=["user.tag"])
    ),
    "role_delete": Verb("++++---0--", lambda world, actor: roles.role_delete(actor=actor, role=world.role)),
    "role_assign": Verb(
        "++++---0--",
        lambda world, actor: roles.role_assign(actor=actor, membership=world.guest, role=world.role),
    ),
    "role_remove": Verb(
        "++++---0--",
        lambda world, actor: roles.role_remove(actor=actor, membership=world.guest, role=world.role),
        lambda world: give_custom(world.guest, world.role),
    ),
    "letter_retry": Verb("++++---0--", lambda world, actor: outbox.letter_retry(actor=actor, letter=world.letter)),
    "user_purge": on_bob("++++---0--", erasure.erase, how="purge"),
    "user_delete": on_bob("++++---0--", erasure.erase, how="delete"),
    "user_purge_begin": on_bob("++++---0--", erasure.user_purge_begin),
    "user_delete_begin": on_bob("++++---0--", erasure.user_delete_begin),
    "erasure_cancel": Verb(
        "++++---0--",
        lambda world, actor: erasure.erasure_cancel(actor=actor, user=world.bob),
        lambda world: erasure.erase(
            actor=world.operator, user=world.bob, how="purge", at=timezone.now() + timedelta(days=14)
        ),
    ),
    "user_delete_activities": on_bob("++++---0--", erasure.user_delete_activities),
    "erasure_replay": on_bob(
        "++--------", replay.erasure_replay, line={"erasure": ids.encode("ers", ids.new()), "how": "purge"}
    ),
    "superuser_create": on_acme("++--------", installation.superuser_create, email="super@example.com"),
    "admin_link": on_bob("++--------", recovery.admin_link),
    "hold_place": on_bob("++++---0--", holds.hold_place, reason="Case 7", exemption="e"),
    "hold_review": Verb("++++---0--", lambda world, actor: holds.hold_review(actor=actor, hold=world.hold)),
    "hold_release": Verb("++++---0--", lambda world, actor: holds.hold_release(actor=actor, hold=world.hold)),
    "request_open": on_bob("++++---0--", requests.request_open, kind="access"),
    "request_extend": Verb(
        "++++---0--",
        lambda world, actor: requests.request_extend(actor=actor, request=world.request, note="Much of it"),
    ),
    "request_close": Verb(
        "++++---0--", lambda world, actor: requests.request_close(actor=actor, request=world.request)
    ),
    "terms_update": on_acme("++++---0--", terms.terms_update, changes={"erasure_grace_days": 7}),
    "retention_run": Verb("++--------", lambda _, actor: retention.retention_run(actor=actor)),
    "keys_rotate": Verb("++--------", lambda _, actor: installation.keys_rotate(actor=actor)),
    "backup_recorded": Verb("++--------", lambda _, actor: backups.backup_recorded(actor=actor)),
    "user_export": on_bob("++++-0+00-", exports.user_export),
    "user_export_request": on_bob("++++-0+00-", exports.user_export_request),
    "user_export_fetch": Verb("++++-0+00-", fetched),
    "restore_recorded": Verb("++--------", lambda _, actor: backups.restore_recorded(actor=actor)),
}

OF_WHOEVER_HOLDS_THE_SECRET = {
    "_session_start",
    "_session_start_with_code",
    "_session_start_with_passkey",
    "_session_start_with_second_passkey",
    "session_end",
    "_session_confirm",
    "_session_confirm_with_code",
    "_session_confirm_with_passkey",
    "account_delete",
    "account_keep",
    "impersonation_stop",
    "link_redeem",
    "_password_reset_request",
    "password_reset",
    "email_change",
    "email_confirm_request",
    "email_confirm",
    "invite_request",
    "_invite_request",
    "invite_accept",
    "invite_decline",
    "invite_join",
    "installation_start",
    "user_change_password",
    "factor_enrol_start",
    "factor_enrol_finish",
    "passkey_enrol_start",
    "passkey_enrol_finish",
    "mail_code_send",
    "recovery_codes_renew",
}
"""Nobody is granted these; tests/accounts/operations prove them."""

READS = {
    Action.USER_LIST,
    Action.USER_SEARCH,
    Action.USER_SHOW,
    Action.USER_INVITES,
    Action.SESSION_LIST,
    Action.FACTOR_LIST,
    Action.ORG_LIST,
    Action.ORG_SHOW,
    Action.MEMBERSHIP_LIST,
    Action.APP_LIST,
    Action.ROLE_LIST,
    Action.API_KEY_LIST,
    Action.CLAIM_LIST,
    Action.LETTER_LIST,
    Action.AUDIT_LIST,
    Action.AUDIT_VERIFY,
    Action.HOLD_LIST,
    Action.REQUEST_LIST,
    Action.ERASURE_LIST,
    Action.ERASURE_VERIFY,
}
"""Nothing changes: ``visible_to`` decides."""

PARTS_OF_OTHERS = {Action.USER_SUSPEND_MATCHING}
"""Asked for inside other operations; recorded as those."""


def build() -> World:
    """Make everybody, and what the verbs are about."""
    cast, operator = make_cast(), policy.operator(os_user="tester", request_id="test")
    acme, nextdoor = cast.alice.organization, cast.mallory.organization
    narrow = api_keys.api_key_create(
        actor=operator, organization=acme, name="narrow", scopes=["user.show", "user.list"]
    )
    return SimpleNamespace(
        **vars(cast),
        acme=acme,
        nextdoor=nextdoor,
        operator=operator,
        key=policy.actor_for_key(narrow.key, door=Door.API),
        oscar=make_user(nextdoor, "oscar"),
        guest=make_guest(make_user(nextdoor, "gus"), acme),
        factor=make_factor(cast.bob),
        session=SessionFactory.create(user=cast.bob),
        other_key=api_keys.api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"]).key,
        claim=make_claim(acme, is_editable=True),
        application=make_application(acme, "billing", "billing.refund"),
        role=make_role(acme, "helpdesk", "user.show"),
        letter=make_failed_letter(cast.bob),
        invite=invites.user_invite(actor=operator, organization=acme, email="kim@example.com").invite,
        hold=holds.hold_place(actor=operator, user=cast.carol, reason="Case 7", exemption="e"),
        request=requests.request_open(actor=operator, user=cast.carol, kind="access"),
    )


def actor_named(world: World, who: str) -> Actor:
    somebody = getattr(world, who)
    if isinstance(somebody, Actor):
        return somebody
    assert isinstance(somebody, User)
    return policy.actor_for(somebody, door=Door.API, ip="192.0.2.1", device="Test/Python")


def modules() -> list[Any]:
    return [
        importlib.import_module(f"{room.__name__}.{entry.name}")
        for room in (operations, archive)
        for entry in pkgutil.iter_modules(room.__path__)
    ]


def test_every_operation_is_listed() -> None:
    modules()

    assert set(OPERATIONS) == set(PERMISSIONS) | OF_WHOEVER_HOLDS_THE_SECRET


def test_every_action_is_an_operation_a_read_or_part_of_others() -> None:
    modules()

    assert set(Action) == set(OPERATIONS.values()) | READS | PARTS_OF_OTHERS
    assert not READS & set(OPERATIONS.values())


def test_every_operation_names_its_actor_and_documents_its_errors() -> None:
    found = {}
    for module in modules():
        for name, function in vars(module).items():
            if name in OPERATIONS and hasattr(function, "__wrapped__"):
                found[name] = function.__wrapped__
    assert set(found) == set(OPERATIONS)
    for name, function in found.items():
        parameters = list(inspect.signature(function).parameters.values())
        assert parameters[0].name == "actor", name
        assert parameters[0].default is inspect.Parameter.empty, name
        assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters), name
        assert name.startswith("_") or (function.__doc__ or "").strip(), name


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
@pytest.mark.parametrize("who", CAST)
def test_who_may(world: World, everything: Callable[[], Any], name: str, who: str) -> None:
    verb, actor = PERMISSIONS[name], actor_named(world, who)
    verb.prepare(world)
    seen = set(AuditEvent.objects.values_list("pk", flat=True))
    before = everything()

    if verb.expected(who) == "+":
        verb.call(world, actor)
        event = AuditEvent.objects.exclude(pk__in=seen).get()
        assert (event.action, event.outcome) == (OPERATIONS[name], "done")
    else:
        with pytest.raises({"-": NotAllowed, "0": NotFound}[verb.expected(who)]):
            verb.call(world, actor)
        assert everything() == before
        events = list(AuditEvent.objects.exclude(pk__in=seen))
        if verb.expected(who) == "0":
            assert events == []
            return
        (event,) = events
        assert (event.action, event.outcome) == (OPERATIONS[name], "refused")
        assert event.organization_id in {world.acme.pk, actor.organization_id}
    assert (event.actor_kind, event.actor_id, event.door) == (actor.kind, actor.id, actor.door)


@pytest.mark.parametrize("name", sorted(PERMISSIONS))
def test_a_person_suspended_since_the_request_began_does_nothing(
    world: World, everything: Callable[[], Any], name: str
) -> None:
    verb, actor = PERMISSIONS[name], actor_named(world, "erin")
    verb.prepare(world)
    statuses.user_suspend(actor=world.operator, user=world.erin)
    before = everything()

    with pytest.raises((NotAuthenticated, NotAllowed)):
        verb.call(world, actor)

    assert everything() == before


STRANGERS = sorted(name for name, verb in PERMISSIONS.items() if verb.expected("mallory") == "0")


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_next_door_and_what_is_not_there_are_refused_alike(world: World, name: str) -> None:
    verb, actor = PERMISSIONS[name], actor_named(world, "mallory")
    verb.prepare(world)
    with pytest.raises(NotFound) as strange:
        verb.call(world, actor)
    nobody = {
        "bob": User(pk=ids.new(), organization=world.acme),
        "acme": Organization(pk=ids.new(), slug="gone"),
        "factor": Factor(pk=ids.new(), user=User(pk=ids.new(), organization=world.acme)),
        "session": Session(pk=ids.new(), user=User(pk=ids.new(), organization=world.acme)),
        "guest": Membership(pk=ids.new(), organization=world.acme, user=world.bob),
        "application": Application(pk=ids.new(), organization=world.acme),
        "role": Role(pk=ids.new(), organization=world.acme),
        "other_key": APIKey(pk=ids.new(), organization=world.acme),
        "invite": Invite(pk=ids.new(), organization=world.acme),
        "claim": ClaimDefinition(pk=ids.new(), organization=world.acme),
        "hold": LegalHold(pk=ids.new(), organization=world.acme, user=world.carol),
        "request": SubjectRequest(pk=ids.new(), organization=world.acme, user_id=world.carol.pk),
    }

    with pytest.raises(NotFound) as absent:
        verb.call(SimpleNamespace(**{**vars(world), **nobody}), actor)

    assert absent.value.as_dict() == strange.value.as_dict()
