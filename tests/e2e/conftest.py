"""``make run DEMO=1`` as a process of its own, and people who look at it in Debian's Chromium.

Nothing here touches the database of the tests: Playwright runs an event loop in this thread, in which Django would
refuse to.
"""

import os
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

from accounts import ids
from tests.e2e.visitor import BROWSER, DESK, FLAGS, Visitor
from tests.factories.users import PASSWORD
from tests.identity.conftest import installed, rows
from tests.identity.service import Service, serving

Visit = Callable[..., Visitor]

PEOPLE = {
    "root": ("root@example.com", "default"),
    "admin": ("lind003", "lindenhof"),
    "plain": ("lind050", "lindenhof"),
    "member": ("lind061", "lindenhof"),
    "leaver": ("lind062", "lindenhof"),
    "careful": ("lind054", "lindenhof"),
    "keeper": ("lind060", "lindenhof"),
    "acting": ("lind004", "lindenhof"),
    "acting elsewhere": ("lind005", "lindenhof"),
    "newcomer": ("lind053", "lindenhof"),
    "mallory": ("mallory@nextdoor.example", "nextdoor"),
}
"""Who signs in with a password: name and organization."""

ADMINISTER = {"root", "admin", "mallory"}
SHOWN_FOR = 60.0
"""Whoever administers shows who they are again when it is longer ago than this, for the tests to come."""

PREPARED = """
import sys
from datetime import timedelta
from django.utils import timezone
from accounts import policy
from accounts.models import Organization, Outbox, User
from accounts.operations.applications import app_create
from accounts.operations.base import NewPassword
from accounts.operations.installation import superuser_create
from accounts.operations.organizations import org_create
from accounts.operations.claims import claim_create, user_claims_set
from accounts.operations.roles import role_assign, role_create
from accounts.operations.users import user_create, user_set_password
from gdpr.operations.erasure import erase, erase_rows
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_open
us = policy.operator(os_user="tester", request_id="e2e")
password = NewPassword(sys.stdin.read().strip())
home = Organization.objects.get(slug="default")
superuser_create(actor=us, organization=home, email="root@example.com", username=None, password=password)
for number in (3, 4, 5, 50, 53, 54, 60, 61, 62, 63):
    name = f"lind{number:03}"
    user = User.objects.get(username_key=name)
    user_set_password(actor=us, user=user, password=password, must_change_password=name == "lind053")
held, asked, late, erased, leaving, gone = (User.objects.get(username_key=f"lind0{number}") for number in range(20, 26))
hold_place(actor=us, user=held, reason="Case 7", exemption="e")
request_open(actor=us, user=asked, kind="access", note="By letter")
request_open(actor=us, user=late, kind="erasure", received_at=timezone.now() - timedelta(days=50))
answered = request_open(actor=us, user=erased, kind="erasure", note="At the counter")
erase(actor=us, user=erased, how="purge", at=timezone.now(), request=answered)
erase_rows(actor=us, user=gone, how="purge", at=timezone.now())
erase(actor=us, user=leaving, how="purge", at=timezone.now() + timedelta(days=14))
lindenhof = Organization.objects.get(slug="lindenhof")
rota = app_create(
    actor=us, organization=lindenhof, slug="rota", name="Duty rota", permissions={"shift.swap": "Swap two shifts"}
)
role_create(
    actor=us, organization=lindenhof, application=rota, slug="planner", name="Planner", permissions=["shift.swap"]
)
desk = role_create(actor=us, organization=lindenhof, slug="helpdesk", name="Help desk", permissions=["user.show"])
role_assign(actor=us, membership=User.objects.get(username_key="lind010").memberships.get(), role=desk)
claim = claim_create(
    actor=us, organization=held.organization, name="department", type="string", appears_in=["id_token"],
    schema={"enum": ["Nursing", "Surgery"]}, description="Where somebody works", is_editable=True,
)
user_claims_set(actor=us, user=User.objects.get(username_key="lind010"), definition=claim, value="Nursing")
Outbox.objects.create(
    organization=asked.organization, user=asked, kind="password_changed", address=asked.email, state="failed",
    attempts=8, dead_at=timezone.now(), last_error="550 5.1.1 no such mailbox",
)
nextdoor = org_create(actor=us, slug="nextdoor", name="Next door")
user_create(
    actor=us, organization=nextdoor, email="mallory@nextdoor.example", password=password, must_change_password=False,
    roles=["owner"],
)
"""


@pytest.fixture(scope="session")
def executable() -> str:
    """Find the browser; without one there is nothing to test here."""
    if not os.access(BROWSER, os.X_OK):
        missing = f"no browser: {BROWSER} is missing (Debian: apt-get install chromium)"
        if os.environ.get("REQUIRE_BROWSER") == "1":
            pytest.fail(missing, pytrace=False)
        pytest.skip(missing)
    return BROWSER


@pytest.fixture(scope="session")
def service(executable: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start everything with 200 people; give some of them passwords, and the archive something to do."""
    with installed(tmp_path_factory.mktemp("e2e")) as installation:
        with serving(installation, "--first-start", "--demo") as running:
            running.up()
            made = installation.manage("shell", "-v", "0", "-c", PREPARED, stdin=PASSWORD)
            assert made.returncode == 0, made.stderr
            yield running
        assert "Traceback" not in running.said, running.said


@pytest.fixture(scope="session")
def places(service: Service) -> dict[str, str]:
    """Give the public ids of some rows, read past the program."""
    url = service.installation.environment["DATABASE_URL"]

    def first(prefix: str, query: str) -> str:
        return ids.encode(prefix, UUID(str(rows(url, query)[0][0])))

    def person(username: str) -> str:
        return first("usr", f"SELECT id FROM accounts_user WHERE username_key = '{username}'")

    return {
        "person": person("lind010"),
        "other": person("lind011"),
        "moderator": person("lind006"),
        "neighbour": first("usr", "SELECT id FROM accounts_user WHERE email_key = 'mallory@nextdoor.example'"),
        "nextdoor": first("org", "SELECT id FROM accounts_organization WHERE slug = 'nextdoor'"),
        "organization": first("org", "SELECT id FROM accounts_organization WHERE slug = 'lindenhof'"),
        "guest": first(
            "mem",
            "SELECT m.id FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id"
            " WHERE u.organization_id <> m.organization_id",
        ),
        "claim": first("clm", "SELECT id FROM accounts_claimdefinition WHERE name = 'department'"),
        "role": first("rol", "SELECT id FROM accounts_role WHERE slug = 'moderator'"),
        "own_role": first("rol", "SELECT id FROM accounts_role WHERE slug = 'helpdesk'"),
        "application": first("app", "SELECT id FROM accounts_application WHERE slug = 'rota'"),
        "signed_in": first("usr", "SELECT user_id FROM accounts_session WHERE ended_at IS NULL"),
        "session": first("ses", "SELECT id FROM accounts_session WHERE ended_at IS NULL"),
        "held": person("lind020"),
        "asked": person("lind021"),
        "leaving": person("lind024"),
        "hold": first("hld", "SELECT id FROM gdpr_legalhold"),
        "request": first("dsr", "SELECT id FROM gdpr_subjectrequest WHERE kind = 'access'"),
        "late": first("dsr", "SELECT id FROM gdpr_subjectrequest WHERE kind = 'erasure' AND status = 'open'"),
        "answered": first("dsr", "SELECT id FROM gdpr_subjectrequest WHERE status = 'done'"),
        "erased": first("usr", "SELECT user_id FROM gdpr_erasure WHERE status = 'complete'"),
        "receipt": first("ers", "SELECT id FROM gdpr_erasure WHERE status = 'complete'"),
        "searched": first("ers", "SELECT id FROM gdpr_erasure WHERE status = 'erased'"),
        "planned": first("ers", "SELECT id FROM gdpr_erasure WHERE status = 'scheduled'"),
        "letter": first("ltr", "SELECT id FROM accounts_outbox WHERE state = 'failed'"),
        "event": first("evt", "SELECT id FROM accounts_auditevent WHERE action = 'user.suspend'"),
    }


@pytest.fixture(scope="package")
def chromium(executable: str) -> Iterator[Browser]:
    """Run the browser, with a user directory that was never used before."""
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def signed_in() -> dict[str, BrowserContext]:
    """Keep the browsers of those who signed in, so that nobody has to twice."""
    return {}


@pytest.fixture(scope="package")
def shown_at() -> dict[str, float]:
    """Keep when each of them showed who they are: what is most sensitive asks for it after five minutes."""
    return {}


@pytest.fixture
def visit(
    chromium: Browser, service: Service, signed_in: dict[str, BrowserContext], shown_at: dict[str, float]
) -> Iterator[Visit]:
    """Open a page for somebody, or for nobody yet; whatever goes wrong on their way fails the test."""
    visitors: list[Visitor] = []

    def opened(who: str = "") -> Visitor:
        context = signed_in.get(who) or chromium.new_context(
            locale="en-GB", permissions=["clipboard-read", "clipboard-write"]
        )
        visitor = Visitor(context.new_page(), f"http://localhost:{service.port}")
        visitors.append(visitor)
        visitor.look("light", DESK)
        if who and who not in signed_in:
            username, organization = PEOPLE[who]
            visitor.go("/sign-in/")
            visitor.sign_in(username, PASSWORD, organization)
            expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()
            signed_in[who], shown_at[who] = context, time.monotonic()
        elif who in ADMINISTER and time.monotonic() - shown_at[who] > SHOWN_FOR:
            visitor.go("/account/confirm/")
            visitor.page.get_by_label("Password").fill(PASSWORD)
            visitor.press("Confirm")
            expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()
            shown_at[who] = time.monotonic()
        return visitor

    yield opened
    for visitor in visitors:
        visitor.leave()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
