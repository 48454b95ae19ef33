"""The pages under ``/account/``."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import EmailChange, Invite, Membership, Organization, Outbox, Session, User
from accounts.operations.base import NewPassword
from accounts.operations.invites import user_invite
from accounts.operations.tries import FREE
from accounts.operations.users import user_set_password, user_update
from gdpr.pages import PAGES
from tests.accounts.api.programs import API
from tests.accounts.pages.browsing import SHELL, SIGN_IN, proof_in, sign_in, text_of
from tests.factories.claims import make_claim
from tests.factories.factors import code_of, make_factor
from tests.factories.organizations import make_organization
from tests.factories.users import PASSWORD, SessionFactory, make_user

CONFIRM = "/account/confirm/"
PROFILE = "/account/profile/"
SESSIONS = "/account/sessions/"
ORGANIZATIONS = "/account/organizations/"
EMAIL = "/account/email/"
ADDRESSES = [reverse(name) for page in PAGES for name in (page.name, *(name for name, _, _ in page.more))]
WANT_RECENT = {EMAIL, "/account/password/", "/account/two-factor/", "/account/data/", "/account/delete/"}
WORD = "correct horse battery staple"


def long_ago() -> None:
    Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6))


@pytest.fixture
def browser(client: Client, bob: User) -> Client:
    """One in which bob is signed in."""
    sign_in(client, bob)
    return client


class TestEveryPage:
    """What holds for all of them."""

    @pytest.mark.parametrize("path", ADDRESSES)
    def test_is_for_who_is_signed_in(self, client: Client, db: None, path: str) -> None:
        for answer in (client.get(path), client.post(path)):
            assert answer["Location"] == f"{SIGN_IN}?next={path}"

    @pytest.mark.parametrize("path", sorted(set(ADDRESSES) - {CONFIRM}))
    def test_shows_where_one_is_and_obeys_the_policy(self, browser: Client, path: str) -> None:
        answer = browser.get(path)

        text = text_of(answer)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
        assert text.count('aria-current="page"') == 1
        assert text.count("<h1") == 1
        assert not any(word in text for word in ("<style", " style=", "<script", " onclick", "http://"))
        assert not SHELL.search(text)
        assert 'href="/admin/"' not in text

    @pytest.mark.parametrize("path", ADDRESSES)
    def test_wants_the_token_of_the_form(self, bob: User, path: str) -> None:
        careful = Client(enforce_csrf_checks=True)
        page = careful.get(SIGN_IN)
        sign_in(careful, bob, csrfmiddlewaretoken=str(page.context["csrf_token"]))

        assert careful.post(path).status_code == 403

    @pytest.mark.parametrize("path", sorted(set(ADDRESSES) - {CONFIRM, "/account/password/"}))
    def test_waits_until_a_given_password_is_changed(
        self, client: Client, bob: User, operator: Actor, path: str
    ) -> None:
        user_set_password(actor=operator, user=bob, password=NewPassword(WORD))
        sign_in(client, bob, password=WORD)

        assert client.get(path)["Location"].startswith("/account/password/?next=")

    def test_the_given_password_can_be_changed_however_old_the_sign_in_is(
        self, client: Client, bob: User, operator: Actor
    ) -> None:
        user_set_password(actor=operator, user=bob, password=NewPassword(WORD))
        sign_in(client, bob, password=WORD)
        long_ago()

        asked = client.get("/account/password/", follow=True)
        back = client.post(CONFIRM, {"current_password": WORD, "next": "/account/password/"}, follow=True)

        assert "Confirm that it is you" in text_of(asked)
        assert "Choose a password of your own" in text_of(back)

    def test_who_administers_gets_there(self, client: Client, erin: User) -> None:
        sign_in(client, erin)

        assert 'href="/admin/"' in text_of(client.get("/account/"))

    def test_a_session_that_nobody_used_for_long_is_over(self, browser: Client) -> None:
        Session.objects.update(idle_at=timezone.now() - timedelta(seconds=1))

        assert browser.get("/account/")["Location"] == f"{SIGN_IN}?next=/account/"


class TestConfirm:
    """Showing once more who one is."""

    @pytest.mark.parametrize("path", ADDRESSES)
    def test_is_asked_for_where_it_is_wanted_and_nowhere_else(self, browser: Client, path: str) -> None:
        long_ago()

        answer = browser.get(path)

        assert (answer.status_code == 302) == (path in WANT_RECENT)
        if path in WANT_RECENT:
            assert answer["Location"] == f"{CONFIRM}?next={path.replace('/', '%2F')}"
            assert browser.post(path)["Location"] == answer["Location"]

    def test_leads_back_with_a_fresh_key(self, browser: Client) -> None:
        long_ago()
        key = browser.cookies["sessionid"].value
        page = text_of(browser.get(EMAIL, follow=True))

        answer = browser.post(CONFIRM, {"current_password": PASSWORD, "next": EMAIL})

        assert f'name="next" value="{EMAIL}"' in page
        assert answer["Location"] == EMAIL
        assert browser.get(EMAIL).status_code == 200
        assert browser.cookies["sessionid"].value != key
        thief = Client()
        thief.cookies["sessionid"] = key
        assert thief.get("/account/").status_code == 302
        assert Session.objects.count() == 1

    def test_a_second_factor_is_asked_for_too(self, browser: Client, bob: User) -> None:
        device = make_factor(bob)
        long_ago()

        asked = browser.post(CONFIRM, {"current_password": PASSWORD, "next": EMAIL})
        assert f'action="{CONFIRM}"' in text_of(asked)
        assert browser.get(EMAIL).status_code == 302
        done = browser.post(CONFIRM, {"proof": proof_in(asked), "code": code_of(device), "next": EMAIL})

        assert done["Location"] == EMAIL
        assert browser.get(EMAIL).status_code == 200
        assert Session.objects.get().methods == ["pwd", "otp"]

    def test_a_wrong_one_says_so_and_too_many_wait(self, browser: Client) -> None:
        for _ in range(FREE):
            wrong = browser.post(CONFIRM, {"current_password": "not this one at all"})
            assert "The present password is wrong." in text_of(wrong)

        answer = browser.post(CONFIRM, {"current_password": PASSWORD})

        assert (answer.status_code, answer["Retry-After"]) == (429, "30")

    @pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
    def test_leads_nowhere_else(self, browser: Client, wanted: str) -> None:
        assert browser.post(CONFIRM, {"current_password": PASSWORD, "next": wanted})["Location"] == "/account/"

    def test_the_admin_asks_for_it_too(self, client: Client, alice: User) -> None:
        sign_in(client, alice)
        long_ago()
        mine = f"/admin/accounts/user/{alice.public_id}/personal-data/"

        answer = client.post(mine, {"scope": "access", "format": "json"})

        assert answer["Location"] == f"{CONFIRM}?next={mine.replace('/', '%2F')}"


class TestProfile:
    """One's own profile."""

    def values(self, browser: Client, **typed: str) -> dict[str, str]:
        form = browser.get(PROFILE).context["form"]
        opened = {f"initial-{name}": str(value) for name, value in form.initial.items() if name != "version"}
        return {**{name: str(value) for name, value in form.initial.items()}, **opened, **typed}

    def test_saves_what_was_typed(self, browser: Client, bob: User) -> None:
        assert text_of(browser.get(PROFILE)).count('name="nickname"') == 1

        answer = browser.post(PROFILE, self.values(browser, nickname="Bobby", zoneinfo="Europe/Berlin"), follow=True)

        bob.refresh_from_db()
        assert answer.redirect_chain == [(PROFILE, 302)]
        assert "Your profile is saved." in text_of(answer)
        assert (bob.nickname, bob.zoneinfo) == ("Bobby", "Europe/Berlin")

    def test_says_what_is_wrong_beside_it(self, browser: Client, bob: User) -> None:
        answer = browser.post(PROFILE, self.values(browser, zoneinfo="Nowhere"))

        bob.refresh_from_db()
        assert answer.status_code == 422
        assert 'id="id_zoneinfo_error"><li>This is not a time zone' in text_of(answer)
        assert bob.zoneinfo == ""

    def test_writes_nothing_over_what_somebody_else_changed(self, browser: Client, bob: User, operator: Actor) -> None:
        typed = self.values(browser, nickname="Bobby")
        user_update(actor=operator, user=bob, changes={"bio": "By an admin"})

        answer = browser.post(PROFILE, typed)

        bob.refresh_from_db()
        assert answer.status_code == 409
        assert "About you is now: By an admin." in text_of(answer)
        assert 'value="Bobby"' in text_of(answer)
        assert (bob.nickname, bob.bio) == ("", "By an admin")

    def test_a_field_that_is_not_there_is_not_written(self, browser: Client, bob: User) -> None:
        browser.post(PROFILE, self.values(browser, email="new@example.com", is_superuser="1", tags="x"))

        bob.refresh_from_db()
        assert (bob.email, bob.is_superuser, bob.tags.count()) == ("bob@acme.example", False, 0)

    def test_claims_that_one_may_set_are_set_and_taken_away(
        self, browser: Client, bob: User, acme: Organization
    ) -> None:
        claim = make_claim(acme, "team", is_editable=True)
        make_claim(acme, "grade")

        page = text_of(browser.get(PROFILE))
        browser.post(PROFILE, {"claim": claim.public_id, "value": "Sales"})
        assert bob.claim_values.get().value == "Sales"
        assert 'value="Sales"' in text_of(browser.get(PROFILE))
        browser.post(PROFILE, {"claim": claim.public_id, "value": ""})

        assert ("team" in page, "grade" in page) == (True, False)
        assert not bob.claim_values.exists()

    def test_claims_that_one_may_not_set_are_not_there(self, browser: Client, bob: User, acme: Organization) -> None:
        hidden = make_claim(acme, "grade")

        assert browser.post(PROFILE, {"claim": hidden.public_id, "value": "9"}).status_code == 404
        assert not bob.claim_values.exists()

    def test_a_value_that_does_not_fit_stays_to_be_mended(self, browser: Client, bob: User, acme: Organization) -> None:
        claim = make_claim(acme, "born", type="date", is_editable=True)

        answer = browser.post(PROFILE, {"claim": claim.public_id, "value": "<tomorrow>"})

        assert answer.status_code == 422
        assert 'value="&lt;tomorrow&gt;"' in text_of(answer)
        assert not bob.claim_values.exists()


class TestEmail:
    """One's own address."""

    def test_another_waits_for_its_link(self, browser: Client, bob: User) -> None:
        answer = browser.post(EMAIL, {"email": "new@example.com", "current_password": PASSWORD}, follow=True)

        bob.refresh_from_db()
        assert "A letter went to <strong>new@example.com</strong>" in text_of(answer)
        assert "to have that address" in text_of(browser.get("/account/"))
        assert (bob.email, EmailChange.objects.get().email) == ("bob@acme.example", "new@example.com")

    def test_a_wrong_password_changes_nothing(self, browser: Client) -> None:
        answer = browser.post(EMAIL, {"email": "new@example.com", "current_password": "not this one"})

        assert answer.status_code == 422
        assert "The present password is wrong." in text_of(answer)
        assert not EmailChange.objects.exists()

    def test_the_letter_that_confirms_it_is_sent_again(self, browser: Client, bob: User) -> None:
        assert "Send that letter again" in text_of(browser.get(EMAIL))

        answer = browser.post(EMAIL, {"confirm": "1"}, follow=True)

        assert "A letter is on its way to bob@acme.example." in text_of(answer)
        assert Outbox.objects.get().kind == "confirm_email"
        assert API.of(bob).post("me/email/send-confirmation/").status_code == 202
        User.objects.filter(pk=bob.pk).update(email_verified_at=timezone.now())
        assert "Send that letter again" not in text_of(browser.get(EMAIL))
        assert "There is no address to confirm." in text_of(browser.post(EMAIL, {"confirm": "1"}, follow=True))
        assert API.of(bob).post("me/email/send-confirmation/").status_code == 409


class TestSessions:
    """Where one is signed in."""

    def test_one_can_be_ended(self, browser: Client, bob: User) -> None:
        other = SessionFactory.create(user=bob, device="Firefox/Linux", ip="192.0.2.44")
        page = text_of(browser.get(SESSIONS))

        answer = browser.post(SESSIONS, {"end": other.public_id}, follow=True)

        other.refresh_from_db()
        assert ("Firefox/Linux" in page, "192.0.2.44" in page, page.count("this one")) == (True, True, 1)
        assert "The session is ended." in text_of(answer)
        assert not other.is_live
        assert "Firefox/Linux" not in text_of(answer)

    def test_somebody_elses_is_not_there(self, browser: Client, carol: User, erin: User) -> None:
        theirs = SessionFactory.create(user=carol)
        admin = Client()
        sign_in(admin, erin)

        for client in (browser, admin):
            assert client.post(SESSIONS, {"end": theirs.public_id}).status_code == 404

        theirs.refresh_from_db()
        assert theirs.is_live

    def test_everywhere_else_leaves_this_one(self, browser: Client, bob: User) -> None:
        SessionFactory.create_batch(2, user=bob)

        answer = browser.post(SESSIONS, {"elsewhere": "yes"}, follow=True)

        assert "You are signed out everywhere else." in text_of(answer)
        assert Session.objects.live().count() == 1
        assert browser.get(SESSIONS).status_code == 200

    def test_everywhere_ends_this_one_too(self, browser: Client, bob: User, carol: User) -> None:
        SessionFactory.create_batch(2, user=bob)
        theirs = SessionFactory.create(user=carol)

        answer = browser.post(SESSIONS, {"everywhere": "yes"}, follow=True)

        assert answer.redirect_chain == [(SIGN_IN, 302)]
        assert list(Session.objects.live()) == [theirs]
        assert browser.get(SESSIONS).status_code == 302


class TestOrganizations:
    """Where one belongs, and where one is invited."""

    @pytest.fixture
    def invite(self, bob: User, operator: Actor) -> Invite:
        """One of another organization to bob's confirmed address."""
        User.objects.filter(pk=bob.pk).update(email_verified_at=timezone.now())
        organization = make_organization("lindenhof")
        return user_invite(actor=operator, organization=organization, email=str(bob.email), message="Come!").invite

    def test_an_invite_is_accepted(self, browser: Client, bob: User, invite: Invite) -> None:
        page = text_of(browser.get(ORGANIZATIONS))

        answer = browser.post(ORGANIZATIONS, {"invite": invite.public_id, "accept": "yes"}, follow=True)

        assert ("Come!" in page, "You are invited" in text_of(browser.get("/account/"))) == (True, False)
        assert "as a guest" in text_of(answer)
        assert Membership.objects.filter(user=bob, organization=invite.organization).exists()

    def test_or_declined(self, browser: Client, bob: User, invite: Invite) -> None:
        assert "You are invited" in text_of(browser.get("/account/"))

        browser.post(ORGANIZATIONS, {"invite": invite.public_id, "decline": "yes"})

        invite.refresh_from_db()
        assert invite.status == "revoked"
        assert not Membership.objects.filter(user=bob, organization=invite.organization).exists()

    def test_somebody_elses_is_not_there(self, client: Client, carol: User, invite: Invite) -> None:
        sign_in(client, carol)

        assert client.post(ORGANIZATIONS, {"invite": invite.public_id, "accept": "yes"}).status_code == 404
        invite.refresh_from_db()
        assert invite.status == "pending"


def test_what_the_pages_cost_does_not_depend_on_how_much_there_is(
    client: Client, acme: Organization, alice: User, operator: Actor
) -> None:
    bob = make_user(acme, "bob", email_verified_at=timezone.now())
    sign_in(client, bob)

    def fill(numbers: range) -> list[int]:
        for number in numbers:
            SessionFactory.create(user=bob)
            make_claim(acme, f"claim-{number}", is_editable=True)
            Membership.objects.create(user=bob, organization=make_organization(f"org-{number}"))
            user_invite(actor=operator, organization=make_organization(f"more-{number}"), email=str(bob.email))
        return [counted(client, path) for path in ("/account/", PROFILE, SESSIONS, ORGANIZATIONS)]

    assert fill(range(1)) == fill(range(1, 12))


def counted(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)
