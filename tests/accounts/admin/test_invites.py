"""Invites by click: roles that are typed, and a new link of an open one."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actors import Actor
from accounts.errors import NotAuthenticated
from accounts.models import AuditEvent, Invite, Organization
from accounts.operations.acceptance import invite_find
from accounts.operations.invites import user_invite
from tests.accounts.mailbox import token_of
from tests.accounts.operations.test_invites import KIM, VISITOR
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.roles import make_role

ADD = reverse("admin:accounts_invite_add")


@pytest.fixture
def browser(cast: SimpleNamespace) -> Client:
    """Erin's, who administers acme."""
    client = Client()
    sign_in(client, cast.erin)
    return client


@pytest.mark.parametrize("roles", [["moderator", "reader", ""], ["moderator, reader"], [" reader ", "moderator"]])
def test_roles_are_lines_or_without_a_script_words_with_commas(
    browser: Client, acme: Organization, roles: list[str]
) -> None:
    make_role(acme, "reader", "user.show")

    assert browser.post(ADD, {"organization": "acme", "email": KIM, "roles": roles}).status_code == 302

    given = Invite.objects.get().roles.values_list("role__slug", flat=True)
    assert sorted(given) == ["member", "moderator", "reader"]


@pytest.mark.parametrize(
    ("roles", "why"),
    [
        (["moderator", "none-such"], "There is no role"),
        (["owner"], "may not"),
        (["x" * 131], "at most 130"),
        (["x"] * 101, "100"),
    ],
)
def test_what_cannot_be_given_stays_typed_and_is_said(
    browser: Client, acme: Organization, roles: list[str], why: str
) -> None:
    page = browser.post(ADD, {"organization": "acme", "email": KIM, "roles": roles})

    assert page.status_code in {403, 422}
    assert not Invite.objects.exists()
    if page.status_code == 422:
        assert why in text_of(page)
        assert text_of(page).count('name="roles"') == len(roles) + 1


def test_an_open_link_is_shown_anew_once(browser: Client, acme: Organization, operator: Actor) -> None:
    made = user_invite(actor=operator, organization=acme, max_uses=3)
    address: Any = reverse("admin:accounts_invite_verb", args=["link"])

    look = browser.get(f"{address}?selected={made.invite.public_id}")
    assert "/invite/inv_" not in text_of(look)
    assert invite_find(actor=VISITOR, token=token_of(made.link)) == made.invite
    done = browser.post(address, {"selected": made.invite.public_id, "step": "do", "reason": "lost"})

    shown = re.search(r"/invite/(inv_[^/]+)/", text_of(done))
    assert shown is not None
    assert invite_find(actor=VISITOR, token=shown[1]) == made.invite
    with pytest.raises(NotAuthenticated):
        invite_find(actor=VISITOR, token=token_of(made.link))
    event = AuditEvent.objects.order_by("-occurred_at").prefetch_related("parts")[0]
    assert (event.action, event.part("subject")["reason"]) == ("user.resend_invite", "lost")
    listed = text_of(browser.get(reverse("admin:accounts_invite_changelist")))
    assert "New link" in listed
    assert "Send again<" not in listed
