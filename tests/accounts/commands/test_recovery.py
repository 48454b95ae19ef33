"""``user_reset_password``, ``user_set_password --reset-token-stdin``, ``--all`` of confirm and unconfirm."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage

from accounts.errors import Exit
from accounts.models import AuditEvent, OneTimeLink, Organization, Outbox, Purpose, User
from accounts.operations.links import mint
from accounts.statuses import Status
from tests.accounts.mailbox import token_in, token_of, work
from tests.factories.users import PASSWORD, make_user
from tests.shell import Terminal, run

pytestmark = pytest.mark.django_db
ORG, JSON = ("--org", "acme"), "--json"
NEW = "another sentence that nobody guesses"
Letters = list[EmailMessage]


class TestResetPassword:
    """``user_reset_password``."""

    def test_sends_a_letter_and_prints_no_link(self, bob: User, mailoutbox: Letters) -> None:
        result = run("user_reset_password", "bob", *ORG, JSON)
        work()

        assert (result.code, result.json["id"], "link" in result.json) == (0, bob.public_id, False)
        token = token_in(mailoutbox[0])
        done = run("user_set_password", "--reset-token-stdin", "--password-stdin", JSON,
                   stdin=io.StringIO(f"{token}\n{NEW}\n"))  # fmt: skip
        bob.refresh_from_db()
        assert (done.code, done.json["id"], done.json["email_verified"]) == (0, bob.public_id, True)
        assert bob.check_password(NEW)
        assert token not in done.out + done.err

    def test_prints_the_link_instead_when_asked(self, bob: User) -> None:
        result = run("user_reset_password", "bob", *ORG, "--print-link", "--reason", "No mailbox", JSON)

        assert OneTimeLink.objects.get().purpose == Purpose.PASSWORD_RESET
        assert result.json["link"].startswith("http://localhost:8000/link/lnk_")
        assert "lnk_" not in result.err
        assert not Outbox.objects.exists()
        done = run("user_set_password", "--reset-token-stdin", "--generate-password", JSON,
                   stdin=io.StringIO(f"{result.json['link']}\n"))  # fmt: skip
        bob.refresh_from_db()
        assert bob.check_password(done.json["password"])

    def test_a_dry_run_makes_nothing(self, bob: User, everything: Callable[[], Any]) -> None:
        before = everything()

        results = [run("user_reset_password", "bob", *ORG, "--dry-run", JSON, *more) for more in ([], ["--print-link"])]

        assert [(result.code, result.json["result"]) for result in results] == [(0, "ok")] * 2
        assert "lnk_" not in results[1].out
        assert everything() == before

    def test_of_many_each_gets_a_letter_and_no_link_is_printed(self, bob: User, carol: User) -> None:
        refused = run("user_reset_password", "bob", "carol", *ORG, "--print-link", "--yes", JSON)
        assert (refused.code, refused.error["fields"]) == (Exit.INVALID, {"print_link": "for one user"})
        assert not OneTimeLink.objects.exists()

        assert run("user_reset_password", "bob", "carol", *ORG, JSON).code == Exit.INVALID
        result = run("user_reset_password", "bob", "carol", *ORG, "--yes", JSON)

        assert result.json["counts"] == {"ok": 2, "unchanged": 0, "failed": 0}
        assert set(Outbox.objects.values_list("kind", "user_id")) == {
            ("password_reset", bob.pk),
            ("password_reset", carol.pk),
        }

    def test_who_may_not_sign_in_is_refused(self, acme: Organization) -> None:
        make_user(acme, "sam", status=Status.SUSPENDED)

        result = run("user_reset_password", "sam", *ORG, JSON)

        assert (result.code, result.error["code"]) == (Exit.INVALID, "CONFLICT")


class TestCompleting:
    """``user_set_password --reset-token-stdin``."""

    def test_a_token_that_opens_nothing_exits_2(self, bob: User) -> None:
        for token in ("lnk_nothing", "", token_of(mint(bob, Purpose.SIGN_IN))):
            result = run("user_set_password", "--reset-token-stdin", "--password-stdin", JSON,
                         stdin=io.StringIO(f"{token}\n{NEW}\n"))  # fmt: skip
            assert (result.code, result.error["code"]) == (Exit.NOT_ALLOWED, "UNAUTHENTICATED")
        bob.refresh_from_db()
        assert bob.check_password(PASSWORD)

    @pytest.mark.parametrize(
        "more", [["bob"], ["--user-id", "bob"], ["--email", "bob@acme.example"], ["--keep-sessions"]]
    )
    def test_the_token_says_who_is_meant(self, bob: User, everything: Callable[[], Any], more: list[str]) -> None:
        token = token_of(mint(bob, Purpose.PASSWORD_RESET))
        before = everything()

        result = run("user_set_password", *more, "--reset-token-stdin", "--password-stdin", JSON,
                     stdin=io.StringIO(f"{token}\n{NEW}\n"))  # fmt: skip

        assert (result.code, result.error["code"]) == (Exit.INVALID, "VALIDATION")
        assert everything() == before

    def test_a_dry_run_uses_nothing_up(self, bob: User, everything: Callable[[], Any]) -> None:
        token = token_of(mint(bob, Purpose.PASSWORD_RESET))
        before = everything()

        result = run("user_set_password", "--reset-token-stdin", "--password-stdin", "--dry-run", JSON,
                     stdin=io.StringIO(f"{token}\n{NEW}\n"))  # fmt: skip

        assert (result.code, result.json["result"]) == (0, "ok")
        assert everything() == before

    def test_without_a_password_nothing_happens(self, bob: User) -> None:
        token = token_of(mint(bob, Purpose.PASSWORD_RESET))

        result = run("user_set_password", "--reset-token-stdin", JSON, stdin=io.StringIO(f"{token}\n"))

        assert (result.code, result.error["message"]) == (Exit.INVALID, "There is no password.")


class TestConfirmAll:
    """``user_confirm --all`` and ``user_unconfirm --all``."""

    @pytest.fixture
    def people(self, acme: Organization, alice: User, erin: User, frank: User, bob: User, carol: User) -> list[User]:
        """Those whom it means; beside them everybody whom it does not."""
        make_user(acme, "super", is_superuser=True)
        for status in (Status.INVITED, Status.SUSPENDED, Status.LOCKED, Status.ARCHIVED, Status.RESTRICTED):
            make_user(acme, str(status), status=status)
        return [bob, carol]

    @pytest.mark.parametrize("verb", ["confirm", "unconfirm"])
    def test_means_the_active_plain_members(self, people: list[User], mallory: User, verb: str) -> None:
        if verb == "unconfirm":
            User.objects.update(email_verified_at="2026-01-01T00:00:00Z")
        before = set(User.objects.filter(email_verified_at=None).values_list("pk", flat=True))

        result = run(f"user_{verb}", "--all", *ORG, "--yes", JSON)

        after = set(User.objects.filter(email_verified_at=None).values_list("pk", flat=True))
        assert result.json["counts"] == {"ok": 2, "unchanged": 0, "failed": 0}
        assert before ^ after == {person.pk for person in people}
        assert AuditEvent.objects.filter(action=f"user.{verb}").count() == 2
        again = run(f"user_{verb}", "--all", *ORG, "--yes", JSON)
        assert again.json["counts"] == {"ok": 0, "unchanged": 2, "failed": 0}

    def test_a_dry_run_counts_and_asks_nothing(self, people: list[User], everything: Callable[[], Any]) -> None:
        before = everything()

        result = run("user_confirm", "--all", *ORG, "--dry-run", JSON)

        assert (result.code, result.json["counts"]) == (0, {"ok": 2, "unchanged": 0, "failed": 0})
        assert everything() == before

    def test_asks_first(self, people: list[User], everything: Callable[[], Any]) -> None:
        before = everything()

        nobody = run("user_confirm", "--all", *ORG)
        no = run("user_confirm", "--all", *ORG, stdin=Terminal("n\n"))

        assert (nobody.code, no.code) == (Exit.INVALID, Exit.INVALID)
        assert "Confirm the addresses of all 2 plain members of acme?" in no.err
        assert everything() == before
        assert run("user_confirm", "--all", *ORG, stdin=Terminal("y\n")).code == 0

    @pytest.mark.parametrize(
        "named",
        [["bob"], ["--user-id", "bob"], ["--email", "bob@acme.example"], ["--username", "bob"], ["--query", ""]],
    )
    def test_names_nobody_beside_it(self, people: list[User], everything: Callable[[], Any], named: list[str]) -> None:
        before = everything()

        result = run("user_confirm", *named, "--all", *ORG, "--yes", JSON)

        assert (result.code, result.error["fields"]) == (Exit.INVALID, {"all": "not with a USER"})
        assert everything() == before


def test_a_new_user_gets_a_link_and_no_question(acme: Organization, mailoutbox: Letters) -> None:
    result = run("user_create", *ORG, "--email", "kim@acme.example", "--send-link", JSON, stdin=Terminal(""))
    work()

    assert (result.code, "password" in result.json) == (0, False)
    assert [letter.to for letter in mailoutbox] == [["kim@acme.example"]]
