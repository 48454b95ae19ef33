"""``/account/two-factor/``, and what nobody gets past."""

import html
import re
from typing import Any

import pytest
from django.urls import get_resolver

from accounts.actors import Actor
from accounts.models import Factor, Organization, RecoveryCode, Session, User
from accounts.operations.organizations import org_update
from tests.accounts.api.programs import API
from tests.accounts.pages.browsing import Browser, sign_in
from tests.factories.factors import make_factor, shown_for
from tests.factories.users import PASSWORD
from tests.matrix.test_api import walked

PAGE = "/account/two-factor/"
FREE = {None, "account-two-factor", "account-confirm", "password-change", "sign-out"}
"""What is open to whoever must enrol first (``None``: what answers 404)."""


@pytest.fixture
def browser(bob: User) -> Browser:
    browser = Browser()
    assert sign_in(browser, bob).status_code == 302
    return browser


@pytest.fixture
def limited(alice: User, operator: Actor) -> Browser:
    """The browser of somebody who must enrol a second factor first."""
    org_update(actor=operator, organization=alice.organization, second_factor="admins")
    browser = Browser()
    sign_in(browser, alice)
    assert Session.objects.get(user=alice).must_enrol
    return browser


def key_in(page: str) -> str:
    found = re.search(r'class="key">([A-Z2-7 ]+)<', page)
    assert found is not None
    return found[1].replace(" ", "")


def codes_in(page: str) -> list[str]:
    return re.findall(r"<li><code>([0-9a-z-]{27})</code>", page)


def sent(browser: Browser, do: str, **more: str) -> str:
    response: Any = browser.post(PAGE, {"do": do, **more}, follow=True)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


class TestPage:
    """Enrol, take away, renew."""

    def test_enrols_an_app_by_what_the_page_shows(self, browser: Browser, bob: User) -> None:
        shown = sent(browser, "begin")
        assert "<svg" in shown

        done = sent(browser, "finish", code=shown_for(key_in(shown)))

        assert len(codes_in(done)) == 10
        assert Factor.objects.enrolled().get().user_id == bob.pk
        assert not codes_in(browser.get(PAGE).content.decode())  # never again

    def test_a_wrong_code_shows_the_same_key_again(self, browser: Browser) -> None:
        key = key_in(sent(browser, "begin"))

        again = sent(browser, "finish", code="12345")

        assert "The code is wrong." in again
        assert key_in(again) == key
        assert sent(browser, "finish", code=f" {shown_for(key)[:3]} {shown_for(key)[3:]}").count("<li><code>") == 10

    def test_finishing_what_was_never_begun_says_so(self, browser: Browser) -> None:
        assert "There is no second factor to finish." in sent(browser, "finish", code="123456")

    def test_takes_one_away_and_not_somebody_elses(self, browser: Browser, bob: User, carol: User) -> None:
        mine, theirs = make_factor(bob), make_factor(carol)

        sent(browser, "remove", factor=theirs.public_id)
        sent(browser, "remove", factor="x")
        assert Factor.objects.count() == 2
        sent(browser, "remove", factor=mine.public_id)

        assert Factor.objects.get() == theirs

    def test_renews_recovery_codes(self, browser: Browser, bob: User) -> None:
        make_factor(bob)

        assert len(codes_in(sent(browser, "renew"))) == RecoveryCode.objects.left(bob.pk) == 10

    def test_too_many_wrong_codes_have_to_wait(self, browser: Browser) -> None:
        sent(browser, "begin")
        answers = [browser.post(PAGE, {"do": "finish", "code": "000"}) for _ in range(11)]

        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert answers[-1]["Retry-After"]

    def test_is_for_who_is_signed_in(self, db: None) -> None:
        assert Browser().get(PAGE).status_code == 302


class TestInTheAPI:
    """``me/two-factor/``."""

    def test_the_same(self, bob: User) -> None:
        api = API.of(bob)
        begun = api.post("me/two-factor/enrol/", {"name": "Phone"})
        done = api.post("me/two-factor/confirm/", {"code": shown_for(begun.body["key"])})

        assert (begun.status_code, done.status_code) == (201, 200)
        assert len(done.body["recovery_codes"]) == 10
        shown = api.get("me/two-factor/").body
        assert shown == done.body["two_factor"]
        assert (shown["enabled"], shown["required"], shown["methods"], shown["recovery_codes_left"]) == (
            True,
            False,
            ["totp"],
            10,
        )
        assert [factor["name"] for factor in shown["factors"]] == ["Phone"]
        assert len(api.post("me/two-factor/recovery-codes/").body["recovery_codes"]) == 10
        assert api.get("me/").body["factors"] == ["totp"]

    def test_a_wrong_code_is_named(self, bob: User) -> None:
        api = API.of(bob)
        api.post("me/two-factor/enrol/")

        answer = api.post("me/two-factor/confirm/", {"code": "123"})

        assert (answer.status_code, answer.body["errors"]) == (422, [{"field": "code", "message": "is wrong"}])


class TestFirst:
    """Until a second factor is enrolled, a session opens that one page."""

    def test_every_address_leads_there(self, limited: Browser) -> None:
        """T-2FA-05: over every address of every door, not one."""
        open_to_all = {"livez", "readyz"}
        tried = 0
        for address, entry in walked(get_resolver()):
            if "(?P" in address or address in open_to_all or entry.name in FREE:
                continue
            path = "/" + re.sub(r"<[^>]+>", "x", address)
            for response in (limited.get(path), limited.post(path)):
                if path.startswith("/api/"):
                    assert (response.status_code, response.json()["code"]) == (403, "FORBIDDEN"), path
                else:
                    assert response["Location"].startswith(PAGE), path
                tried += 1
        assert tried > 150

    def test_enrolling_leads_on_to_where_one_wanted(self, limited: Browser) -> None:
        page = limited.get("/admin/accounts/user/", follow=True).content.decode()
        assert "A second factor is asked for" in page
        assert 'name="next" value="/admin/accounts/user/"' in page

        done = sent(limited, "finish", code=shown_for(key_in(sent(limited, "begin"))), next="/admin/accounts/user/")

        assert 'href="/admin/accounts/user/"' in done
        assert limited.get("/admin/accounts/user/").status_code == 200

    def test_one_may_sign_out(self, limited: Browser, alice: User) -> None:
        assert limited.post("/sign-out/").status_code == 302

        assert not Session.objects.get(user=alice).is_live

    def test_a_program_is_told_what_to_do(self, limited: Browser, acme: Organization) -> None:
        answer = API().post("auth/token/", {"login": "alice", "org": "acme", "password": PASSWORD})

        assert (answer.status_code, "browser" in answer.body["remedy"]) == (401, True)
        assert not Session.objects.filter(kind="api").exists()
