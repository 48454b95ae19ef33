"""Letters that let somebody in go to the address that is stored, whatever is asked and whatever mail does.

T-RST-01, CVE-2023-7028 (GitLab): a list of addresses, and the second one got the link too.
T-ENUM-02, CVE-2024-45231 (Django): an answer that differs when sending fails tells who exists.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from accounts.models import Outbox, User
from tests.accounts.api.programs import API
from tests.accounts.mailbox import work
from tests.accounts.pages.browsing import Browser, sign_in, text_of
from tests.shell import run

PAGE, ENDPOINT = "/password/reset/", "auth/password/reset-request/"
MINE = "alice@acme.example"
TWO = [
    [MINE, "evil@evil.example"],
    {"email": MINE, "cc": "evil@evil.example"},
    f"{MINE},evil@evil.example",
    f"{MINE};evil@evil.example",
    f"{MINE} evil@evil.example",
    f"{MINE}\nevil@evil.example",
    f"{MINE}\r\nBcc: evil@evil.example",
    f"{MINE}%0aevil@evil.example",
    f'"{MINE}" <evil@evil.example>',
    f"{MINE}\u2028evil@evil.example",
    f"{MINE}\x00evil@evil.example",
    None,
    True,
    7,
]
Letters = list[EmailMessage]


def recipients(mailoutbox: Letters) -> set[str]:
    work()
    return {address for letter in mailoutbox for address in letter.recipients()}


class TestTwoAddresses:
    """T-RST-01."""

    @pytest.mark.parametrize("login", TWO)
    def test_by_a_program(self, alice: User, mailoutbox: Letters, login: Any) -> None:
        answer = API().post(ENDPOINT, {"login": login, "org": "acme"})

        assert answer.status_code in {202, 400, 422}
        assert recipients(mailoutbox) == set()

    @pytest.mark.parametrize("login", [entry for entry in TWO if isinstance(entry, str)])
    def test_on_the_page(self, alice: User, mailoutbox: Letters, login: str) -> None:
        answer = Browser().post(PAGE, {"login": login, "organization": "acme"})

        assert answer.status_code in {200, 400}
        assert recipients(mailoutbox) == set()

    @pytest.mark.parametrize("order", [1, -1])
    def test_named_twice(self, alice: User, mailoutbox: Letters, order: int) -> None:
        """One of the two counts, and only what is stored gets a letter."""
        both = [MINE, "evil@evil.example"][::order]
        twice = "{" + ", ".join(f'"login": "{one}"' for one in both) + ', "org": "acme"}'

        Browser().post(PAGE, {"login": both, "organization": "acme"})
        Browser().post(f"/api/v1/{ENDPOINT}", twice, content_type="application/json")

        assert recipients(mailoutbox) <= {MINE}

    def test_by_an_admin_no_address_is_asked_for_at_all(self, alice: User, bob: User, mailoutbox: Letters) -> None:
        evil = {"email": "evil@evil.example", "address": "evil@evil.example", "to": ["evil@evil.example"]}
        browser = Browser()
        sign_in(browser, alice)

        browser.post(
            "/admin/accounts/user/verbs/reset-password/",
            {"selected": bob.public_id, "step": "do", "reason": "x", **evil},
        )
        refused = API.of(alice).post(f"users/{bob.public_id}/reset-password/", evil)
        run("user_reset_password", bob.public_id, "--yes")

        assert refused.status_code == 422
        assert recipients(mailoutbox) == {bob.email}


class Broken(BaseEmailBackend):
    """A mail server that answers nothing."""

    def send_messages(self, messages: Any) -> int:
        raise OSError("no route to host")


class TestNoMail:
    """T-ENUM-02."""

    @pytest.fixture(autouse=True)
    def _broken(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = f"{__name__}.Broken"

    def ask(self, login: str) -> list[Any]:
        page = Browser().post(PAGE, {"login": login, "organization": "acme"})
        answer = API().post(ENDPOINT, {"login": login, "org": "acme"})
        work()
        return [page.status_code, text_of(page), answer.status_code, answer.body]

    def test_the_answer_is_the_same_for_who_exists_and_who_does_not(self, alice: User) -> None:
        known, unknown = self.ask("alice"), self.ask("nobody")

        assert known == unknown
        assert known[0] == 200
        assert known[2] == 202

    def test_what_an_admin_asks_for_is_done_and_the_letter_waits(
        self, alice: User, bob: User, everything: Callable[[], Any]
    ) -> None:
        browser = API.of(alice)

        asked = browser.post(f"users/{bob.public_id}/reset-password/")
        invited = browser.post("invites/", {"organization": "acme", "email": "kim@example.com"})
        work()

        assert (asked.status_code, invited.status_code) == (200, 201), json.dumps(asked.body)
        assert {letter.state for letter in Outbox.objects.filter(kind__in=["password_reset", "invite"])} <= {"queued"}
