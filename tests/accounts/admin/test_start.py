"""The admin's start page."""

import re

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.models import Organization, User
from accounts.operations.invites import user_invite
from accounts.operations.statuses import user_lock
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.users import make_user


class TestStart:
    """What needs attention, and the last thirty days."""

    @pytest.mark.parametrize("who", ["alice", "erin", "frank", "root"])
    def test_is_for_whoever_has_something_to_administer(
        self, client: Client, request: pytest.FixtureRequest, who: str
    ) -> None:
        user = request.getfixturevalue(who)
        sign_in(client, user)

        text = text_of(client.get("/admin/"))

        assert (text.count("<h1"), text.count('<html lang="en"')) == (1, 1)
        assert f"{user.display_name} · {user.organization.name}" in text
        assert str(user.pk) not in text

    def test_obeys_our_own_content_security_policy(self, client: Client, alice: User) -> None:
        sign_in(client, alice)

        text = text_of(client.get("/admin/"))

        assert not any(forbidden in text for forbidden in ("<style", " style=", "<script>", " onclick"))
        assert set(re.findall(r'(?:href|src|action)="([^"/#?][^"]*)"', text)) <= {"/"}

    def test_shows_who_is_locked_and_who_was_refused(
        self, client: Client, alice: User, bob: User, acme: Organization, operator: Actor
    ) -> None:
        user_lock(actor=operator, user=bob, reason="Ten wrong passwords")
        user_invite(actor=operator, organization=acme, email="ivy@example.com", profile={"name": "Ivy"})
        client.post("/sign-in/", {"username": "alice", "password": "wrong", "organization": "acme"})
        sign_in(client, alice)

        page = client.get("/admin/")

        locked, invited, *_ = page.context["attention"]
        assert [row.cells[0].text for row in locked.rows] == ["Bob"]
        assert [row.cells[0].text for row in invited.rows] == ["ivy@example.com"]
        assert [row.cells[1].text for row in page.context["refusals"].rows] == ["failed"]
        assert [(plot.title, plot.total) for plot in page.context["plots"]] == [("Sign-ins", 1), ("New people", 3)]
        assert 'aria-label="Sign-ins by day: 1 in 30 days, at most 1 in a day."' in text_of(page)

    def test_shows_nothing_of_the_neighbours(self, client: Client, mallory: User, bob: User, operator: Actor) -> None:
        user_lock(actor=operator, user=bob)
        sign_in(client, mallory)

        page = client.get("/admin/")

        assert [plot.total for plot in page.context["plots"]] == [1, 1]
        assert "bob" not in text_of(page).lower()

    def test_moderators_see_people_but_no_trail(self, client: Client, frank: User) -> None:
        sign_in(client, frank)

        page = client.get("/admin/")

        assert [plot.title for plot in page.context["plots"]] == ["New people"]
        assert "refusals" not in page.context
        assert [link.label for link in page.context["navigation"]] == ["People", "Organizations", "Roles"]

    def test_queries_do_not_depend_on_the_number_of_rows(
        self, client: Client, alice: User, acme: Organization, operator: Actor
    ) -> None:
        sign_in(client, alice)
        client.get("/admin/")
        with CaptureQueriesContext(connection) as few:
            client.get("/admin/")
        for number in range(12):
            user_lock(actor=operator, user=make_user(acme, f"locked-{number}"))
        with CaptureQueriesContext(connection) as many:
            client.get("/admin/")

        assert len(many) == len(few)

    def test_says_how_to_begin_when_nobody_is_there(
        self, client: Client, root: User, capsys: pytest.CaptureFixture[str]
    ) -> None:
        sign_in(client, root)

        assert "Nobody here yet but you" in text_of(client.get("/admin/"))
        call_command("user_create", "--email", "jane@example.com", "--name", "Jane Doe", "--generate-password")
        assert "Nobody here yet but you" not in text_of(client.get("/admin/"))

    def test_is_for_nobody_else(self, client: Client, db: None) -> None:
        assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
