"""T-SES-01, session fixation: whoever knew a browser's key before has nothing once more is behind it.

Every way in which a session comes to be, or comes to count for more; links that sign in have theirs in
tests/accounts/pages/test_links.py.
"""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession

from accounts.actors import Actor
from accounts.models import Factor, Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations.organizations import org_update
from tests.accounts.pages.browsing import Browser, proof_in, sign_in
from tests.accounts.pages.test_passkeys import options_in
from tests.factories.authenticator import Authenticator
from tests.factories.factors import code_of, make_factor, shown_for
from tests.factories.users import PASSWORD

NEW = "another sentence that nobody guesses"
CONFIRM, PASSWORD_PAGE, FACTORS = "/account/confirm/", "/account/password/", "/account/two-factor/"
STOP, ACT = "/impersonation/stop/", "/admin/accounts/user/verbs/impersonate/"


@pytest.fixture
def browser(alice: User, frank: User) -> Browser:
    """A browser in which alice is signed in."""
    made = Browser()
    assert sign_in(made, alice).status_code == 302
    return made


def key_in(browser: Browser) -> str:
    return str(browser.cookies["sessionid"].value)


def opens(key: str) -> bool:
    """Say whether a key opens anything for whoever has it."""
    thief = Browser()
    thief.cookies["sessionid"] = key
    return bool(thief.get("/api/v1/me/").status_code == 200)


def begun(user: User) -> str:
    """Give the code of an app that is about to be enrolled."""
    return shown_for(Factor.objects.get(user=user, confirmed=False).held["key"])


def api(browser: Browser, path: str, body: dict[str, Any]) -> Any:
    return browser.post(f"/api/v1/me/{path}/", body, content_type="application/json")


def with_a_code(browser: Browser, user: User, first: Callable[[], Any], page: str) -> Any:
    device = make_factor(user)
    return browser.post(page, {"proof": proof_in(first()), "code": code_of(device)})


def enrol_on_the_page(browser: Browser, user: User) -> Any:
    browser.post(FACTORS, {"do": "begin"})
    return browser.post(FACTORS, {"do": "finish", "code": begun(user)})


def enrol_by_the_api(browser: Browser, user: User) -> Any:
    api(browser, "two-factor/enrol", {})
    return api(browser, "two-factor/confirm", {"code": begun(user)})


def passkey_on_the_page(browser: Browser, user: User) -> Any:
    page = browser.post(FACTORS, {"do": "passkey"}).content.decode()
    return browser.post(FACTORS, {"do": "passkey-finish", "answer": Authenticator().made(options_in(page))})


def passkey_by_the_api(browser: Browser, user: User) -> Any:
    options = api(browser, "two-factor/passkeys", {}).json()["options"]
    return api(browser, "two-factor/passkeys/confirm", {"answer": json.loads(Authenticator().made(options))})


def act_as(browser: Browser, user: User) -> Any:
    other = User.objects.get(username_key="frank")
    return browser.post(ACT, {"selected": other.public_id, "step": "do", "reason": "Ticket 4521"})


TWICE = {"current_password": PASSWORD, "password": NEW, "again": NEW}
WAYS: dict[str, Callable[[Browser, User], Any]] = {
    "showing anew who one is": lambda browser, _: browser.post(CONFIRM, {"current_password": PASSWORD}),
    "showing it with a code": lambda browser, user: with_a_code(
        browser, user, lambda: browser.post(CONFIRM, {"current_password": PASSWORD}), CONFIRM
    ),
    "another password": lambda browser, _: browser.post(PASSWORD_PAGE, TWICE),
    "another password by the API": lambda browser, _: api(
        browser, "set-password", {"current_password": PASSWORD, "password": NEW}
    ),
    "a second factor": enrol_on_the_page,
    "a second factor by the API": enrol_by_the_api,
    "a passkey": passkey_on_the_page,
    "a passkey by the API": passkey_by_the_api,
    "acting as somebody": act_as,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_key_of_before_opens_nothing(browser: Browser, alice: User, way: str) -> None:
    before = key_in(browser)
    assert opens(before)

    assert WAYS[way](browser, alice).status_code in {200, 204, 302}

    assert key_in(browser) != before
    assert opens(key_in(browser))
    assert not opens(before)
    assert not BrowserSession.objects.filter(session_key=session_key_hash(before)).exists()
    assert not Session.objects.live().filter(key_hash=session_key_hash(before)).exists()


@pytest.mark.parametrize("is_with_code", [False, True])
def test_a_key_that_was_planted_opens_nothing_once_somebody_signs_in(alice: User, is_with_code: bool) -> None:
    planted, browser = "planted0planted0planted0planted0", Browser()
    browser.cookies["sessionid"] = planted

    if is_with_code:
        with_a_code(browser, alice, lambda: sign_in(browser, alice), "/sign-in/")
    else:
        sign_in(browser, alice)

    assert key_in(browser) != planted
    assert (opens(planted), opens(key_in(browser))) == (False, True)


def test_nor_does_that_of_an_impersonation_once_it_is_stopped(browser: Browser, alice: User) -> None:
    own = key_in(browser)
    act_as(browser, alice)
    acting = key_in(browser)

    assert browser.post(STOP).status_code == 302

    assert len({own, acting, key_in(browser)}) == 3
    assert (opens(own), opens(acting), opens(key_in(browser))) == (False, False, True)


def test_enrolling_what_is_asked_for_opens_the_doors_to_the_fresh_key_alone(operator: Actor, alice: User) -> None:
    org_update(actor=operator, organization=alice.organization, second_factor="required")
    browser = Browser()
    sign_in(browser, alice)
    before = key_in(browser)
    assert browser.get("/api/v1/me/").status_code == 403

    enrol_on_the_page(browser, alice)

    assert (opens(before), opens(key_in(browser))) == (False, True)


@pytest.mark.parametrize("way", ["another password", "a second factor"])
def test_a_wrong_one_leaves_the_key(browser: Browser, alice: User, way: str) -> None:
    before = key_in(browser)
    browser.post(FACTORS, {"do": "begin"})

    if way == "a second factor":
        browser.post(FACTORS, {"do": "finish", "code": "12345"})
    else:
        browser.post(PASSWORD_PAGE, {**TWICE, "current_password": "not this one at all"})

    assert key_in(browser) == before
    assert opens(before)


def test_pages_behind_a_session_are_kept_by_no_cache(browser: Browser) -> None:
    """CVE-2026-35192: a page that a cache keeps hands its cookie on."""
    for path in ("/", "/account/", "/admin/", "/api/v1/me/", "/sign-in/"):
        answer = browser.get(path)

        assert re.search("no-store|private", answer["Cache-Control"]), path
