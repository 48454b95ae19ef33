"""Passkeys on pages and in the API: that each opens onto the operation (``operations/test_passkeys.py``)."""

import html
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditEvent, Factor, RecoveryCode, Session, User
from accounts.operations.statuses import user_suspend
from accounts.operations.tries import PER_NETWORK
from tests.accounts.api.programs import API
from tests.accounts.pages.browsing import SIGN_IN, Browser, proof_in, sign_in
from tests.factories.authenticator import Authenticator, make_passkey
from tests.factories.factors import code_of, make_factor
from tests.factories.users import PASSWORD

PAGE = "/account/two-factor/"
CHALLENGE = "/passkey/challenge/"


def read(response: Any) -> str:
    return html.unescape(response.content.decode())


def options_in(page: str) -> dict[str, Any]:
    found = re.search(r'data-options="([^"]+)"', page)
    assert found is not None
    options: dict[str, Any] = json.loads(html.unescape(found[1]))
    return options


def state_in(page: str) -> str:
    found = re.search(r'name="state" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def by_passkey(browser: Browser, made: Authenticator, path: str = SIGN_IN, **more: str) -> Any:
    """Do what the script does on the sign-in page."""
    question = browser.get(CHALLENGE).json()
    answer = made.shown(question["options"])
    return browser.post(path, {"state": question["state"], "answer": answer, **more})


class TestSigningIn:
    """With a passkey alone."""

    def test_opens_a_session_and_leads_on(self, bob: User) -> None:
        browser = Browser()

        answer = by_passkey(browser, make_passkey(bob), next="/account/sessions/")

        assert (answer.status_code, answer["Location"]) == (302, "/account/sessions/")
        assert Session.objects.get().user_id == bob.pk
        assert browser.get("/account/").status_code == 200

    def test_a_password_of_one_s_own_comes_first(self, bob: User) -> None:
        User.objects.update(must_change_password=True)

        assert by_passkey(Browser(), make_passkey(bob))["Location"].startswith("/account/password/")

    def test_a_refusal_says_what_to_do_and_asks_anew(self, bob: User, operator: Actor) -> None:
        made = make_passkey(bob)
        user_suspend(actor=operator, user=bob, reason="left")

        pages = [by_passkey(Browser(), key) for key in (made, Authenticator())]

        assert [page.status_code for page in pages] == [200, 200]
        for page in pages:
            assert "The passkey was not taken. Try again, or use your password." in read(page)
            assert 'data-ask="/passkey/challenge/"' in read(page)
        assert not Session.objects.exists()
        assert AuditEvent.objects.filter(action="session.start", outcome="failed").count() == 2

    @pytest.mark.parametrize(("path", "status"), [("acme", 302), ("nextdoor", 200), ("acne", 200), ("default", 200)])
    def test_the_address_may_name_the_organization(self, bob: User, mallory: User, path: str, status: int) -> None:
        assert by_passkey(Browser(), make_passkey(bob), f"{SIGN_IN}{path}/").status_code == status

    def test_what_one_browser_was_asked_is_no_answer_in_another(self, bob: User) -> None:
        made, browser, other = make_passkey(bob), Browser(), Browser()
        question = browser.get(CHALLENGE).json()
        answer = {"state": question["state"], "answer": made.shown(question["options"])}

        assert other.post(SIGN_IN, answer).status_code == 200
        other.get(CHALLENGE)
        assert other.post(SIGN_IN, answer).status_code == 200
        assert not Session.objects.exists()
        assert browser.post(SIGN_IN, answer).status_code == 302

    def test_too_many_wrong_ones_wait(self, db: None) -> None:
        browser = Browser()
        answers = [browser.post(SIGN_IN, {"state": "x", "answer": "{}"}) for _ in range(PER_NETWORK + 1)]

        assert [answer.status_code for answer in answers] == [200] * PER_NETWORK + [429]
        assert answers[-1]["Retry-After"]

    def test_what_is_asked_is_kept_nowhere_but_in_a_cookie(self, bob: User, django_assert_num_queries: Any) -> None:
        make_passkey(bob)
        browser = Browser()

        with django_assert_num_queries(0):
            answer = browser.get(CHALLENGE)

        cookie = browser.cookies["passkey"]
        assert answer.json()["options"]["allowCredentials"] == []
        assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Strict", 300)
        assert cookie.value not in answer.content.decode()
        assert browser.get(CHALLENGE).json()["options"]["challenge"] != answer.json()["options"]["challenge"]
        assert browser.cookies["passkey"].value == cookie.value
        assert answer["Cache-Control"] == "no-store"

    def test_where_there_can_be_none_the_page_offers_none(self, settings: Any, db: None) -> None:
        settings.PUBLIC_URL = "http://127.0.0.1:8000"

        assert "passkey" not in read(Browser().get(SIGN_IN))
        assert Browser().get(CHALLENGE).status_code == 404


class TestAfterThePassword:
    """As second factor."""

    def test_is_offered_beside_the_code_and_opens_a_session(self, bob: User) -> None:
        made, browser = make_passkey(bob), Browser()
        asked = sign_in(browser, bob)
        page = read(asked)
        assert "Use a passkey" in page
        assert 'name="code"' in page

        answer = browser.post(
            SIGN_IN,
            {
                "proof": proof_in(asked),
                "state": state_in(page),
                "answer": made.shown(options_in(asked.content.decode())),
            },
        )

        assert answer.status_code == 302
        assert Session.objects.get().methods == ["pwd", "pop", "user"]

    def test_somebody_else_s_is_refused_and_one_s_own_may_follow(self, bob: User, carol: User) -> None:
        made, browser = make_passkey(bob), Browser()
        asked = sign_in(browser, bob)
        options = options_in(asked.content.decode())
        given = {"proof": proof_in(asked), "state": state_in(read(asked))}

        refused = browser.post(SIGN_IN, {**given, "answer": make_passkey(carol).shown(options)})

        page = read(refused)
        assert "The passkey was not taken." in page
        assert browser.post(
            SIGN_IN,
            {
                "proof": proof_in(refused),
                "state": state_in(page),
                "answer": made.shown(options_in(refused.content.decode())),
            },
        ).status_code == 302  # fmt: skip

    def test_a_proof_that_has_run_out_begins_anew(self, bob: User) -> None:
        page = read(Browser().post(SIGN_IN, {"proof": "x", "state": "x", "answer": "{}"}))

        assert "That took too long" in page
        assert "Start again" in page
        assert 'name="code"' not in page

    def test_who_has_none_is_offered_none(self, bob: User) -> None:
        factor, browser = make_factor(bob), Browser()
        asked = sign_in(browser, bob)
        assert "passkey" not in read(asked).partition("</form>")[0]
        assert "data-passkey" not in read(asked)

        assert browser.post(SIGN_IN, {"proof": proof_in(asked), "code": code_of(factor)}).status_code == 302


class TestConfirming:
    """``/account/confirm/``."""

    def test_a_passkey_will_do_in_place_of_the_password(self, bob: User) -> None:
        made, browser = make_passkey(bob), Browser()
        by_passkey(browser, made)
        Session.objects.update(authenticated_at=timezone.now() - timedelta(hours=1))
        assert browser.get(PAGE)["Location"].startswith("/account/confirm/")
        asked = browser.get("/account/confirm/", {"next": PAGE})
        options, state = options_in(asked.content.decode()), state_in(read(asked))

        wrong = browser.post("/account/confirm/", {"state": state, "answer": Authenticator().shown(options)})
        answer = browser.post("/account/confirm/", {"state": state, "answer": made.shown(options), "next": PAGE})

        assert "The passkey was not taken." in read(wrong)
        assert (answer.status_code, answer["Location"]) == (302, PAGE)
        assert browser.get(PAGE).status_code == 200

    def test_who_has_none_is_offered_none(self, bob: User) -> None:
        browser = Browser()
        sign_in(browser, bob)

        assert "data-passkey" not in read(browser.get("/account/confirm/"))


class TestMaking:
    """``/account/two-factor/``."""

    @pytest.fixture
    def browser(self, bob: User) -> Browser:
        browser = Browser()
        assert sign_in(browser, bob).status_code == 302
        return browser

    def test_makes_one_and_shows_recovery_codes_once(self, browser: Browser, bob: User) -> None:
        made = Authenticator()
        begun = browser.post(PAGE, {"do": "passkey"})

        done = browser.post(
            PAGE,
            {"do": "passkey-finish", "name": "Blue key", "answer": made.made(options_in(begun.content.decode()))},
        )

        assert read(done).count("<li><code>") == RecoveryCode.objects.left(bob.pk) == 10
        factor = Factor.objects.get()
        assert (factor.name, factor.kind, factor.confirmed) == ("Blue key", "passkey", True)
        page = read(browser.get(PAGE))
        assert "Blue key" in page
        assert "<dd>Passkey</dd>" in page
        assert "<li><code>" not in page
        assert by_passkey(Browser(), made).status_code == 302

    @pytest.mark.parametrize(
        ("sent", "said"),
        [
            ({"answer": "{}"}, "The passkey was not made as it has to be."),
            ({}, "The passkey was not made as it has to be."),
            ({"answer": "{}", "name": "x" * 65}, "at most 64 characters"),
        ],
    )
    def test_a_wrong_answer_asks_the_same_again(self, browser: Browser, sent: dict[str, str], said: str) -> None:
        options = options_in(browser.post(PAGE, {"do": "passkey"}).content.decode())

        again = browser.post(PAGE, {"do": "passkey-finish", **sent})

        assert said in read(again)
        assert options_in(again.content.decode()) == options
        assert not Factor.objects.enrolled().exists()

    def test_finishing_what_was_never_begun_says_so(self, browser: Browser) -> None:
        page = read(browser.post(PAGE, {"do": "passkey-finish", "answer": "{}"}, follow=True))

        assert "There is no passkey to finish, or it took longer than five minutes. Begin again." in page

    def test_takes_it_away_and_it_opens_nothing(self, browser: Browser, bob: User) -> None:
        made = make_passkey(bob)

        browser.post(PAGE, {"do": "remove", "factor": Factor.objects.get().public_id})

        assert by_passkey(Browser(), made).status_code == 200
        assert Session.objects.count() == 1


class TestInTheAPI:
    """``me/two-factor/passkeys/``."""

    def test_the_same(self, bob: User) -> None:
        api, made = API.of(bob), Authenticator()
        begun = api.post("me/two-factor/passkeys/")
        answer = json.loads(made.made(begun.body["options"]))
        done = api.post("me/two-factor/passkeys/confirm/", {"answer": answer, "name": "Blue key"})

        assert (begun.status_code, done.status_code) == (201, 200)
        assert len(done.body["recovery_codes"]) == 10
        shown = api.get("me/two-factor/").body
        assert shown == done.body["two_factor"]
        assert (shown["methods"], [factor["name"] for factor in shown["factors"]]) == (["passkey"], ["Blue key"])
        assert set(shown["factors"][0]) - {"id"} == {"kind", "name", "created_at", "last_used_at"}
        assert api.get("me/").body["factors"] == ["passkey"]
        assert by_passkey(Browser(), made).status_code == 302

    def test_a_wrong_answer_is_named(self, bob: User) -> None:
        api = API.of(bob)
        api.post("me/two-factor/passkeys/")

        answers = [api.post("me/two-factor/passkeys/confirm/", {"answer": wrong}) for wrong in ({}, {"id": 5}, "x", 5)]

        assert [answer.status_code for answer in answers] == [422] * 4
        assert {answer.body["errors"][0]["field"] for answer in answers} == {"answer"}
        assert not Factor.objects.enrolled().exists()

    def test_a_program_is_sent_to_a_browser_or_a_recovery_code(self, bob: User) -> None:
        make_passkey(bob)

        answer = API().post("auth/token/", {"login": "bob", "org": "acme", "password": PASSWORD})

        assert (answer.status_code, answer.body["remedy"]) == (
            401,
            "Use your passkey, in a browser, or enter a recovery code.",
        )
        assert not Session.objects.exists()
