"""One's own address, at ``/me/email/``: what is asked and answered; what it does is in tests/accounts/operations."""

from collections.abc import Callable
from typing import Any

from accounts.models import EmailChange, Organization, User
from accounts.operations.addresses import LETTERS
from tests.accounts.api.programs import API, key_of
from tests.accounts.mailbox import token_in, work
from tests.factories.users import PASSWORD

NEW = {"email": "robert@new.example", "current_password": PASSWORD}
ADDRESS = "me/email/"


def test_it_waits_and_is_confirmed(bob: User, mailoutbox: list[Any]) -> None:
    api = API.of(bob)
    here = {"email": "bob@acme.example", "email_verified": False, "pending_email": None, "pending_until": None}
    assert api.get(ADDRESS).body == here

    asked = api.post(ADDRESS, NEW)

    until = EmailChange.objects.get().expires_at
    waiting = {**here, "pending_email": "robert@new.example", "pending_until": f"{until:%Y-%m-%dT%H:%M:%S.%fZ}"}
    assert (asked.status_code, asked.body) == (202, waiting)
    assert api.get(ADDRESS).body == waiting
    work()
    assert API().post("auth/email/confirm/", {"token": token_in(mailoutbox[0])}).status_code == 204
    assert api.get(ADDRESS).body == {**here, "email": "robert@new.example", "email_verified": True}


def test_one_that_is_taken_is_answered_alike_until_it_is_confirmed(
    bob: User, carol: User, mailoutbox: list[Any]
) -> None:
    api = API.of(bob)

    free, taken = (api.post(ADDRESS, {**NEW, "email": email}) for email in ("free@acme.example", carol.email))

    assert (free.status_code, free.body.keys()) == (taken.status_code, taken.body.keys())
    work()
    confirmed = API().post("auth/email/confirm/", {"token": token_in(mailoutbox[-1])})
    assert (confirmed.status_code, confirmed.body["code"]) == (409, "CONFLICT")


def test_a_wrong_password_is_a_mistake_in_the_input(bob: User, everything: Callable[[], Any]) -> None:
    api = API.of(bob)
    before = everything()

    answer = api.post(ADDRESS, {**NEW, "current_password": "wrong"})

    assert (answer.status_code, answer.body["errors"][0]["field"]) == (422, "current_password")
    assert everything() == before


def test_asking_without_end_is_bounded(bob: User) -> None:
    api = API.of(bob)

    answers = [api.post(ADDRESS, NEW) for _ in range(LETTERS + 1)]

    assert [answer.status_code for answer in answers] == [202] * LETTERS + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 3_600


def test_a_key_has_none(acme: Organization) -> None:
    key = key_of(acme, "user.show")

    assert [key.get(ADDRESS).status_code, key.post(ADDRESS, NEW).status_code] == [403, 403]
