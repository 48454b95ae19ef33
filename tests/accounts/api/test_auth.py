"""``/auth/…``: the endpoints of those who are not signed in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditEvent, OneTimeLink, Purpose, ResetRequest, Session, User
from accounts.operations.links import mint
from accounts.operations.recovery import REQUESTS, admin_link
from tests.accounts.api.programs import API
from tests.accounts.mailbox import token_in, token_of, work
from tests.accounts.pages.browsing import at_once, sign_in
from tests.factories.users import PASSWORD

pytestmark = pytest.mark.django_db
REQUEST, RESET, CONFIRM = "auth/password/reset-request/", "auth/password/reset/", "auth/email/confirm/"
NEW = "another sentence that nobody guesses"
Letters = list[EmailMessage]
OF_THE_REQUEST = {"X-Request-ID"}


def told(answer: Any) -> tuple[int, Any, dict[str, str]]:
    """Give an answer without the number of the request."""
    body = {key: value for key, value in (answer.body or {}).items() if key != "request_id"}
    return answer.status_code, body, {k: v for k, v in answer.headers.items() if k not in OF_THE_REQUEST}


class TestRequest:
    """``password_reset_request``."""

    def test_from_asking_to_the_new_password(self, bob: User, mailoutbox: Letters) -> None:
        api = API()
        assert api.post(REQUEST, {"login": "bob", "org": "ACME"}).status_code == 202
        work()

        answer = api.post(RESET, {"token": token_in(mailoutbox[0]), "password": NEW})

        bob.refresh_from_db()
        assert (answer.status_code, answer.content) == (204, b"")
        assert bob.check_password(NEW)
        assert AuditEvent.objects.filter(action="password.reset", door="api", actor_kind="anonymous").count() == 1
        assert not Session.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [
            {"login": "nobody@acme.example", "org": "acme"},
            {"login": "sam", "org": "acme"},
            {"login": "bob@acme.example", "org": "nowhere"},
            {"login": "a@b@c", "org": "acme"},
            {"login": "bob@acme.example"},
        ],
    )
    def test_answers_everybody_the_same(self, bob: User, body: dict[str, str]) -> None:
        expected = told(API().post(REQUEST, {"login": "bob@acme.example", "org": "acme"}))

        assert expected[0] == 202
        assert told(API().post(REQUEST, body)) == expected

    def test_too_many_from_one_network(self, bob: User, everything: Callable[[], Any]) -> None:
        for _ in range(REQUESTS):
            assert API().post(REQUEST, {"login": "nobody", "org": "acme"}).status_code == 202
        before = everything()

        answers = [API().post(REQUEST, {"login": name, "org": "acme"}) for name in ("bob", "nobody")]

        for answer in answers:
            assert (answer.status_code, answer.body["code"]) == (429, "THROTTLED")
            assert 3_590 <= int(answer["Retry-After"]) <= 3_600
        assert answers[0].body["detail"] == answers[1].body["detail"]
        assert everything() == before

    def test_whoever_is_signed_in_is_nobody_here(self, alice: User, bob: User) -> None:
        browser = API.of(alice)

        assert browser.post(REQUEST, {"login": "bob", "org": "acme"}).status_code == 202
        work()

        assert AuditEvent.objects.get(action="password.reset_request").actor_kind == "anonymous"

    def test_a_forged_host_reaches_no_letter(self, settings: Any, bob: User, mailoutbox: Letters) -> None:
        headers = {"host": "evil.example"}
        body = '{"login": "bob", "org": "acme"}'
        address, kind = f"/api/v1/{REQUEST}", "application/json"
        assert Client().post(address, body, content_type=kind, headers=headers).status_code == 400
        assert not ResetRequest.objects.exists()
        settings.ALLOWED_HOSTS = ["*"]
        forwarded = {**headers, "x-forwarded-host": "evil.example"}

        assert Client().post(address, body, content_type=kind, headers=forwarded).status_code == 202
        work()

        assert f"{settings.PUBLIC_URL}/link/" in mailoutbox[0].body
        assert "evil" not in str(mailoutbox[0].message())


class TestTokens:
    """``password_reset`` and ``email_confirm``."""

    def test_every_token_that_opens_nothing_is_answered_alike(
        self, operator: Actor, bob: User, everything: Callable[[], Any]
    ) -> None:
        used = token_of(mint(bob, Purpose.PASSWORD_RESET))
        assert API().post(RESET, {"token": used, "password": NEW}).status_code == 204
        expired = token_of(mint(bob, Purpose.WELCOME))
        OneTimeLink.objects.filter(purpose=Purpose.WELCOME).update(expires_at="2020-01-01T00:00:00Z")
        sign_in_link = token_of(admin_link(actor=operator, user=bob))
        confirming = token_of(mint(bob, Purpose.EMAIL_CONFIRM))
        before = everything()

        tokens = [used, expired, sign_in_link, confirming, "lnk_nothing", "", "x" * 200, "\N{SNOWMAN}"]
        answers = [told(API().post(RESET, {"token": token or "x", "password": NEW})) for token in tokens]
        answers += [told(API().post(CONFIRM, {"token": token or "x"})) for token in tokens if token != confirming]

        assert answers[0][:2] == (
            401,
            {
                "type": "urn:identity:problem:unauthenticated",
                "title": "Not signed in",
                "status": 401,
                "detail": "This link is used up, has run out or never was one.",
                "code": "UNAUTHENTICATED",
                "remedy": "Ask for a new one.",
                "errors": [],
            },
        )
        assert all(answer == answers[0] for answer in answers)
        assert everything() == before

    def test_a_password_that_may_not_be_used_is_refused_and_the_token_stays_good(self, bob: User) -> None:
        token = token_of(mint(bob, Purpose.PASSWORD_RESET))

        answer = API().post(RESET, {"token": token, "password": "too short"})

        assert (answer.status_code, answer.body["errors"][0]["field"]) == (422, "password")
        assert token not in str(answer.body)
        bob.refresh_from_db()
        assert bob.check_password(PASSWORD)
        assert API().post(RESET, {"token": token, "password": NEW}).status_code == 204

    def test_confirms(self, bob: User) -> None:
        answer = API().post(CONFIRM, {"token": token_of(mint(bob, Purpose.EMAIL_CONFIRM, is_mailed=True))})

        bob.refresh_from_db()
        assert (answer.status_code, bob.email_verified) == (204, True)
        assert AuditEvent.objects.get().action == "email.confirm"

    @pytest.mark.django_db(transaction=True)
    def test_of_eight_at_once_one_gets_in(self, bob: User) -> None:
        token = token_of(mint(bob, Purpose.PASSWORD_RESET))

        answers = at_once(*[lambda: API().post(RESET, {"token": token, "password": NEW}) for _ in range(8)])

        assert sorted(answer.status_code for answer in answers) == [204, *[401] * 7]

    def test_a_new_user_gets_a_link(self, alice: User, mailoutbox: Letters) -> None:
        answer = API.of(alice).post("users/", {"email": "kim@acme.example", "send_link": True})
        work()

        assert answer.status_code == 201
        assert API().post(RESET, {"token": token_in(mailoutbox[0]), "password": NEW}).status_code == 204
        assert sign_in(Client(), User.objects.get(email="kim@acme.example"), password=NEW).status_code == 302
