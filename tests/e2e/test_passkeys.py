"""A passkey from its making to its end, in a browser with the virtual authenticator of the debugging channel."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.e2e.conftest import PEOPLE, Visit
from tests.e2e.visitor import PHONE, Visitor
from tests.factories.users import PASSWORD

UNOFFERED = "PublicKeyCredential.isConditionalMediationAvailable = async () => false"
"""The authenticator answers by itself what a browser offers under the name; who tries the button wants none of that."""
Plugged = Callable[[Page], "Device"]


class Device:
    """The authenticator of a page's browser."""

    def __init__(self, channel: CDPSession) -> None:
        self.channel = channel
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        channel.send("WebAuthn.enable")
        self.id = channel.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        """Say which passkeys it keeps."""
        found: list[dict[str, Any]] = self.channel.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found

    def takes(self, other: "Device") -> None:
        """Keep what another one keeps, with the counter as it stands there."""
        self.channel.send("WebAuthn.clearCredentials", {"authenticatorId": self.id})
        for credential in other.credentials():
            self.channel.send("WebAuthn.addCredential", {"authenticatorId": self.id, "credential": credential})

    def knows_the_person(self, yes: bool) -> None:
        """Let it be unlocked, or not."""
        self.channel.send("WebAuthn.setUserVerified", {"authenticatorId": self.id, "isUserVerified": yes})


@pytest.fixture
def plugged() -> Plugged:
    """Give a page's browser an authenticator."""
    return lambda page: Device(page.context.new_cdp_session(page))


def signed_out(visitor: Visitor) -> None:
    visitor.page.context.clear_cookies()
    visitor.go("/sign-in/")


def is_in(visitor: Visitor) -> None:
    expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()


def makes_one(visitor: Visitor, device: Device) -> None:
    """Enrol a passkey, at the second try."""
    page = visitor.page
    visitor.go("/account/two-factor/")
    visitor.press("Add a passkey")
    expect(page.get_by_role("button", name="Create the passkey")).to_be_enabled()
    assert visitor.barriers() == []
    visitor.look("dark", PHONE)
    assert visitor.barriers() == []
    assert visitor.sticking_out() == []

    device.knows_the_person(False)
    visitor.press("Create the passkey")
    expect(page.get_by_text(re.compile("That was cancelled|cannot keep a passkey"))).to_be_visible()
    assert visitor.barriers() == []
    device.knows_the_person(True)
    page.get_by_label("Name").fill("This computer")
    visitor.press("Create the passkey")
    expect(page.locator(".codes li")).to_have_count(10)
    assert [(kept["isResidentCredential"], kept["rpId"]) for kept in device.credentials()] == [(True, "localhost")]
    visitor.go("/account/two-factor/")
    expect(page.get_by_text("This computer", exact=True)).to_be_visible()
    assert visitor.barriers() == []
    assert visitor.sticking_out() == []


def test_made_used_alone_and_after_the_password_and_taken_away(visit: Visit, plugged: Plugged) -> None:
    visitor = visit("keeper")
    page = visitor.page
    device = plugged(page)
    page.add_init_script(UNOFFERED)
    makes_one(visitor, device)

    signed_out(visitor)
    visitor.press("Sign in with a passkey")
    is_in(visitor)

    other = page.context.new_page()
    other_device = plugged(other)
    other_device.takes(device)
    page.context.clear_cookies()
    other.goto(f"{visitor.home}/sign-in/")  # the browser offers it under the name: nothing is typed, nothing pressed
    expect(other.get_by_role("button", name="Sign out")).to_be_visible()
    device.takes(other_device)
    other.close()

    signed_out(visitor)
    username, organization = PEOPLE["keeper"]
    visitor.sign_in(username, PASSWORD, organization)
    expect(page.get_by_role("button", name="Use a passkey")).to_be_enabled()
    assert visitor.barriers() == []
    assert visitor.sticking_out() == []
    visitor.press("Use a passkey")
    is_in(visitor)

    visitor.go("/account/confirm/?next=/account/two-factor/")
    visitor.press("Use a passkey instead")
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Take away This computer").click()
    expect(page.get_by_text("This computer is taken away.")).to_be_visible()

    signed_out(visitor)
    visitor.press("Sign in with a passkey")
    expect(page.get_by_text("The passkey was not taken. Try again, or use your password.")).to_be_visible()
    assert visitor.barriers() == []


def test_by_keyboard_and_what_is_said_where_it_cannot_be(visit: Visit, plugged: Plugged) -> None:
    visitor = visit("")
    page = visitor.page
    device = plugged(page)
    visitor.go("/sign-in/")
    visitor.tab_to("Sign in with a passkey")

    device.knows_the_person(False)
    page.keyboard.press("Enter")

    expect(page.get_by_text("That was cancelled, or took too long.")).to_be_visible()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_enabled()

    elsewhere = visitor.home.replace("localhost", "127.0.0.1")
    other = page.context.new_page()
    other.goto(f"{elsewhere}/sign-in/")
    expect(other.get_by_text(f"Passkeys work at {visitor.home} alone.")).to_be_visible()
    expect(other.get_by_role("button", name="Sign in with a passkey")).to_be_disabled()
    other.close()


def test_without_javascript_the_password_is_there(visit: Visit) -> None:
    browser = visit("").page.context.browser
    assert browser is not None
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{visit('').home}/sign-in/")

    expect(page.get_by_text("A passkey needs JavaScript; the password does not.")).to_be_visible()
    username, organization = PEOPLE["member"]
    page.get_by_label("E-mail or username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_text("Another organization").click()
    page.get_by_label("Organization").fill(organization)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    context.close()
