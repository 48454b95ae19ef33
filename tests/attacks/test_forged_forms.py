"""T-CSRF-01, CVE-2026-27659, CVE-2026-52800: a page of somebody else's sends a form in the person's browser.

Over every address of every door: without the token nothing is done, whoever is signed in.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import get_resolver

from accounts.models import AuditEvent, User
from tests.accounts.pages.browsing import Browser, sign_in
from tests.matrix.test_api import walked

METHODS = ("post", "put", "patch", "delete")
BY_OTHERS = {
    "api/v1/auth/token/", "api/v1/auth/refresh/", "api/v1/auth/password/reset-request/", "api/v1/auth/password/reset/",
    "api/v1/auth/two-factor/", "api/v1/auth/two-factor/send-code/", "api/v1/auth/email/confirm/",
    "api/v1/invites/accept/", "api/v1/invites/request/",
}  # fmt: skip
"""What opens by a secret in the body alone: no cookie is looked at, so that nobody's browser lends anything."""


@pytest.fixture
def careful(root: User) -> Browser:
    """A super-user's browser, and a server that looks for the token."""
    signed = Browser()
    assert sign_in(signed, root).status_code == 302
    browser = Browser(enforce_csrf_checks=True)
    browser.cookies = signed.cookies
    return browser


def path_of(address: str) -> str:
    return "/" + re.sub(r"\(\?P<[^>]+>[^)]*\)|<[^>]+>", "x", address).replace("^", "").replace("$", "")


def test_no_address_does_anything_without_the_token(careful: Browser, everything: Callable[[], Any]) -> None:
    before, recorded = everything(), AuditEvent.objects.count()
    assert careful.get("/api/v1/me/").status_code == 200
    refused = 0

    for address, entry in walked(get_resolver()):
        if path_of(address).removeprefix("/") in BY_OTHERS:
            continue
        for method in METHODS:
            answer = getattr(careful, method)(path_of(address), content_type="application/json", data="{}")
            assert answer.status_code in {403, 405, 404}, (method, address, answer.status_code)
            if answer.status_code == 404:
                assert entry.name is None, (method, address)
            refused += answer.status_code == 403

    assert refused > 150
    assert everything() == before
    assert AuditEvent.objects.count() == recorded


@pytest.mark.parametrize("address", sorted(BY_OTHERS))
def test_what_takes_no_token_looks_at_no_cookie(careful: Browser, address: str, everything: Callable[[], Any]) -> None:
    """The cookie of a super-user opens nothing there."""
    before = everything()

    answer = careful.post(f"/{address}", data="{}", content_type="application/json")

    assert answer.status_code == 422
    assert everything() == before


def test_every_form_that_signs_out_or_stops_is_sent_and_never_followed(careful: Browser) -> None:
    """A picture in a letter of somebody else's signs nobody out."""
    for path in ("/sign-out/", "/impersonation/stop/"):
        assert careful.get(path).status_code == 405

    assert careful.get("/api/v1/me/").status_code == 200
