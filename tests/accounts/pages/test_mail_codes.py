"""Codes by mail, on the pages and in the API."""

import html
import re
from typing import Any

import pytest
from django.core import mail

from accounts.actors import Actor
from accounts.models import Factor, Outbox, Session, User
from accounts.operations.organizations import org_update
from tests.accounts.api.programs import API
from tests.accounts.mailbox import code_in, work
from tests.accounts.pages.browsing import Browser, sign_in
from tests.factories.factors import make_factor, make_mail_factor
from tests.factories.users import PASSWORD

pytestmark = pytest.mark.django_db
PAGE = "/account/two-factor/"
SIGN_IN = "/sign-in/acme/"
Letters = list[mail.EmailMessage]


@pytest.fixture
def mailed(bob: User) -> User:
    make_mail_factor(bob)
    return User.objects.get(pk=bob.pk)


def page_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def asked(browser: Browser, **given: str) -> str:
    return page_of(browser.post(SIGN_IN, {"organization": "acme", **given}))


def with_password(browser: Browser) -> tuple[str, str]:
    """Type the password; gives the page and the proof in it."""
    page = asked(browser, username="bob", password=PASSWORD)
    found = re.search(r'name="proof" value="([^"]+)"', page)
    assert found is not None
    return page, found[1]


def last_code(mailoutbox: Letters) -> str:
    work()
    return code_in(mailoutbox[-1])


class TestSignInPage:
    """The second step."""

    def test_says_where_the_code_went_and_takes_it(self, mailed: User, mailoutbox: Letters) -> None:
        browser = Browser()
        page, proof = with_password(browser)
        assert f"A code is on its way to {mailed.email}." in page
        assert "authenticator app" not in page

        code = last_code(mailoutbox)
        asked(browser, proof=proof, code=f" {code[:4]} {code[4:]} ")

        assert Session.objects.get(user=mailed).methods == ["pwd", "mail"]

    def test_mails_one_when_asked_beside_an_app(self, mailed: User, mailoutbox: Letters) -> None:
        make_factor(mailed)
        browser = Browser()
        page, proof = with_password(browser)
        assert "on its way" not in page
        assert "Mail me a code" in page
        assert "Six digits from your authenticator app, eight digits from the letter, or a recovery code." in page

        page = asked(browser, proof=proof, send="1")

        assert f"A code is on its way to {mailed.email}." in page
        wrong = asked(browser, proof=proof, code="00000000")
        assert "The code is wrong" in wrong
        assert "Mail me a code" in wrong
        asked(browser, proof=proof, code=last_code(mailoutbox))
        assert Session.objects.filter(user=mailed).count() == 1

    def test_too_many_letters_are_refused_and_the_page_stays(self, mailed: User) -> None:
        browser = Browser()
        _, proof = with_password(browser)
        for _ in range(4):
            asked(browser, proof=proof, send="1")

        response: Any = browser.post(SIGN_IN, {"proof": proof, "send": "1"})

        assert (response.status_code, bool(response["Retry-After"])) == (429, True)
        assert "Too many codes were mailed." in page_of(response)
        assert 'name="code"' in page_of(response)

    def test_nobody_without_the_password_has_one_mailed(self, mailed: User) -> None:
        page = asked(Browser(), proof="nonsense", send="1")

        assert "That took too long" in page
        assert 'name="code"' not in page
        assert not Outbox.objects.filter(kind="mail_code").exists()

    def test_without_codes_by_mail_none_are_offered(self, bob: User) -> None:
        make_factor(bob)
        browser = Browser()
        page, proof = with_password(browser)

        assert "Mail me a code" not in page
        assert "No codes are mailed to this account." in asked(browser, proof=proof, send="1")


class TestAccountPage:
    """``/account/two-factor/``."""

    def test_offered_where_it_is_allowed(self, bob: User, mailoutbox: Letters) -> None:
        browser = Browser()
        sign_in(browser, bob)
        assert "Have codes mailed" not in page_of(browser.get(PAGE))
        make_mail_factor(bob).delete()  # which allows it, and confirms the address
        assert "Have codes mailed" in page_of(browser.get(PAGE))

        begun = page_of(browser.post(PAGE, {"do": "begin", "kind": "email"}))
        assert f"A code is on its way to {bob.email}." in begun
        assert "The code is wrong." in page_of(browser.post(PAGE, {"do": "finish", "code": "1"}))
        done = page_of(browser.post(PAGE, {"do": "finish", "code": last_code(mailoutbox)}))

        assert done.count("<li><code>") == 10
        shown = page_of(browser.get(PAGE))
        assert "weaker" in shown
        assert "Have codes mailed" not in shown
        assert "Add an app" in shown
        assert Factor.objects.enrolled().get().kind == "email"

    def test_refused_it_says_so(self, bob: User) -> None:
        browser = Browser()
        sign_in(browser, bob)

        page = page_of(browser.post(PAGE, {"do": "begin", "kind": "email"}, follow=True))

        assert "Codes by mail are not for this account" in page


class TestAPI:
    """``auth/two-factor/``, ``auth/two-factor/send-code/``, ``me/two-factor/enrol/``."""

    def proof(self) -> str:
        refused = API().post("auth/token/", {"login": "bob", "org": "acme", "password": PASSWORD})
        assert (refused.status_code, refused.body["code"]) == (401, "UNAUTHENTICATED")
        assert refused.body["methods"] == ["email"]
        assert refused.body["remedy"] == "Enter the code that was mailed to you, or a recovery code."
        return str(refused.body["proof"])

    def test_a_program_signs_in_in_two_steps(self, mailed: User, mailoutbox: Letters) -> None:
        answer = API().post("auth/two-factor/", {"proof": self.proof(), "code": last_code(mailoutbox)})

        assert answer.status_code == 200
        assert API.bearing(answer.body["access_token"]).get("me/").body["username"] == "bob"

    def test_another_code_is_mailed_when_asked(self, mailed: User, mailoutbox: Letters) -> None:
        api, proof = API(), self.proof()

        sent = api.post("auth/two-factor/send-code/", {"proof": proof})

        assert (sent.status_code, sent.body["message"]) == (202, f"A code is on its way to {mailed.email}.")
        assert api.post("auth/two-factor/", {"proof": proof, "code": "12345678"}).body["proof"] == proof
        assert api.post("auth/two-factor/", {"proof": proof, "code": last_code(mailoutbox)}).status_code == 200

    def test_an_app_of_nobody_is_not_found_and_uses_no_code_up(self, mailed: User, mailoutbox: Letters) -> None:
        api, proof = API(), self.proof()
        code = last_code(mailoutbox)

        assert api.post("auth/two-factor/", {"proof": proof, "code": code, "app": "nothing"}).status_code == 404
        assert api.post("auth/two-factor/", {"proof": proof, "code": code}).status_code == 200

    def test_enrols(self, bob: User, mailoutbox: Letters) -> None:
        api = API.of(bob)
        assert api.post("me/two-factor/enrol/", {"kind": "email"}).status_code == 409
        make_mail_factor(bob).delete()

        begun = api.post("me/two-factor/enrol/", {"kind": "email"})
        done = api.post("me/two-factor/confirm/", {"code": last_code(mailoutbox)})

        assert (begun.status_code, begun.body["key"], done.status_code) == (201, "", 200)
        assert done.body["two_factor"]["methods"] == ["email"]
        assert api.post("me/two-factor/enrol/", {"kind": "smoke"}).status_code == 422

    def test_not_for_who_administers(self, erin: User, operator: Actor) -> None:
        org_update(actor=operator, organization=erin.organization, mail_codes="allowed")

        assert API.of(erin).post("me/two-factor/enrol/", {"kind": "email"}).status_code == 409
