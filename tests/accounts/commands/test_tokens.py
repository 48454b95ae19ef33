"""``user_token`` and ``user_profile``."""

import io
import json
from typing import Any

import pytest

from accounts.models import AuditEvent, Session, User
from tests.factories.factors import code_of, make_factor, wrong_code_of
from tests.factories.users import PASSWORD
from tests.shell import Result, Terminal, run

SIGN_IN = ("user_token", "--login", "bob", "--org", "acme", "--password-stdin")


def signed_in(*more: str) -> Result:
    return run(*SIGN_IN, *more, stdin=io.StringIO(f"{PASSWORD}\n"))


class TestToken:
    """``user_token``."""

    def test_prints_json_unless_asked_otherwise(self, bob: User) -> None:
        issued = json.loads(signed_in().out)

        assert set(issued) == {"access_token", "refresh_token", "token_type", "expires_at", "must_change_password"}
        event = AuditEvent.objects.get(action="session.start")
        assert (event.actor_id, event.door) == (bob.pk, "cli")

    def test_the_next_for_the_one_before(self, bob: User) -> None:
        first = json.loads(signed_in().out)

        second = run("user_token", "--refresh", "-", stdin=io.StringIO(first["refresh_token"]))
        again = run("user_token", "--refresh", "-", "--json", stdin=io.StringIO(first["refresh_token"]))

        assert json.loads(second.out)["refresh_token"] != first["refresh_token"]
        assert (again.code, again.out, again.error["code"]) == (2, "", "UNAUTHENTICATED")

    def test_a_wrong_password_exits_2(self, bob: User) -> None:
        result = run(*SIGN_IN, "--json", stdin=io.StringIO("guessed\n"))

        assert (result.code, result.out, result.error["code"]) == (2, "", "UNAUTHENTICATED")
        assert not Session.objects.exists()

    def test_a_second_factor_wants_its_code(self, bob: User) -> None:
        factor = make_factor(bob)

        assert (signed_in().code, signed_in("--code", wrong_code_of(factor)).code) == (2, 2)
        assert signed_in("--code", code_of(factor)).code == 0
        assert Session.objects.get().methods == ["pwd", "otp"]

    def test_on_a_terminal_it_asks(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        factor = make_factor(bob)
        asked: list[str] = []

        def answer(prompt: str) -> str:
            asked.append(prompt)
            return code_of(factor) if prompt == "Code: " else PASSWORD

        monkeypatch.setattr("getpass.getpass", answer)

        assert run("user_token", "--login", "bob", "--org", "acme", stdin=Terminal("")).code == 0
        assert asked == ["Password: ", "Code: "]

    def test_without_a_terminal_it_does_not_wait(self, bob: User) -> None:
        assert run("user_token", "--login", "bob", "--org", "acme", stdin=io.StringIO("")).code == 4


class TestProfile:
    """``user_profile``."""

    def test_says_who(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        token: Any = json.loads(signed_in().out)["access_token"]

        shown = run("user_profile", "--token", "-", "--json", stdin=io.StringIO(token)).json
        monkeypatch.setenv("IDENTITY_TOKEN", token)

        assert (shown["id"], shown["memberships"][0]["slug"]) == (bob.public_id, "acme")
        assert run("user_profile", "--json").json == shown

    def test_not_once_it_is_dead(self, bob: User) -> None:
        token = json.loads(signed_in().out)["access_token"]
        Session.objects.all().end("signed out")

        assert run("user_profile", "--token", "-", stdin=io.StringIO(token)).code == 2

    def test_not_without_one(self, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("IDENTITY_TOKEN", raising=False)

        assert run("user_profile").code == 4
