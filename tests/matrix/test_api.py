"""Every address of the API by everybody and every method; strangers find nothing; no field writes what it may not.

It compares itself with the URL resolver: a route that is new and unlisted fails. One letter for each of
the cast: ``+`` it is answered, ``-`` 403, ``0`` 404,
``x`` 401 (what is prepared has ended their session). Of many, each row has its own answer.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts import ids, policy
from accounts.actors import Door
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.models import AuditEvent, Organization, Outbox, Purpose, Session, User
from accounts.operations import api_keys
from accounts.operations.base import OPERATIONS
from accounts.operations.invites import user_invite
from accounts.operations.links import CODE, code_for, mint
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.tokens import token_start
from accounts.operations.users import user_tag
from accounts.statuses import Status
from gdpr.models import Erasure
from gdpr.operations.exports import export_make, user_export_request
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_open
from tests.accounts.api.programs import API, key_of
from tests.accounts.mailbox import token_of
from tests.factories.authenticator import Authenticator, begin_passkey, text
from tests.factories.cast import make_cast
from tests.factories.claims import make_claim
from tests.factories.factors import make_factor, make_mail_factor, shown_for
from tests.factories.letters import make_failed_letter
from tests.factories.organizations import make_guest
from tests.factories.roles import make_application, make_role
from tests.factories.users import PASSWORD, SessionFactory, make_user

CAST = ("root", "alice", "erin", "frank", "carol", "bob", "mallory", "dave", "key")
"""Super-user, owner, admin, moderator, member, the person themselves, owner next door, guest, narrow key."""
KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
World = SimpleNamespace


@dataclass(frozen=True)
class Route:
    """Who may, about what, and what must be so before."""

    letters: str
    about: str = ""
    body: Callable[[World], Any] = lambda _: {}
    query: str = ""
    prepare: Callable[[World], Any] = lambda _: None


def people(world: World) -> list[User]:
    """Give the cast without the key."""
    return [getattr(world, who) for who in CAST if who != "key"]


def passkeys_begun(world: World) -> None:
    """Let everybody be in the middle of making the same passkey, wherever they are signed in."""
    for session in Session.objects.live().select_related("user"):
        begin_passkey(session.user, session, b"c" * 64)


def status(letters: str, before: Status = Status.ACTIVE) -> Route:
    def prepare(world: World) -> None:
        User.objects.filter(pk=world.bob.pk).update(
            status=before, status_before=Status.ACTIVE if before is Status.RESTRICTED else ""
        )

    return Route(letters, "bob", prepare=prepare)


def on(about: str, letters: str, **body: Any) -> Route:
    return Route(letters, about, lambda _: body)


ROUTES: dict[str, Route] = {
    "me_show": Route("+++++++++"),
    "me_update": Route("++++++++-", body=lambda _: {"nickname": "Nick"}),
    "org_list": Route("++++++++-"),
    "org_create": Route("+--------", body=lambda _: {"slug": "new", "name": "New"}),
    "org_show": Route("++++++0+-", "acme"),
    "org_update": Route("+++---0--", "acme", lambda _: {"name": "New"}),
    "org_suspend": on("acme", "+-----0--"),
    "org_activate": Route(
        "+xxxxx00x",
        "acme",
        prepare=lambda world: Organization.objects.filter(pk=world.acme.pk).update(status="suspended"),
    ),
    "org_archive": on("acme", "++----0--"),
    "user_list": Route("++++--0-+", query="org=acme"),
    "user_create": Route("+++---0--", body=lambda _: {"email": "new@example.com", "organization": "acme"}),
    "user_show": on("bob", "++++0+00+"),
    "user_invites": Route("+++---0--", query="org=acme"),
    "user_invite": Route("+++---0--", body=lambda _: {"email": "new@example.com", "organization": "acme"}),
    "user_invite_show": on("invite", "+++---0--"),
    "user_revoke_invite": on("invite", "+++000000"),
    "user_resend_invite": on("invite", "+++000000"),
    "me_email": Route("++++++++-"),
    "email_confirm_request": Route("++++++++-"),
    "email_change": Route("++++++++-", body=lambda _: {"email": "new@example.com", "current_password": PASSWORD}),
    "me_invites": Route("+++++++++"),
    "invite_join": on("invite", "000000000"),  # it is to kim: tests/accounts/api/test_invites.py
    "invite_decline": on("invite", "000000000"),
    "user_update": on("bob", "+++-0+00-", nickname="Bobby"),
    "user_search": Route("++++--0--", body=lambda _: {"query": "bob", "org": "acme"}),
    "user_bulk": Route("++++--+--", body=lambda world: {"verb": "tag", "tags": ["x"], "ids": [world.bob.public_id]}),
    "user_tags": on("bob", "++++0+00+"),
    "user_roles": on("bob", "+++---0--"),
    "role_assign": Route("+++-0-00-", "bob", lambda _: {"role": "helpdesk"}),
    "role_remove": Route("+++-0-00-", "bob", lambda _: {"role": "helpdesk"}),
    "app_list": Route("+++---0--", query="org=acme"),
    "app_create": Route("+++---0--", body=lambda _: {"organization": "acme", "slug": "shop", "name": "Shop"}),
    "app_show": on("application", "+++---0--"),
    "app_update": on("application", "+++000000", name="New"),
    "app_delete": on("application", "+++000000"),
    "role_list": Route("+++---0--", query="org=acme"),
    "role_create": Route("+++---0--", body=lambda _: {"organization": "acme", "slug": "clerk", "name": "Clerk"}),
    "role_show": on("role", "+++---0--"),
    "role_update": on("role", "+++000000", name="New"),
    "role_delete": on("role", "+++000000"),
    "permission_list": Route("+++---0--", query="org=acme"),
    "user_two_factor": on("bob", "+++-0+00-"),
    "factor_remove": Route("+++00+000", "bob", lambda world: {"factor": world.factor.public_id}),
    "user_disable_two_factor": on("bob", "+++-0-00-"),
    "user_reset_two_factor": on("bob", "+++-0-00-"),
    "user_change_password": Route(
        "++++++++-",
        body=lambda _: {"current_password": PASSWORD, "password": "another long sentence here"},
    ),
    "me_two_factor": Route("++++++++-"),
    "factor_enrol_start": Route("++++++++-"),
    "factor_enrol_finish": Route(
        "++++++++-",
        body=lambda _: {"code": shown_for(KEY)},
        prepare=lambda world: [make_factor(person, key=KEY, confirmed=False) for person in people(world)],
    ),
    "passkey_enrol_start": Route("++++++++-"),
    "passkey_enrol_finish": Route(
        "++++++++-",
        body=lambda world: {"answer": json.loads(world.passkey)},
        prepare=passkeys_begun,
    ),
    "recovery_codes_renew": Route("++++++++-", prepare=lambda world: [make_factor(person) for person in people(world)]),
    "user_sessions": on("bob", "+++-0+00-"),
    "user_sessions_revoke_all": on("bob", "+++-0+00-"),
    "user_suspend": status("++++0-00-"),
    "user_activate": status("++++0x00-", Status.SUSPENDED),
    "user_lock": status("++++0-00-"),
    "user_unlock": status("++++0x00-", Status.LOCKED),
    "user_archive": status("+++-0-00-"),
    "user_restrict": status("+++-0-00-"),
    "user_unrestrict": status("+++-0x00-", Status.RESTRICTED),
    "user_confirm": on("bob", "+++-0-00-"),
    "user_unconfirm": on("bob", "+++-0-00-"),
    "user_tag": on("bob", "++++0-00-", tags=["x"]),
    "user_untag": on("bob", "++++0-00-", tags=["x"]),
    "user_set": on("bob", "+++-0-00-", confirmed=True),
    "user_sign_out": on("bob", "++++0+00-"),
    "user_impersonate": on("bob", "+++-0-00-", reason="Ticket 1"),
    "impersonation_stop": Route("000000000"),  # they are themselves: tests/accounts/api/test_impersonation.py
    "user_set_password": on("bob", "+++-0-00-", password="correct horse battery staple"),
    "user_reset_password": on("bob", "+++-0-00-"),
    "user_purge": on("bob", "+++-0-00-"),
    "user_delete": on("bob", "+++-0-00-"),
    "user_delete_activities": on("bob", "+++-0-00-"),
    "erasure_cancel": Route(
        "+++-0-00-",
        "bob",
        prepare=lambda world: Erasure.objects.create(
            organization=world.acme,
            user_id=world.bob.pk,
            how="purge",
            status="scheduled",
            due_at=timezone.now() + timedelta(days=9),
            requested_by_kind="operator",
        ),
    ),
    "erasure_list": Route("+++---0--", query="org=acme"),
    "erasure_show": on("erasure", "+++---0--"),
    "membership_list": Route("+++---0--", query="org=acme"),
    "membership_add": Route("+00000000", body=lambda world: {"organization": "acme", "user": world.oscar.public_id}),
    "membership_show": on("guest", "+++---0--"),
    "membership_remove": on("guest", "+++000000"),
    "api_key_list": Route("+++---0--", query="org=acme"),
    "api_key_create": Route("+++---0--", body=lambda _: {"organization": "acme", "name": "x", "scopes": ["user.show"]}),
    "api_key_show": on("other_key", "+++---0--"),
    "api_key_revoke": on("other_key", "+++000000"),
    "claim_list": Route("+++---0--", query="org=acme"),
    "claim_create": Route("+++---0--", body=lambda _: {"organization": "acme", "name": "tier", "type": "string"}),
    "claim_show": on("claim", "+++---0--"),
    "claim_update": Route("+++---000", "claim", lambda _: {"description": "Where somebody works"}),
    "claim_delete": on("claim", "+++---000"),
    "user_claims": on("bob", "++++0+00+"),
    "user_claims_set": on("bob", "+++-0+000", claim="department", value="Sales"),
    "user_claims_remove": on("bob", "+++-0+000", claim="department"),
    "letter_list": Route("+++---0--", query="org=acme"),
    "letter_show": on("letter", "+++---0--"),
    "letter_retry": on("letter", "+++000000"),
    "session_list": Route("++++++0+-", query="org=acme"),
    "session_show": on("session", "+++00+00-"),
    "session_revoke": on("session", "+++00+000"),
    "hold_list": Route("+++---0--", query="org=acme"),
    "hold_place": Route(
        "+++-0-00-", body=lambda world: {"user": world.bob.public_id, "exemption": "e", "reason": "Case 7"}
    ),
    "hold_show": on("hold", "+++---0--"),
    "hold_review": on("hold", "+++000000"),
    "hold_release": on("hold", "+++000000"),
    "request_list": Route("+++---0--", query="org=acme"),
    "request_open": Route("+++-0-00-", body=lambda world: {"user": world.bob.public_id, "kind": "access"}),
    "request_show": on("request", "+++---0--"),
    "request_extend": on("request", "+++000000", note="Much of it"),
    "request_close": on("request", "+++000000"),
    "terms_show": Route("++++++0+-", "acme"),
    "terms_update": Route("+++---0--", "acme", lambda _: {"erasure_grace_days": 7}),
    "audit_list": Route("+++---0--", query="org=acme"),
    "audit_show": on("event", "+++---0--"),
    "user_export_request": on("bob", "+++-0+00-", format="json"),
    "export_list": Route("+++---0--", query="org=acme"),
    "export_show": on("export", "+++00000-"),
    "user_export_fetch": Route("0+000000-", "export", prepare=lambda world: export_make(world.export.pk)),
    "me_exports": Route("+++++++++"),
    "me_export": Route("++++++++-"),
    "me_export_show": on("own_export", "00000+000"),
    "me_export_fetch": Route("00000+000", "own_export", prepare=lambda world: export_make(world.own_export.pk)),
    # 422 is another address than one's own
    "account_delete": Route("422" * 5 + "+" + "422" * 2 + "-", body=lambda world: {"email": world.bob.email}),
    "account_keep": Route(
        "409" * 5 + "+" + "409" * 2 + "-",
        prepare=lambda world: Erasure.objects.create(
            organization=world.acme,
            user_id=world.bob.pk,
            how="delete",
            status="scheduled",
            due_at=timezone.now() + timedelta(days=9),
            requested_by_kind="user",
            requested_by=world.bob.pk,
        ),
    ),
}

OPEN = {
    "password_reset_request": Route("+++++++++", body=lambda _: {"login": "bob", "org": "acme"}),
    "password_reset": Route(
        "+++++++++", body=lambda world: {"token": world.reset, "password": "correct horse battery staple"}
    ),
    "invite_accept": Route(
        "+++++++++", body=lambda world: {"token": world.accept, "password": "correct horse battery staple"}
    ),
    "invite_request": Route("+++++++++", body=lambda world: {"token": world.open_link, "email": "new@example.com"}),
    "email_confirm": Route("+++++++++", body=lambda world: {"token": world.confirm}),
    "token_start": Route("+++++++++", body=lambda _: {"login": "carol", "org": "acme", "password": PASSWORD}),
    "token_start_with_code": Route("+++++++++", body=lambda world: second_step(world, "proof", "code")),
    "mail_code_send": Route("+++++++++", body=lambda world: second_step(world, "proof")),
    "token_refresh": Route("+++++++++", body=lambda world: {"refresh_token": world.issued.refresh_token}),
}
"""For people who are not signed in; whoever is, is nobody there."""
ROUTES |= OPEN

DOCUMENTS = {"api/schema/", "api/docs/", "api/schema/personal-data-export.json"}
"""For everybody; tests/accounts/api/test_schema.py reads them."""


def build() -> World:
    """Make everybody with a client, and what the routes are about."""
    cast, operator = make_cast(), policy.operator(os_user="tester", request_id="test")
    acme, nextdoor = cast.alice.organization, cast.mallory.organization
    key = key_of(acme, "user.show", "user.list")
    made = SimpleNamespace(
        **vars(cast),
        acme=acme,
        oscar=make_user(nextdoor, "oscar"),
        guest=make_guest(make_user(nextdoor, "gus"), acme),
        session=SessionFactory.create(user=cast.bob),
        other_key=api_keys.api_key_create(actor=operator, organization=acme, name="k", scopes=["user.show"]).key,
        claim=make_claim(acme, is_editable=True),
        application=make_application(acme, "billing", "billing.refund"),
        role=make_role(acme, "helpdesk", "user.show"),
        letter=make_failed_letter(cast.bob),
        invite=user_invite(actor=operator, organization=acme, email="kim@example.com").invite,
        accept=token_of(user_invite(actor=operator, organization=acme, email="lee@example.com", print_link=True).link),
        open_link=token_of(user_invite(actor=operator, organization=acme, max_uses=9).link),
        hold=hold_place(actor=operator, user=cast.carol, reason="Case 7", exemption="e"),
        request=request_open(actor=operator, user=cast.carol, kind="access"),
        erasure=Erasure.objects.create(
            organization=acme, user_id=ids.new(), how="purge", status="erased", requested_by_kind="operator"
        ),
        export=user_export_request(actor=policy.actor_for(cast.alice, door=Door.API), user=cast.bob),
        own_export=user_export_request(actor=policy.actor_for(cast.bob, door=Door.API), user=cast.bob),
        event=AuditEvent.objects.get(
            action="user.tag", subject_id=user_tag(actor=operator, user=cast.carol, tags=["vip"]).pk
        ),
    )
    made.reset, made.confirm = (
        token_of(mint(cast.bob, purpose, is_mailed=True)) for purpose in (Purpose.PASSWORD_RESET, Purpose.EMAIL_CONFIRM)
    )
    made.issued = token_start(actor=policy.anonymous(door=Door.API), organization=acme, login="erin", password=PASSWORD)
    made.client = {who: API.of(getattr(cast, who)) for who in CAST if who != "key"} | {"key": key}
    made.factor = make_factor(cast.bob)
    question = {"challenge": text(b"c" * 64), "rp": {"id": "localhost"}, "user": {"id": text(b"somebody")}}
    made.passkey = Authenticator().made(question)
    make_mail_factor(made.oscar)
    return made


def second_step(world: World, *words: str) -> dict[str, str]:
    """Have oscar type the right password, and read the code that is mailed to him; gives what is named of it."""
    anybody, home = policy.anonymous(door=Door.API), world.oscar.organization
    with pytest.raises(SecondFactorNeeded) as asked:
        token_start(actor=anybody, organization=home, login="oscar", password=PASSWORD)
    known = {"proof": asked.value.proof, "code": code_for(Outbox.objects.get(kind=CODE))}
    return {word: known[word] for word in words}


def walked(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Give every address below a resolver."""
    for entry in resolver.url_patterns:
        address = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from walked(entry, address)
        else:
            yield address, entry


def endpoints() -> dict[str, tuple[str, str, Endpoint]]:
    """Give every endpoint that an address leads to: the name of the address, the method, the endpoint."""
    found = {}
    for address, entry in walked(get_resolver()):
        view: Any = getattr(entry.callback, "cls", None)
        if address.startswith("api/v1/") and isinstance(view, type) and issubclass(view, HouseViewSet):
            for method, action in vars(entry.callback)["actions"].items():
                if method != "head":
                    endpoint = view.endpoints[action]
                    assert endpoint.name not in found, address
                    found[endpoint.name] = (str(entry.name), method.upper(), endpoint)
    return found


ENDPOINTS = endpoints()


def address_of(name: str, subject: str | None) -> str:
    return reverse(ENDPOINTS[name][0], args=[subject] if subject else []).removeprefix("/api/v1/")


def asked(world: World, who: str, name: str, *, subject: str | None = None) -> Any:
    """Send the request of a route as somebody; everything is undone afterwards."""
    route = ROUTES[name]
    subject = subject or (getattr(world, route.about).public_id if route.about else None)
    path = address_of(name, subject) + (f"?{route.query}" if route.query else "")
    _, method, endpoint = ENDPOINTS[name]
    with transaction.atomic():
        route.prepare(world)
        answer = world.client[who](method, path, route.body(world) if endpoint.input else None)
        transaction.set_rollback(True)
    return answer


LETTERS = {200: "+", 201: "+", 202: "+", 204: "+", 401: "x", 403: "-", 404: "0"}


def test_every_address_of_the_api_is_listed() -> None:
    addresses = {address for address, _ in walked(get_resolver()) if address.startswith("api/")}
    views = [entry for address, entry in walked(get_resolver()) if address.startswith("api/v1/")]

    assert set(ROUTES) == set(ENDPOINTS)
    assert all(hasattr(entry.callback, "cls") for entry in views)
    assert {address for address in addresses if not address.startswith("api/v1/")} == DOCUMENTS | {"api/^(?P<rest>.*)$"}


def test_every_operation_has_an_endpoint_of_its_name() -> None:
    not_here = {
        "session_end", "session_revoke_all", "link_redeem", "installation_start", "_session_start",
        "_session_start_with_code", "_session_confirm", "_session_confirm_with_code", "superuser_create", "admin_link",
        "_session_start_with_passkey", "_session_start_with_second_passkey", "_session_confirm_with_passkey",
        "keys_rotate", "backup_recorded", "restore_recorded", "user_purge_begin",
        "user_delete_begin", "erasure_replay", "user_export", "retention_run", "user_reset_link",
        "_password_reset_request", "_lock_out", "_invite_request",
    }  # fmt: skip

    assert set(OPERATIONS) - not_here <= set(ENDPOINTS)
    assert not not_here & set(ENDPOINTS)


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_who_may(world: World, everything: Callable[[], Any], name: str) -> None:
    before = everything()

    answers = {who: asked(world, who, name) for who in CAST}

    assert "".join(LETTERS.get(answer.status_code, str(answer.status_code)) for answer in answers.values()) == (
        ROUTES[name].letters
    )
    assert everything() == before  # the test undoes what it does


@pytest.mark.parametrize("name", sorted(OPEN))
def test_what_is_open_is_open_to_nobody_and_asks_for_no_key(world: World, name: str) -> None:
    world.client["nobody"], world.client["dead key"] = API(), API("idk_nothing")

    assert {asked(world, who, name).status_code for who in ("nobody", "dead key")} <= {200, 202, 204}


@pytest.mark.parametrize("name", sorted(set(ROUTES) - set(OPEN)))
def test_nobody_may_anything(world: World, name: str) -> None:
    world.client["nobody"] = API()

    answer = asked(world, "nobody", name)

    assert (answer.status_code, answer.body["code"]) == (401, "UNAUTHENTICATED")
    assert answer["WWW-Authenticate"] == "Bearer, Api-Key"


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_a_program_may_what_its_person_may(world: World, name: str) -> None:
    world.client["program"] = API(world.issued.access_token, scheme="Bearer")

    assert asked(world, "program", name).status_code == asked(world, "erin", name).status_code


ABOUT = sorted(name for name, route in ROUTES.items() if route.about)


@pytest.mark.parametrize("name", ABOUT)
def test_what_is_next_door_and_what_is_not_there_are_answered_alike(
    world: World, everything: Callable[[], Any], name: str
) -> None:
    about = getattr(world, ROUTES[name].about)
    absent = ids.encode(ids.prefix_of(about.public_id) or "", ids.new())
    before = everything()

    strange = asked(world, "mallory", name)
    gone = asked(world, "mallory", name, subject=absent)
    nonsense = asked(world, "mallory", name, subject="x")

    told = [{**answer.body, "request_id": ""} for answer in (strange, gone, nonsense)]
    assert told[0] == told[1] == told[2]
    headers = [
        {key: value for key, value in answer.headers.items() if key != "X-Request-ID"} for answer in (strange, gone)
    ]
    assert headers[0] == headers[1]
    assert everything() == before


@pytest.mark.parametrize(
    "name",
    sorted(name for name, (*_, endpoint) in ENDPOINTS.items() if "org" in endpoint.filters and not ROUTES[name].about),
)
def test_a_list_of_next_door_and_of_nowhere_are_refused_alike(world: World, name: str) -> None:
    path = address_of(name, None)

    answers = [world.client["mallory"].get(f"{path}?org={org}") for org in ("acme", world.acme.public_id, "nowhere")]

    assert {answer.status_code for answer in answers} == {404}
    assert len({str({**answer.body, "request_id": ""}) for answer in answers}) == 1


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_an_unknown_parameter_and_an_unlisted_method_are_refused(world: World, name: str) -> None:
    url_name, method, endpoint = ENDPOINTS[name]
    route = ROUTES[name]
    path = address_of(name, getattr(world, route.about).public_id if route.about else None)
    known = {listed for other, listed, _ in ENDPOINTS.values() if other == url_name}

    strange = world.client["root"](method, f"{path}?colour=red", route.body(world) if endpoint.input else None)
    assert (strange.status_code, strange.body["errors"]) == (
        422,
        [{"field": "colour", "message": "is not a parameter"}],
    )
    for other in set(METHODS) - known - ({"HEAD"} if "GET" in known else set()):
        refused = world.client["root"](other, path)
        assert refused.status_code == 405, other
        assert known <= set(refused["Allow"].split(", "))
    options = world.client["root"]("OPTIONS", path)
    assert (options.status_code, known <= set(options["Allow"].split(", "))) == (204, True)


def columns() -> list[str]:
    """Give every column of every table of the house."""
    return sorted(
        {field.name for model in apps.get_app_config("accounts").get_models() for field in model._meta.fields}
    )


WRITES = sorted(name for name, (*_, endpoint) in ENDPOINTS.items() if endpoint.input is not None)


@pytest.mark.parametrize("name", WRITES)
def test_no_field_is_written_but_those_that_are_listed(world: World, everything: Callable[[], Any], name: str) -> None:
    _, method, endpoint = ENDPOINTS[name]
    route = ROUTES[name]
    path = address_of(name, getattr(world, route.about).public_id if route.about else None)
    assert endpoint.input is not None
    unlisted = [column for column in columns() if column not in endpoint.input().fields]
    given = {**route.body(world), **dict.fromkeys(unlisted, "x")}
    before = everything()

    answer = world.client["root"](method, path, given)

    assert answer.status_code == 422
    assert sorted(answer.body["errors"], key=lambda error: str(error["field"])) == [
        {"field": column, "message": "is not a field of this request"} for column in unlisted
    ]
    assert len(unlisted) > 50
    assert everything() == before
