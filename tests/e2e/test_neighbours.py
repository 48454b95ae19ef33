"""For an organization's admin, the organization next door does not exist."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit

ABSENT = "01h455vb4pex5vsknk084sn02q"


def test_an_admin_meets_their_own_organization_only(visit: Visit) -> None:
    admin = visit("admin")
    admin.go("/admin/")
    assert "What happens at Lindenhof Clinic." in admin.main()

    admin.follow("Organizations")

    expect(admin.page.locator("tbody tr")).to_have_count(1)
    expect(admin.page.locator("tbody tr")).to_contain_text("Lindenhof Clinic")
    admin.follow("People")
    assert admin.page.get_by_label("Organization").count() == 0


@pytest.mark.parametrize("words", ["mallory", "mallory@nextdoor.example", "nextdoor", "tide020"])
def test_searching_for_the_neighbour_finds_nobody(visit: Visit, words: str) -> None:
    admin = visit("admin")
    admin.go("/admin/accounts/user/")

    admin.page.get_by_label("Search").fill(words)
    admin.press("Show")

    expect(admin.page.get_by_text("Nothing matches.")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("user/usr_{}/", "neighbour"),
        ("user/usr_{}/memberships/", "neighbour"),
        ("user/usr_{}/sessions/", "neighbour"),
        ("user/usr_{}/audit/", "neighbour"),
        ("user/verbs/suspend/?selected=usr_{}", "neighbour"),
        ("organization/org_{}/", "nextdoor"),
        ("user/?org=org_{}", "nextdoor"),
        ("auditevent/?org=org_{}", "nextdoor"),
    ],
)
def test_an_address_of_the_neighbour_is_answered_like_one_of_nobody(
    visit: Visit, places: dict[str, str], path: str, place: str
) -> None:
    admin = visit("admin")
    pages = []

    for identifier in (places[place].partition("_")[2], ABSENT):
        admin.go(f"/admin/accounts/{path.format(identifier)}", status=404)
        pages.append(admin.main(identifier))

    assert pages[0] == pages[1]
    assert admin.heading == "Not found"
    owner = visit("mallory")
    owner.go(f"/admin/accounts/{path.format(places[place].partition('_')[2])}")


def test_the_neighbour_exists_for_its_own_owner_alone(visit: Visit) -> None:
    owner = visit("mallory")
    owner.go("/admin/accounts/user/")

    expect(owner.page.locator("tbody tr")).to_have_count(1)
    expect(owner.page.locator("tbody tr")).to_contain_text("mallory@nextdoor.example")


def test_an_input_that_looks_ahead_offers_the_organization_s_own_roles(visit: Visit, places: dict[str, str]) -> None:
    admin = visit("admin")
    admin.go(f"/admin/accounts/user/{places['other']}/roles/")
    role = admin.page.get_by_role("combobox", name="Role")

    with admin.page.expect_response("**/role/look-up/?q=plan*"):
        role.press_sequentially("plan")

    offered = admin.page.locator("datalist option")
    expect(offered).to_have_count(1)
    expect(offered).to_have_attribute("value", "rota/planner")
    role.fill("rota/planner")
    role.press("Enter")
    expect(admin.page.locator(".messagelist")).to_contain_text("rota/planner")
