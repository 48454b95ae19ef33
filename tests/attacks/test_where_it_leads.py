"""T-REDIR-01, CVE-2026-28512, CVE-2026-5467: our page is the bait, and leads to somebody else's afterwards.

Over every page that takes ``next``.
"""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Factor, Session, User
from tests.accounts.pages.browsing import Browser, sign_in
from tests.factories.factors import shown_for
from tests.factories.users import PASSWORD

EVIL = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:evil.example",
    "http:///evil.example/",
    "javascript:alert(1)",
    "data:text/html,x",
    " //evil.example",
    "\t//evil.example",
    "https://testserver.evil.example/",
    "https://testserver@evil.example/",
]
NEW = "another sentence that nobody guesses"


def factors(browser: Browser, wanted: str) -> Any:
    browser.post("/account/two-factor/", {"do": "begin", "next": wanted})
    code = shown_for(Factor.objects.get(confirmed=False).held["key"])
    return browser.post("/account/two-factor/", {"do": "finish", "code": code, "next": wanted})


def signed_in(browser: Browser) -> Browser:
    sign_in(browser, User.objects.get(username_key="bob"))
    return browser


def confirm(browser: Browser, wanted: str) -> Any:
    return signed_in(browser).post("/account/confirm/", {"current_password": PASSWORD, "next": wanted})


def change_password(browser: Browser, wanted: str) -> Any:
    values = {"current_password": PASSWORD, "password": NEW, "again": NEW, "next": wanted}
    return signed_in(browser).post("/account/password/", values)


WAYS: dict[str, Callable[[Browser, str], Any]] = {
    "signing in": lambda browser, wanted: sign_in(browser, User.objects.get(username_key="bob"), next=wanted),
    "who is signed in already": lambda browser, wanted: signed_in(browser).get("/sign-in/", {"next": wanted}),
    "showing anew who one is": confirm,
    "another password": change_password,
    "enrolling a second factor": lambda browser, wanted: factors(signed_in(browser), wanted),
}


@pytest.mark.parametrize("wanted", EVIL)
@pytest.mark.parametrize("way", WAYS)
def test_to_pages_of_ours_alone(bob: User, way: str, wanted: str) -> None:
    answer = WAYS[way](Browser(), wanted)

    assert Session.objects.filter(user=bob).exists()
    if answer.status_code == 302:
        assert answer["Location"] in {"/account/", "/admin/"}
    else:
        assert answer.status_code == 200
        assert 'href="/account/"' in answer.content.decode()
        assert "evil" not in answer.content.decode()
        assert f'href="{wanted}' not in answer.content.decode()


@pytest.mark.parametrize("way", WAYS)
def test_and_there_indeed(bob: User, way: str) -> None:
    """What proves that the way takes ``next`` at all."""
    answer = WAYS[way](Browser(), "/account/profile/")

    found = answer["Location"] if answer.status_code == 302 else answer.content.decode()
    assert "/account/profile/" in found
