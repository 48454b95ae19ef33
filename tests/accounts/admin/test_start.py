"""The admin's start page."""

import html
import re
import shlex

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from accounts.statuses import Status
from tests.accounts.pages.browsing import sign_in, text_of


class TestStart:
    """Empty as yet: it says what to do next."""

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

        assert not any(forbidden in text for forbidden in ("<style", " style=", "<script", " onclick"))
        assert set(re.findall(r'(?:href|src|action)="([^"/#][^"]*)"', text)) <= {"/"}

    def test_the_commands_it_names_work(self, client: Client, root: User, capsys: pytest.CaptureFixture[str]) -> None:
        sign_in(client, root)
        text = text_of(client.get("/admin/"))

        commands = re.findall(r'<code class="command">\./manage\.py (.+)</code>', re.sub("</?span>", "", text))
        for command in commands:
            call_command(*shlex.split(html.unescape(command)))

        assert [command.split()[0] for command in commands] == ["user_create", "user_list", "user_suspend"]
        jane = User.objects.get(email="jane@example.com")
        assert (jane.name, jane.status, jane.status_reason) == ("Jane Doe", Status.SUSPENDED, "On leave")
        assert "jane@example.com" in capsys.readouterr().out

    def test_is_for_nobody_else(self, client: Client, db: None) -> None:
        assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
