"""What people come to do, from the sign-in link to the audit trail."""

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.factories.users import PASSWORD
from tests.identity.service import Service


def test_an_operator_suspends_somebody_and_takes_it_back(visit: Visit, service: Service) -> None:
    operator = visit()
    page = operator.page

    operator.go(service.link)
    expect(page.get_by_role("heading", name="Set your password")).to_be_visible()
    assert "lnk_" not in page.url
    page.get_by_label("New password", exact=True).fill(PASSWORD)
    page.get_by_label("New password, once more").fill(PASSWORD)
    operator.press("Set password and sign in")
    expect(page.get_by_text("Your password is set, and you are signed in.")).to_be_visible()

    operator.follow("People")
    expect(page.locator("tbody tr")).to_have_count(25)
    expect(page.get_by_role("link", name="More →")).to_be_visible()
    page.get_by_label("Search").fill("lind042")
    operator.press("Show")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody").get_by_role("link").first.click()
    name = operator.heading
    expect(page.locator(".facts .badge")).to_have_text("active")

    operator.follow("Suspend")
    expect(page.get_by_role("heading", name=f"Suspend: {name}")).to_be_visible()
    expect(page.get_by_role("region", name="What will happen")).to_contain_text("status: active → suspended")
    page.get_by_label("Reason").fill("Contract ended, ticket 4711")
    operator.press("Suspend now")
    expect(page.get_by_text(f"{name} is suspended.")).to_be_visible()
    expect(page.locator(".facts .badge")).to_have_text("suspended")
    expect(page.get_by_role("link", name="Suspend", exact=True)).to_have_count(0)

    operator.follow("Audit trail", inside=page.locator(".tabs"))
    newest = page.locator("tbody tr").first
    expect(newest).to_contain_text("user.suspend")
    expect(newest).to_contain_text("Contract ended, ticket 4711")
    newest.get_by_role("link").first.click()
    changes = page.get_by_role("region", name="What changed")
    expect(changes.locator("tr", has_text="status").first).to_contain_text("active")
    expect(changes.locator("tr", has_text="status").first).to_contain_text("suspended")

    page.locator("dl").get_by_role("link", name=name).click()
    operator.follow("Activate")
    page.get_by_label("Reason").fill("Contract renewed")
    operator.press("Activate now")
    expect(page.get_by_text(f"{name} is active again.")).to_be_visible()
    expect(page.locator(".facts .badge")).to_have_text("active")


def test_a_sign_in_link_works_once(visit: Visit, service: Service) -> None:
    first, second = visit(), visit()
    made = service.installation.manage("admin_link", "lind060", "--org", "lindenhof")
    assert made.returncode == 0, made.stderr
    path = "/link/" + made.stdout.partition("/link/")[2].split()[0]
    first.go(path)
    first.page.get_by_label("New password", exact=True).fill(PASSWORD)
    first.page.get_by_label("New password, once more").fill(PASSWORD)
    first.press("Set password and sign in")
    expect(first.page.get_by_role("heading", name="Your account")).to_be_visible()

    second.go(path, status=410)

    assert second.heading == "This link does not work"


def test_many_are_suspended_at_once(visit: Visit) -> None:
    operator = visit("root")
    page = operator.page
    operator.go("/admin/accounts/user/?org=tidewater&search=tide07")
    page.get_by_label("Choose", exact=False).nth(1).check()
    page.get_by_label("Choose", exact=False).nth(2).check()
    expect(page.get_by_text("Those ticked above (2)")).to_be_visible()

    operator.press("Suspend…")
    expect(page.get_by_text("2 of 2 will change.")).to_be_visible()
    page.get_by_label("Reason").fill("Season over")
    operator.press("Suspend 2 now")

    expect(page.get_by_text("2 done, 0 so already, 0 refused.")).to_be_visible()


def test_the_main_verb_by_keyboard_alone(visit: Visit) -> None:
    admin = visit("admin")
    page = admin.page
    admin.go("/admin/")

    admin.tab_to("People")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    admin.tab_to("Search")
    page.keyboard.type("lind043")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    name = page.locator("tbody").get_by_role("link").first.inner_text()
    admin.tab_to(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    admin.tab_to("Suspend")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Suspend: {name}")).to_be_visible()
    admin.tab_to("Reason")
    page.keyboard.type("Left the company")
    admin.tab_to("Suspend now")
    page.keyboard.press("Enter")

    expect(page.get_by_text(f"{name} is suspended.")).to_be_visible()


def test_an_admin_acts_as_a_moderator_and_comes_back(visit: Visit) -> None:
    admin = visit("admin")
    page = admin.page
    admin.go("/admin/accounts/user/?search=lind006")
    page.locator("tbody").get_by_role("link").first.click()
    name, own_page = admin.heading, page.url

    admin.follow("Impersonate")
    page.get_by_label("Reason").fill("Ticket 4521")
    page.get_by_label("For how long").fill("15m")
    admin.press("Impersonate now")
    banner = page.get_by_role("complementary", name="Acting as somebody else")
    expect(banner).to_contain_text(f"You act as {name} until")
    admin.follow("People")
    expect(page.get_by_role("heading", name="People")).to_be_visible()
    expect(banner).to_be_visible()
    expect(page.get_by_role("link", name="Add a person")).to_have_count(0)
    page.wait_for_load_state()

    page.goto(own_page)
    page.get_by_label("Nickname").fill("Moderately")
    admin.press("Save the profile")
    expect(page.get_by_text("The profile is saved.")).to_be_visible()
    admin.press("Stop, be myself again")
    expect(page.get_by_text(f"You are yourself again, and no longer {name}.")).to_be_visible()
    expect(banner).to_have_count(0)

    admin.follow("Audit trail", inside=page.locator(".tabs"))
    rows = page.locator("tbody tr")
    expect(rows.nth(0)).to_contain_text("impersonation.stop")
    expect(rows.nth(1)).to_contain_text("user.update")
    expect(rows.nth(1)).to_contain_text(f"as {name}")
    expect(rows.nth(2)).to_contain_text("Ticket 4521")
    admin.follow("Sessions", inside=page.locator(".tabs"))
    expect(page.locator("tbody tr").first).to_contain_text("acts as this person: Ticket 4521")
