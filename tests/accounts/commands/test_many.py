"""Many users at once: several USERs, a file, a query; dry run, questions, resuming."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.management import base
from accounts.models import AuditEvent, Organization, User
from accounts.statuses import Status
from tests.factories.users import make_user
from tests.shell import Terminal, run

ORG = ("--org", "acme")
JSON = "--json"


@pytest.fixture
def three(acme: Organization, alice: User) -> list[User]:
    """Three people at acme."""
    return [make_user(acme, name) for name in ("uma", "vic", "wim")]


def statuses() -> dict[str, str]:
    """Everybody's status by name."""
    return {user.username or "": user.status for user in User.objects.exclude(username="alice")}


class TestNames:
    """How many are named."""

    def test_several_users_each_with_its_result(self, three: list[User]) -> None:
        result = run("user_suspend", "uma", "nobody", "wim", *ORG, JSON, "--yes", "--reason", "left")

        answer = result.json
        assert [row["result"] for row in answer["data"]] == ["ok", "failed", "ok"]
        assert answer["data"][1]["error"]["code"] == "NOT_FOUND"
        assert answer["counts"] == {"ok": 2, "unchanged": 0, "failed": 1}
        assert result.code == 3
        assert statuses() == {"uma": "suspended", "vic": "active", "wim": "suspended"}
        assert AuditEvent.objects.filter(action="user.suspend").count() == 2

    def test_unchanged_is_no_failure(self, three: list[User]) -> None:
        run("user_confirm", "uma", *ORG)

        result = run("user_confirm", "uma", "vic", *ORG, JSON, "--yes")

        assert (result.code, result.json["counts"]) == (0, {"ok": 1, "unchanged": 1, "failed": 0})

    @pytest.mark.parametrize(
        "text",
        [
            "uma\n\n# a comment\nvic@acme.example\r\n",
            "\ufeffuma\nvic",
            "name,email\nUma,uma@acme.example\nVic,vic@acme.example\n",
            "username\numa\nvic\n",
            '{"email": "uma@acme.example"}\n{"username": "vic"}\n',
        ],
    )
    def test_a_file(self, three: list[User], tmp_path: Path, text: str) -> None:
        path = tmp_path / "people"
        path.write_bytes(text.encode())

        result = run("user_suspend", "--from-file", str(path), *ORG, JSON, "--yes")

        assert (result.code, result.json["counts"]["ok"]) == (0, 2)
        assert statuses()["wim"] == "active"

    def test_standard_input(self, three: list[User]) -> None:
        assert run("user_suspend", "--from-file", "-", *ORG, "--yes", stdin=io.StringIO("uma\n")).code == 0
        assert statuses()["uma"] == "suspended"

    def test_a_query(self, three: list[User]) -> None:
        run("user_tag", "uma", "x", *ORG)

        result = run("user_suspend", "--query", "status=active&tag=x", *ORG, JSON, "--yes")

        assert [row["id"] for row in result.json["data"]] == [three[0].public_id]

    @pytest.mark.parametrize(
        "content",
        [
            b"\xff\xfe",
            b"id\n\n,\n",
            b'{"email": 1}\n',
            b'{"email": \n',
            b"uma\n" + b"x" * 2000,
        ],
    )
    def test_an_unreadable_file_changes_nothing(self, three: list[User], tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "people"
        path.write_bytes(content)

        result = run("user_suspend", "--from-file", str(path), *ORG, JSON, "--yes")

        assert (result.code, result.error["code"]) == (4, "VALIDATION")
        assert list(result.error["fields"]) == ["from_file"]
        assert set(statuses().values()) == {"active"}

    def test_an_empty_file_and_a_query_that_nobody_matches_change_nobody(
        self, three: list[User], tmp_path: Path
    ) -> None:
        (tmp_path / "people").write_text("# nobody\n")

        for words in (["--from-file", str(tmp_path / "people")], ["--query", "tag=none"]):
            result = run("user_suspend", *words, *ORG, JSON, "--yes")

            assert (result.code, result.json["data"]) == (0, [])

    def test_a_file_that_is_not_there(self, three: list[User]) -> None:
        result = run("user_suspend", "--from-file", "/nowhere/people", *ORG, JSON, "--yes")

        assert (result.code, result.error["fields"]) == (4, {"from_file": "cannot be read"})

    @pytest.mark.parametrize("query", ["colour=red", "status", "status=gone", "tag=a&tag=b", "search=%00"])
    def test_a_bad_query(self, three: list[User], query: str) -> None:
        assert run("user_suspend", "--query", query, *ORG, JSON, "--yes").error["code"] == "VALIDATION"


class TestQuestions:
    """Before more than one."""

    def test_no_terminal_and_no_yes_is_refused(self, three: list[User]) -> None:
        result = run("user_suspend", "uma", "vic", *ORG, JSON)

        assert (result.code, "--yes" in result.error["remedy"]) == (4, True)
        assert set(statuses().values()) == {"active"}

    @pytest.mark.parametrize(("answer", "code", "changed"), [("y\n", 0, True), ("n\n", 4, False), ("", 4, False)])
    def test_the_answer_decides(self, three: list[User], answer: str, code: int, changed: bool) -> None:
        result = run("user_suspend", "uma", "vic", *ORG, stdin=Terminal(answer))

        assert "Suspend 2 users? [y/N]" in result.err
        assert (result.code, statuses()["uma"] == "suspended") == (code, changed)

    def test_one_user_is_not_asked_about(self, three: list[User]) -> None:
        assert run("user_suspend", "uma", *ORG).code == 0

    @pytest.mark.parametrize("word", ["-y", "--yes", "--force", "--assume-yes"])
    def test_every_spelling_of_yes(self, three: list[User], word: str) -> None:
        assert run("user_suspend", "uma", "vic", *ORG, word).code == 0


class TestDryRun:
    """``--dry-run``: the same plan, nothing changed, the exit code of the real run."""

    def test_one_user(self, three: list[User], everything: Callable[[], Any]) -> None:
        before = everything()

        plan = run("user_suspend", "uma", *ORG, JSON, "--dry-run", "--reason", "left").json

        assert plan["changes"] == [
            {
                "action": "user.suspend",
                "reason": "left",
                "before": {"status": "active", "status_reason": ""},
                "after": {"status": "suspended", "status_reason": "left"},
            }
        ]
        assert everything() == before
        assert AuditEvent.objects.count() == 0

    def test_many_see_each_others_effects_and_the_exit_code_is_the_real_one(
        self, alice: User, acme: Organization
    ) -> None:
        make_user(acme, "olaf", role="owner")

        tried = run("user_suspend", "alice", "olaf", *ORG, JSON, "--dry-run")
        real = run("user_suspend", "alice", "olaf", *ORG, JSON, "--yes")

        assert [row["result"] for row in tried.json["data"]] == ["ok", "failed"]
        assert tried.json["data"][1]["error"] == real.json["data"][1]["error"]
        assert tried.code == real.code == 4

    def test_a_refusal_of_one_has_its_exit_code(self, three: list[User]) -> None:
        assert run("user_unlock", "uma", *ORG, "--dry-run").code == run("user_unlock", "uma", *ORG).code == 4

    def test_beyond_a_thousand_it_says_that_it_estimates(
        self, three: list[User], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(base, "DRY_RUN_ROWS", 2)

        plan = run("user_suspend", "uma", "vic", "wim", *ORG, JSON, "--dry-run").json

        assert (plan["rows"], plan["estimated_from"], plan["counts"]["ok"]) == (3, 2, 2)

    def test_making_one(self, acme: Organization, everything: Callable[[], Any]) -> None:
        before = everything()

        plan = run("user_create", *ORG, JSON, "--email", "j@example.com", "--dry-run")

        assert (plan.code, plan.json["changes"][0]["after"]["email"]) == (0, "j@example.com")
        assert everything() == before


class TestResume:
    """``--resume``."""

    def test_carries_on_after_a_stop(self, three: list[User], tmp_path: Path) -> None:
        notes = tmp_path / "done"
        words = ("user_suspend", "uma", "vic", "wim", *ORG, JSON, "--yes", "--resume", str(notes))
        notes.write_text("uma\n")

        result = run(*words)

        assert [row["id"] for row in result.json["data"]] == ["vic", "wim"]
        assert notes.read_text().split() == ["uma", "vic", "wim"]
        assert run(*words).json["counts"] == {"ok": 0, "unchanged": 0, "failed": 0}
        assert statuses() == {"uma": "active", "vic": "suspended", "wim": "suspended"}

    def test_what_failed_is_tried_again(self, three: list[User], tmp_path: Path) -> None:
        notes = tmp_path / "done"

        run("user_unlock", "uma", "vic", *ORG, "--yes", "--resume", str(notes))

        assert notes.read_text() == ""


class TestMatching:
    """``user_suspend_matching``, ``--all``."""

    def test_shows_whom_asks_and_suspends(self, three: list[User]) -> None:
        run("user_tag", "uma", "left", *ORG)
        run("user_tag", "vic", "left", *ORG)
        run("user_lock", "vic", *ORG)

        refused = run("user_suspend_matching", "--tag", "left", *ORG)
        done = run("user_suspend_matching", "--tag", "left", *ORG, JSON, "--yes", "--reason", "bye")

        assert refused.code == 4
        assert "2 users match" in refused.err
        assert "uma@acme.example" in refused.err
        assert done.json["counts"]["ok"] == 2
        assert statuses() == {"uma": "suspended", "vic": "suspended", "wim": "active"}

    def test_by_domain_and_silence(self, three: list[User], acme: Organization) -> None:
        outside = make_user(acme, "xeno")
        User.objects.filter(pk=outside.pk).update(email="x@else.example", email_key="x@else.example")
        outside.refresh_from_db()
        outside.save()

        assert run("user_suspend_matching", "--email-domain", "else.example", *ORG, JSON, "--dry-run").json[
            "counts"
        ] == {
            "ok": 1,
            "unchanged": 0,
            "failed": 0,
        }
        assert run("user_suspend_matching", "--inactive-since", "1d", *ORG, JSON, "--dry-run").json["counts"]["ok"] == 0

    def test_nothing_said_is_refused(self, three: list[User]) -> None:
        assert run("user_suspend_matching", JSON, "--yes").error["code"] == "VALIDATION"

    def test_confirm_all_leaves_admins_and_moderators_out(
        self, three: list[User], erin: User, frank: User, root: User
    ) -> None:
        User.objects.filter(username="wim").update(status=Status.SUSPENDED)

        run("user_confirm", "--all", *ORG, "--yes")

        confirmed = set(User.objects.exclude(email_verified_at=None).values_list("username", flat=True))
        assert confirmed == {"uma", "vic"}
        assert json.loads(run("user_unconfirm", "--all", *ORG, JSON, "--yes").out)["counts"]["ok"] == 2
        assert run("user_confirm", "--all", "uma", *ORG, "--yes").code == 4
        assert run("user_confirm", "--all", *ORG).code == 4
