"""The visitor forgives what a browser lets go of for a reason, and nothing else."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.visitor import Visitor
from tests.identity.service import Service

STYLE = "**/*.css"


@pytest.fixture
def visitor(chromium: Browser, service: Service) -> Iterator[Visitor]:
    """Somebody whose complaints are looked at by the test alone."""
    context = chromium.new_context()
    yield Visitor(context.new_page(), f"http://localhost:{service.port}")
    context.close()


def test_a_request_that_is_given_up_on_a_page_that_stays_is_noticed(visitor: Visitor) -> None:
    visitor.page.route(STYLE, lambda route: route.abort("aborted"))

    visitor.go("/admin/login/")

    assert visitor.complaints != []
    assert all(complaint.startswith("given up: ") and complaint.endswith(".css") for complaint in visitor.complaints)


def test_what_was_on_its_way_to_a_page_that_was_left_is_not(visitor: Visitor) -> None:
    visitor.page.route(STYLE, lambda route: None)  # it never comes
    visitor.page.goto(f"{visitor.home}/admin/login/", wait_until="commit")
    with visitor.page.expect_request(STYLE):
        visitor.page.reload(wait_until="commit")
    visitor.page.unroute(STYLE)

    with visitor.page.expect_event("requestfailed"):
        visitor.go("/password/reset/")

    assert visitor.complaints == []


def test_a_page_that_turns_out_to_be_a_file_is_not(visitor: Visitor) -> None:
    answer = {"headers": {"Content-Disposition": "attachment; filename=a.txt"}, "body": "a"}
    visitor.page.route("**/file", lambda route: route.fulfill(**answer))  # type: ignore[arg-type]
    visitor.go("/admin/login/")

    with visitor.page.expect_download(), visitor.page.expect_event("requestfailed"):
        visitor.page.evaluate("location.href = '/file'")

    assert visitor.complaints == []


def test_an_address_that_is_given_up_without_a_file_is_noticed(visitor: Visitor) -> None:
    visitor.page.route("**/file", lambda route: route.abort("aborted"))
    visitor.go("/admin/login/")

    with visitor.page.expect_event("requestfailed"):
        visitor.page.evaluate("location.href = '/file'")

    assert visitor.complaints == [f"given up: {visitor.home}/file"]
