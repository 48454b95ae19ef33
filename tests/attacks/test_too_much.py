"""T-DOS-01, CVE-2013-1443 (Django), CVE-2026-24458 (Mattermost), CVE-2026-73228 (DRF): a megabyte where a word belongs.

Over every field that takes a password, a code or a name: it is refused, and what is hashed stays small.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.models import OneTimeLink, Purpose, User
from accounts.operations.links import mint
from accounts.passwords import LONGEST
from tests.accounts.api.programs import API
from tests.accounts.mailbox import token_of
from tests.accounts.pages.browsing import Browser, sign_in
from tests.factories.factors import make_factor
from tests.factories.users import PASSWORD
from tests.shell import run

MUCH = "a1 " * 300_000
"""Nearly the megabyte that a request may have."""


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How long everything was that a password's hash was made of."""
    lengths: list[int] = []
    for name in ("encode", "verify"):
        real = getattr(Argon2PasswordHasher, name)

        def counted(self: Any, password: str, *rest: Any, real: Any = real) -> Any:
            lengths.append(len(password))
            return real(self, password, *rest)

        monkeypatch.setattr(Argon2PasswordHasher, name, counted)
    return lengths


def posts(path: str, **values: str) -> Callable[[User], Any]:
    def post(user: User) -> Any:
        browser = Browser()
        sign_in(browser, user)
        return browser.post(path, values)

    return post


def asks(path: str, **body: str) -> Callable[[User], Any]:
    return lambda user: API.of(user).post(path, body)


def of_a_link(user: User) -> Any:
    browser = Browser()
    browser.get(f"/link/{token_of(mint(user, Purpose.PASSWORD_RESET))}/")
    return browser.post("/link/", {"password": MUCH, "again": MUCH})


FIELDS: dict[str, Callable[[User], Any]] = {
    "sign-in: password": lambda user: sign_in(Browser(), user, password=MUCH),
    "sign-in: name": lambda user: sign_in(Browser(), user, username=MUCH),
    "sign-in: organization": lambda user: sign_in(Browser(), user, organization=MUCH),
    "sign-in: code": lambda _: Browser().post("/sign-in/", {"proof": "x", "code": MUCH}),
    "sign-in: proof": lambda _: Browser().post("/sign-in/", {"proof": MUCH, "code": "123456"}),
    "token: password": asks("auth/token/", login="bob", org="acme", password=MUCH),
    "token: name": asks("auth/token/", login=MUCH, org="acme", password=PASSWORD),
    "token: code": asks("auth/token/", login="bob", org="acme", password=PASSWORD, code=MUCH),
    "token: second step": asks("auth/two-factor/", proof="x", code=MUCH),
    "token: proof": asks("auth/two-factor/", proof=MUCH, code="123456"),
    "a code by mail: proof": asks("auth/two-factor/send-code/", proof=MUCH),
    "refresh": asks("auth/refresh/", refresh_token=MUCH),
    "confirm": posts("/account/confirm/", current_password=MUCH),
    "password: present": posts("/account/password/", current_password=MUCH, password="x" * 20, again="x" * 20),
    "password: new": posts("/account/password/", current_password=PASSWORD, password=MUCH, again=MUCH),
    "password by the API": asks("me/set-password/", current_password=PASSWORD, password=MUCH),
    "address: password": posts("/account/email/", email="new@example.com", current_password=MUCH),
    "a link": of_a_link,
    "a link by the API": lambda user: API().post(
        "auth/password/reset/", {"token": token_of(mint(user, Purpose.PASSWORD_RESET)), "password": MUCH}
    ),
    "a token by the API": lambda _: API().post("auth/password/reset/", {"token": MUCH, "password": PASSWORD}),
    "reset: name": lambda _: Browser().post("/password/reset/", {"login": MUCH, "organization": "acme"}),
    "a code": posts("/account/two-factor/", do="finish", code=MUCH),
    "an admin's": lambda user: API.of(user).post(f"users/{user.public_id}/set-password/", {"password": MUCH}),
}


@pytest.mark.parametrize("field", FIELDS)
def test_is_refused_and_no_more_hashed_than_a_password(bob: User, hashed: list[int], field: str) -> None:
    answer = FIELDS[field](bob)

    assert answer.status_code in {200, 302, 400, 401, 403, 413, 422}
    assert max(hashed, default=0) <= LONGEST * 4
    bob.refresh_from_db()
    assert bob.check_password(PASSWORD)
    assert not OneTimeLink.objects.exclude(used_at=None).exists()


def test_on_the_command_line_too(bob: User, hashed: list[int]) -> None:
    import io

    result = run("user_set_password", bob.public_id, "--password-stdin", stdin=io.StringIO(f"{MUCH}\n"))

    assert result.code == 4
    assert max(hashed, default=0) <= LONGEST * 4


def test_a_recovery_code_of_a_megabyte_is_none(bob: User, hashed: list[int]) -> None:
    make_factor(bob)

    answer = API().post("auth/token/", {"login": "bob", "org": "acme", "password": PASSWORD, "code": MUCH})

    assert answer.status_code in {401, 422}
