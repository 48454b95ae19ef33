"""The pages of a lost password and an unconfirmed address."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from accounts.models import AuditEvent, OneTimeLink, Organization, Purpose, ResetRequest, Session, User
from accounts.operations.links import mint
from accounts.operations.recovery import REQUESTS
from tests.accounts.mailbox import token_in, token_of, work
from tests.accounts.pages.browsing import SIGN_IN, proof_in, sign_in, text_of
from tests.factories.factors import make_factor
from tests.factories.users import PASSWORD, make_email_change

pytestmark = pytest.mark.django_db
RESET, PAGE, CONFIRM = "/password/reset/", "/link/", "/link/confirm/"
NEW = "another sentence that nobody guesses"
TWICE = {"password": NEW, "again": NEW}
Letters = list[EmailMessage]


def path_of(user: User, purpose: Purpose) -> str:
    return f"/link/{token_of(mint(user, purpose, is_mailed=True))}/"


class TestAsking:
    """``/password/reset/``."""

    def test_the_whole_way(self, client: Client, alice: User, mailoutbox: Letters) -> None:
        assert f'href="{RESET}"' in text_of(client.get(SIGN_IN))
        sent = client.post(RESET, {"login": "alice", "organization": "Acme".lower()})
        assert "Look into your mailbox" in text_of(sent)
        work()

        page = client.get(f"/link/{token_in(mailoutbox[0])}/", follow=True)
        assert "Set your password" in text_of(page)
        assert "Next, you sign in with it." in text_of(page)
        done = client.post(PAGE, TWICE, follow=True)

        assert done.redirect_chain[-1][0] == SIGN_IN
        assert "Your password is set. Sign in with it." in text_of(done)
        assert not Session.objects.exists()
        assert sign_in(client, alice, password=NEW)["Location"] == "/admin/"
        assert AuditEvent.objects.filter(action="password.reset", door="page").count() == 1

    @pytest.mark.parametrize(
        "values",
        [
            {"login": "nobody@acme.example", "organization": "acme"},
            {"login": "a@b@c", "organization": "acme"},
            {"login": "alice", "organization": "nowhere"},
            {"login": "alice", "organization": "default"},
        ],
    )
    def test_says_the_same_to_everybody(
        self, client: Client, alice: User, mailoutbox: Letters, values: dict[str, str]
    ) -> None:
        expected = client.post(RESET, {"login": "alice", "organization": "acme"})
        answer = Client().post(RESET, values)
        work()

        assert answer.status_code == expected.status_code == 200
        assert text_of(answer) == text_of(expected)
        assert {k: v for k, v in answer.headers.items() if k != "X-Request-ID"} == {
            k: v for k, v in expected.headers.items() if k != "X-Request-ID"
        }
        assert len(mailoutbox) == 1

    def test_names_what_is_missing(self, client: Client, db: None) -> None:
        text = text_of(client.post(RESET, {"login": "", "organization": "acme"}))

        assert "This field is required" in text
        assert "<details open>" in text
        assert not ResetRequest.objects.exists()

    def test_too_often_from_one_network(self, client: Client, alice: User, everything: Callable[[], Any]) -> None:
        for _ in range(REQUESTS):
            client.post(RESET, {"login": "nobody", "organization": "acme"})
        before = everything()

        answers = [client.post(RESET, {"login": name, "organization": "acme"}) for name in ("alice", "nobody")]

        assert [answer.status_code for answer in answers] == [429, 429]
        assert text_of(answers[0], "alice") == text_of(answers[1], "nobody")
        assert "Too many requests came from your network." in text_of(answers[0])
        assert 3_590 <= int(answers[0]["Retry-After"]) <= 3_600
        assert everything() == before

    def test_needs_the_token_of_the_form(self, alice: User) -> None:
        careful = Client(enforce_csrf_checks=True)
        careful.get(RESET)

        assert careful.post(RESET, {"login": "alice", "organization": "acme"}).status_code == 403
        assert not ResetRequest.objects.exists()

    def test_a_forged_host_reaches_no_letter(
        self, settings: Any, client: Client, alice: User, mailoutbox: Letters
    ) -> None:
        values, headers = {"login": "alice", "organization": "acme"}, {"host": "evil.example"}
        assert client.post(RESET, values, headers=headers).status_code == 400
        settings.ALLOWED_HOSTS = ["*"]

        client.post(RESET, values, headers={**headers, "x-forwarded-host": "evil.example"})
        work()

        assert f"{settings.PUBLIC_URL}/link/" in mailoutbox[0].body
        assert "evil" not in str(mailoutbox[0].message())


class TestSetting:
    """``/link/`` of a letter."""

    @pytest.mark.parametrize("purpose", [Purpose.PASSWORD_RESET, Purpose.WELCOME])
    def test_never_signs_in_past_a_second_factor(self, client: Client, alice: User, purpose: Purpose) -> None:
        make_factor(alice)
        page = client.get(path_of(alice, purpose), follow=True)
        assert "the code of your second factor" in text_of(page)

        done = client.post(PAGE, TWICE, follow=True)

        assert "Sign in with it and your second factor" in text_of(done)
        assert not Session.objects.exists()
        assert proof_in(sign_in(client, alice, password=NEW))
        assert client.get("/admin/").status_code == 302

    def test_signs_out_whoever_was_signed_in_in_this_browser(self, client: Client, alice: User, erin: User) -> None:
        sign_in(client, erin)
        client.get(path_of(alice, Purpose.PASSWORD_RESET))

        client.post(PAGE, TWICE)

        assert not Session.objects.live().exists()
        assert client.get("/admin/").status_code == 302

    def test_the_secret_leaves_with_no_referrer(self, client: Client, alice: User) -> None:
        good, dead = client.get(path_of(alice, Purpose.PASSWORD_RESET)), client.get("/link/lnk_nothing/")

        assert (good.status_code, good["Location"], dead.status_code) == (302, PAGE, 410)
        for answer in (good, dead):
            assert (answer["Referrer-Policy"], answer["Cache-Control"]) == ("no-referrer", "no-store")
        assert client.get(PAGE)["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("how", ["used", "expired", "voided", "unknown", "another purpose", "suspended"])
    def test_what_opens_nothing_gives_one_page(self, client: Client, alice: User, bob: User, how: str) -> None:
        address = path_of(bob, Purpose.EMAIL_CONFIRM if how == "another purpose" else Purpose.PASSWORD_RESET)
        client.get(address)
        if how == "used":
            other = Client()
            other.get(address)
            other.post(PAGE, TWICE)
        elif how == "expired":
            OneTimeLink.objects.update(expires_at="2020-01-01T00:00:00Z")
        elif how == "voided":
            mint(bob, Purpose.PASSWORD_RESET)
        elif how == "unknown":
            OneTimeLink.objects.all().delete()
        elif how == "suspended":
            User.objects.filter(pk=bob.pk).update(status="suspended")

        answer = client.post(PAGE, TWICE)

        bob.refresh_from_db()
        assert answer.status_code == 410
        assert text_of(answer) == text_of(Client().get("/link/lnk_nothing/"))
        assert client.cookies["link"].value == ""
        assert bob.check_password(NEW if how == "used" else PASSWORD)


class TestConfirming:
    """``/link/confirm/``."""

    @pytest.mark.parametrize("method", ["get", "head"])
    def test_looking_confirms_nothing(
        self, client: Client, bob: User, everything: Callable[[], Any], method: str
    ) -> None:
        address = path_of(bob, Purpose.EMAIL_CONFIRM)
        before = everything()

        first = getattr(client, method)(address)
        second = getattr(client, method)(CONFIRM)

        assert (first.status_code, first["Location"], second.status_code) == (302, CONFIRM, 200)
        assert everything() == before

    def test_the_button_confirms(self, client: Client, bob: User) -> None:
        address = path_of(bob, Purpose.EMAIL_CONFIRM)
        page = text_of(client.get(address, follow=True))
        assert "Is <strong>bob@acme.example</strong> yours?" in page

        done = client.post(CONFIRM)

        bob.refresh_from_db()
        assert "Your address is confirmed" in text_of(done)
        assert bob.email_verified
        assert (AuditEvent.objects.get().action, AuditEvent.objects.get().door) == ("email.confirm", "page")
        assert client.post(CONFIRM).status_code == client.get(address).status_code == 410

    def test_the_button_makes_an_address_that_was_asked_for_theirs(self, client: Client, bob: User) -> None:
        make_email_change(bob, "robert@new.example")
        page = text_of(client.get(path_of(bob, Purpose.EMAIL_CHANGE), follow=True))
        assert "Is <strong>robert@new.example</strong> yours? It is to become the address" in page

        done = client.post(CONFIRM)

        bob.refresh_from_db()
        assert "<strong>robert@new.example</strong> belongs to your account" in text_of(done)
        assert bob.email == "robert@new.example"
        assert client.post(CONFIRM).status_code == 410

    def test_an_address_that_is_taken_by_then_is_said_to_be(self, client: Client, bob: User, carol: User) -> None:
        make_email_change(bob, carol.email or "")
        client.get(path_of(bob, Purpose.EMAIL_CHANGE))

        answer = client.post(CONFIRM)

        assert answer.status_code == 409
        assert "The e-mail address already has an account in this organization." in text_of(answer)
        bob.refresh_from_db()
        assert bob.email == "bob@acme.example"

    @pytest.mark.parametrize("purpose", [Purpose.SIGN_IN, Purpose.PASSWORD_RESET, Purpose.WELCOME])
    def test_links_of_another_purpose_confirm_nothing(self, client: Client, bob: User, purpose: Purpose) -> None:
        client.get(path_of(bob, purpose))

        assert client.post(CONFIRM).status_code == 410
        bob.refresh_from_db()
        assert not bob.email_verified

    def test_needs_the_token_of_the_form(self, bob: User) -> None:
        careful = Client(enforce_csrf_checks=True)
        careful.get(path_of(bob, Purpose.EMAIL_CONFIRM), follow=True)

        assert careful.post(CONFIRM).status_code == 403
        bob.refresh_from_db()
        assert not bob.email_verified

    def test_of_an_organization_on_hold_confirms_nothing(self, client: Client, bob: User) -> None:
        client.get(path_of(bob, Purpose.EMAIL_CONFIRM))
        Organization.objects.update(status="suspended")

        assert client.post(CONFIRM).status_code == 410
