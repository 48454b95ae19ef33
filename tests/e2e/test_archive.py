"""What people come to do with personal data: hand over a copy, erase, keep the receipt, and be told why not."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.visitor import PHONE, Visitor


def test_an_admin_hands_over_a_copy_and_erases_the_person(visit: Visit, tmp_path: Path) -> None:
    admin = visit("admin")
    page = admin.page
    admin.go("/admin/accounts/user/?search=lind044")
    page.locator("tbody").get_by_role("link").first.click()
    name, address = admin.heading, page.locator(".facts").inner_text().split()[1]
    identifier = page.locator(".head .identifier code").inner_text()
    assert address.endswith("@lindenhof.example")

    admin.follow("Personal data")
    page.get_by_label("Format").select_option("html")
    page.get_by_label("Reason").fill("By letter, ticket 4712")
    admin.press("Make a copy")
    copies = page.get_by_role("region", name="Copies")
    _wait_for_the_worker(admin)
    expect(copies.locator(".badge")).to_have_text("ready")
    copy = admin.take(copies.get_by_role("button", name="Download"), tmp_path)
    assert address in copy.read_text()
    _is_for_everybody(visit(), copy)

    admin.follow("Erasure")
    for heading in ("Deleted", "Emptied", "Kept, and why"):
        expect(page.get_by_role("region", name=heading).locator("tbody tr").first).to_be_visible()
    page.get_by_label(f"Type {address} to go on").fill(f"not.{address}")
    page.get_by_label("Not before").fill("now")
    admin.expected = 422
    admin.press("Erase the person")
    expect(page.get_by_text("This is not what stands there. Nothing was changed.")).to_be_visible()
    expect(page.locator(".facts .badge")).to_have_text("active")
    page.get_by_label(f"Type {address} to go on").fill(address)
    admin.press("Erase the person")

    expect(page.get_by_text("The account is closed for good. A worker erases the person")).to_be_visible()
    _wait_for_the_worker(admin)
    expect(page.get_by_text("Nothing is left.")).to_be_visible()
    expect(page.locator(".facts .badge")).to_have_text("complete")
    receipt = admin.take(page.get_by_role("link", name="Receipt to read and print"), tmp_path)
    signed = admin.take(page.get_by_role("link", name="Signed receipt (JSON)"), tmp_path)
    for text in (receipt.read_text(), signed.read_text(), admin.main()):
        assert identifier in text
        assert address not in text
        assert name not in text
    _is_for_everybody(visit(), receipt)

    for known in ("lind044", address):
        admin.go("/admin/accounts/user/")
        page.get_by_label("Search").fill(known)
        admin.press("Show")
        expect(page.get_by_text("Nothing matches.")).to_be_visible()
    admin.go("/admin/accounts/auditevent/?action=user.purge")
    newest = page.locator("tbody tr").first
    expect(newest).to_contain_text("user.purge")
    expect(newest).to_contain_text(identifier)
    newest.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="user.purge")).to_be_visible()
    assert address not in admin.main()
    assert name not in admin.main()


def test_under_a_legal_hold_the_page_says_why_and_has_no_button(visit: Visit, places: dict[str, str]) -> None:
    admin = visit("admin")

    for how in ("purge", "delete", "activities"):
        admin.go(f"/admin/accounts/user/{places['held']}/erasure/?how={how}")
        expect(admin.page.get_by_text("The account is under legal hold")).to_be_visible()
        expect(admin.page.get_by_text("The reason: Case 7")).to_be_visible()
        expect(admin.page.get_by_role("button", name=re.compile("^Erase"))).to_have_count(0)

    admin.follow("Legal holds", inside=admin.page.locator(".notice"))
    expect(admin.page.locator("tbody tr")).to_contain_text("Case 7")


def _wait_for_the_worker(visitor: Visitor) -> None:
    """Look again until there is nothing left to wait for."""
    while visitor.page.get_by_role("link", name="Look again").count():
        visitor.page.wait_for_timeout(250)
        visitor.follow("Look again")


def _is_for_everybody(visitor: Visitor, file: Path) -> None:
    """Look at a file that people keep, by the same rules as at a page."""
    visitor.open(file)
    assert visitor.barriers() == []
    assert visitor.sticking_out() == []
    visitor.look("dark", PHONE)
    assert visitor.barriers() == []
    assert visitor.sticking_out() == []
