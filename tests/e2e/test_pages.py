"""Every kind of page: in light and dark, on a desk and a telephone, for eyes, keyboards and screen readers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from playwright.sync_api import expect

from gdpr.pages import PAGES
from tests.e2e.conftest import Visit
from tests.e2e.visitor import PHONE, Visitor
from tests.factories.users import PASSWORD
from tests.identity.service import Service
from tests.matrix.test_admin import ARCHIVE, GET

CONFIRMING = "Confirm that it is you"
NOBODY = "01h455vb4pex5vsknk084sn02q"


@dataclass(frozen=True)
class Kind:
    """A kind of page: for whom, where, how it is answered, and what is done there first."""

    who: str
    path: str
    status: int = 200
    first: Callable[[Visitor], None] = lambda visitor: None


def _wrong_password(visitor: Visitor) -> None:
    visitor.sign_in("nobody", "not the password", "lindenhof")
    expect(visitor.page.get_by_role("alert")).to_be_visible()


def _unequal(visitor: Visitor) -> None:
    visitor.page.get_by_label("New password", exact=True).fill("a sentence of some length")
    visitor.page.get_by_label("New password, once more").fill("another")
    visitor.press("Set password and sign in")
    expect(visitor.page.locator("[aria-invalid=true]")).to_have_count(1)


def _confirmed(visitor: Visitor) -> None:
    visitor.press("Yes, it is mine")
    expect(visitor.page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()


def _taken(visitor: Visitor) -> None:
    visitor.expected = 409
    visitor.press("Yes, it is mine")
    expect(visitor.page.get_by_role("heading", name="The address was not changed")).to_be_visible()


def _enrolling(visitor: Visitor) -> None:
    _confirmed_first(visitor)
    visitor.press("Add an authenticator app")
    expect(visitor.page.get_by_role("img", name="QR code")).to_be_visible()


def _making_a_passkey(visitor: Visitor) -> None:
    _confirmed_first(visitor)
    visitor.press("Add a passkey")
    expect(visitor.page.get_by_role("button", name="Create the passkey")).to_be_enabled()


def _asked_for_nobody(visitor: Visitor) -> None:
    visitor.press("Send the link")
    expect(visitor.page.locator("[aria-invalid=true]")).to_have_count(1)


def _asked_for(visitor: Visitor) -> None:
    visitor.page.get_by_label("E-mail or username").fill("lind050")
    visitor.page.get_by_text("Another organization").click()
    visitor.page.get_by_label("Organization").fill("lindenhof")
    visitor.press("Send the link")
    expect(visitor.page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()


def _invite_asked_for(visitor: Visitor) -> None:
    visitor.page.get_by_label("Your e-mail address").fill("lind050@example.com")
    visitor.press("Send the letter")
    expect(visitor.page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()


def _sent_empty(button: str) -> Callable[[Visitor], None]:
    def send(visitor: Visitor) -> None:
        visitor.expected = 422
        visitor.press(button)
        expect(visitor.page.locator("[aria-invalid=true]").first).to_be_visible()

    return send


def _saved(visitor: Visitor) -> None:
    visitor.page.get_by_label("Nickname").fill("Nick")
    visitor.press("Save the profile")
    expect(visitor.page.locator(".messagelist")).to_be_visible()


def _key_made(visitor: Visitor) -> None:
    visitor.page.get_by_label("Name", exact=True).fill("HR sync")
    visitor.page.get_by_label("user.show").check()
    visitor.press("Make the key")
    expect(visitor.page.get_by_role("heading", name="Copy the key now")).to_be_visible()
    visitor.press("Copy")
    expect(visitor.page.get_by_role("button", name="Copied")).to_be_visible()


def _key_listed(visitor: Visitor) -> None:
    visitor.go("/admin/accounts/apikey/add/")
    _key_made(visitor)
    visitor.follow("I have copied it")
    expect(visitor.page.locator("tbody tr").first).to_contain_text("HR sync")


def _key_revoking(visitor: Visitor) -> None:
    _key_listed(visitor)
    visitor.page.locator("tbody tr").first.get_by_role("link", name="Revoke").click()
    expect(visitor.page.get_by_role("button", name="Revoke now")).to_be_visible()


def _wrong_value(visitor: Visitor) -> None:
    visitor.expected = 422
    visitor.page.get_by_label("Value").fill("Kitchen")
    visitor.press("Set it")
    expect(visitor.page.get_by_text("Is not what the claim allows")).to_be_visible()


def _narrowed(visitor: Visitor) -> None:
    visitor.expected = 422
    visitor.page.get_by_label("Limits", exact=True).fill('{"enum": ["Surgery"]}')
    visitor.press("Save the claim")
    expect(visitor.page.get_by_role("heading", name="1 value would no longer fit")).to_be_visible()


def _tagged(visitor: Visitor) -> None:
    visitor.page.get_by_label("Tags").fill("seen")
    visitor.press("Preview")
    visitor.press("Tag 2 now")
    expect(visitor.page.get_by_role("region", name="Results")).to_be_visible()


def _copy_asked_for(visitor: Visitor) -> None:
    visitor.press("Make a copy")
    expect(visitor.page.get_by_role("region", name="Copies")).to_be_visible()


def _confirmed_first(visitor: Visitor) -> None:
    """Show once more who it is, if the sign-in was too long ago."""
    if visitor.heading == CONFIRMING:
        visitor.page.get_by_label("Password").fill(PASSWORD)
        visitor.press("Confirm")
    expect(visitor.page.get_by_role("heading", name=CONFIRMING)).to_have_count(0)


def _wrong_again(visitor: Visitor) -> None:
    visitor.page.get_by_label("Password").fill("not the password")
    visitor.press("Confirm")
    expect(visitor.page.locator("[aria-invalid=true]")).to_have_count(1)


def _nowhere(visitor: Visitor) -> None:
    visitor.expected = 422
    visitor.page.get_by_label("Time zone").fill("Nowhere")
    visitor.press("Save")
    expect(visitor.page.locator("[aria-invalid=true]")).to_have_count(1)


def _no_address(visitor: Visitor) -> None:
    _confirmed_first(visitor)
    visitor.expected = 422
    visitor.press("Send the letter")
    expect(visitor.page.locator("[aria-invalid=true]")).to_have_count(2)


def _own_copy_asked_for(visitor: Visitor) -> None:
    _confirmed_first(visitor)
    visitor.press("Make a copy")
    expect(visitor.page.get_by_role("list", name="Copies")).to_be_visible()


def _leaving(visitor: Visitor) -> None:
    _confirmed_first(visitor)
    typed = visitor.page.get_by_label("to go on")
    if typed.count():  # nobody asked before
        typed.fill(visitor.page.locator("label[for=id_email]").inner_text().split()[1])
        visitor.press("Delete my account")
    expect(visitor.page.get_by_role("button", name="Keep my account")).to_be_visible()


def _operation_opened(visitor: Visitor) -> None:
    visitor.page.get_by_role("heading", name="users").get_by_role("button").click()
    operation = visitor.page.locator("#operations-users-user_list")
    operation.locator(".opblock-summary-control").click()
    expect(operation.get_by_role("heading", name="Responses")).to_be_visible()


def _letter_opened(visitor: Visitor) -> None:
    visitor.page.locator(".letters a").first.click()
    expect(visitor.page.frame_locator("iframe").get_by_role("heading")).to_be_visible()


def _acting(path: str) -> Callable[[Visitor], None]:
    def act(visitor: Visitor) -> None:
        visitor.page.get_by_label("Reason").fill("Ticket 4521")
        visitor.press("Impersonate now")
        stop = visitor.page.get_by_role("button", name="Stop, be myself again")
        expect(stop).to_be_visible()
        visitor.page.wait_for_load_state()  # what is still on its way would be given up
        visitor.go(path)
        expect(stop).to_be_visible()

    return act


ADMIN = "/admin/accounts"
ARCHIVED = "/admin/gdpr"
KINDS = {
    "sign-in": Kind("", "/sign-in/"),
    "sign-in, of an organization": Kind("", "/sign-in/lindenhof/"),
    "sign-in refused": Kind("", "/sign-in/", first=_wrong_password),
    "account": Kind("plain", "/account/"),
    "account, of an admin": Kind("admin", "/account/"),
    "account, confirming": Kind("plain", "/account/confirm/?next=/account/email/"),
    "account, confirming, with mistakes": Kind("plain", "/account/confirm/", first=_wrong_again),
    "account, profile": Kind("plain", "/account/profile/"),
    "account, profile, with mistakes": Kind("plain", "/account/profile/", first=_nowhere),
    "account, e-mail": Kind("plain", "/account/email/", first=_confirmed_first),
    "account, e-mail, with mistakes": Kind("plain", "/account/email/", first=_no_address),
    "account, sessions": Kind("plain", "/account/sessions/"),
    "account, organizations": Kind("plain", "/account/organizations/"),
    "account, no copies": Kind("plain", "/account/data/", first=_confirmed_first),
    "account, copies": Kind("member", "/account/data/", first=_own_copy_asked_for),
    "account, deleting": Kind("plain", "/account/delete/", first=_confirmed_first),
    "account, to be deleted": Kind("leaver", "/account/delete/", first=_leaving),
    "account, that has to stay": Kind("root", "/account/delete/", first=_confirmed_first),
    "link": Kind("", "{link}"),
    "link, with mistakes": Kind("", "{link}", first=_unequal),
    "link of a letter": Kind("", "{reset}"),
    "link to confirm an address": Kind("", "{confirm}"),
    "address confirmed": Kind("", "{other_confirm}", first=_confirmed),
    "link to a new address": Kind("", "{change}"),
    "new address, taken": Kind("", "{taken}", first=_taken),
    "password forgotten": Kind("", "/password/reset/"),
    "password forgotten, with mistakes": Kind("", "/password/reset/", first=_asked_for_nobody),
    "password forgotten, asked for": Kind("", "/password/reset/", first=_asked_for),
    "send a reset link": Kind("root", f"{ADMIN}/user/verbs/reset-password/?selected={{person}}"),
    "link that is dead": Kind("", "/link/lnk_nothing/", 410),
    "invite": Kind("", "{invite}"),
    "open link": Kind("", "{open}"),
    "open link, asked for": Kind("", "{open}", first=_invite_asked_for),
    "invite that is dead": Kind("", "/invite/inv_nothing/", 410),
    "invites": Kind("root", f"{ADMIN}/invite/"),
    "invites, none": Kind("mallory", f"{ADMIN}/invite/"),
    "new invite": Kind("root", f"{ADMIN}/invite/add/"),
    "verb on an invite": Kind("root", f"{ADMIN}/invite/verbs/revoke/?selected={{invited}}"),
    "person, invites": Kind("root", f"{ADMIN}/user/{{person}}/invites/"),
    "not found": Kind("", "/nowhere/", 404),
    "api docs": Kind("", "/api/docs/", first=_operation_opened),
    "nothing to administer": Kind("plain", "/admin/login/", 403),
    "second factor, none": Kind("plain", "/account/two-factor/", first=_confirmed_first),
    "second factor, enrolling": Kind("plain", "/account/two-factor/", first=_enrolling),
    "second factor, making a passkey": Kind("plain", "/account/two-factor/", first=_making_a_passkey),
    "person, second factor": Kind("root", f"{ADMIN}/user/{{person}}/two-factor/"),
    "a password of your own": Kind("newcomer", "/account/password/", first=_confirmed_first),
    "another password": Kind("plain", "/account/password/", first=_confirmed_first),
    "start": Kind("root", "/admin/"),
    "start, in one organization": Kind("admin", "/admin/"),
    "start, of somebody alone": Kind("mallory", "/admin/"),
    "people": Kind("root", f"{ADMIN}/user/"),
    "people, of one organization": Kind("admin", f"{ADMIN}/user/"),
    "people, none found": Kind("root", f"{ADMIN}/user/?search=nobodylikethis"),
    "people, of a wrong filter": Kind("root", f"{ADMIN}/user/?status=asleep", 422),
    "new person": Kind("root", f"{ADMIN}/user/add/"),
    "new person, with mistakes": Kind("root", f"{ADMIN}/user/add/", first=_sent_empty("Add the person")),
    "person": Kind("root", f"{ADMIN}/user/{{person}}/"),
    "person, saved": Kind("admin", f"{ADMIN}/user/{{other}}/", first=_saved),
    "person, memberships": Kind("root", f"{ADMIN}/user/{{person}}/memberships/"),
    "person, sessions": Kind("root", f"{ADMIN}/user/{{signed_in}}/sessions/"),
    "person, never signed in": Kind("root", f"{ADMIN}/user/{{person}}/sessions/"),
    "person, audit trail": Kind("root", f"{ADMIN}/user/{{person}}/audit/"),
    "person, claims": Kind("root", f"{ADMIN}/user/{{person}}/claims/"),
    "person, no claims": Kind("admin", f"{ADMIN}/user/{{other}}/claims/"),
    "person, claims, with mistakes": Kind("root", f"{ADMIN}/user/{{person}}/claims/", first=_wrong_value),
    "claims": Kind("root", f"{ADMIN}/claimdefinition/?org=lindenhof"),
    "claims, none": Kind("mallory", f"{ADMIN}/claimdefinition/"),
    "new claim": Kind("root", f"{ADMIN}/claimdefinition/add/"),
    "new claim, with mistakes": Kind("root", f"{ADMIN}/claimdefinition/add/", first=_sent_empty("Define the claim")),
    "claim": Kind("root", f"{ADMIN}/claimdefinition/{{claim}}/"),
    "claim, values that would not fit": Kind("root", f"{ADMIN}/claimdefinition/{{claim}}/", first=_narrowed),
    "claim, deleting": Kind("root", f"{ADMIN}/claimdefinition/verbs/delete/?selected={{claim}}"),
    "person, personal data": Kind("root", f"{ADMIN}/user/{{person}}/personal-data/"),
    "person, personal data, copied": Kind("admin", f"{ADMIN}/user/{{other}}/personal-data/", first=_copy_asked_for),
    "people, erasing several": Kind(
        "root", f"{ADMIN}/user/verbs/purge/?selected={{person}}+{{other}}", first=_sent_empty("Erase 2 now")
    ),
    "person, a copy for a request": Kind("root", f"{ADMIN}/user/{{asked}}/personal-data/?request={{request}}"),
    "person, erasure": Kind("root", f"{ADMIN}/user/{{person}}/erasure/"),
    "person, erasure of the row": Kind("admin", f"{ADMIN}/user/{{other}}/erasure/?how=delete"),
    "person, erasure of the history": Kind("root", f"{ADMIN}/user/{{signed_in}}/erasure/?how=activities"),
    "person, erasure, with mistakes": Kind(
        "root", f"{ADMIN}/user/{{other}}/erasure/", first=_sent_empty("Erase the person")
    ),
    "person, erasure planned": Kind("root", f"{ADMIN}/user/{{leaving}}/erasure/"),
    "person, held": Kind("root", f"{ADMIN}/user/{{held}}/erasure/"),
    "person who was erased": Kind("root", f"{ADMIN}/user/{{erased}}/erasure/"),
    "person who is absent": Kind("root", f"{ADMIN}/user/usr_{NOBODY}/", 404),
    "verb on one": Kind("root", f"{ADMIN}/user/verbs/suspend/?selected={{person}}"),
    "verb on two": Kind("root", f"{ADMIN}/user/verbs/lock/?selected={{person}}&selected={{other}}"),
    "verb with choices": Kind("root", f"{ADMIN}/user/verbs/set/?selected={{person}}"),
    "verb, with mistakes": Kind("root", f"{ADMIN}/user/verbs/tag/?selected={{person}}", first=_sent_empty("Preview")),
    "verb, done": Kind("root", f"{ADMIN}/user/verbs/tag/?selected={{person}}&selected={{other}}", first=_tagged),
    "new password": Kind("root", f"{ADMIN}/user/verbs/set-password/?selected={{person}}"),
    "acting as somebody": Kind("root", f"{ADMIN}/user/verbs/impersonate/?selected={{moderator}}"),
    "banner in the admin": Kind(
        "acting", f"{ADMIN}/user/verbs/impersonate/?selected={{moderator}}", first=_acting(f"{ADMIN}/user/")
    ),
    "banner on a page": Kind(
        "acting elsewhere",
        f"{ADMIN}/user/verbs/impersonate/?selected={{moderator}}",
        first=_acting("/account/password/"),
    ),
    "organizations": Kind("root", f"{ADMIN}/organization/"),
    "new organization": Kind("root", f"{ADMIN}/organization/add/"),
    "organization": Kind("root", f"{ADMIN}/organization/{{organization}}/"),
    "verb on an organization": Kind("root", f"{ADMIN}/organization/verbs/suspend/?selected={{organization}}"),
    "memberships": Kind("admin", f"{ADMIN}/membership/"),
    "verb on a membership": Kind("root", f"{ADMIN}/membership/verbs/remove/?selected={{guest}}"),
    "person, roles": Kind("root", f"{ADMIN}/user/{{person}}/roles/"),
    "person, a role to take away": Kind(
        "root", f"{ADMIN}/user/{{person}}/roles/?organization=lindenhof&take={{own_role}}"
    ),
    "applications": Kind("admin", f"{ADMIN}/application/"),
    "new application": Kind("root", f"{ADMIN}/application/add/"),
    "application": Kind("admin", f"{ADMIN}/application/{{application}}/"),
    "verb on an application": Kind("admin", f"{ADMIN}/application/verbs/delete/?selected={{application}}"),
    "roles": Kind("root", f"{ADMIN}/role/"),
    "new role": Kind("admin", f"{ADMIN}/role/add/"),
    "new role of an application": Kind("admin", f"{ADMIN}/role/add/?application={{application}}"),
    "role of one's own": Kind("admin", f"{ADMIN}/role/{{own_role}}/"),
    "verb on a role": Kind("root", f"{ADMIN}/role/verbs/delete/?selected={{own_role}}"),
    "role": Kind("root", f"{ADMIN}/role/{{role}}/"),
    "sessions": Kind("admin", f"{ADMIN}/session/"),
    "verb on a session": Kind("root", f"{ADMIN}/session/verbs/revoke/?selected={{session}}"),
    "keys": Kind("admin", f"{ADMIN}/apikey/", first=_key_listed),
    "keys, none": Kind("mallory", f"{ADMIN}/apikey/"),
    "new key": Kind("root", f"{ADMIN}/apikey/add/"),
    "secret of a key": Kind("admin", f"{ADMIN}/apikey/add/", first=_key_made),
    "verb on a key": Kind("admin", f"{ADMIN}/apikey/", first=_key_revoking),
    "letters": Kind("admin", f"{ADMIN}/outbox/"),
    "letters, of one state": Kind("root", f"{ADMIN}/outbox/?state=queued"),
    "letters, none": Kind("mallory", f"{ADMIN}/outbox/"),
    "verb on a letter": Kind("root", f"{ADMIN}/outbox/verbs/retry/?selected={{letter}}"),
    "letters as files": Kind("root", "/letters/"),
    "letter as a file": Kind("root", "/letters/", first=_letter_opened),
    "audit trail": Kind("root", f"{ADMIN}/auditevent/"),
    "audit trail, nothing found": Kind("mallory", f"{ADMIN}/auditevent/?action=user.archive"),
    "event": Kind("root", f"{ADMIN}/auditevent/{{event}}/"),
    "erasures": Kind("admin", f"{ARCHIVED}/erasure/"),
    "erasures, none": Kind("mallory", f"{ARCHIVED}/erasure/"),
    "erasure": Kind("admin", f"{ARCHIVED}/erasure/{{receipt}}/"),
    "erasure under way": Kind("admin", f"{ARCHIVED}/erasure/{{searched}}/"),
    "erasure that waits": Kind("root", f"{ARCHIVED}/erasure/{{planned}}/"),
    "legal holds": Kind("admin", f"{ARCHIVED}/legalhold/"),
    "legal holds, none": Kind("mallory", f"{ARCHIVED}/legalhold/"),
    "new hold": Kind("root", f"{ARCHIVED}/legalhold/add/"),
    "new hold, with mistakes": Kind("admin", f"{ARCHIVED}/legalhold/add/", first=_sent_empty("Place a hold")),
    "verb on a hold": Kind("root", f"{ARCHIVED}/legalhold/verbs/review/?selected={{hold}}"),
    "subject requests": Kind("root", f"{ARCHIVED}/subjectrequest/?org=lindenhof"),
    "subject requests, none": Kind("mallory", f"{ARCHIVED}/subjectrequest/"),
    "new request": Kind("admin", f"{ARCHIVED}/subjectrequest/add/"),
    "new request, with mistakes": Kind("root", f"{ARCHIVED}/subjectrequest/add/", first=_sent_empty("Note a request")),
    "request": Kind("root", f"{ARCHIVED}/subjectrequest/{{request}}/"),
    "request that is overdue": Kind("root", f"{ARCHIVED}/subjectrequest/{{late}}/"),
    "request that was answered": Kind("root", f"{ARCHIVED}/subjectrequest/{{answered}}/"),
    "verb on a request": Kind("root", f"{ARCHIVED}/subjectrequest/verbs/close/?selected={{request}}"),
    "privacy terms": Kind("root", f"{ARCHIVED}/privacyterms/"),
    "privacy terms of one": Kind("admin", f"{ARCHIVED}/privacyterms/{{organization}}/"),
}


@pytest.fixture(scope="session")
def link(service: Service) -> str:
    """Make a sign-in link that nobody uses up."""
    made = service.installation.manage("admin_link", "lind052", "--org", "lindenhof")
    assert made.returncode == 0, made.stderr
    return "/link/" + made.stdout.partition("/link/")[2].split()[0]


MINTED = """
from accounts.models import Purpose, User
from accounts.operations.links import mint
for number, purpose in ((54, Purpose.PASSWORD_RESET), (55, Purpose.EMAIL_CONFIRM), (56, Purpose.EMAIL_CONFIRM)):
    print(mint(User.objects.get(username_key=f"lind0{number}"), purpose, is_mailed=True))
from accounts.models import EmailChange
from accounts.operations.links import LIFE
from django.utils import timezone
for number, address in ((57, "new@lindenhof.example"), (58, User.objects.get(username_key="lind059").email)):
    user = User.objects.get(username_key=f"lind0{number}")
    EmailChange.objects.create(organization_id=user.organization_id, user=user, email=address, email_key=address,
                               expires_at=timezone.now() + LIFE[Purpose.EMAIL_CHANGE])
    print(mint(user, Purpose.EMAIL_CHANGE, is_mailed=True))
from accounts import policy
from accounts.models import Organization
from accounts.operations.invites import user_invite
us, lindenhof = policy.operator(os_user="tester"), Organization.objects.get(slug="lindenhof")
made = user_invite(actor=us, organization=lindenhof, email="new@lindenhof.example", message="Hello.", print_link=True)
print(made.link)
print(user_invite(actor=us, organization=lindenhof, max_uses=500, message="Hello.").link)
print(made.invite.public_id)
"""


@pytest.fixture(scope="session")
def letters(service: Service) -> dict[str, str]:
    """Make links as letters carry them."""
    made = service.installation.manage("shell", "-v", "0", "-c", MINTED)
    assert made.returncode == 0, made.stderr
    *links, invited = made.stdout.split()
    paths = [urlsplit(link).path for link in links]
    return dict(
        zip(
            ("reset", "confirm", "other_confirm", "change", "taken", "invite", "open", "invited"),
            [*paths, invited],
            strict=True,
        )
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_a_page_is_for_everybody(
    visit: Visit, places: dict[str, str], link: str, letters: dict[str, str], kind: Kind
) -> None:
    visitor = visit(kind.who)
    visitor.go(kind.path.format(link=link, **letters, **places), status=kind.status)
    kind.first(visitor)

    assert visitor.barriers() == []
    assert visitor.sticking_out() == []
    visitor.look("dark", PHONE)
    assert visitor.barriers() == []
    assert visitor.sticking_out() == []


def test_the_api_page_has_the_strict_policy_and_tries_a_request(visit: Visit) -> None:
    visitor = visit("admin")
    page = visitor.page
    with page.expect_response("**/api/docs/") as answered:
        visitor.go("/api/docs/")
    policy = answered.value.headers["content-security-policy"]
    assert {part.strip() for part in policy.split(";")} >= {
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
    }
    page.get_by_role("heading", name="me", exact=False).get_by_role("button").first.click()
    operation = page.locator("#operations-me-me_show")
    operation.locator(".opblock-summary-control").click()

    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()

    expect(operation.locator(".live-responses-table .response-col_status").last).to_have_text("200")
    expect(operation.locator(".live-responses-table")).to_contain_text("lind003")


def test_every_kind_of_page_is_looked_at() -> None:
    paths = [re.sub(r"{\w+}", "x", kind.path).partition("?")[0] for kind in KINDS.values() if kind.path.startswith("/")]
    seen = {resolve(path).view_name for path in paths if path != "/nowhere/"}
    elsewhere = {
        "admin:accounts_apikey_verb",  # reached from the list, by a key that is made there
        "admin:accounts_role_look-up",  # JSON: test_neighbours types into an input that asks it
        "admin:gdpr_erasure_receipt",  # a file: test_archive opens it
    }

    expected = {f"admin:{'gdpr' if name.partition('_')[0] in ARCHIVE else 'accounts'}_{name}" for name in GET} | {
        "admin:index",
        "admin:login",
        "sign-in",
        "sign-in-at",
        "password-reset",
        "api-docs",
        *(name for page in PAGES for name in (page.name, *(name for name, _, _ in page.more))),
    }
    assert expected - seen == elsewhere
