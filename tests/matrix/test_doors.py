"""The same verb by command, by program and by click: the same rows in every table, the same event but for the door.

Each door does it to the same world, which is then put back, so that even the ids of what was there agree.
It compares itself with the operations: one that is new and unlisted fails.
"""

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone

from accounts import ids, policy
from accounts.actors import Door
from accounts.models import AuditEvent, AuditPart, Factor, Organization, Purpose, Role, User
from accounts.operations.api_keys import api_key_create
from accounts.operations.base import OPERATIONS
from accounts.operations.invites import user_invite
from accounts.operations.links import mint
from accounts.operations.statuses import STATUS_VERBS
from accounts.operations.users import user_tag
from accounts.passwords import verified
from accounts.statuses import TRANSITIONS, Status
from gdpr.operations.erasure import erase
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_open
from tests.accounts.api.programs import API
from tests.accounts.mailbox import token_of
from tests.factories.cast import make_cast
from tests.factories.claims import make_claim, say
from tests.factories.factors import make_factor
from tests.factories.letters import make_failed_letter
from tests.factories.organizations import make_guest
from tests.factories.roles import give_custom, make_application, make_role
from tests.factories.users import SessionFactory, make_user
from tests.matrix.test_operations import modules
from tests.shell import run

World = SimpleNamespace
REASON = "Ticket 1"
SOON = f"{timezone.now() + timedelta(days=60):%Y-%m-%d}"
RECENTLY = f"{timezone.now() - timedelta(days=3):%Y-%m-%d}"
NEW_PASSWORD = "another long sentence here"  # noqa: S105 -- of people who exist in tests only


@dataclass(frozen=True)
class Command:
    """A command line, and what is typed."""

    words: Callable[[World], list[str]]
    stdin: str | Callable[[World], str] = ""
    takes_reason: bool = True

    def do(self, world: World) -> None:
        """Run it."""
        name, *words = self.words(world)
        why = ["--reason", REASON] if self.takes_reason else []
        stdin = self.stdin if isinstance(self.stdin, str) else self.stdin(world)
        result = run(name, *words, *why, stdin=io.StringIO(stdin))
        assert result.code == 0, result.err


@dataclass(frozen=True)
class Request:
    """A request to the API."""

    method: str
    path: Callable[[World], str]
    body: Callable[[World], Mapping[str, Any]] = lambda _: {}
    takes_reason: bool = True

    def do(self, world: World) -> None:
        """Send it."""
        why = {"reason": REASON} if self.takes_reason else {}
        answer = world.api(self.method, self.path(world), {**why, **self.body(world)})
        assert answer.status_code in {200, 201, 202, 204}, answer.body
        assert "failed" not in str((answer.body or {}).get("data"))


@dataclass(frozen=True)
class Click:
    """A form of the admin, filled in and sent."""

    address: Callable[[World], str]
    values: Callable[[World], Mapping[str, Any]]
    leads_to: Callable[[World], str] = lambda _: "/admin/accounts/"

    def do(self, world: World) -> None:
        """Send it."""
        answer = world.api.client.post(self.address(world), {"reason": REASON, **self.values(world)})
        text = answer.content.decode()
        assert answer.status_code in {200, 302}, text
        if answer.status_code == 302:
            assert answer["Location"].startswith(self.leads_to(world))
        else:  # the page of a secret, or of the results of many
            assert "<form method" not in text.partition("<main")[2]


Way = Command | Request | Click


@dataclass(frozen=True)
class Verb:
    """How one operation is done at each of its doors; ``without`` says why a door does not have it."""

    operation: str
    command: Command | None = None
    api: Request | None = None
    admin: Click | None = None
    without: Mapping[Door, str] = field(default_factory=dict)
    prepare: Callable[[World], Any] = lambda _: None
    is_open: bool = False
    """Whether whoever sends it is nobody, signed in or not."""

    @property
    def ways(self) -> dict[Door, Way]:
        """The doors that have it."""
        ways = {Door.CLI: self.command, Door.API: self.api, Door.ADMIN: self.admin}
        return {door: way for door, way in ways.items() if way is not None}


def on_bob(verb: str, *options: str, stdin: str = "", form: Mapping[str, Any] | None = None, **body: Any) -> Verb:
    """Make the row of a verb on one user, whose doors differ in nothing but spelling."""
    word = verb.replace("_", "-")

    def prepare(world: World) -> None:
        status = TRANSITIONS[verb][0][0] if verb in TRANSITIONS else Status.ACTIVE
        User.objects.filter(pk=world.bob.pk).update(
            status=status,
            status_before=Status.ACTIVE if status is Status.RESTRICTED else "",
            email_verified_at=world.bob.created_at if verb == "unconfirm" else None,
        )

    return Verb(
        f"user_{verb}",
        Command(lambda world: [f"user_{verb}", world.bob.public_id, *options], stdin),
        Request("POST", lambda world: f"users/{world.bob.public_id}/{word}/", lambda _: body),
        Click(
            lambda _: reverse("admin:accounts_user_verb", args=[word]),
            lambda world: {"selected": world.bob.public_id, "step": "do", **(form or {})},
            lambda world: f"/admin/accounts/user/{world.bob.public_id}/",
        ),
        prepare=prepare,
    )


def factor_of(world: World) -> str:
    """Give the id of bob's second factor."""
    factor: Factor = Factor.objects.get(user=world.bob)
    return factor.public_id


def two_factor(verb: str) -> Verb:
    """Make the row of what takes all second factors of bob away."""
    row = on_bob(f"{verb}_two_factor")
    command = Command(lambda world: ["user_2fa", verb, world.bob.public_id, "--yes"])
    return replace(row, command=command, prepare=lambda world: make_factor(world.bob))


def on_many(verb: str) -> Verb:
    """Make the row of a verb on two users at once."""

    def both(world: World) -> list[str]:
        return [world.bob.public_id, world.carol.public_id]

    return Verb(
        f"user_{verb}",
        Command(lambda world: [f"user_{verb}", *both(world), "--yes"]),
        Request("POST", lambda _: "users/bulk/", lambda world: {"verb": verb.replace("_", "-"), "ids": both(world)}),
        Click(
            lambda _: reverse("admin:accounts_user_verb", args=[verb.replace("_", "-")]),
            lambda world: {"selected": " ".join(both(world)), "step": "do"},
        ),
    )


def grave_on_many(verb: str, operation: str, *, at_the_shell: str = "") -> Verb:
    """Make the row of a verb on two users that cannot be taken back; the shell may have another way."""
    word = verb.replace("_", "-")

    def both(world: World) -> list[str]:
        return [world.bob.public_id, world.erin.public_id]  # Carol is under a legal hold

    return Verb(
        operation,
        command=None if at_the_shell else Command(lambda world: [f"user_{verb}", *both(world), "--yes"]),
        api=Request("POST", lambda _: "users/bulk/", lambda world: {"verb": word, "ids": both(world), "confirm": 2}),
        admin=Click(
            lambda _: reverse("admin:accounts_user_verb", args=[word]),
            lambda world: {"selected": " ".join(both(world)), "step": "do", "typed": "2 acme"},
        ),
        without={Door.CLI: at_the_shell} if at_the_shell else {},
    )


def on_acme(verb: str) -> Verb:
    """Make the row of a status verb on an organization."""
    return Verb(
        f"org_{verb}",
        Command(lambda _: [f"org_{verb}", "acme"]),
        Request("POST", lambda world: f"organizations/{world.acme.public_id}/{verb}/"),
        Click(
            lambda _: reverse("admin:accounts_organization_verb", args=[verb]),
            lambda world: {"selected": world.acme.public_id, "step": "do"},
        ),
        prepare=lambda world: Organization.objects.filter(pk=world.acme.pk).update(
            status="suspended" if verb == "activate" else "active"
        ),
    )


def erasing(how: str, *options: str, **body: Any) -> Verb:
    """Make the row of an erasure."""
    return Verb(
        f"user_{how}",
        Command(lambda world: [f"user_{how}", world.bob.public_id, "--yes", *options]),
        Request("POST", lambda world: f"users/{world.bob.public_id}/{how}/", lambda _: body),
        Click(
            lambda world: reverse("admin:accounts_user_erasure", args=[world.bob.public_id]),
            lambda _: {"how": how, "typed": "bob@acme.example", **body},
            lambda _: "/admin/",
        ),
    )


def beginning(how: str) -> Verb:
    """Make the row of an erasure that the worker goes on with; tests/gdpr/test_erasure.py compares what it leaves."""
    whole = erasing(how)
    return replace(
        whole,
        operation=f"user_{how}_begin",
        command=None,
        without={Door.CLI: f"the shell erases at once and waits for the receipt: user_{how}"},
    )


def on_hold(verb: str, **body: str) -> Verb:
    """Make the row of a verb on a legal hold."""
    options = [word for name, value in body.items() for word in (f"--{name.replace('_', '-')}", value)]
    return Verb(
        f"hold_{verb}",
        Command(lambda world: ["gdpr_hold", verb, world.carol.public_id, *options]),
        Request("POST", lambda world: f"personal-data/holds/{world.hold.public_id}/{verb}/", lambda _: body),
        Click(
            lambda _: reverse("admin:gdpr_legalhold_verb", args=[verb]),
            lambda world: {"selected": world.hold.public_id, "step": "do", **body},
            lambda _: "/admin/gdpr/",
        ),
    )


def on_request(verb: str) -> Verb:
    """Make the row of a verb on a request about personal data."""
    return Verb(
        f"request_{verb}",
        Command(lambda world: ["gdpr_requests", verb, world.request.public_id, "--note", "much"], takes_reason=False),
        Request(
            "POST",
            lambda world: f"personal-data/requests/{world.request.public_id}/{verb}/",
            lambda _: {"note": "much"},
            takes_reason=False,
        ),
        Click(
            lambda _: reverse("admin:gdpr_subjectrequest_verb", args=[verb]),
            lambda world: {"selected": world.request.public_id, "step": "do", "note": "much", "outcome": "done"},
            lambda _: "/admin/gdpr/",
        ),
    )


def opened(**values: str) -> dict[str, str]:
    """Give what a form had in it when it was opened, beside what is typed."""
    return {f"initial-{name}": value for name, value in values.items()}


BOB = {"email": "bob@acme.example", "username": "bob", "name": "Bob", "tags": "lab"}
"""What bob's profile form has in it when it is opened."""

SCOPES = ["user.list", "user.show"]
VERBS: dict[str, Verb] = {
    **{f"user_{verb}": on_bob(verb) for verb in STATUS_VERBS if verb != "lock"},
    "user_lock": on_bob("lock"),
    "user_lock, until": on_bob(
        "lock", "--until", "2099-12-31", form={"until": "2099-12-31"}, until="2099-12-31"
    ),
    **{f"{verb} of many": on_many(verb) for verb in ("suspend", "lock", "archive", "restrict", "confirm", "sign_out")},
    "user_confirm": on_bob("confirm"),
    "user_unconfirm": on_bob("unconfirm"),
    "user_sign_out": on_bob("sign_out"),
    "user_reset_password": on_bob("reset_password"),
    "user_tag": on_bob("tag", "vip", "night shift", form={"tags": "vip, night shift"}, tags=["vip", "night shift"]),
    "user_untag": on_bob("untag", "lab", form={"tags": "lab"}, tags=["lab"]),
    "user_set": on_bob(
        "set", "--moderator", "--confirmed", "--locked",
        form={"moderator": "yes", "confirmed": "yes", "locked": "yes"}, moderator=True, confirmed=True, locked=True,
    ),
    "user_disable_two_factor": two_factor("disable"),
    "user_reset_two_factor": two_factor("reset"),
    "factor_remove": Verb(
        "factor_remove",
        Command(lambda world: ["user_2fa", "remove", world.bob.public_id, "--factor-id", factor_of(world), "--yes"]),
        Request("DELETE", lambda world: f"users/{world.bob.public_id}/two-factor/",
                lambda world: {"factor": factor_of(world)}),
        Click(lambda world: reverse("admin:accounts_user_two-factor", args=[world.bob.public_id]),
              lambda world: {"factor": factor_of(world)}),
        prepare=lambda world: make_factor(world.bob),
    ),
    "user_set_password": on_bob(
        "set_password", "--password-stdin", stdin=f"{NEW_PASSWORD}\n",
        form={"how": "typed", "password": NEW_PASSWORD, "again": NEW_PASSWORD, "must_change": "on"},
        password=NEW_PASSWORD,
    ),
    "user_set_password, kept": on_bob(
        "set_password", "--password-stdin", "--no-must-change", "--keep-sessions", stdin=f"{NEW_PASSWORD}\n",
        form={"how": "typed", "password": NEW_PASSWORD, "again": NEW_PASSWORD, "keep_sessions": "on"},
        password=NEW_PASSWORD, must_change_password=False, keep_sessions=True,
    ),
    "user_create": Verb(
        "user_create",
        Command(lambda _: ["user_create", "--org", "acme", "--email", "Kim@acme.example", "--username", "Kim",
                           "--name", "Kim Lee", "--role", "admin", "--tag", "lab", "--verified"]),
        Request("POST", lambda _: "users/", lambda _: {
            "organization": "acme", "email": "Kim@acme.example", "username": "Kim", "name": "Kim Lee",
            "roles": ["admin"], "tags": ["lab"], "email_verified": True}),
        Click(lambda _: reverse("admin:accounts_user_add"), lambda _: {
            "organization": "acme", "email": "Kim@acme.example", "username": "Kim", "name": "Kim Lee",
            "roles": ["admin"], "tags": "lab", "verified": "on", "password": "none"}),
    ),
    "user_create, with a link": Verb(
        "user_create",
        Command(lambda _: ["user_create", "--org", "acme", "--email", "kim@acme.example", "--send-link"]),
        Request("POST", lambda _: "users/", lambda _: {
            "organization": "acme", "email": "kim@acme.example", "send_link": True}),
        Click(lambda _: reverse("admin:accounts_user_add"), lambda _: {
            "organization": "acme", "email": "kim@acme.example", "password": "link"}),
    ),
    "password_reset": Verb(
        "password_reset",
        Command(lambda _: ["user_set_password", "--reset-token-stdin", "--password-stdin"],
                lambda world: f"{world.token}\n{NEW_PASSWORD}\n", takes_reason=False),
        Request("POST", lambda _: "auth/password/reset/", lambda world: {
            "token": world.token, "password": NEW_PASSWORD}, takes_reason=False),
        without={Door.ADMIN: "for people who are not signed in: its page is /link/"},
        prepare=lambda world: setattr(world, "token", token_of(mint(world.bob, Purpose.PASSWORD_RESET))),
        is_open=True,
    ),
    "user_create, generated": Verb(
        "user_create",
        Command(lambda _: ["user_create", "--org", "acme", "--email", "kim@acme.example", "--generate-password"]),
        admin=Click(lambda _: reverse("admin:accounts_user_add"), lambda _: {
            "organization": "acme", "email": "kim@acme.example", "password": "generate"}),
        without={Door.API: "a program makes its own password and sends it"},
    ),
    "user_create, everything": Verb(
        "user_create",
        Command(lambda _: ["user_create", "--org", "acme", "--email", "kim@acme.example", "--password-stdin",
                           "--no-must-change", "--given-name", "Kim", "--family-name", "Lee", "--nickname", "K",
                           "--phone-number", "+49301234567", "--locale", "de", "--zoneinfo", "Europe/Berlin",
                           "--picture", "https://pictures.example/kim", "--bio", "Rows.",
                           "--metadata", '{"team": "blue"}', "--claim", "department=Sales"], f"{NEW_PASSWORD}\n"),
        Request("POST", lambda _: "users/", lambda _: {
            "organization": "acme", "email": "kim@acme.example", "password": NEW_PASSWORD,
            "must_change_password": False, "given_name": "Kim", "family_name": "Lee", "nickname": "K",
            "phone_number": "+49301234567", "locale": "de", "zoneinfo": "Europe/Berlin",
            "picture": "https://pictures.example/kim", "bio": "Rows.", "metadata": {"team": "blue"},
            "claims": {"department": "Sales"}}),
        without={Door.ADMIN: "its form is short; the rest is typed on the person's page"},
    ),
    "user_update": Verb(
        "user_update",
        Command(lambda world: ["user_update", world.bob.public_id, "--nickname", "Kit", "--bio", "One.",
                               "--email", "kit@acme.example", "--skip-verification", "--username", "",
                               "--tags", "vip,night shift", "--metadata", '{"team": {"name": "blue"}}']),
        Request("PATCH", lambda world: f"users/{world.bob.public_id}/", lambda _: {
            "nickname": "Kit", "bio": "One.", "email": "kit@acme.example", "skip_verification": True,
            "username": None, "tags": ["vip", "night shift"], "metadata": {"team": {"name": "blue"}}}),
        Click(lambda world: reverse("admin:accounts_user_change", args=[world.bob.public_id]), lambda _: {
            **opened(**BOB), "name": "Bob", "nickname": "Kit", "bio": "One.", "email": "kit@acme.example",
            "skip_verification": "on", "username": "", "tags": "vip, night shift",
            "metadata": '{"team": {"name": "blue"}}', "version": "3"}),
    ),
    "user_update, one field": Verb(
        "user_update",
        Command(lambda world: ["user_update", world.bob.public_id, "--email", "kit@acme.example"]),
        Request("PATCH", lambda world: f"users/{world.bob.public_id}/", lambda _: {"email": "kit@acme.example"}),
        Click(lambda world: reverse("admin:accounts_user_change", args=[world.bob.public_id]), lambda _: {
            **opened(**BOB), **BOB, "email": "kit@acme.example", "version": "3"}),
    ),
    "user_invite": Verb(
        "user_invite",
        Command(lambda _: ["user_invite", "--org", "acme", "--email", "kim@acme.example", "--name", "Kim Lee",
                           "--locale", "de", "--role", "admin", "--tag", "lab", "--claim", "department=Sales",
                           "--message", "Welcome.", "--expires-at", SOON]),
        Request("POST", lambda _: "invites/", lambda _: {
            "organization": "acme", "email": "kim@acme.example", "name": "Kim Lee", "locale": "de",
            "roles": ["admin"], "tags": ["lab"], "claims": {"department": "Sales"}, "message": "Welcome.",
            "expires_at": SOON}),
        Click(lambda _: reverse("admin:accounts_invite_add"), lambda _: {
            "organization": "acme", "email": "kim@acme.example", "name": "Kim Lee", "locale": "de",
            "roles": "admin", "tags": "lab", "claims": "department=Sales", "message": "Welcome.",
            "expires_at": SOON}),
    ),
    "user_invite, an open link": Verb(
        "user_invite",
        Command(lambda _: ["user_invite", "--org", "acme", "--max-use", "3", "--role", "moderator",
                           "--app-role", "crm/clerk", "--claim", "department=Sales"]),
        Request("POST", lambda _: "invites/", lambda _: {
            "organization": "acme", "max_uses": 3, "roles": ["moderator", "crm/clerk"],
            "claims": {"department": "Sales"}}),
        Click(lambda _: reverse("admin:accounts_invite_add"), lambda _: {
            "organization": "acme", "max_uses": "3", "roles": ["moderator", "crm/clerk"],
            "claims": "department=Sales"}),
        prepare=lambda world: Role.objects.get_or_create(
            organization=world.acme, application=world.crm, slug="clerk", name="Clerk"),
    ),
    "user_resend_invite": Verb(
        "user_resend_invite",
        Command(lambda world: ["user_resend_invite", world.invite.public_id]),
        Request("POST", lambda world: f"invites/{world.invite.public_id}/resend/"),
        Click(lambda _: reverse("admin:accounts_invite_verb", args=["resend"]),
              lambda world: {"selected": world.invite.public_id, "step": "do"}),
    ),
    "user_revoke_invite": Verb(
        "user_revoke_invite",
        Command(lambda world: ["user_revoke_invite", world.invite.public_id]),
        Request("POST", lambda world: f"invites/{world.invite.public_id}/revoke/"),
        Click(lambda _: reverse("admin:accounts_invite_verb", args=["revoke"]),
              lambda world: {"selected": world.invite.public_id, "step": "do"}),
    ),
    "session_revoke": Verb(
        "session_revoke",
        Command(lambda world: ["user_sessions", "revoke", world.bob.public_id,
                               "--session-id", world.session.public_id]),
        Request("POST", lambda world: f"sessions/{world.session.public_id}/revoke/"),
        Click(lambda _: reverse("admin:accounts_session_verb", args=["revoke"]),
              lambda world: {"selected": world.session.public_id, "step": "do"}),
    ),
    "session_revoke_all": Verb(
        "session_revoke_all",
        Command(lambda world: ["user_sessions", "revoke_all", world.bob.public_id]),
        Request("DELETE", lambda world: f"users/{world.bob.public_id}/sessions/"),
        without={Door.ADMIN: "its button is user_sign_out, which also ends links"},
    ),
    "org_create": Verb(
        "org_create",
        Command(lambda _: ["org_create", "--slug", "third", "--name", "Third Ltd"]),
        Request("POST", lambda _: "organizations/", lambda _: {"slug": "third", "name": "Third Ltd"}),
        Click(lambda _: reverse("admin:accounts_organization_add"), lambda _: {"slug": "third", "name": "Third Ltd"}),
    ),
    "org_update": Verb(
        "org_update",
        Command(lambda _: ["org_update", "acme", "--slug", "acme-2", "--name", "Acme International",
                           "--invite-days", "14", "--language", "de", "--second-factor", "admins",
                           "--mail-codes", "allowed", "--impersonation-max", "2h"]),
        Request("PATCH", lambda world: f"organizations/{world.acme.public_id}/",
                lambda _: {"slug": "acme-2", "name": "Acme International", "invite_days": 14,
                          "language": "de", "second_factor": "admins", "mail_codes": "allowed",
                          "impersonation_max": "2h"}),
        Click(lambda world: reverse("admin:accounts_organization_change", args=[world.acme.public_id]),
              lambda _: {**opened(slug="acme", name="Acme", invite_days="7", language="en", second_factor="optional",
                                  mail_codes="refused", impersonation_max="1h"),
                         "slug": "acme-2", "second_factor": "admins", "mail_codes": "allowed",
                         "impersonation_max": "2h",
                         "name": "Acme International", "invite_days": "14", "language": "de", "version": "1"}),
    ),
    "org_suspend": on_acme("suspend"),
    "org_activate": on_acme("activate"),
    "org_archive": on_acme("archive"),
    "membership_add": Verb(
        "membership_add",
        Command(lambda world: ["org_members", "add", world.oscar.public_id, "--org", "acme", "--role", "moderator"]),
        Request("POST", lambda _: "memberships/", lambda world: {
            "organization": "acme", "user": world.oscar.public_id, "roles": ["moderator"]}),
        Click(lambda world: reverse("admin:accounts_user_memberships", args=[world.oscar.public_id]),
              lambda _: {"organization": "acme", "role": "moderator"}),
    ),
    "membership_add, a role": Verb(
        "membership_add",
        Command(lambda world: ["org_members", "add", world.bob.public_id, "--org", "acme", "--role", "owner"]),
        Request("POST", lambda _: "memberships/", lambda world: {
            "organization": "acme", "user": world.bob.public_id, "roles": ["owner"]}),
        Click(lambda world: reverse("admin:accounts_user_memberships", args=[world.bob.public_id]),
              lambda _: {"organization": "acme", "role": "owner"}),
    ),
    "membership_remove": Verb(
        "membership_remove",
        Command(lambda world: ["org_members", "remove", world.guest.user.public_id, "--org", "acme"]),
        Request("DELETE", lambda world: f"memberships/{world.guest.public_id}/"),
        Click(lambda _: reverse("admin:accounts_membership_verb", args=["remove"]),
              lambda world: {"selected": world.guest.public_id, "step": "do"}),
    ),
    "app_create": Verb(
        "app_create",
        Command(lambda _: ["app_create", "--org", "acme", "--slug", "shop", "--name", "Shop", "--description", "Sells",
                           "--permission", "order.cancel=Cancel", "--permission", "order.see"]),
        Request("POST", lambda _: "applications/", lambda _: {
            "organization": "acme", "slug": "shop", "name": "Shop", "description": "Sells",
            "permissions": {"order.cancel": "Cancel", "order.see": ""}}),
        Click(lambda _: reverse("admin:accounts_application_add"), lambda _: {
            "organization": "acme", "slug": "shop", "name": "Shop", "description": "Sells",
            "permissions": "order.cancel Cancel\norder.see"}),
    ),
    "app_update": Verb(
        "app_update",
        Command(lambda world: ["app_update", world.application.public_id, "--name", "Invoices",
                               "--add-permission", "billing.void=Void"]),
        Request("PATCH", lambda world: f"applications/{world.application.public_id}/",
                lambda _: {"name": "Invoices", "permissions": {"billing.refund": "", "billing.void": "Void"}}),
        Click(lambda world: reverse("admin:accounts_application_change", args=[world.application.public_id]),
              lambda _: {**opened(slug="billing", name="Billing", permissions="billing.refund"), "slug": "billing",
                         "name": "Invoices", "permissions": "billing.refund\nbilling.void Void", "version": "1"}),
    ),
    "app_delete": Verb(
        "app_delete",
        Command(lambda world: ["app_delete", world.application.public_id, "--yes"]),
        Request("DELETE", lambda world: f"applications/{world.application.public_id}/"),
        Click(lambda _: reverse("admin:accounts_application_verb", args=["delete"]),
              lambda world: {"selected": world.application.public_id, "step": "do"}),
    ),
    "role_create": Verb(
        "role_create",
        Command(lambda _: ["role_create", "--org", "acme", "--slug", "reception", "--name", "Reception",
                           "--description", "At the door", "--permission", "user.list", "--permission", "user.show"]),
        Request("POST", lambda _: "roles/", lambda _: {
            "organization": "acme", "slug": "reception", "name": "Reception", "description": "At the door",
            "permissions": ["user.list", "user.show"]}),
        Click(lambda _: reverse("admin:accounts_role_add"), lambda _: {
            "organization": "acme", "slug": "reception", "name": "Reception", "description": "At the door",
            "permissions": ["user.list", "user.show"]}),
    ),
    "role_create, of an application": Verb(
        "role_create",
        Command(lambda world: ["role_create", "--org", "acme", "--app", "billing", "--slug", "manager",
                               "--name", "Manager", "--permission", "billing.refund"]),
        Request("POST", lambda _: "roles/", lambda world: {
            "organization": "acme", "application": world.application.public_id, "slug": "manager", "name": "Manager",
            "permissions": ["billing.refund"]}),
        Click(lambda world: f"{reverse('admin:accounts_role_add')}?application={world.application.public_id}",
              lambda _: {"slug": "manager", "name": "Manager", "permissions": ["billing.refund"]}),
    ),
    "role_update": Verb(
        "role_update",
        Command(lambda world: ["role_update", "helpdesk", "--org", "acme", "--name", "Desk", "--slug", "desk",
                               "--add-permission", "user.tag", "--remove-permission", "user.show"]),
        Request("PATCH", lambda world: f"roles/{world.role.public_id}/",
                lambda _: {"name": "Desk", "slug": "desk", "permissions": ["user.tag"]}),
        Click(lambda world: reverse("admin:accounts_role_change", args=[world.role.public_id]),
              lambda _: {**opened(slug="helpdesk", name="Helpdesk"), "slug": "desk", "name": "Desk",
                         "permissions": ["user.tag"], "version": "1"}),
    ),
    "role_delete": Verb(
        "role_delete",
        Command(lambda _: ["role_delete", "helpdesk", "--org", "acme", "--yes"]),
        Request("DELETE", lambda world: f"roles/{world.role.public_id}/"),
        Click(lambda _: reverse("admin:accounts_role_verb", args=["delete"]),
              lambda world: {"selected": world.role.public_id, "step": "do"}),
    ),
    "role_assign": Verb(
        "role_assign",
        Command(lambda world: ["user_roles", "assign", world.bob.public_id, "--role", "helpdesk",
                               "--until", "2099-12-31"]),
        Request("POST", lambda world: f"users/{world.bob.public_id}/roles/",
                lambda world: {"role": world.role.public_id, "until": "2099-12-31"}),
        Click(lambda world: reverse("admin:accounts_user_roles", args=[world.bob.public_id]),
              lambda _: {"organization": "acme", "role": "helpdesk", "until": "2099-12-31"}),
    ),
    "role_assign, to a guest": Verb(
        "role_assign",
        Command(lambda world: ["user_roles", "assign", world.guest.user.public_id, "--org", "acme", "--app", "billing",
                               "--role", "clerk"]),
        Request("POST", lambda world: f"users/{world.guest.user.public_id}/roles/",
                lambda world: {"role": "clerk", "application": "billing", "organization": "acme"}),
        Click(lambda world: reverse("admin:accounts_user_roles", args=[world.guest.user.public_id]),
              lambda _: {"organization": "acme", "role": "billing/clerk"}),
    ),
    "role_remove": Verb(
        "role_remove",
        Command(lambda world: ["user_roles", "remove", world.carol.public_id, "--role", "helpdesk"]),
        Request("DELETE", lambda world: f"users/{world.carol.public_id}/roles/", lambda _: {"role": "helpdesk"}),
        Click(lambda world: reverse("admin:accounts_user_roles", args=[world.carol.public_id]),
              lambda world: {"organization": "acme", "take": world.role.public_id}),
    ),
    "api_key_create": Verb(
        "api_key_create",
        Command(lambda _: ["api_key_create", "--org", "acme", "--name", "HR sync", "--scope", "user.show",
                           "--scope", "user.list", "--expires-at", "2026-12-31"]),
        Request("POST", lambda _: "api-keys/", lambda _: {
            "organization": "acme", "name": "HR sync", "scopes": SCOPES, "expires_at": "2026-12-31"}),
        Click(lambda _: reverse("admin:accounts_apikey_add"), lambda _: {
            "organization": "acme", "name": "HR sync", "scopes": SCOPES, "expires_at": "2026-12-31"}),
    ),
    "api_key_revoke": Verb(
        "api_key_revoke",
        Command(lambda world: ["api_key_revoke", world.key.public_id]),
        Request("POST", lambda world: f"api-keys/{world.key.public_id}/revoke/"),
        Click(lambda _: reverse("admin:accounts_apikey_verb", args=["revoke"]),
              lambda world: {"selected": world.key.public_id, "step": "do"}),
    ),
    "claim_create": Verb(
        "claim_create",
        Command(lambda _: ["claim_create", "--org", "acme", "--app", "crm", "--name", "tier", "--type", "string",
                           "--schema", '{"enum": ["gold"]}', "--editable", "--appears-in", "userinfo,id_token",
                           "--description", "What was bought"]),
        Request("POST", lambda _: "claims/", lambda _: {
            "organization": "acme", "application": "crm", "name": "tier", "type": "string",
            "schema": {"enum": ["gold"]}, "is_editable": True, "appears_in": ["userinfo", "id_token"],
            "description": "What was bought"}),
        Click(lambda _: reverse("admin:accounts_claimdefinition_add"), lambda world: {
            "organization": "acme", "application": world.crm.public_id, "name": "tier", "type": "string",
            "schema": '{"enum": ["gold"]}', "is_personal": "on", "is_editable": "on", "in_id_token": "on",
            "in_userinfo": "on", "description": "What was bought"}),
    ),
    "claim_update": Verb(
        "claim_update",
        Command(lambda world: ["claim_update", world.claim.public_id, "--schema", '{"maxLength": 5}', "--appears-in",
                               "access_token", "--no-personal", "--invalid", "delete", "--yes"]),
        Request("PATCH", lambda world: f"claims/{world.claim.public_id}/", lambda _: {
            "schema": {"maxLength": 5}, "appears_in": ["access_token"], "is_personal": False, "invalid": "delete"}),
        Click(lambda world: reverse("admin:accounts_claimdefinition_change", args=[world.claim.public_id]),
              lambda _: {**opened(is_personal="True"), "schema": '{"maxLength": 5}', "in_access_token": "on",
                         "invalid": "delete", "version": "1"}),
    ),
    "claim_delete": Verb(
        "claim_delete",
        Command(lambda _: ["claim_delete", "department", "--org", "acme", "--yes"]),
        Request("DELETE", lambda world: f"claims/{world.claim.public_id}/"),
        Click(lambda _: reverse("admin:accounts_claimdefinition_verb", args=["delete"]),
              lambda world: {"selected": world.claim.public_id, "step": "do"}),
    ),
    "user_claims_set": Verb(
        "user_claims_set",
        Command(lambda world: ["user_claims", "set", world.bob.public_id, "--claim", "langs",
                               "--value", '["en", "de"]']),
        Request("POST", lambda world: f"users/{world.bob.public_id}/claims/",
                lambda _: {"claim": "langs", "value": ["en", "de"]}),
        Click(lambda world: reverse("admin:accounts_user_claims", args=[world.bob.public_id]),
              lambda world: {"claim": world.langs.public_id, "value": '["en", "de"]'}),
    ),
    "user_claims_remove": Verb(
        "user_claims_remove",
        Command(lambda world: ["user_claims", "remove", world.bob.public_id, "--claim", "department"]),
        Request("DELETE", lambda world: f"users/{world.bob.public_id}/claims/", lambda _: {"claim": "department"}),
        Click(lambda world: reverse("admin:accounts_user_claims", args=[world.bob.public_id]),
              lambda world: {"claim": world.claim.public_id, "remove": "yes"}),
    ),
    "letter_retry": Verb(
        "letter_retry",
        Command(lambda world: ["letter_retry", world.letter.public_id]),
        Request("POST", lambda world: f"letters/{world.letter.public_id}/retry/"),
        Click(lambda _: reverse("admin:accounts_outbox_verb", args=["retry"]),
              lambda world: {"selected": world.letter.public_id, "step": "do"}),
    ),
    "user_purge": erasing("purge", "--after", "2099-12-31", after="2099-12-31"),
    "user_delete": erasing("delete", "--after", "2099-12-31", after="2099-12-31"),
    "user_purge_begin": beginning("purge"),
    "user_delete_begin": beginning("delete"),
    "user_purge_begin, many": grave_on_many("purge", "user_purge_begin", at_the_shell="erases at once: user_purge"),
    "user_delete_begin, many": grave_on_many("delete", "user_delete_begin", at_the_shell="erases at once: user_delete"),
    "user_delete_activities, many": grave_on_many("delete_activities", "user_delete_activities"),
    "erasure_cancel": Verb(
        "erasure_cancel",
        Command(lambda world: ["user_purge", world.bob.public_id, "--cancel"]),
        Request("POST", lambda world: f"users/{world.bob.public_id}/cancel-erasure/"),
        Click(lambda world: reverse("admin:accounts_user_erasure", args=[world.bob.public_id]),
              lambda _: {"cancel": "yes"}),
        prepare=lambda world: erase(
            actor=world.operator, user=world.bob, how="purge", at=timezone.now() + timedelta(days=9)),
    ),
    "user_delete_activities": Verb(
        "user_delete_activities",
        Command(lambda world: ["user_delete_activities", world.bob.public_id, "--yes"]),
        Request("POST", lambda world: f"users/{world.bob.public_id}/delete-activities/"),
        Click(lambda world: reverse("admin:accounts_user_erasure", args=[world.bob.public_id]),
              lambda _: {"how": "activities", "typed": "bob@acme.example"}),
    ),
    "hold_place": Verb(
        "hold_place",
        Command(lambda world: ["gdpr_hold", "place", world.bob.public_id, "--exemption", "e", "--review-at", SOON]),
        Request("POST", lambda _: "personal-data/holds/", lambda world: {
            "user": world.bob.public_id, "exemption": "e", "review_at": SOON}),
        Click(lambda _: reverse("admin:gdpr_legalhold_add"), lambda world: {
            "organization": "acme", "person": world.bob.public_id, "exemption": "e", "review_at": SOON},
            lambda _: "/admin/gdpr/"),
    ),
    "hold_review": on_hold("review", review_at=SOON),
    "hold_release": on_hold("release"),
    "request_open": Verb(
        "request_open",
        Command(lambda world: ["gdpr_requests", "open", world.bob.public_id, "--kind", "access",
                               "--received-at", RECENTLY, "--note", "by letter"], takes_reason=False),
        Request("POST", lambda _: "personal-data/requests/", lambda world: {
            "user": world.bob.public_id, "kind": "access", "received_at": RECENTLY, "note": "by letter"},
            takes_reason=False),
        Click(lambda _: reverse("admin:gdpr_subjectrequest_add"), lambda world: {
            "organization": "acme", "person": world.bob.public_id, "kind": "access", "received_at": RECENTLY,
            "note": "by letter"}, lambda _: "/admin/gdpr/"),
    ),
    "request_extend": on_request("extend"),
    "request_close": on_request("close"),
    "terms_update": Verb(
        "terms_update",
        Command(lambda _: ["gdpr_terms", "update", "--org", "acme", "--erasure-grace-days", "7",
                           "--archived-days", "90", "--contact", "dpo@acme.example"]),
        Request("PATCH", lambda world: f"personal-data/terms/{world.acme.public_id}/", lambda _: {
            "erasure_grace_days": 7, "archived_days": 90, "contact": "dpo@acme.example"}),
        Click(lambda world: reverse("admin:gdpr_privacyterms_change", args=[world.acme.public_id]), lambda _: {
            "erasure_grace_days": "7", "archived_days": "90", "contact": "dpo@acme.example"},
            lambda _: "/admin/"),
    ),
    "user_export_request": Verb(
        "user_export_request",
        api=Request("POST", lambda world: f"users/{world.bob.public_id}/export/",
                    lambda _: {"scope": "access", "format": "zip"}),
        admin=Click(lambda world: reverse("admin:accounts_user_personal-data", args=[world.bob.public_id]),
                    lambda _: {"scope": "access", "format": "zip"}),
        without={Door.CLI: "the shell writes the file at once: user_export"},
    ),
}  # fmt: skip

ONE_DOOR = {
    "factor_enrol_start": "one's own, on its page and in the API: tests/accounts/pages/test_two_factor.py",
    "mail_code_send": "in the midst of signing in, on its page and in the API: tests/accounts/pages/test_mail_codes.py",
    "factor_enrol_finish": "one's own, on its page and in the API: tests/accounts/pages/test_two_factor.py",
    "passkey_enrol_start": "one's own, on its page and in the API: tests/accounts/pages/test_passkeys.py",
    "passkey_enrol_finish": "one's own, on its page and in the API: tests/accounts/pages/test_passkeys.py",
    "recovery_codes_renew": "one's own, on its page and in the API: tests/accounts/pages/test_two_factor.py",
    "user_export": "the shell writes the file at once",
    "user_export_fetch": "a file, not a change: tests/gdpr/test_export_jobs.py fetches it at both doors",
    "erasure_replay": "the operator, after restoring a backup",
    "retention_run": "the operator and the sweep",
    "_session_start": "the sign-in page",
    "_session_start_with_code": "the sign-in page",
    "_session_start_with_passkey": "the sign-in page: passkeys live in browsers",
    "_session_start_with_second_passkey": "the sign-in page: passkeys live in browsers",
    "_lock_out": "whoever guesses somebody's password, at any door that takes one",
    "session_end": "the sign-out button",
    "_session_confirm": "the account pages, before what a borrowed browser should not do",
    "_session_confirm_with_code": "the account pages, before what a borrowed browser should not do",
    "_session_confirm_with_passkey": "the account pages, before what a borrowed browser should not do",
    "account_delete": "its page, and the API: tests/gdpr/test_own.py goes through both",
    "account_keep": "its page, and the API: tests/gdpr/test_own.py goes through both",
    "user_impersonate": "each door acts on in its own way, with a token or in the browser: tests/accounts/*/"
    "test_impersonation.py",
    "impersonation_stop": "the button on the banner, and the API with the token itself",
    "user_change_password": "one's own, on its page and in the API: tests/accounts/api/test_own_password.py",
    "link_redeem": "the page of the link",
    "invite_accept": "its page, and the API: tests/accounts/pages/test_invites.py compares",
    "invite_request": "its page, and the API: tests/accounts/pages/test_invites.py compares",
    "_invite_request": "the worker, for whoever asked on the page or in the API",
    "invite_decline": "its page, and the API: tests/accounts/pages/test_account.py",
    "invite_join": "its page, and the API: tests/accounts/pages/test_account.py",
    "email_confirm_request": "one's own, on its page and in the API: tests/accounts/pages/test_account.py",
    "email_change": "one's own, with the present password: its page, and the API: tests/accounts/pages/test_account.py",
    "email_confirm": "its page, and the API: tests/accounts/api/test_auth.py compares",
    "_password_reset_request": "the worker, for whoever asked on the page or in the API",
    "user_reset_link": "the shell: an answer of the API or a page of the admin would show others a way in",
    "installation_start": "the first start",
    "superuser_create": "the operator makes super-users",
    "admin_link": "the operator's way back in",
    "keys_rotate": "the key file lies on the operator's machine",
    "backup_recorded": "files on the operator's machine",
    "restore_recorded": "files on the operator's machine",
}
"""What is done at one door alone, and which."""

SECRET = {"secret_hash", "lookup", "hash", "salt", "key_hash", "subject_commitment"}
"""Compared by whether there is something."""
OF_THE_DOOR = {
    "AuditEvent": {"door", "request_id", "actor_kind", "actor_commitment", "network_commitment"},
    "Session": {"session_data", "expire_date"},  # the browser's own row: what the admin tells on its next page
    "DBTaskResult": {"args_kwargs"},  # the id of the letter
    "Erasure": {"receipt", "requested_by_kind"},
    "Export": {"requested_by_kind"},
    "Invite": {"invited_by_kind"},
}
NOW = timedelta(minutes=1)
MOMENTS = {"now": timedelta(), "in a week": timedelta(days=7)}
"""What is told of a moment that each try counts from its own present: the second is how long an invite lives."""
PUBLIC_ID = re.compile(r"\b([a-z]{3})_[0-9a-z]{26}\b")
Photograph = dict[type[models.Model], dict[Any, dict[str, Any]]]


def build() -> World:
    """Make everybody, and root with a browser."""
    cast, operator = make_cast(), policy.operator(os_user="tester", request_id="test")
    acme, nextdoor = cast.alice.organization, cast.mallory.organization
    user_tag(actor=operator, user=cast.bob, tags=["lab"])
    claim = make_claim(acme)
    say(cast.bob, claim, "Engineering")
    cast.bob.refresh_from_db()
    application, role = make_application(acme, "billing", "billing.refund"), make_role(acme, "helpdesk", "user.show")
    give_custom(cast.carol, role)
    give_custom(cast.carol, make_role(acme, "clerk", "billing.refund", application=application))
    return SimpleNamespace(
        **vars(cast),
        acme=acme,
        application=application,
        role=role,
        oscar=make_user(nextdoor, "oscar"),
        guest=make_guest(make_user(nextdoor, "gus"), acme),
        session=SessionFactory.create(user=cast.bob),
        claim=claim,
        langs=make_claim(acme, "langs", type="strings"),
        crm=make_application(acme),
        invite=user_invite(
            actor=policy.actor_for(cast.erin, door=Door.API), organization=acme, email="ivy@acme.example"
        ).invite,
        others=SessionFactory.create(user=cast.carol),
        key=api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"]).key,
        letter=make_failed_letter(cast.bob),
        hold=hold_place(actor=operator, user=cast.carol, reason="Case 7", exemption="e"),
        request=request_open(actor=operator, user=cast.carol, kind="access"),
        operator=operator,
        api=API.of(cast.root),
    )


def photograph() -> Photograph:
    """Take down every row of every table."""
    found: Photograph = {}
    for model in apps.get_models(include_auto_created=True):
        rows = model._default_manager.all()
        if model is AuditPart:
            rows = rows.filter(kind=AuditPart.SUBJECT)
        primary = model._meta.pk
        assert primary is not None
        found[model] = {row[primary.attname]: row for row in rows.values()}
    return found


def difference(before: Photograph, after: Photograph, actor_id: UUID | None) -> list[str]:
    """Say what became of every table, without what differs at each try: ids of new rows, the time, hashes."""
    new = {model: rows.keys() - before[model].keys() for model, rows in after.items()}
    names = {key: f"new {model.__name__}" for model, keys in new.items() for key in keys if isinstance(key, UUID)}
    lines = []
    for model, rows in after.items():
        lines += [f"{model.__name__} gone {key}" for key in before[model].keys() - rows.keys()]
        skipped = OF_THE_DOOR.get(model.__name__, set())
        fields = {field.attname: field for field in model._meta.concrete_fields}
        for key, row in rows.items():
            old = before[model].get(key)
            told = {
                column: f"new {target.__name__}"
                if (target := fields[column].related_model) in new and value in new[target]
                else _told(column, value, names, actor_id)
                for column, value in row.items()
                if column not in skipped and (old[column] != value if old else not fields[column].primary_key)
            }
            if told:
                line = json.dumps(told, sort_keys=True, default=str)
                lines.append(f"{model.__name__} {key if old else 'new'} {PUBLIC_ID.sub(partial(_named, names), line)}")
    return sorted(lines)


def _named(names: Mapping[Any, str], match: re.Match[str]) -> str:
    return names.get(ids.decode(match[1], match[0]), match[0])


def _told(column: str, value: Any, names: Mapping[Any, str], actor_id: UUID | None) -> Any:
    if (
        column in {"actor_id", "made_by_id", "assigned_by", "requested_by", "set_by", "invited_by"}
        and value == actor_id
    ):
        return "whoever did it"
    if column == "password":
        return "the typed one" if verified(NEW_PASSWORD, value) else "another"
    if column in SECRET:
        return bool(value)
    if isinstance(value, datetime):
        since = value.astimezone(UTC) - timezone.now()
        return next((word for word, moment in MOMENTS.items() if abs(since - moment) < NOW), value)
    if isinstance(value, UUID):
        return names.get(value, str(value))
    return value


def test_every_operation_has_its_doors_listed() -> None:
    modules()

    assert {verb.operation for verb in VERBS.values()} | set(ONE_DOOR) == set(OPERATIONS)
    assert not {verb.operation for verb in VERBS.values()} & set(ONE_DOOR)
    for name, verb in VERBS.items():
        assert len(verb.ways) > 1, name
        assert set(verb.ways) | set(verb.without) == {Door.CLI, Door.API, Door.ADMIN}, name


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_door_leaves_the_same_rows_and_the_same_event(world: World, name: str) -> None:
    verb = VERBS[name]
    verb.prepare(world)
    before = photograph()
    left = {}
    for door, way in verb.ways.items():
        with transaction.atomic():
            way.do(world)
            events = AuditEvent.objects.exclude(pk__in=before[AuditEvent].keys())
            assert {(event.action, event.door, event.outcome) for event in events} == {
                (OPERATIONS[verb.operation], door, "done")
            }
            nobody = door is Door.CLI or verb.is_open
            left[door] = difference(before, photograph(), None if nobody else world.root.pk)
            transaction.set_rollback(True)

    assert photograph() == before
    first, *others = left.values()
    assert first
    for other in others:
        assert other == first
