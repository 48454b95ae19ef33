"""The page on which one changes one's own password."""

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import Session, User
from accounts.operations.base import NewPassword
from accounts.operations.users import user_set_password
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.users import PASSWORD

NEW = "another sentence that nobody guesses"
PAGE = "/account/password/"
GIVEN = "a sentence given by somebody else"


def values(current: str = PASSWORD, new: str = NEW, again: str = "", **more: str) -> dict[str, str]:
    return {"current_password": current, "password": new, "again": again or new, **more}


class TestChangePassword:
    """Changing it."""

    def test_stays_signed_in_here_and_nowhere_else(self, client: Client, alice: User) -> None:
        other = Client()
        sign_in(other, alice)
        sign_in(client, alice)

        answer = client.post(PAGE, values(), follow=True)

        alice.refresh_from_db()
        assert alice.check_password(NEW)
        assert answer.redirect_chain == [("/admin/", 302)]
        assert "Your password is changed. You are signed out everywhere else." in text_of(answer)
        assert other.get("/admin/").status_code == 302
        assert Session.objects.live().count() == 1

    @pytest.mark.parametrize(
        ("sent", "message"),
        [
            (values(current="not this one at all"), "The present password is wrong."),
            (values(new=PASSWORD), "The new password is the present one."),
            (values(new="too short"), "at least 15 characters"),
            (values(again="something else entirely"), "not the same as above"),
        ],
    )
    def test_a_refused_one_says_why(self, client: Client, alice: User, sent: dict[str, str], message: str) -> None:
        sign_in(client, alice)

        answer = client.post(PAGE, sent)

        alice.refresh_from_db()
        assert answer.status_code == 200
        assert message in text_of(answer)
        assert not any(typed in text_of(answer) for typed in sent.values())
        assert alice.check_password(PASSWORD)
        assert client.get("/admin/").status_code == 200

    def test_is_for_who_is_signed_in(self, client: Client) -> None:
        assert client.get(PAGE)["Location"] == "/sign-in/?next=/account/password/"

    def test_is_open_to_who_has_nothing_to_administer(self, client: Client, bob: User) -> None:
        assert sign_in(client, bob, next=PAGE)["Location"] == PAGE
        assert client.post(PAGE, values()).status_code == 302

    @pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
    def test_leads_nowhere_else(self, client: Client, alice: User, wanted: str) -> None:
        sign_in(client, alice)

        assert client.post(PAGE, values(next=wanted))["Location"] == "/admin/"

    def test_the_admins_own_page_that_saves_past_the_operations_is_gone(self, client: Client, alice: User) -> None:
        sign_in(client, alice)

        for answer in (client.get("/admin/password_change/"), client.post("/admin/password_change/")):
            assert answer["Location"] == PAGE


class TestGivenPassword:
    """One that somebody else set."""

    @pytest.fixture
    def given(self, alice: User, operator: Actor) -> User:
        """Somebody whose password was set by the operator."""
        return user_set_password(actor=operator, user=alice, password=NewPassword(GIVEN))

    def test_is_to_be_changed_before_anything_else(self, client: Client, given: User) -> None:
        led = sign_in(client, given, password=GIVEN, next="/admin/?page=2")

        assert led["Location"] == "/account/password/?next=%2Fadmin%2F%3Fpage%3D2"
        assert "The present one was set by somebody else" in text_of(client.get(led["Location"]))
        again = client.get("/admin/", follow=True)
        assert again.redirect_chain == [
            ("/admin/login/?next=/admin/", 302),
            ("/account/password/?next=%2Fadmin%2F", 302),
        ]

        done = client.post(PAGE, values(GIVEN, next="/admin/?page=2"))
        assert done["Location"] == "/admin/?page=2"
        assert client.get("/admin/").status_code == 200

    def test_can_be_left_by_signing_out(self, client: Client, given: User) -> None:
        sign_in(client, given, password=GIVEN)

        assert client.post("/sign-out/")["Location"] == "/sign-in/"
        assert not Session.objects.live().exists()
