"""The page behind a one-time link."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditEvent, OneTimeLink, Organization, Session, User
from accounts.operations.recovery import admin_link
from accounts.passwords import LONGEST, SHORTEST
from accounts.statuses import OrganizationStatus
from tests.accounts.pages.browsing import CHROME, SIGN_IN, at_once, proof_in, sign_in, text_of
from tests.factories.factors import code_of, make_factor
from tests.factories.users import PASSWORD, SessionFactory

NEW = "another sentence that nobody guesses"
PAGE = "/link/"
TWICE = {"password": NEW, "again": NEW}


@pytest.fixture
def address(operator: Actor, alice: User, settings: Any) -> str:
    """A good link of alice."""
    return admin_link(actor=operator, user=alice).removeprefix(settings.PUBLIC_URL)


def token_of(address: str) -> str:
    return address.strip("/").rsplit("/", 1)[1]


class TestLink:
    """Looking."""

    @pytest.mark.parametrize("method", ["get", "head"])
    def test_takes_the_secret_out_of_the_address_and_uses_nothing_up(
        self, client: Client, address: str, everything: Callable[[], Any], method: str
    ) -> None:
        before = everything()

        for _ in range(3):
            answer = getattr(client, method)(address)

        cookie = client.cookies["link"]
        assert (answer.status_code, answer["Location"], answer["Cache-Control"]) == (302, PAGE, "no-store")
        assert (cookie.value, cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (
            token_of(address),
            PAGE,
            True,
            "Lax",
            900,
        )
        assert "sessionid" not in client.cookies
        assert everything() == before
        assert not BrowserSession.objects.exists()

    def test_the_secret_lies_nowhere_in_the_database(self, client: Client, address: str) -> None:
        client.get(address)
        client.post(PAGE, {"password": "short", "again": "short"})

        assert not BrowserSession.objects.exists()
        assert token_of(address) not in str(list(OneTimeLink.objects.values()))

    def test_is_not_for_posting(self, client: Client, address: str) -> None:
        assert client.post(address).status_code == 405

    def test_says_whom_it_is_for_what_holds_and_what_comes(self, client: Client, address: str) -> None:
        text = text_of(client.get(address, follow=True))

        assert "<title>Set your password · Identity</title>" in text
        assert "For <strong>Alice</strong> at <strong>Acme</strong>" in text
        assert "You sign in as <strong>alice</strong>" in text
        assert f"{SHORTEST} to {LONGEST} characters" in text
        assert "You are signed in here next." in text
        assert text.count('autocomplete="new-password"') == 2
        assert 'value="alice" autocomplete="username"' in text
        assert "maxlength" not in text
        assert (text.count("<h1"), text.count('<html lang="en">')) == (1, 1)
        assert token_of(address) not in text

    @pytest.mark.parametrize("how", ["used", "expired", "unknown", "garbage", "voided"])
    def test_one_that_opens_nothing_gives_one_page(
        self, client: Client, operator: Actor, alice: User, address: str, how: str
    ) -> None:
        if how == "used":
            other = Client()
            other.get(address)
            other.post(PAGE, TWICE)
        elif how == "expired":
            OneTimeLink.objects.update(expires_at="2020-01-01T00:00:00Z")
        elif how == "voided":
            admin_link(actor=operator, user=alice)
        elif how == "unknown":
            OneTimeLink.objects.all().delete()
        else:
            address = "/link/anything/"

        answer = client.get(address)

        assert answer.status_code == 410
        assert text_of(answer) == text_of(Client().get(PAGE))
        assert "<h1>This link does not work</h1>" in text_of(answer)
        assert client.cookies["link"].value == ""

    def test_one_that_dies_between_looking_and_sending_gives_the_same_page(self, client: Client, address: str) -> None:
        client.get(address)
        OneTimeLink.objects.update(expires_at="2020-01-01T00:00:00Z")

        answer = client.post(PAGE, TWICE)

        assert answer.status_code == 410
        assert text_of(answer) == text_of(Client().get(PAGE))
        assert not Session.objects.exists()

    def test_of_an_organization_on_hold_it_opens_nothing(self, client: Client, address: str) -> None:
        client.get(address)
        Organization.objects.update(status=OrganizationStatus.SUSPENDED)

        assert client.post(PAGE, TWICE).status_code == 410


class TestSetPassword:
    """Setting it."""

    def test_signs_in_with_a_fresh_key_and_uses_the_link_up(self, client: Client, address: str, alice: User) -> None:
        client.cookies["sessionid"] = "planted0planted0planted0planted0"
        client.get(address)

        answer = client.post(PAGE, TWICE, headers={"User-Agent": CHROME}, follow=True)

        alice.refresh_from_db()
        session = Session.objects.get()
        assert answer.redirect_chain == [("/admin/", 302)]
        assert "Your password is set, and you are signed in." in text_of(answer)
        assert alice.check_password(NEW)
        assert (session.user_id, session.ip, session.device) == (alice.pk, "127.0.0.1", "Chrome/macOS")
        assert client.cookies["sessionid"].value != "planted0planted0planted0planted0"
        assert client.cookies["link"].value == ""
        assert client.get(address).status_code == 410

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"password": "too short", "again": "too short"}, "at least 15 characters"),
            ({"password": "x" * 129, "again": "x" * 129}, "at most 128 characters"),
            ({"password": "alice alice alice alice", "again": "alice alice alice alice"}, "too easy to guess"),
            ({"password": NEW, "again": NEW + "."}, "not the same as above"),
            ({"password": "", "again": ""}, "This field is required"),
        ],
    )
    def test_a_refused_one_says_why_and_the_browser_goes_on(
        self, client: Client, address: str, alice: User, values: dict[str, str], message: str
    ) -> None:
        client.get(address)

        refused = client.post(PAGE, values)

        text = text_of(refused)
        alice.refresh_from_db()
        assert refused.status_code == 200
        assert message in text
        assert "<title>Error: Set your password" in text
        assert 'aria-invalid="true"' in text
        assert "--generate-password" not in text
        assert not values["password"] or values["password"] not in text
        assert alice.check_password(PASSWORD)
        assert client.post(PAGE, TWICE)["Location"] == "/admin/"

    def test_with_a_second_factor_it_leads_to_signing_in_with_the_code(
        self, client: Client, address: str, alice: User
    ) -> None:
        device = make_factor(alice)
        page = client.get(address, follow=True)

        answer = client.post(PAGE, TWICE, follow=True)

        assert "the code of your second factor" in text_of(page)
        assert answer.redirect_chain[-1][0] == SIGN_IN
        assert "Sign in with it and your second factor" in text_of(answer)
        assert not Session.objects.exists()
        asked = sign_in(client, alice, password=NEW)
        assert client.get("/admin/").status_code == 302
        done = client.post(SIGN_IN, {"proof": proof_in(asked), "code": code_of(device)})
        assert done["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200

    def test_ends_the_other_sessions_of_the_person(self, client: Client, address: str, alice: User) -> None:
        other = Client()
        sign_in(other, alice)
        client.get(address)

        client.post(PAGE, TWICE)

        assert other.get("/admin/").status_code == 302
        assert Session.objects.live().count() == 1

    def test_signs_out_whoever_was_signed_in_in_this_browser(
        self, client: Client, address: str, alice: User, erin: User
    ) -> None:
        sign_in(client, erin)
        client.get(address)

        client.post(PAGE, TWICE)

        assert Session.objects.get(user=erin).end_reason == "signed out"
        assert client.get("/admin/").wsgi_request.user.pk == alice.pk

    def test_needs_the_token_of_the_form(self, address: str) -> None:
        careful = Client(enforce_csrf_checks=True)
        careful.get(address, follow=True)

        answer = careful.post(PAGE, TWICE)

        assert answer.status_code == 403
        assert not Session.objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_of_two_browsers_at_once_one_gets_in(self, address: str) -> None:
        browsers = [Client(), Client()]
        for browser in browsers:
            browser.get(address)

        answers = at_once(*[lambda browser=browser: browser.post(PAGE, TWICE) for browser in browsers])

        assert sorted(answer.status_code for answer in answers) == [302, 410]
        assert Session.objects.live().count() == 1
        assert AuditEvent.objects.filter(action="link.redeem", outcome="done").count() == 1


class TestStaleSessions:
    """What a session that has ended leaves behind."""

    def test_does_not_stand_in_the_way(self, client: Client, address: str, alice: User) -> None:
        sign_in(client, alice)
        SessionFactory.create(user=alice)
        Session.objects.end("test")
        client.get(address)

        assert client.post(PAGE, TWICE)["Location"] == "/admin/"
