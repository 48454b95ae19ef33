"""The page behind the link of an invite, and the endpoint that does the same."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditEvent, Invite, Organization, User
from accounts.operations import throttles
from accounts.operations.invites import user_invite, user_revoke_invite
from accounts.statuses import Status
from tests.accounts.api.programs import API
from tests.accounts.mailbox import token_of, work
from tests.accounts.pages.browsing import SIGN_IN, text_of

SENTENCE = "another sentence that nobody guesses"
KIM = "kim@example.com"


@pytest.fixture
def token(acme: Organization, operator: Actor, mailoutbox: list[EmailMessage]) -> str:
    """The secret of an invite for kim."""
    made = user_invite(
        actor=operator, organization=acme, email=KIM, profile={"name": "Kim"}, message="<b>Hello</b>", print_link=True
    )
    return token_of(made.link)


def test_the_secret_leaves_the_address_and_the_account_becomes_theirs(client: Client, token: str) -> None:
    first = client.get(f"/invite/{token}/")
    assert (first.status_code, first["Location"], first["Referrer-Policy"]) == (302, "/invite/", "no-referrer")
    cookie = first.cookies["invite"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/invite/")
    page = text_of(client.get("/invite/"))
    assert KIM in page
    assert "&lt;b&gt;Hello&lt;/b&gt;" in page
    assert token not in page

    done = client.post("/invite/", {"name": "Kim Lee", "password": SENTENCE, "again": SENTENCE})

    assert (done.status_code, done["Location"]) == (302, SIGN_IN)
    assert done.cookies["invite"].value == ""
    user = User.objects.get(email_key=KIM)
    assert (user.status, user.name) == (Status.ACTIVE, "Kim Lee")
    assert "_auth_user_id" not in client.session


def test_mistakes_are_shown_and_use_nothing_up(client: Client, token: str, everything: Callable[[], Any]) -> None:
    client.get(f"/invite/{token}/")
    before = everything()

    unequal = client.post("/invite/", {"password": SENTENCE, "again": "other"})
    weak = client.post("/invite/", {"password": "password", "again": "password"})

    assert "Type both again" in text_of(unequal)
    assert (weak.status_code, 'class="errorlist"' in text_of(weak)) == (200, True)
    assert everything() == before


def test_by_an_open_link_the_address_is_asked_for_and_nobody_learns_whether_it_is_taken(
    client: Client, acme: Organization, bob: User, operator: Actor, mailoutbox: list[EmailMessage]
) -> None:
    made = user_invite(actor=operator, organization=acme)
    client.get(f"/invite/{token_of(made.link)}/")

    assert "Your e-mail address" in text_of(client.get("/invite/"))
    assert "Enter a valid" not in text_of(client.post("/invite/", {"email": "kim"}))
    pages = [client.post("/invite/", {"email": email}) for email in (bob.email or "", KIM)]
    assert [page.status_code for page in pages] == [200, 200]
    assert text_of(pages[0]).replace(bob.email or "", KIM) == text_of(pages[1])
    assert "Look into your mailbox" in text_of(pages[1])
    work()
    letters = {letter.to[0]: str(letter.body) for letter in mailoutbox}
    assert "It has an account already" in letters[bob.email or ""]
    link = re.search(r"/invite/inv_\S+/", letters[KIM])
    assert link is not None
    client.get(link[0])
    typed = {"name": "Kim", "password": SENTENCE, "again": SENTENCE}
    assert client.post("/invite/", typed)["Location"] == SIGN_IN
    assert User.objects.get(email_key=KIM).status == Status.ACTIVE


def test_the_endpoint_asks_as_the_page_does(acme: Organization, bob: User, operator: Actor) -> None:
    token = token_of(user_invite(actor=operator, organization=acme).link)

    answers = [API().post("invites/request/", {"token": token, "email": email}) for email in (bob.email, KIM)]

    assert [(answer.status_code, answer.body) for answer in answers] == [
        (202, {"message": "A letter says what comes next."})
    ] * 2
    assert Invite.objects.filter(email_key__in=[bob.email_key, KIM]).count() == 2
    early = API().post("invites/accept/", {"token": token, "password": SENTENCE})
    assert (early.status_code, early.body["code"]) == (422, "VALIDATION")


def test_too_many_tries_are_answered_alike(client: Client, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles, "INVITES", 1)
    dead = f"inv_{'0' * 12}_{'A' * 43}"
    assert client.get(f"/invite/{dead}/").status_code == 410

    page = client.get(f"/invite/{token}/")
    answer = API().post("invites/accept/", {"token": token, "password": SENTENCE})

    assert (page.status_code, answer.status_code, answer.body["code"]) == (429, 429, "THROTTLED")
    assert "Too many tries" in text_of(page)
    assert 0 < int(page["Retry-After"]) <= 3600


@pytest.mark.parametrize("how", ["accepted", "revoked", "expired", "unknown", "none"])
def test_every_invite_that_opens_nothing_shows_the_same_page_and_the_same_error(
    client: Client, how: str, token: str, operator: Actor
) -> None:
    if how == "accepted":
        API().post("invites/accept/", {"token": token, "password": SENTENCE})
    if how == "revoked":
        user_revoke_invite(actor=operator, invite=Invite.objects.get())
    if how == "expired":
        Invite.objects.update(expires_at="2020-01-01T00:00Z")
    used = {"unknown": f"inv_{'0' * 12}_{'A' * 43}", "none": "x"}.get(how, token)

    page = client.get(f"/invite/{used}/")
    form = client.get("/invite/")
    answer = API().post("invites/accept/", {"token": used, "password": SENTENCE})

    assert (page.status_code, form.status_code) == (410, 410)
    assert "This invite does not work" in text_of(page)
    assert (answer.status_code, answer.body["code"]) == (401, "UNAUTHENTICATED")
    assert answer.body["detail"] == "This link is used up, has run out or never was one."


def test_page_and_endpoint_leave_the_same(client: Client, acme: Organization, operator: Actor) -> None:
    left = []
    for door in ("page", "api"):
        email = f"{door}@example.com"
        made = user_invite(actor=operator, organization=acme, email=email, print_link=True)
        if door == "page":
            client.get(f"/invite/{token_of(made.link)}/")
            client.post("/invite/", {"name": "Kim", "password": SENTENCE, "again": SENTENCE})
        else:
            answer = API().post("invites/accept/", {"token": token_of(made.link), "password": SENTENCE, "name": "Kim"})
            assert answer.status_code == 204
        user = User.objects.get(email_key=email)
        event = AuditEvent.objects.filter(action="invite.accept").order_by("-occurred_at").prefetch_related("parts")[0]
        left.append(
            (user.status, user.name, user.version, user.email_verified, event.part("subject"), event.actor_kind)
        )

    assert left[0] == left[1]
