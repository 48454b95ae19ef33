"""How somebody comes in: the invite by click, the letter by a real mail server, the link, the password, the trail."""

import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, Page, expect

from tests.e2e.visitor import DESK, PHONE, Visitor
from tests.factories.users import PASSWORD
from tests.identity.conftest import free_port, installed
from tests.identity.service import Service, serving, wait_until

KIM = "kim@example.com"
PREPARED = """
import sys
from accounts import policy
from accounts.operations.base import NewPassword
from accounts.operations.claims import claim_create
from accounts.operations.organizations import org_create
from accounts.operations.roles import role_create
from accounts.operations.users import user_create
us = policy.operator(os_user="tester", request_id="e2e")
acme = org_create(actor=us, slug="acme", name="Acme")
role_create(actor=us, organization=acme, slug="reader", name="Reader", permissions=["user.show"])
claim_create(actor=us, organization=acme, name="department", type="string")
user_create(
    actor=us, organization=acme, email="erin@example.com", username="erin", profile={"name": "Erin"},
    password=NewPassword(sys.stdin.read().strip()), must_change_password=False, roles=["admin"],
)
"""


class Mailbox:
    """What the mail server took."""

    def __init__(self) -> None:
        self.letters: list[Any] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        """Take a letter."""
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"


@pytest.fixture(scope="module")
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """Run a mail server."""
    box, port = Mailbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


@pytest.fixture(scope="module")
def house(executable: str, mailbox: tuple[Mailbox, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start the service beside that mail server, with erin, who administers acme."""
    with installed(tmp_path_factory.mktemp("invites")) as installation:
        installation.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{mailbox[1]}"
        with serving(installation, "--first-start") as running:
            running.up()
            made = installation.manage("shell", "-v", "0", "-c", PREPARED, stdin=PASSWORD)
            assert made.returncode == 0, made.stderr
            yield running
        assert "Traceback" not in running.said, running.said


def said(house: Service, *words: str) -> Any:
    """Give what a command answers."""
    result = house.installation.manage(*words, "--json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def looked_at(visitor: Visitor) -> None:
    """Find no barrier, in light and dark, on a desk and a phone."""
    for scheme, size in (("light", DESK), ("dark", PHONE)):
        visitor.look(scheme, size)
        assert visitor.barriers() == []
        assert visitor.sticking_out() == []
    visitor.look("light", DESK)


def accepted(kim: Visitor, path: str) -> Visitor:
    """Follow the link, choose a password, sign in with it."""
    kim.go(path)
    assert "inv_" not in kim.page.url
    looked_at(kim)
    kim.page.get_by_label("Your name").fill("Kim Lee")
    kim.page.get_by_label("New password", exact=True).fill("another sentence that nobody guesses")
    kim.page.get_by_label("New password, once more").fill("another sentence that nobody guesses")
    kim.press("Accept the invite")
    kim.sign_in(KIM, "another sentence that nobody guesses", "acme")
    expect(kim.page.get_by_role("button", name="Sign out")).to_be_visible()
    return kim


def roles_typed(page: Page) -> None:
    """Name two roles with the keyboard alone: the second line comes when the first is filled."""
    page.get_by_label("Role 1").press_sequentially("mod")
    expect(page.locator("#id_roles_1_choices option[value=moderator]")).to_be_attached()
    page.get_by_label("Role 1").fill("moderator")
    page.get_by_label("Role 1").press("Tab")
    expect(page.get_by_label("Role 2")).to_be_focused()
    page.keyboard.type("reader")


def test_from_the_invite_to_the_trail(house: Service, chromium: Browser, mailbox: tuple[Mailbox, int]) -> None:
    home = f"http://localhost:{house.port}"
    erin = Visitor(chromium.new_context(locale="en-GB").new_page(), home)
    page = erin.page
    erin.go("/sign-in/")
    erin.sign_in("erin", PASSWORD, "acme")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    erin.follow("Invites")
    erin.follow("Invite somebody")
    page.get_by_label("E-mail").fill(KIM)
    page.get_by_label("Name", exact=True).fill("Kim")
    roles_typed(page)
    page.get_by_label("Claims").fill("department=Sales")
    page.get_by_label("Message").fill("Welcome to the team.")
    looked_at(erin)
    erin.press("Show the letter first")
    expect(page.get_by_role("region", name="The letter")).to_contain_text("Welcome to the team.")
    looked_at(erin)
    assert mailbox[0].letters == []
    erin.press("Invite")
    expect(page.get_by_text(f"{KIM} is invited.")).to_be_visible()

    wait_until(lambda: bool(mailbox[0].letters))
    ((recipients, letter),) = mailbox[0].letters
    text = letter.get_body(("plain",)).get_content()
    assert recipients == [KIM]
    assert "Welcome to the team." in text
    link = re.search(rf"{home}(/invite/inv_\S+/)", text)
    assert link is not None, text
    wait_until(lambda: said(house, "user_invites", "--org", "acme")["data"][0]["delivery"] == "sent")
    erin.go("/admin/accounts/invite/?status=pending")
    expect(page.locator("tbody tr")).to_contain_text("sent")
    looked_at(erin)

    kim = accepted(Visitor(chromium.new_context(locale="en-GB").new_page(), home), link[1])

    shown = said(house, "user_show", KIM, "--org", "acme")
    assert (shown["status"], shown["name"], shown["email_verified"]) == ("active", "Kim Lee", True)
    assert sorted(shown["roles"]) == ["member", "moderator", "reader"]
    assert [(claim["claim"], claim["value"]) for claim in shown["claims"]] == [("department", "Sales")]
    (invite,) = said(house, "user_invites", "--org", "acme")["data"]
    assert (invite["status"], invite["uses"], invite["user"]) == ("accepted", 1, shown["id"])
    events = said(house, "audit_list", "--org", "acme", "--limit", "100")["data"]
    told = [event["action"] for event in sorted(events, key=lambda event: event["id"])]
    assert told[-4:] == ["session.start", "user.invite", "invite.accept", "session.start"]

    late = Visitor(chromium.new_context(locale="en-GB").new_page(), home)
    late.go(link[1], status=410)
    assert late.heading == "This invite does not work"
    looked_at(late)
    assert [complaint for visitor in (erin, kim, late) for complaint in visitor.complaints] == []
