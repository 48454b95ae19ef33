"""Acting as somebody in a browser: the button, the banner on every page, and the way back."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditEvent, OneTimeLink, Purpose, Session, User
from accounts.operations.links import mint
from accounts.operations.sessions import session_revoke
from accounts.operations.statuses import user_suspend
from tests.accounts.api.programs import API
from tests.accounts.mailbox import token_of
from tests.accounts.pages.browsing import Browser, sign_in, text_of
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db
STOP, VERB = "/impersonation/stop/", "/admin/accounts/user/verbs/impersonate/"
BANNER = "You act as"


@pytest.fixture
def browser(alice: User) -> Browser:
    """A browser in which alice is signed in."""
    made = Browser()
    assert sign_in(made, alice).status_code == 302
    return made


def act(browser: Browser, user: User, **more: str) -> Any:
    values = {"selected": user.public_id, "step": "do", "reason": "Ticket 4521", **more}
    return browser.post(VERB, values)


def key_in(browser: Browser) -> str:
    return str(browser.cookies["sessionid"].value)


def whose(browser: Browser) -> str:
    """Say who the browser is signed in as."""
    answer = browser.get("/api/v1/me/")
    return str(answer.json().get("username", answer.status_code))


class TestStart:
    """The button on the person's page."""

    def test_the_browser_goes_on_as_the_person_under_a_fresh_key(
        self, browser: Browser, alice: User, frank: User
    ) -> None:
        before = key_in(browser)
        page = browser.get(f"/admin/accounts/user/{frank.public_id}/")
        assert f"{VERB}?selected={frank.public_id}" in text_of(page)

        answer = act(browser, frank, duration="15m")

        assert (answer.status_code, answer["Location"], whose(browser)) == (302, "/admin/", "frank")
        assert key_in(browser) != before
        stale = Browser()
        stale.cookies["sessionid"] = before
        assert whose(stale) == "401"
        session = Session.objects.get(kind="impersonation")
        assert (session.started_in, session.impersonator) == (Session.objects.get(user=alice).pk, alice.public_id)
        assert abs(session.expires_at - timezone.now() - timedelta(minutes=15)) < timedelta(seconds=10)
        assert BrowserSession.objects.count() == 1

    def test_first_it_asks_why_and_says_what_will_happen(
        self, browser: Browser, frank: User, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        asked = browser.get(VERB, {"selected": frank.public_id})
        without = act(browser, frank, reason="")
        too_long = act(browser, frank, duration="2h")

        assert asked.status_code == 200
        assert "session waits until you stop" in text_of(asked)
        assert (without.status_code, too_long.status_code) == (422, 422)
        assert "1m to 1h" in text_of(too_long)
        assert (whose(browser), everything()) == ("alice", before)

    def test_nobody_is_offered_to_act_as_who_may_not_do_less(
        self, browser: Browser, alice: User, erin: User, acme: Any
    ) -> None:
        olga = make_user(acme, "olga", role="owner")
        other = Browser()
        sign_in(other, erin)

        for somebody, client in ((olga, browser), (alice, browser), (alice, other), (erin, other)):
            page = client.get(f"/admin/accounts/user/{somebody.public_id}/")
            assert page.status_code == 200
            assert VERB not in text_of(page)
            assert act(client, somebody).status_code == 403
        assert (whose(browser), whose(other)) == ("alice", "erin")


class TestBanner:
    """On every page: as whom, until when, and the button."""

    @pytest.mark.parametrize(
        "path",
        [
            "/admin/",
            "/admin/accounts/user/",
            "/admin/accounts/user/{id}/",
            "/account/password/",
            "/link/",
            "/password/reset/",
        ],
    )
    def test_is_on_every_page(self, browser: Browser, frank: User, path: str) -> None:
        act(browser, frank)
        until = Session.objects.get(kind="impersonation").expires_at

        answer = browser.get(path.format(id=frank.public_id))

        text = text_of(answer)
        assert "You act as <strong>Frank</strong> until" in text
        assert f"{until:%Y-%m-%d %H:%M} UTC" in text
        assert f'action="{STOP}"' in text

    def test_is_for_plain_members_too(self, browser: Browser, bob: User) -> None:
        act(browser, bob)

        answer = browser.get("/admin/", follow=True)

        assert answer.status_code == 403
        assert "You act as <strong>Bob</strong>" in text_of(answer)

    def test_nobody_who_is_themselves_sees_one(self, browser: Browser) -> None:
        for path in ("/admin/", "/account/password/", "/password/reset/"):
            assert BANNER not in text_of(browser.get(path))

    def test_a_password_that_is_to_be_changed_stands_in_nobodys_way(self, browser: Browser, frank: User) -> None:
        User.objects.filter(pk=frank.pk).update(must_change_password=True)
        act(browser, frank)

        assert browser.get("/admin/").status_code == 200


class TestBorrowedHands:
    """What is refused, at every door of a browser."""

    def test_nothing_is_offered_that_is_refused(self, browser: Browser, erin: User, bob: User) -> None:
        act(browser, erin)

        person = text_of(browser.get(f"/admin/accounts/user/{bob.public_id}/"))
        people = text_of(browser.get("/admin/accounts/user/"))

        assert "/verbs/" not in person
        assert "Personal data" not in person
        assert "Add a person" not in people
        assert "Change password" not in people

    @pytest.mark.parametrize("verb", ["set-password", "suspend", "sign-out", "reset-password", "impersonate"])
    def test_verbs_by_hand(
        self, browser: Browser, erin: User, bob: User, alice: User, verb: str, everything: Callable[[], Any]
    ) -> None:
        act(browser, erin)
        before = everything()
        typed = {"how": "typed", "password": "another long sentence here", "again": "another long sentence here"}

        answer = browser.post(
            f"/admin/accounts/user/verbs/{verb}/",
            {"selected": bob.public_id, "step": "do", "reason": "because", **typed},
        )

        assert answer.status_code == 403
        assert everything() == before
        event = AuditEvent.objects.filter(outcome="refused").get()
        assert (event.action, event.actor_id, event.acting_as_id) == (
            f"user.{verb.replace('-', '_')}",
            alice.pk,
            erin.pk,
        )

    def test_the_page_of_the_password(self, browser: Browser, frank: User, everything: Callable[[], Any]) -> None:
        act(browser, frank)
        before = everything()

        answer = browser.post(
            "/account/password/",
            {"current_password": "a long sentence nobody guesses", "password": "x" * 20, "again": "x" * 20},
        )

        assert "borrowed hands" in text_of(answer)
        assert everything() == before

    def test_the_page_of_a_link(self, browser: Browser, frank: User, everything: Callable[[], Any]) -> None:
        confirm = token_of(mint(frank, Purpose.EMAIL_CONFIRM, is_mailed=True))
        act(browser, frank)
        browser.get(f"/link/{confirm}/")
        before = everything()

        answer = browser.post("/link/confirm/")

        assert (answer.status_code, "borrowed hands" in text_of(answer)) == (403, True)
        assert everything() == before
        assert OneTimeLink.objects.live().exists()

    def test_the_own_profile_is_theirs_to_mend(self, browser: Browser, alice: User, frank: User) -> None:
        act(browser, frank)

        answer = browser.post(
            f"/admin/accounts/user/{frank.public_id}/", {"nickname": "Frankie", "name": "Frank", "version": "1"}
        )

        assert answer.status_code == 302
        event = AuditEvent.objects.get(action="user.update")
        assert (event.actor_id, event.acting_as_id, event.door) == (alice.pk, frank.pk, "admin")


class TestStop:
    """The way back."""

    def test_the_button_leads_back_to_the_own_session_under_a_fresh_key(
        self, browser: Browser, alice: User, frank: User
    ) -> None:
        own = Session.objects.get(user=alice)
        act(browser, frank)
        acting = key_in(browser)

        answer = browser.post(STOP)

        assert (answer.status_code, answer["Location"]) == (302, f"/admin/accounts/user/{frank.public_id}/")
        assert whose(browser) == "alice"
        assert "You are yourself again" in text_of(browser.get(answer["Location"]))
        assert Session.objects.get(pk=own.pk).is_live
        assert Session.objects.get(kind="impersonation").end_reason == "impersonation.stop"
        event = AuditEvent.objects.get(action="impersonation.stop")
        assert (event.actor_id, event.acting_as_id, event.subject_id) == (alice.pk, None, frank.pk)
        stale = Browser()
        stale.cookies["sessionid"] = acting
        assert stale.post(STOP)["Location"] in {"/admin/", "/admin/login/"}
        assert whose(stale) == "401"
        assert whose(browser) == "alice"

    def test_it_names_nobody_and_takes_no_get(self, browser: Browser, root: User, frank: User) -> None:
        act(browser, frank)

        assert browser.get(STOP).status_code == 405
        browser.post(f"{STOP}?id={root.public_id}", {"id": root.public_id, "user": "root"})

        assert whose(browser) == "alice"

    def test_it_wants_the_token_of_the_form(self, alice: User, frank: User) -> None:
        strict = Browser(enforce_csrf_checks=False)
        sign_in(strict, alice)
        act(strict, frank)
        strict.handler.enforce_csrf_checks = True

        assert strict.post(STOP).status_code == 403
        assert Session.objects.live().filter(kind="impersonation").exists()

    def test_nobody_who_is_themselves_is_moved(self, browser: Browser, everything: Callable[[], Any]) -> None:
        before = everything()

        assert browser.post(STOP)["Location"] == "/admin/"
        assert Browser().post(STOP).status_code == 302
        assert (whose(browser), everything()) == ("alice", before)

    @pytest.mark.parametrize("how", ["its time", "by hand", "the person is suspended"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_when_it_is_over_the_browser_is_its_own_again_and_nothing_is_done(
        self, browser: Browser, operator: Actor, frank: User, alice: User, how: str, method: str
    ) -> None:
        act(browser, frank)
        acting = Session.objects.get(kind="impersonation")
        if how == "its time":
            Session.objects.filter(pk=acting.pk).update(expires_at=timezone.now())
        elif how == "by hand":
            session_revoke(actor=operator, session=acting)
        else:
            user_suspend(actor=operator, user=frank)
        path = f"/admin/accounts/user/{alice.public_id}/"

        answer = getattr(browser, method)(path, {"nickname": "Mallory", "name": "Alice", "version": "1"})

        assert (answer.status_code, answer["Location"], whose(browser)) == (303, "/admin/", "alice")
        alice.refresh_from_db()
        assert alice.nickname == ""
        assert "You are yourself again" in text_of(browser.get("/admin/"))
        assert BANNER not in text_of(browser.get("/admin/"))

    def test_a_request_to_the_api_after_its_end_is_nobodys(self, browser: Browser, frank: User) -> None:
        act(browser, frank)
        Session.objects.filter(kind="impersonation").update(expires_at=timezone.now())

        assert [whose(browser), whose(browser)] == ["401", "alice"]

    def test_who_is_nobody_any_more_signs_in(
        self, browser: Browser, operator: Actor, alice: User, frank: User, acme: Any
    ) -> None:
        make_user(acme, "olga", role="owner")
        act(browser, frank)
        user_suspend(actor=operator, user=alice)

        assert browser.post(STOP)["Location"].startswith("/admin/login/")
        assert whose(browser) == "401"
        assert browser.get("/admin/")["Location"].startswith("/admin/login/")
        assert not Session.objects.live().exists()

    def test_the_end_of_the_own_session_ends_it_at_once(
        self, browser: Browser, operator: Actor, alice: User, frank: User
    ) -> None:
        act(browser, frank)

        session_revoke(actor=operator, session=Session.objects.get(user=alice))

        assert browser.get("/admin/")["Location"].startswith("/admin/login/")
        assert not Session.objects.live().exists()

    def test_signing_out_ends_both(self, browser: Browser, frank: User) -> None:
        act(browser, frank)

        browser.post("/admin/logout/")

        assert whose(browser) == "401"
        assert not Session.objects.live().exists()
        assert browser.get("/admin/")["Location"].startswith("/admin/login/")

    def test_a_second_browser_ends_the_first_which_is_its_own_again(
        self, browser: Browser, alice: User, frank: User
    ) -> None:
        act(browser, frank)
        other = Browser()
        sign_in(other, alice)

        act(other, frank)

        assert browser.get("/admin/").status_code == 303
        assert (whose(browser), whose(other)) == ("alice", "frank")


def test_the_lists_of_sessions_and_the_trail_show_who_acts(browser: Browser, alice: User, frank: User) -> None:
    act(browser, frank)
    browser.post(f"/admin/accounts/user/{frank.public_id}/", {"nickname": "F", "name": "Frank", "version": "1"})
    browser.post(STOP)
    event = AuditEvent.objects.get(action="user.update")

    for path in ("/admin/accounts/session/", f"/admin/accounts/user/{frank.public_id}/sessions/"):
        text = text_of(browser.get(path))
        assert "Ticket 4521" in text
        assert "Alice acts as this person" in text
    for path in ("/admin/accounts/auditevent/", f"/admin/accounts/user/{frank.public_id}/audit/"):
        assert "Alice as Frank" in text_of(browser.get(path))
    assert "Acting as" in text_of(browser.get(f"/admin/accounts/auditevent/{event.public_id}/"))


def test_a_token_begun_in_a_browser_leaves_the_browser_its_own(alice: User, bob: User) -> None:
    api = API.of(alice)

    answer = api.post(f"users/{bob.public_id}/impersonate/", {"reason": "Ticket 4521"})

    assert answer.status_code == 200
    assert api.get("me/").body["id"] == alice.public_id
