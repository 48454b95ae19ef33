"""A subject request's own page in the admin: whose, by when, what was done, and what can be done now."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Organization, User
from gdpr.models import Erasure, SubjectRequest
from gdpr.operations.erasure import erase
from gdpr.operations.exports import export_make, user_export_request
from gdpr.operations.requests import request_open
from tests.accounts.pages.browsing import sign_in
from tests.factories.roles import give_custom, make_role

pytestmark = pytest.mark.django_db
EXPORT, ERASE, CLOSE, EXTEND = "Export for this request", "Erase for this request", ">Close<", ">Extend<"


@pytest.fixture
def asked(bob: User, operator: Actor) -> Callable[..., SubjectRequest]:
    """Note that Bob asked for something."""

    def ask(kind: str, *, days: int = 4) -> SubjectRequest:
        at = timezone.now() - timedelta(days=days)
        return request_open(actor=operator, user=bob, kind=kind, received_at=at, note="At the counter")

    return ask


def address(request: SubjectRequest) -> str:
    return f"/admin/gdpr/subjectrequest/{request.public_id}/"


def opened(user: User, path: str) -> str:
    """Open a page as somebody."""
    click = Client()
    sign_in(click, user)
    response = click.get(path)
    assert response.status_code == 200
    return response.content.decode()


def page(user: User, request: SubjectRequest) -> str:
    """Open a request's page as somebody."""
    return opened(user, address(request))


@pytest.mark.parametrize(
    ("kind", "offered"),
    [("access", EXPORT), ("portability", EXPORT), ("erasure", ERASE), ("objection", ""), ("rectification", "")],
)
def test_an_open_one_says_all_and_offers_what_fits(
    kind: str, offered: str, bob: User, alice: User, asked: Callable[..., SubjectRequest]
) -> None:
    request = asked(kind)

    shown = page(alice, request)

    days = (request.due_at.date() - timezone.now().date()).days
    for text in (f"/admin/accounts/user/{bob.public_id}/", "At the counter", f"due in {days} days", CLOSE, EXTEND):
        assert text in shown
    assert {word for word in (EXPORT, ERASE) if word in shown} == ({offered} if offered else set())
    assert "No copy and no erasure names this request." in shown


def test_one_that_is_overdue_says_so(alice: User, asked: Callable[..., SubjectRequest]) -> None:
    request = asked("erasure", days=50)

    shown = page(alice, request)

    assert f"overdue by {(timezone.now().date() - request.due_at.date()).days} days" in shown
    assert EXTEND in shown


def test_lists_and_the_start_page_lead_to_it(alice: User, asked: Callable[..., SubjectRequest]) -> None:
    request = asked("access")
    click = Client()
    sign_in(click, alice)

    for place in ("/admin/", "/admin/gdpr/subjectrequest/?org=acme"):
        assert f'href="{address(request)}"' in click.get(place).content.decode()


def test_one_answered_by_a_copy_leads_to_it(
    bob: User, alice: User, operator: Actor, asked: Callable[..., SubjectRequest]
) -> None:
    request = asked("access")
    export = user_export_request(actor=operator, user=bob, request=request)
    assert export_make(export.pk)

    shown = page(alice, request)

    assert f'href="/admin/accounts/user/{bob.public_id}/personal-data/"' in shown
    assert export.public_id in shown
    assert "closed in time" in shown
    assert not [word for word in (EXPORT, CLOSE, EXTEND) if word in shown]


@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
def test_one_answered_by_an_erasure_leads_to_the_receipt(
    how: str, bob: User, alice: User, operator: Actor, asked: Callable[..., SubjectRequest]
) -> None:
    request = asked("erasure", days=50)
    erasure = erase(actor=operator, user=bob, how=how, request=request)

    shown = page(alice, request)

    there = f"/admin/gdpr/erasure/{erasure.public_id}/"
    assert f'href="{there}"' in shown
    assert f'href="{address(request)}"' in opened(alice, there)
    assert "Erasure, with its receipt" in shown
    assert "days late" in shown
    assert f"subject={bob.public_id}" in shown
    assert "At the counter" not in shown
    assert "bob@acme.example" not in shown


def test_who_may_not_see_copies_erasures_and_the_trail_sees_none(
    bob: User, carol: User, acme: Organization, operator: Actor, asked: Callable[..., SubjectRequest]
) -> None:
    give_custom(carol, make_role(acme, "clerk", "request.list"))
    request = asked("erasure")
    erase(actor=operator, user=bob, how=Erasure.PURGE, request=request)

    shown = page(carol, request)

    assert "No copy and no erasure names this request." in shown
    assert "/admin/gdpr/erasure/ers_" not in shown
    assert "audit trail of this person" not in shown


def test_a_verb_leads_back_to_it(alice: User, asked: Callable[..., SubjectRequest]) -> None:
    request = asked("rectification")
    click = Client()
    sign_in(click, alice)

    closed = click.post(
        "/admin/gdpr/subjectrequest/verbs/close/",
        {"selected": request.public_id, "step": "do", "outcome": "refused", "note": "It is right as it is"},
    )

    assert closed.headers["Location"] == address(request)
    assert "It is right as it is" in page(alice, request)
