"""The doors open: one user, from the shell."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts.models import AuditEvent, Membership, Organization, Session, User
from accounts.passwords import verified
from tests.factories.organizations import make_organization
from tests.factories.users import SessionFactory, make_user
from tests.shell import Terminal, run

ORG = ("--org", "acme")
JSON = "--json"


class TestCreate:
    """``user_create``."""

    def test_makes_an_account_with_all_that_was_said(self, acme: Organization) -> None:
        made = run(
            "user_create", *ORG, JSON, "--email", "Jane@Example.COM", "--username", "Jane", "--given-name", "Jane",
            "--family-name", "Doe", "--locale", "en", "--verified", "--tag", "vip", "--tag", "night shift",
            "--metadata", "team=blue", "--moderator", "--reason", "Ticket 1",
        )  # fmt: skip

        assert (made.code, made.err) == (0, "")
        shown = made.json
        assert shown["email"] == "Jane@Example.COM"
        assert (shown["name"], shown["username"], shown["email_verified"]) == ("Jane Doe", "Jane", True)
        assert (shown["tags"], shown["metadata"]) == (["night shift", "vip"], {"team": "blue"})
        assert (shown["role"], shown["roles"], shown["status"]) == ("moderator", ["member", "moderator"], "active")
        assert shown["updated_at"] == shown["created_at"]
        assert "password" not in shown
        user = User.objects.get()
        assert (user.public_id, user.email_key, user.has_usable_password()) == (shown["id"], "jane@example.com", False)
        assert Membership.objects.get(user=user).organization == acme

    def test_prints_a_generated_password_once_and_stores_its_hash(self, acme: Organization) -> None:
        made = run("user_create", *ORG, JSON, "--email", "jane@example.com", "--generate-password")

        user = User.objects.get()
        assert verified(made.json["password"], user.password)
        assert user.must_change_password
        assert made.json["password"] not in str(list(AuditEvent.objects.values())) + made.err

    def test_reads_a_password_from_standard_input(self, acme: Organization) -> None:
        stdin = Terminal("correct horse battery staple\n")

        made = run(
            "user_create", *ORG, "--email", "jane@example.com", "--password-stdin", "--no-must-change", stdin=stdin
        )

        user = User.objects.get()
        assert (made.code, verified("correct horse battery staple", user.password)) == (0, True)
        assert not user.must_change_password

    def test_warns_about_a_password_on_the_command_line(self, acme: Organization) -> None:
        made = run("user_create", *ORG, "--email", "j@example.com", "--password", "correct horse battery staple")

        assert made.code == 0
        assert "others on this machine can see" in made.err
        assert "correct horse" not in made.err + made.out

    @pytest.mark.parametrize(
        ("words", "field"),
        [
            (["--email", "nobody"], "email"),
            (["--email", "a\x00b@example.com"], "email"),
            (["--email", "a\udcffb@example.com"], "email"),
            (["--email", "m\u0131ke@example.com"], "email"),
            (["--email", "j@example.com", "--username", "a@b"], "username"),
            (["--email", "j@example.com", "--username", "usr_01h455vb4pex5vsknk084sn02q"], "username"),
            (["--email", "j@example.com", "--zoneinfo", "Mars/Base"], "zoneinfo"),
            (["--email", "j@example.com", "--name", "a\x1b[31m"], "name"),
            (["--email", "j@example.com", "--role", "emperor"], "roles"),
            (["--email", "j@example.com", "--tag", "a,b"], "tags"),
            (["--email", "j@example.com", "--metadata", "novalue"], "metadata"),
            (["--email", "j@example.com", "--metadata", '{"a": 1e999}'], "metadata"),
            (["--email", "j@example.com", "--metadata", '{"a": "\\u0000"}'], "metadata"),
            (["--email", "j@example.com", "--password", "short"], "password"),
            (["--email", "j@example.com", "--password", "passwordpassword"], "password"),
        ],
    )
    def test_bad_input_is_named_and_nothing_is_made(
        self, acme: Organization, everything: Callable[[], Any], words: list[str], field: str
    ) -> None:
        before = everything()

        made = run("user_create", *ORG, JSON, *words)

        assert (made.code, made.out, made.error["code"]) == (4, "", "VALIDATION")
        assert field in made.error["fields"]
        assert everything() == before

    @pytest.mark.parametrize("email", ["BOB@acme.example", "bob@ACME.example"])
    def test_an_address_that_folds_to_a_taken_one_is_a_conflict(self, bob: User, email: str) -> None:
        made = run("user_create", *ORG, JSON, "--email", email)

        assert (made.code, made.error["code"], made.error["fields"]) == (4, "CONFLICT", {"email": "taken"})
        assert User.objects.filter(email_key="bob@acme.example").count() == 1

    def test_the_same_address_is_free_in_another_organization(self, bob: User, nextdoor: Organization) -> None:
        made = run("user_create", "--org", "nextdoor", "--email", "bob@acme.example")

        assert made.code == 0

    def test_an_archived_organization_takes_nobody(self, acme: Organization) -> None:
        Organization.objects.filter(pk=acme.pk).update(status="archived")

        assert run("user_create", *ORG, JSON, "--email", "j@example.com").error["code"] == "CONFLICT"


class TestWho:
    """``USER`` and ``--org``."""

    @pytest.mark.parametrize("who", ["bob@acme.example", "BOB@acme.EXAMPLE", "bob", "BOB"])
    def test_by_address_and_username(self, bob: User, who: str) -> None:
        assert run("user_show", who, *ORG, JSON).json["id"] == bob.public_id

    def test_by_id_without_an_organization(self, bob: User) -> None:
        for words in ([bob.public_id], [str(bob.pk)], ["--user-id", bob.public_id]):
            assert run("user_show", *words, JSON).json["id"] == bob.public_id

    def test_by_options(self, bob: User) -> None:
        assert run("user_show", "--email", "bob@acme.example", *ORG, JSON).json["id"] == bob.public_id
        assert run("user_show", "--username", "bob", *ORG, JSON).json["id"] == bob.public_id

    def test_the_organization_can_come_from_the_environment(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("IDENTITY_ORG", "acme")

        assert run("user_show", "bob", JSON).json["id"] == bob.public_id

    @pytest.mark.parametrize(
        "words",
        [
            ["nobody@acme.example", *ORG],
            ["nobody", *ORG],
            ["usr_01h455vb4pex5vsknk084sn02q"],
            ["org_01h455vb4pex5vsknk084sn02q"],
            ["usr_zzzzzzzzzzzzzzzzzzzzzzzzzz"],
            ["bob@acme.example"],
            ["bob", "--org", "nowhere"],
        ],
    )
    def test_nobody_is_not_found(self, bob: User, words: list[str]) -> None:
        make_organization("default")

        result = run("user_show", *words, JSON)

        assert (result.code, result.error["code"]) == (3, "NOT_FOUND")

    def test_an_id_outside_the_organization_given_is_not_found(self, bob: User, nextdoor: Organization) -> None:
        assert run("user_show", bob.public_id, "--org", "nextdoor", JSON).error["code"] == "NOT_FOUND"

    @pytest.mark.parametrize("who", ["bo\x00b", "bo\udc80b", "m\u0131ke@acme.example"])
    def test_what_cannot_name_anybody_is_invalid(self, bob: User, who: str) -> None:
        result = run("user_show", who, *ORG, JSON)

        assert (result.code, result.error["code"]) == (4, "VALIDATION")

    def test_nobody_and_two_are_refused(self, bob: User) -> None:
        assert run("user_show", *ORG, JSON).error["message"] == "Name one USER."
        assert run("user_show", "bob", "--email", "x@y.example", *ORG, JSON).code == 4


class TestUpdate:
    """``user_update``."""

    def test_changes_what_is_named(self, bob: User) -> None:
        shown = run(
            "user_update", "bob", *ORG, JSON, "--given-name", "Robert", "--tags", '["a b", "c"]', "--metadata", "k=v"
        ).json

        assert (shown["given_name"], shown["tags"], shown["metadata"]) == ("Robert", ["a b", "c"], {"k": "v"})
        assert shown["updated_at"] > shown["created_at"]

    def test_a_new_address_counts_at_once_and_is_unconfirmed(self, bob: User) -> None:
        run("user_confirm", "bob", *ORG)

        shown = run("user_update", "bob", *ORG, JSON, "--email", "robert@example.com").json

        assert (shown["email"], shown["email_verified"]) == ("robert@example.com", False)
        assert run("user_update", "bob", *ORG, JSON, "--email", "b@example.com", "--skip-verification").json[
            "email_verified"
        ]

    def test_metadata_one_by_one(self, bob: User) -> None:
        def metadata(*words: str) -> Any:
            return run("user_update", "bob", *ORG, JSON, *words).json["metadata"]

        assert metadata("--metadata-key", "a", "--metadata-value", "1") == {"a": "1"}
        assert metadata("--metadata", "b=2") == {"a": "1", "b": "2"}
        assert metadata("--metadata", '{"c": [3]}') == {"c": [3]}
        assert metadata("--metadata-key", "c") == {}

    def test_empties_tags_and_username(self, bob: User) -> None:
        run("user_tag", "bob", "x", *ORG)

        shown = run("user_update", bob.public_id, JSON, "--tags", "", "--username", "").json

        assert (shown["tags"], shown["username"]) == ([], None)

    def test_what_is_so_already_leaves_no_event(self, bob: User) -> None:
        run("user_update", "bob", *ORG, "--name", "Bob")

        assert AuditEvent.objects.count() == 0

    def test_nothing_to_change_is_refused(self, bob: User) -> None:
        assert run("user_update", "bob", *ORG, JSON).code == 4


class TestPassword:
    """``user_set_password``."""

    def test_sets_it_and_ends_the_sessions(self, bob: User) -> None:
        SessionFactory.create(user=bob)

        shown = run("user_set_password", "bob", *ORG, JSON, "--generate-password").json

        bob.refresh_from_db()
        assert verified(shown["password"], bob.password)
        assert (bob.must_change_password, Session.objects.live().count()) == (True, 0)

    def test_asks_twice_on_a_terminal(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        answers = iter(["correct horse battery staple", "something else"])
        monkeypatch.setattr("getpass.getpass", lambda _: next(answers))

        result = run("user_set_password", "bob", *ORG, JSON, stdin=Terminal(""))

        assert (result.code, result.error["fields"]) == (4, {"password": "typed differently"})

    def test_without_a_way_and_a_terminal_it_is_refused(self, bob: User) -> None:
        assert run("user_set_password", "bob", *ORG, JSON).code == 4

    def test_two_ways_are_refused(self, bob: User) -> None:
        assert run("user_set_password", "bob", *ORG, "--generate-password", "--password-stdin").code == 4


class TestSessions:
    """``user_sessions``."""

    def test_lists_revokes_one_and_all(self, bob: User) -> None:
        first, second = SessionFactory.create_batch(2, user=bob)

        assert {row["id"] for row in run("user_sessions", "list", "bob", *ORG, JSON).json["data"]} == {
            first.public_id,
            second.public_id,
        }
        ended = run("user_sessions", "revoke", "bob", *ORG, JSON, "--session-id", first.public_id).json
        assert ended["end_reason"] == "session.revoke"
        assert run("user_sessions", "revoke-all", "bob", *ORG, JSON).json == {"id": bob.public_id, "revoked": 1}
        assert run("user_sessions", "list", "bob", *ORG, JSON).json["data"] == []
        assert len(run("user_sessions", "list", "bob", *ORG, JSON, "--ended").json["data"]) == 2

    def test_a_session_of_somebody_else_is_not_found(self, bob: User, carol: User) -> None:
        session = SessionFactory.create(user=carol)

        result = run("user_sessions", "revoke", "bob", *ORG, JSON, "--session-id", session.public_id)

        assert (result.code, Session.objects.live().count()) == (3, 1)

    def test_sign_out_leaves_the_keys(self, erin: User) -> None:
        SessionFactory.create(user=erin)

        assert run("user_sign_out", "erin", *ORG).code == 0
        assert Session.objects.live().count() == 0


class TestOutput:
    """Formats and files."""

    def test_table(self, bob: User) -> None:
        lines = run("user_list", *ORG).out.splitlines()

        assert lines[0].split() == ["ID", "EMAIL", "NAME", "STATUS", "ROLE", "CREATED", "LAST-SEEN"]
        row = next(line for line in lines if "bob@" in line).split()
        assert (row[0], row[1], row[3], row[4], row[6]) == (
            bob.public_id,
            "bob@acme.example",
            "active",
            "member",
            "never",
        )

    def test_json_lines_and_csv(self, bob: User, alice: User) -> None:
        lines = run("user_list", *ORG, "--format", "jsonl").out.splitlines()
        table = run("user_list", *ORG, "--format", "csv").out.splitlines()

        assert len(lines) == 2
        assert table[0].startswith("id,organization,username,email")
        assert len(table) == 3

    def test_csv_quotes_what_a_spreadsheet_would_run(self, bob: User) -> None:
        run("user_update", "bob", *ORG, "--name", "=HYPERLINK(1)")

        assert ",'=HYPERLINK(1)," in run("user_list", *ORG, "--format", "csv", "--search", "bob").out

    def test_a_file_is_whole_and_for_its_owner_only(self, bob: User, tmp_path: Path) -> None:
        target = tmp_path / "users.json"

        result = run("user_list", *ORG, JSON, "--output", str(target))

        assert (result.code, result.out) == (0, "")
        assert bob.public_id in target.read_text()
        assert target.stat().st_mode & 0o777 == 0o600
        assert list(tmp_path.iterdir()) == [target]

    def test_a_failure_leaves_no_file(self, bob: User, tmp_path: Path) -> None:
        result = run("user_show", "nobody", *ORG, "--output", str(tmp_path / "x"))

        assert (result.code, list(tmp_path.iterdir())) == (3, [])

    @pytest.mark.parametrize("word", ["table", "json", "jsonl", "csv"])
    def test_a_format_for_a_file_is_refused_with_the_remedy(self, bob: User, word: str) -> None:
        result = run("user_list", *ORG, JSON, "--output", word)

        assert (result.code, f"--format {word}" in result.error["remedy"]) == (4, True)

    def test_a_file_that_cannot_be_written(self, bob: User, tmp_path: Path) -> None:
        assert run("user_list", *ORG, JSON, "--output", str(tmp_path / "no" / "x")).code == 4
        assert run("user_list", *ORG, JSON, "--output", str(tmp_path)).code == 4


class TestList:
    """``user_list`` and ``user_search``."""

    @pytest.fixture
    def crowd(self, acme: Organization, alice: User) -> None:
        for number in range(7):
            make_user(acme, f"person{number}", last_sign_in_at=None)

    def test_walks_forward_and_back(self, crowd: None) -> None:
        first = run("user_list", *ORG, JSON, "--limit", "3").json
        second = run("user_list", *ORG, JSON, "--limit", "3", "--cursor", first["next_cursor"]).json
        back = run("user_list", *ORG, JSON, "--limit", "3", "--cursor", second["previous_cursor"]).json

        assert [len(page["data"]) for page in (first, second)] == [3, 3]
        assert back["data"] == first["data"]
        assert first["previous_cursor"] is None

    def test_pages_totals_and_bounds(self, crowd: None) -> None:
        page = run("user_list", *ORG, JSON, "--page", "2", "--limit", "3").json

        assert (page["limit"], page["offset"], page["total"], len(page["data"])) == (3, 3, 8, 3)
        assert run("user_list", *ORG, JSON, "--total").json["total"] == 8
        assert run("user_list", *ORG, JSON, "--total", "estimate").json["total"] == 8
        for words in (
            ["--limit", "0"],
            ["--limit", "101"],
            ["--page", "0"],
            ["--offset", "10000"],
            ["--order", "password"],
        ):
            assert run("user_list", *ORG, JSON, *words).error["code"] == "VALIDATION"
        assert run("user_list", *ORG, JSON, "--page", "1", "--offset", "1").code == 4

    def test_everything(self, crowd: None) -> None:
        assert len(run("user_list", *ORG, "--all", "--format", "jsonl").out.splitlines()) == 8

    def test_a_cursor_of_another_list_is_refused(self, crowd: None) -> None:
        cursor = run("user_list", *ORG, JSON, "--limit", "3").json["next_cursor"]

        result = run("user_list", *ORG, JSON, "--limit", "3", "--status", "active", "--cursor", cursor)

        assert (result.code, result.error["fields"]) == (4, {"cursor": "not of this list"})

    def test_statuses_and_their_aliases(self, acme: Organization, alice: User) -> None:
        for verb, name in (("suspend", "sam"), ("archive", "arno"), ("lock", "lola"), ("restrict", "rita")):
            make_user(acme, name)
            run(f"user_{verb}", name, *ORG)

        def names(*words: str) -> set[str]:
            return {row["username"] for row in run("user_list", *ORG, JSON, *words).json["data"]}

        assert names() == {"alice", "sam", "lola"}
        assert names("--status", "suspended") == names("--status", "disabled") == {"sam"}
        assert names("--status", "inactive,locked") == {"arno", "lola"}
        assert names("--status", "all") == {"alice", "sam", "arno", "lola", "rita"}
        assert names("--status", "unverified") == {"alice", "sam", "lola"}
        assert run("user_list", *ORG, "--status", "gone").code == 4

    def test_filters(self, acme: Organization, alice: User, bob: User, erin: User) -> None:
        run("user_tag", "bob", "vip", *ORG)

        def names(*words: str) -> set[str]:
            return {row["username"] for row in run("user_list", *ORG, JSON, *words).json["data"]}

        assert names("--tag", "vip") == {"bob"}
        assert names("--role", "admin") == {"erin"}
        assert names("--email-domain", "acme.example") == {"alice", "bob", "erin"}
        assert names("--email-domain", "example") == set()
        assert names("--search", "o") == set()
        assert names("--search", "bo") == {"bob"}
        assert names("--search", bob.public_id) == {"bob"}
        assert names("--never-signed-in") == {"alice", "bob", "erin"}
        assert names("--inactive-since", "2020-01-01") == set()

    def test_another_organization_is_another_list(self, bob: User, mallory: User) -> None:
        def ids(*words: str) -> set[str]:
            return {row["id"] for row in run("user_list", JSON, *words).json["data"]}

        assert mallory.public_id not in ids(*ORG)
        assert {bob.public_id, mallory.public_id} <= ids("--all-orgs")

    def test_members_of_an_organization_and_of_guests_only_what_may_be_seen(self, bob: User, dave: User) -> None:
        rows = {row["id"]: row for row in run("user_list", "--member-of", "acme", JSON).json["data"]}

        assert set(rows[dave.public_id]) == {"id", "email", "name", "roles"}
        assert rows[bob.public_id]["status"] == "active"
        assert "guest" in run("user_list", "--member-of", "acme").out
        assert run("user_list", "--member-of", "acme", "--tag", "x").code == 4

    def test_search_puts_the_best_first(self, acme: Organization, alice: User) -> None:
        make_user(acme, "xbob")
        make_user(acme, "bobby")
        make_user(acme, "bob")

        found = [row["username"] for row in run("user_search", "bob", *ORG, JSON).json["data"]]

        assert found == ["bob", "bobby", "xbob"]
