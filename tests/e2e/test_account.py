"""What people do with their own account, from signing in to leaving."""

from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import PHONE
from tests.factories.users import PASSWORD

NEW = "another sentence that nobody guesses"


def test_signing_in_by_keyboard_alone(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    visitor.go("/sign-in/?next=/account/profile/")

    page.keyboard.type("lind061")
    visitor.tab_to("Password")
    page.keyboard.type(PASSWORD)
    visitor.tab_to("Another organization")
    page.keyboard.press("Enter")
    visitor.tab_to("Organization")
    page.keyboard.press("Control+A")
    page.keyboard.type("lindenhof")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Profile")).to_be_visible()
    visitor.tab_to("Skip to content")
    page.keyboard.press("Enter")
    visitor.tab_to("Name")


def test_somebody_looks_after_their_account_on_a_telephone(visit: Visit, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    visitor.look("dark", PHONE)
    visitor.go("/sign-in/lindenhof/")
    page.get_by_label("E-mail or username").fill("lind063")
    page.get_by_label("Password").fill(PASSWORD)
    visitor.press("Sign in")
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()

    visitor.follow("Profile")
    page.get_by_label("Nickname").fill("Lou")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Your profile is saved.")
    page.get_by_label("department").fill("Surgery")
    visitor.press("Save department")
    expect(page.get_by_role("status")).to_have_text("department is saved.")

    visitor.follow("Download my data")
    page.get_by_label("As").select_option("JSON")
    visitor.press("Make a copy")
    copies = page.get_by_role("list", name="Copies").get_by_role("listitem")
    for _ in range(60):  # until the worker has made it
        if copies.first.get_by_role("button").count():
            break
        copies.first.get_by_text("Look again").click()
        page.wait_for_timeout(500)
    copy = visitor.take(copies.first.get_by_role("button"), tmp_path)
    assert '"nickname": "Lou"' in copy.read_text()

    visitor.follow("Password")
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password, once more").fill(NEW)
    visitor.press("Change password")
    expect(page.get_by_role("status")).to_have_text("Your password is changed. You are signed out everywhere else.")

    visitor.follow("Sessions")
    expect(page.get_by_role("list", name="Sessions").get_by_role("listitem")).to_have_count(1)
    visitor.press("Everywhere, here too")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_showing_once_more_who_it_is_leads_back(visit: Visit) -> None:
    visitor = visit("plain")
    page = visitor.page
    visitor.go("/account/confirm/?next=/account/delete/")

    page.get_by_label("Password").fill(PASSWORD)
    visitor.press("Confirm")

    expect(page.get_by_role("heading", name="Delete my account")).to_be_visible()
