"""``me/set-password/``."""

from typing import Any

from accounts.models import Session, User
from accounts.passwords import verified
from accounts.tokens import read_token
from tests.accounts.api.programs import API
from tests.factories.users import PASSWORD, SessionFactory

NEW = "another long sentence here"


def test_changes_it_and_stays_signed_in_here_alone(bob: User) -> None:
    api, other = API.of(bob), SessionFactory.create(user=bob)

    answer = api.post("me/set-password/", {"current_password": PASSWORD, "password": NEW})

    bob.refresh_from_db()
    assert (answer.status_code, verified(NEW, bob.password)) == (204, True)
    assert api.get("me/").status_code == 200
    assert not Session.objects.get(pk=other.pk).is_live


def test_the_same_for_a_program(bob: User) -> None:
    issued: Any = API().post("auth/token/", {"login": "bob", "org": "acme", "password": PASSWORD}).body
    api = API(issued["access_token"], scheme="Bearer")

    assert api.post("me/set-password/", {"current_password": PASSWORD, "password": NEW}).status_code == 204

    assert api.get("me/").status_code == 200
    assert Session.objects.live().get().pk == read_token(issued["access_token"]).session_id


def test_not_without_the_present_one(bob: User) -> None:
    answer = API.of(bob).post("me/set-password/", {"current_password": "guessed", "password": NEW})

    bob.refresh_from_db()
    assert (answer.status_code, [entry["field"] for entry in answer.body["errors"]]) == (422, ["current_password"])
    assert verified(PASSWORD, bob.password)


def test_not_to_one_that_may_not_be(bob: User) -> None:
    answer = API.of(bob).post("me/set-password/", {"current_password": PASSWORD, "password": "short"})

    assert (answer.status_code, [entry["field"] for entry in answer.body["errors"]]) == (422, ["password"])
