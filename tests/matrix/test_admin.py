"""The admin's matrices, which compare themselves with the registry and the addresses: new and unlisted fails."""

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse
from django.utils import timezone

from accounts import ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.user_verbs import USER_VERBS
from accounts.models import (
    APIKey,
    Application,
    AuditEvent,
    ClaimDefinition,
    Invite,
    Membership,
    Organization,
    Outbox,
    Role,
    Session,
    User,
)
from accounts.operations.api_keys import api_key_create
from accounts.operations.invites import user_invite
from accounts.operations.users import user_tag
from gdpr.admin import site
from gdpr.models import Erasure, LegalHold, PrivacyTerms, SubjectRequest
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_open
from tests.accounts.pages.browsing import SHELL, Browser, sign_in, text_of
from tests.factories.cast import make_cast
from tests.factories.claims import make_claim
from tests.factories.factors import make_factor
from tests.factories.letters import make_failed_letter
from tests.factories.roles import make_application, make_role
from tests.factories.users import SessionFactory, make_user

WHO = ("alice", "erin", "frank", "mallory", "root", "carol", "anonymous")
AWAY = (302, 302)
"""Those with nothing to administer, and nobody, are led to the sign-in page."""
OUTSIDE = {
    "index", "login", "logout", "password_change", "password_change_done",
}  # fmt: skip

GET: dict[str, tuple[int, int, int, int, int]] = {
    #                     alice erin frank mallory root
    "user_changelist": (200, 200, 200, 200, 200),
    "user_add": (200, 200, 403, 200, 200),
    "user_change": (200, 200, 200, 404, 200),
    "user_memberships": (200, 200, 403, 404, 200),
    "user_roles": (200, 200, 403, 404, 200),
    "user_sessions": (200, 200, 403, 404, 200),
    "user_audit": (200, 200, 403, 404, 200),
    "user_claims": (200, 200, 200, 404, 200),
    "user_two-factor": (200, 200, 403, 404, 200),
    "user_invites": (200, 200, 403, 404, 200),
    "invite_changelist": (200, 200, 403, 200, 200),
    "invite_add": (200, 200, 403, 200, 200),
    "invite_verb": (200, 200, 403, 404, 200),
    "user_personal-data": (200, 200, 403, 404, 200),
    "user_erasure": (200, 200, 403, 404, 200),
    "erasure_changelist": (200, 200, 403, 200, 200),
    "erasure_change": (200, 200, 403, 404, 200),
    "erasure_receipt": (200, 200, 403, 404, 200),
    "user_verb": (200, 200, 403, 404, 200),
    "organization_changelist": (200, 200, 200, 200, 200),
    "organization_add": (403, 403, 403, 403, 200),
    "organization_change": (200, 200, 200, 404, 200),
    "organization_verb": (200, 403, 403, 404, 200),
    "membership_changelist": (200, 200, 403, 200, 200),
    "membership_verb": (200, 200, 403, 404, 200),
    "role_changelist": (200, 200, 200, 200, 200),
    "role_change": (200, 200, 404, 404, 200),
    "role_add": (200, 200, 403, 200, 200),
    "role_look-up": (200, 200, 200, 200, 200),
    "role_verb": (200, 200, 404, 404, 200),
    "application_changelist": (200, 200, 403, 200, 200),
    "application_add": (200, 200, 403, 200, 200),
    "application_change": (200, 200, 403, 404, 200),
    "application_verb": (200, 200, 403, 404, 200),
    "session_changelist": (200, 200, 403, 200, 200),
    "session_verb": (200, 200, 403, 404, 200),
    "claimdefinition_changelist": (200, 200, 403, 200, 200),
    "claimdefinition_add": (200, 200, 403, 200, 200),
    "claimdefinition_change": (200, 200, 403, 404, 200),
    "claimdefinition_verb": (200, 200, 403, 404, 200),
    "apikey_changelist": (200, 200, 403, 200, 200),
    "apikey_add": (200, 200, 403, 200, 200),
    "apikey_verb": (200, 200, 403, 404, 200),
    "outbox_changelist": (200, 200, 403, 200, 200),
    "outbox_verb": (200, 200, 403, 404, 200),
    "auditevent_changelist": (200, 200, 403, 200, 200),
    "auditevent_change": (200, 200, 403, 404, 200),
    "legalhold_changelist": (200, 200, 403, 200, 200),
    "legalhold_add": (200, 200, 403, 200, 200),
    "legalhold_verb": (200, 200, 403, 404, 200),
    "subjectrequest_changelist": (200, 200, 403, 200, 200),
    "subjectrequest_add": (200, 200, 403, 200, 200),
    "subjectrequest_verb": (200, 200, 403, 404, 200),
    "privacyterms_changelist": (200, 200, 403, 200, 200),
    "privacyterms_change": (200, 200, 403, 404, 200),
}
POST: dict[str, tuple[int, int, int, int, int]] = {
    "user_add": (302, 302, 403, 422, 302),
    "user_change": (302, 302, 403, 404, 302),
    "user_memberships": (302, 302, 403, 404, 302),
    "user_claims": (302, 302, 403, 404, 302),
    "user_two-factor": (302, 302, 403, 404, 302),
    "user_roles": (302, 302, 403, 404, 302),
    "role_add": (302, 302, 403, 422, 302),
    "role_change": (302, 302, 404, 404, 302),
    "role_verb": (302, 302, 404, 404, 302),
    "application_add": (302, 302, 403, 422, 302),
    "application_change": (302, 302, 403, 404, 302),
    "application_verb": (302, 302, 403, 404, 302),
    "invite_add": (302, 302, 403, 422, 302),
    "invite_verb": (302, 302, 403, 404, 302),
    "user_personal-data": (302, 302, 403, 404, 302),
    "user_erasure": (302, 302, 403, 404, 302),
    "user_verb": (302, 302, 403, 404, 302),
    "organization_add": (403, 403, 403, 403, 302),
    "organization_change": (302, 302, 403, 404, 302),
    "organization_verb": (302, 403, 403, 404, 302),
    "membership_verb": (302, 302, 403, 404, 302),
    "session_verb": (302, 302, 403, 404, 302),
    "claimdefinition_add": (302, 302, 403, 422, 302),
    "claimdefinition_change": (302, 302, 403, 404, 302),
    "claimdefinition_verb": (302, 302, 403, 404, 302),
    "apikey_add": (200, 200, 403, 422, 200),
    "apikey_verb": (302, 302, 403, 404, 302),
    "outbox_verb": (302, 302, 403, 404, 302),
    "legalhold_add": (302, 302, 403, 422, 302),
    "legalhold_verb": (302, 302, 403, 404, 302),
    "subjectrequest_add": (302, 302, 403, 422, 302),
    "subjectrequest_verb": (302, 302, 403, 404, 302),
    "privacyterms_change": (302, 302, 403, 404, 302),
}
ATTEMPTED = {
    "user_add": Action.USER_CREATE,
    "user_change": Action.USER_UPDATE,
    "user_memberships": Action.MEMBERSHIP_ADD,
    "user_two-factor": Action.FACTOR_REMOVE,
    "user_roles": Action.ROLE_ASSIGN,
    "role_add": Action.ROLE_CREATE,
    "role_change": Action.ROLE_UPDATE,
    "role_verb": Action.ROLE_DELETE,
    "application_add": Action.APP_CREATE,
    "application_change": Action.APP_UPDATE,
    "application_verb": Action.APP_DELETE,
    "user_verb": Action.USER_SET_PASSWORD,
    "invite_add": Action.USER_INVITE,
    "invite_verb": Action.USER_REVOKE_INVITE,
    "user_claims": Action.USER_CLAIMS_SET,
    "claimdefinition_add": Action.CLAIM_CREATE,
    "claimdefinition_change": Action.CLAIM_UPDATE,
    "claimdefinition_verb": Action.CLAIM_DELETE,
    "organization_add": Action.ORG_CREATE,
    "organization_change": Action.ORG_UPDATE,
    "organization_verb": Action.ORG_ARCHIVE,
    "membership_verb": Action.MEMBERSHIP_REMOVE,
    "session_verb": Action.SESSION_REVOKE,
    "apikey_add": Action.API_KEY_CREATE,
    "apikey_verb": Action.API_KEY_REVOKE,
    "outbox_verb": Action.LETTER_RETRY,
    "user_personal-data": Action.USER_EXPORT,
    "user_erasure": Action.USER_PURGE,
    "legalhold_add": Action.HOLD_PLACE,
    "legalhold_verb": Action.HOLD_RELEASE,
    "subjectrequest_add": Action.REQUEST_OPEN,
    "subjectrequest_verb": Action.REQUEST_CLOSE,
    "privacyterms_change": Action.TERMS_UPDATE,
}
"""What a request made by hand is recorded as when it is refused, by the operation or by the page before it."""


World = SimpleNamespace


def build() -> World:
    """Make everybody, each with a browser, and give the public id that each route is tried with, all of acme."""
    cast, operator = make_cast(), policy.operator(os_user="tester", request_id="test")
    acme = cast.alice.organization
    cast.browsers = {who: Browser() for who in WHO}
    for who in set(WHO) - {"anonymous"}:
        sign_in(cast.browsers[who], getattr(cast, who))
    session = SessionFactory.create(user=cast.bob)
    claim = make_claim(acme)
    invite = user_invite(actor=operator, organization=acme, email="kim@example.com").invite
    key = api_key_create(actor=operator, organization=acme, name="sync", scopes=["user.show"]).key
    user_tag(actor=operator, user=cast.bob, tags=["vip"])
    event = AuditEvent.objects.get(action=Action.USER_TAG)
    hold = hold_place(actor=operator, user=cast.carol, reason="Case 7", exemption="e")
    request = request_open(actor=operator, user=cast.carol, kind="access")
    erasure = Erasure.objects.create(
        organization=acme,
        user_id=ids.new(),
        how="purge",
        status="complete",
        requested_by_kind="operator",
        erased_at=timezone.now(),
        receipt={"counts": [], "kept": [], "physical": [], "scan": {"whole_database": None, "missing": ""}},
    )
    world = {
        "user": cast.bob.public_id,
        "erasure": erasure.public_id,
        "organization": acme.public_id,
        "membership": Membership.objects.get(user=cast.dave, organization=acme).public_id,
        "role": make_role(acme, "helpdesk", "user.show").public_id,
        "application": make_application(acme, "billing", "billing.refund").public_id,
        "factor": make_factor(cast.bob).public_id,
        "session": session.public_id,
        "claimdefinition": claim.public_id,
        "invite": invite.public_id,
        "apikey": key.public_id,
        "outbox": make_failed_letter(cast.bob).public_id,
        "auditevent": event.public_id,
        "legalhold": hold.public_id,
        "subjectrequest": request.public_id,
        "privacyterms": acme.public_id,
    }
    return World(cast=cast, world=world)


@pytest.fixture
def cast(built: World) -> World:
    """Everybody."""
    everybody: World = built.cast
    return everybody


@pytest.fixture
def world(built: World) -> dict[str, str]:
    """The public id that each route is tried with."""
    ids_of: dict[str, str] = built.world
    return ids_of


VERB = {
    "user": "set-password",
    "organization": "archive",
    "membership": "remove",
    "role": "delete",
    "application": "delete",
    "session": "revoke",
    "apikey": "revoke",
    "claimdefinition": "delete",
    "outbox": "retry",
    "invite": "revoke",
    "legalhold": "release",
    "subjectrequest": "close",
}
ARCHIVE = {"erasure", "legalhold", "subjectrequest", "privacyterms"}
"""Nouns of gdpr; the others are of accounts."""


def address(name: str, world: dict[str, str]) -> str:
    """Give the address of a page, of the row that the world has."""
    noun, _, page = name.partition("_")
    route = f"admin:{'gdpr' if noun in ARCHIVE else 'accounts'}_{name}"
    if page == "verb":
        return f"{reverse(route, args=[VERB[noun]])}?selected={world[noun]}"
    args = [] if page in {"changelist", "add", "look-up"} else [world[noun], *(["json"] if page == "receipt" else [])]
    return reverse(route, args=args)


def values(name: str, world: dict[str, str]) -> dict[str, Any]:
    """Give what is posted to a page."""
    noun, _, page = name.partition("_")
    if page == "verb":
        more = {"how": "typed", "password": "another long sentence here", "again": "another long sentence here"}
        typed = {"user": more, "subjectrequest": {"outcome": "done"}}.get(noun, {})
        return {"selected": world[noun], "step": "do", "reason": "because", **typed}
    posted: dict[str, dict[str, Any]] = {
        "user_add": {"organization": "acme", "email": "new@acme.example", "password": "none"},
        "user_change": {"email": "bob@acme.example", "initial-email": "bob@acme.example", "nickname": "Bobby",
                        "username": "bob", "initial-username": "bob", "name": "Bob", "initial-name": "Bob",
                        "tags": "vip", "initial-tags": "vip", "version": "2"},
        "invite_add": {"organization": "acme", "email": "new@acme.example", "name": "Kim"},
        "user_claims": {"claim": world["claimdefinition"], "value": "Sales", "reason": "asked"},
        "claimdefinition_add": {"organization": "acme", "name": "tier", "type": "string"},
        "claimdefinition_change": {"description": "Where somebody works", "initial-description": "", "version": "1",
                                   "is_personal": "on", "initial-is_personal": "True", "invalid": "refuse"},
        "user_personal-data": {"scope": "access", "format": "zip", "reason": "by letter"},
        "user_erasure": {"how": "purge", "typed": "bob@acme.example", "after": "14d", "reason": "asked"},
        "user_two-factor": {"factor": world["factor"], "reason": "lost"},
        "user_memberships": {"organization": "acme", "role": "moderator"},
        "user_roles": {"organization": "acme", "role": "helpdesk"},
        "role_add": {"organization": "acme", "name": "Clerk", "slug": "clerk", "permissions": ["user.show"]},
        "role_change": {"name": "Desk", "initial-name": "Helpdesk", "slug": "helpdesk", "initial-slug": "helpdesk",
                        "permissions": ["user.show"], "version": "1"},
        "application_add": {"organization": "acme", "name": "Shop", "slug": "shop", "permissions": "order.see See"},
        "application_change": {"name": "Invoices", "initial-name": "Billing", "slug": "billing",
                               "initial-slug": "billing", "permissions": "billing.refund",
                               "initial-permissions": "billing.refund", "version": "1"},
        "organization_add": {"name": "Third", "slug": "third"},
        "organization_change": {"name": "Acme renamed", "initial-name": "Acme", "slug": "acme",
                                "initial-slug": "acme", "invite_days": "7", "initial-invite_days": "7",
                                "impersonation_max": "1h", "initial-impersonation_max": "1h",
                                "language": "en", "initial-language": "en",
                                "second_factor": "optional", "initial-second_factor": "optional",
                                "mail_codes": "refused", "initial-mail_codes": "refused",
                                "version": "1"},
        "apikey_add": {"organization": "acme", "name": "tool", "scopes": ["user.show"]},
        "legalhold_add": {"organization": "acme", "person": "bob", "reason": "Case 8", "exemption": "e"},
        "subjectrequest_add": {"organization": "acme", "person": "bob", "kind": "access"},
        "privacyterms_change": {"erasure_grace_days": "7", "archived_days": "90", "contact": "dpo@acme.example"},
    }  # fmt: skip
    return posted[name]


def signed_in(who: str, cast: SimpleNamespace) -> Browser:
    """Give the browser in which somebody is signed in."""
    browser: Browser = cast.browsers[who]
    return browser


def routes() -> Iterator[str]:
    """Give the name of every address below /admin/."""
    for entry in site.urls[0]:
        inner = [entry] if isinstance(entry, URLPattern) else entry.url_patterns
        yield from (str(pattern.name) for pattern in inner if isinstance(pattern, URLPattern) and pattern.name)


class TestListed:
    """What is new and unlisted fails."""

    def test_every_address_is_in_the_matrix(self) -> None:
        found = set(routes())

        ours = {name for name in found if name.startswith(("accounts_", "gdpr_"))}
        assert {name.partition("_")[2] for name in ours} == set(GET)
        assert {name.partition("_")[2].partition("_")[0] for name in ours if name.startswith("gdpr_")} == ARCHIVE
        assert found - ours == OUTSIDE
        assert set(ATTEMPTED) == set(POST)

    def test_every_registered_noun_is_in_the_matrix_and_none_has_djangos_own_writing(self) -> None:
        assert set(site._registry) == {
            User, Organization, Membership, Role, Application, ClaimDefinition, Invite, Session, APIKey, Outbox,
            AuditEvent, Erasure, LegalHold, SubjectRequest, PrivacyTerms,
        }  # fmt: skip
        for noun in site._registry.values():
            request: Any = None
            assert not noun.has_add_permission(request)
            assert not noun.has_change_permission(request)
            assert not noun.has_delete_permission(request)

    def test_every_verb_on_people_is_there(self) -> None:
        words = {action.partition(".")[2].replace("_", "-") for action in Action if action.startswith("user.")}
        elsewhere = {"create", "list", "search", "show", "update", "change-password", "suspend-matching"}
        elsewhere |= {"claims-set", "claims-remove"}  # on the tab "Claims"
        elsewhere |= {"invite", "invites", "revoke-invite", "resend-invite"}  # under "Invites"
        elsewhere |= {"export"}  # on the tab "Personal data"

        assert set(USER_VERBS) == words - elsewhere


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", GET)
def test_permission_page_get(
    name: str, who: str, cast: SimpleNamespace, world: dict[str, str], everything: Callable[[], dict[str, Any]]
) -> None:
    client = signed_in(who, cast)
    before, events = everything(), AuditEvent.objects.count()

    answer = client.get(address(name, world))

    expected = dict(zip(WHO, (*GET[name], *AWAY), strict=True))
    assert answer.status_code == expected[who]
    assert answer.status_code < 400 or not SHELL.search(text_of(answer))
    if who in {"carol", "anonymous"}:
        assert answer["Location"].startswith("/admin/login/")
    assert (everything(), AuditEvent.objects.count()) == (before, events)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", POST)
def test_permission_page_post(
    name: str, who: str, cast: SimpleNamespace, world: dict[str, str], everything: Callable[[], dict[str, Any]]
) -> None:
    client = signed_in(who, cast)
    before = everything()
    events = set(AuditEvent.objects.values_list("pk", flat=True))

    answer = client.post(address(name, world), values(name, world))

    expected = dict(zip(WHO, (*POST[name], *AWAY), strict=True))[who]
    assert answer.status_code == expected
    assert answer.status_code < 400 or not SHELL.search(text_of(answer))
    refused = AuditEvent.objects.exclude(pk__in=events).filter(outcome="refused")
    assert [(event.action, event.door, event.actor_id) for event in refused] == (
        [(ATTEMPTED[name], "admin", getattr(cast, who).pk)] if expected == 403 else []
    )
    done = expected in {200, 302} and who not in {"carol", "anonymous"}
    assert (everything() == before) is not done
    if done:
        assert AuditEvent.objects.filter(outcome="done", door="admin").exclude(action="session.start").count() == 1


@pytest.mark.parametrize("name", [name for name in GET if not name.endswith(("_changelist", "_add", "_look-up"))])
@pytest.mark.parametrize("method", ["get", "post"])
def test_tenancy_a_strangers_row_and_an_absent_one_answer_alike(
    name: str, method: str, cast: SimpleNamespace, world: dict[str, str]
) -> None:
    client = signed_in("mallory", cast)
    noun = name.partition("_")[0]
    absent = {**world, noun: ids.encode(world[noun][:3], ids.new())}

    def answer(there: dict[str, str]) -> tuple[int, str]:
        data = values(name, there) if method == "post" and name in POST else None
        response = getattr(client, method)(address(name, there), data)
        return response.status_code, text_of(response, there[noun])

    assert answer(world) == answer(absent)
    assert answer(world)[0] == 404


@pytest.mark.parametrize("name", [name for name in GET if name.endswith("_changelist")])
def test_tenancy_lists_hold_nothing_of_the_neighbours(name: str, cast: SimpleNamespace, world: dict[str, str]) -> None:
    noun = name.partition("_")[0]
    shown = {who: text_of(signed_in(who, cast).get(address(name, world))) for who in ("alice", "mallory")}
    mark = cast.dave.public_id if noun == "membership" else world[noun]

    assert mark in shown["alice"]
    if noun != "membership":
        assert mark not in shown["mallory"]
    for private in (cast.bob.public_id, cast.bob.email, "acme.example"):
        assert private not in shown["mallory"]
    if noun not in {"organization", "privacyterms"}:  # lists of organizations
        assert signed_in("mallory", cast).get(f"{address(name, world)}?org=acme").status_code == 404


@pytest.mark.parametrize("name", ["user_add", "user_change", "user_memberships", "user_verb"])
def test_field_by_write_nothing_unlisted_changes(name: str, cast: SimpleNamespace, world: dict[str, str]) -> None:
    """Every column of a person is posted to every write."""
    allowed = {
        "user_add": {"email", "email_key", "organization_id", "username", "username_key"},
        "user_change": {"nickname", "version", "updated_at"},
        "user_memberships": {"version", "updated_at"},
        "user_verb": {"password", "must_change_password", "version", "updated_at"},
    }[name]
    hostile = {
        "status": "archived", "status_reason": "hostile", "status_before": "active", "is_superuser": "on", "id": "x",
        "status_until": "2030-01-01", "email_verified_at": "2020-01-01", "email_key": "evil", "username_key": "evil",
        "name_key": "evil", "last_sign_in_at": "2020-01-01", "created_at": "2020-01-01", "updated_at": "2020-01-01",
        "must_change_password": "on", "must_enrol": "on", "organization": world["organization"], "metadata": "",
    }  # fmt: skip
    columns = {field.name for field in User._meta.fields}
    posted = {**hostile, **values(name, world)}
    client = signed_in("alice", cast)
    before: dict[str, Any] = dict(User.objects.filter(pk=cast.bob.pk).values().get())

    client.post(address(name, world), posted)

    assert columns <= {*posted, "email", "username", "password", "version", "given_name", "family_name", "nickname",
                       "name", "phone_number", "locale", "zoneinfo", "picture", "bio"}  # fmt: skip
    if name == "user_add":
        made = User.objects.get(email="new@acme.example")
        usual = {field.attname: field.get_default() for field in User._meta.fields}
        differing = {column for column, value in usual.items() if getattr(made, column) != value}
        assert differing - {"id", "created_at", "password"} == {"email", "email_key", "organization_id"}
        return
    after: dict[str, Any] = dict(User.objects.filter(pk=cast.bob.pk).values().get())
    assert {column for column in after if after[column] != before[column]} <= allowed


@pytest.mark.parametrize("name", [name for name in GET if name.endswith("_changelist")])
def test_queries_do_not_depend_on_the_number_of_rows(
    name: str, cast: SimpleNamespace, world: dict[str, str], acme: Organization, operator: Actor
) -> None:
    client = signed_in("alice", cast)

    def queries(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    few = queries(address(name, world))
    for number in range(20):
        person = make_user(acme, f"more-{number}")
        SessionFactory.create(user=person)
        user_tag(actor=operator, user=person, tags=["a", "b"])
        api_key_create(actor=operator, organization=acme, name=f"more {number}", scopes=["user.show"])
        application = make_application(acme, f"more-{number}", "billing.refund")
        make_claim(acme, f"more-{number}", application=application)
        make_role(acme, f"more-{number}", "billing.refund", application=application)
        hold_place(actor=operator, user=person, reason="Case 9", exemption="e")
        request_open(actor=operator, user=person, kind="access")

    assert queries(address(name, world)) == few


COUNTING = {"user_erasure"}
"""The plan of an erasure counts: one person's rows, each table along an index."""


def test_no_page_counts_or_skips_rows(cast: SimpleNamespace, world: dict[str, str]) -> None:
    client = signed_in("root", cast)

    with CaptureQueriesContext(connection) as captured:
        for name in GET.keys() - COUNTING:
            client.get(address(name, world))
        client.get("/admin/")

    assert [query["sql"] for query in captured if re.search(r"COUNT\(|OFFSET", query["sql"])] == []


@pytest.mark.parametrize("name", sorted(GET.keys() - {"erasure_receipt", "role_look-up"}))  # a file, and JSON
def test_every_page_obeys_the_content_security_policy_and_has_one_heading(
    name: str, cast: SimpleNamespace, world: dict[str, str]
) -> None:
    answer = signed_in("root", cast).get(address(name, world))

    text = text_of(answer)
    assert "'unsafe" not in answer["Content-Security-Policy"]
    assert not re.search(r"<style|\sstyle=|<script>|\son[a-z]+=|<script(?![^>]* src=\"/)", text)
    assert (text.count("<h1"), text.count("<main"), "no-store" in answer["Cache-Control"]) == (1, 1, True)
