"""T-KEY-03, CVE-2026-26196 (Gogs), CVE-2026-44883 (Portainer): a secret in an address ends up in logs and histories.

None is taken there, nor in a form or cookie: of every kind that opens something, by every name that others use.
"""

from collections.abc import Callable
from typing import Any

import pytest

from accounts import policy
from accounts.actors import Actor, Door
from accounts.models import User
from accounts.operations.api_keys import api_key_create
from accounts.operations.impersonation import user_impersonate
from accounts.operations.tokens import token_start
from tests.accounts.pages.browsing import Browser
from tests.factories.users import PASSWORD

NAMES = ("token", "access_token", "api_key", "apikey", "api-key", "key", "private_token", "authorization", "sessionid")
PATHS = ("/api/v1/me/", "/api/v1/users/", "/admin/", "/account/")


@pytest.fixture
def secrets(alice: User, bob: User, operator: Actor) -> dict[str, str]:
    """One of each kind."""
    made = token_start(
        actor=policy.anonymous(door=Door.API), organization=alice.organization, login="alice", password=PASSWORD
    )
    return {
        "Api-Key": api_key_create(
            actor=operator, organization=alice.organization, name="x", scopes=["user.show", "user.list"]
        ).secret,
        "Bearer": made.access_token,
        "impersonation": user_impersonate(actor=operator, user=bob, reason="Ticket 1").access_token,
    }


@pytest.mark.parametrize("kind", ["Api-Key", "Bearer", "impersonation"])
def test_no_secret_opens_anything_but_in_its_header(
    secrets: dict[str, str], everything: Callable[[], Any], kind: str
) -> None:
    secret = secrets[kind]
    scheme = "Bearer" if kind == "impersonation" else kind
    assert Browser(headers={"Authorization": f"{scheme} {secret}"}).get("/api/v1/me/").status_code == 200

    before = everything()

    for name in NAMES:
        in_a_cookie = Browser()
        in_a_cookie.cookies[name] = secret
        for path in PATHS:
            answers = [
                Browser().get(path, {name: secret}),
                Browser().post(path, {name: secret}),
                Browser().get(path, {name: f"{scheme} {secret}"}),
                Browser(headers={f"X-{name}": secret}).get(path),
                in_a_cookie.get(path),
            ]
            for answer in answers:
                assert answer.status_code in {302, 401, 405, 415}, (name, path, answer.status_code)
                assert secret not in answer.content.decode()
                if answer.status_code == 302:
                    assert answer["Location"].startswith("/sign-in/") or answer["Location"].startswith("/admin/login/")
    assert everything() == before
