"""T-SEC-01 and T-ADM-02, on pages: no hash, no key, in no page of the admin or of the account, for nobody."""

from types import SimpleNamespace

import pytest
from django.urls import reverse

from accounts.pages.account.registry import PAGES
from tests.accounts.pages.browsing import Browser
from tests.matrix.secrets import secrets_in, stored_secrets
from tests.matrix.test_admin import GET, World, address, build, signed_in

__all__ = ["build"]


@pytest.fixture
def cast(built: World) -> SimpleNamespace:
    """Everybody."""
    everybody: SimpleNamespace = built.cast
    return everybody


@pytest.mark.parametrize("name", sorted(GET))
def test_no_page_of_the_admin_holds_one(built: World, cast: SimpleNamespace, name: str) -> None:
    stored = stored_secrets()
    assert {"accounts_user.password", "accounts_apikey.secret_hash", "accounts_factor.secret"} <= set(stored.values())

    answer = signed_in("root", cast).get(address(name, built.world))

    assert answer.status_code == 200
    assert secrets_in(answer, stored) == []


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_no_page_of_the_account_holds_one(cast: SimpleNamespace, page: str) -> None:
    browser: Browser = signed_in("alice", cast)
    stored = stored_secrets()

    answer = browser.get(reverse(page))

    assert answer.status_code == 200
    assert secrets_in(answer, stored) == []


@pytest.mark.parametrize("name", [name for name in sorted(GET) if name.endswith("_changelist")])
def test_no_secret_can_be_searched_for(built: World, cast: SimpleNamespace, name: str) -> None:
    """DOT #1736: what a search looks for stands in addresses and logs. One finds nothing, in whole or in part."""
    browser = signed_in("root", cast)
    for value in list(stored_secrets())[:5]:
        answer = browser.get(address(name, built.world), {"search": value[:12]})

        assert answer.status_code in {200, 422}
        assert built.world["user"] not in answer.content.decode().partition("<tbody")[2]
