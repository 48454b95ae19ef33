"""An authenticator app from the QR code to the next sign-in, in a browser."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import PEOPLE, Visit
from tests.factories.factors import shown_for
from tests.factories.users import PASSWORD


def test_somebody_enrols_an_app_signs_out_and_comes_back_with_its_code(visit: Visit) -> None:
    visitor = visit("careful")
    page = visitor.page
    visitor.go("/account/two-factor/")
    visitor.press("Add an authenticator app")
    page.get_by_text("I cannot scan it").click()
    key = page.locator(".key").inner_text().replace(" ", "")

    page.get_by_label("Code", exact=True).fill("000 000")
    visitor.press("Enrol")
    expect(page.get_by_text("The code is wrong.")).to_be_visible()
    page.get_by_label("Code", exact=True).fill(shown_for(key))
    visitor.press("Enrol")

    codes = page.locator(".codes li")
    expect(codes).to_have_count(10)
    recovery = codes.first.inner_text().strip()
    assert re.fullmatch(r"[0-9a-z]{6}(-[0-9a-z]{6}){3}", recovery)
    assert visitor.barriers() == []

    username, organization = PEOPLE["careful"]
    for code in (shown_for(key, shift=30), recovery):
        page.context.clear_cookies()
        visitor.go("/sign-in/")
        visitor.sign_in(username, PASSWORD, organization)
        expect(page.get_by_text("Your password was right.")).to_be_visible()
        page.get_by_label("Code", exact=True).fill(code)
        visitor.press("Go on")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    visitor.go("/account/two-factor/")
    expect(page.get_by_text("9 recovery codes left.")).to_be_visible()
