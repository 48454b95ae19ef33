"""The visitor forgives what a browser lets go of for a reason, and nothing else."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Route

from tests.e2e.visitor import Visitor

HOME = "http://house.example"


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[Visitor]:
    """Somebody in a house of a few addresses; there is no service behind it."""
    context = chromium.new_context()
    context.route("**/*", answered)
    yield Visitor(context.new_page(), HOME)
    context.close()


def answered(route: Route) -> None:
    """Answer what was asked for; what is slow never comes, what is cut is given up."""
    path = urlsplit(route.request.url).path
    if path == "/file":
        route.fulfill(headers={"Content-Disposition": "attachment; filename=a.txt"}, body="a")
    elif path.startswith("/cut"):
        route.abort("aborted")
    elif not path.startswith("/slow"):
        style = f'<link rel="stylesheet" href="{path}.css">' if path in {"/with/cut", "/with/slow"} else ""
        route.fulfill(content_type="text/html", body=f"<title>{path}</title>{style.replace('/with', '')}<p>Here")


def test_what_is_given_up_on_a_page_that_stays_is_noticed(visitor: Visitor) -> None:
    visitor.go("/with/cut")

    assert visitor.complaints == [f"given up: {HOME}/cut.css"]


def test_what_was_on_its_way_to_a_page_that_was_left_is_not(visitor: Visitor) -> None:
    with visitor.page.expect_request("**/slow.css"):
        visitor.page.goto(f"{HOME}/with/slow", wait_until="commit")

    with visitor.page.expect_event("requestfailed"):
        visitor.go("/")

    assert visitor.complaints == []


def test_a_page_that_turns_out_to_be_a_file_is_not(visitor: Visitor) -> None:
    visitor.go("/")

    with visitor.page.expect_download(), visitor.page.expect_event("requestfailed"):
        visitor.page.evaluate("() => { location.href = '/file' }")

    assert visitor.complaints == []


def test_an_address_that_is_given_up_and_no_file_is_noticed(visitor: Visitor) -> None:
    visitor.go("/")

    with visitor.page.expect_event("requestfailed"):
        visitor.page.evaluate("() => { location.href = '/cut' }")

    assert visitor.complaints == [f"given up: {HOME}/cut"]


def test_what_keeps_people_out_is_found_each_time_it_is_looked_for(visitor: Visitor) -> None:
    visitor.go("/")
    visitor.page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<input>')")

    found = visitor.barriers()

    assert [barrier for barrier in found if barrier.startswith("label (critical)")] != []
    assert visitor.barriers() == found
