"""The doors open: links, keys, super-users, passwords, the sweep."""

from pathlib import Path
from typing import Any

import pytest

from accounts import keys
from accounts.models import AuditEvent, OneTimeLink, Outbox, User
from accounts.passwords import verified
from tests.factories.users import PASSWORD
from tests.shell import Terminal, run

pytestmark = pytest.mark.django_db
JSON = "--json"
NEW = "another sentence that nobody guesses"


class TestAdminLink:
    """``admin_link``."""

    def test_is_for_the_first_superuser_unless_somebody_is_named(self, root: User, bob: User) -> None:
        assert run("admin_link", JSON).json["email"] == root.email
        made = run("admin_link", "bob", "--org", "acme", "--reason", "lost it", JSON).json

        assert (made["id"], made["email"]) == (bob.public_id, bob.email)
        assert made["link"].startswith("http://localhost:8000/link/lnk_")
        event = AuditEvent.objects.latest("id")
        assert (event.action, event.subject_id, event.door) == ("installation.admin_link", bob.pk, "cli")

    def test_without_a_superuser_it_says_how_to_make_one(self, bob: User) -> None:
        result = run("admin_link")

        assert (result.code, result.out) == (3, "")
        assert "manage.py createsuperuser" in result.err

    def test_a_dry_run_makes_none(self, root: User) -> None:
        assert "link" not in run("admin_link", "--dry-run", JSON).json
        assert not OneTimeLink.objects.exists()


class TestCreateSuperuser:
    """``createsuperuser``."""

    def test_shows_a_generated_password_once(self, root: User) -> None:
        made = run(
            "createsuperuser", "--email", "two@example.com", "--username", "two", "--generate-password", JSON
        ).json

        user = User.objects.get(email="two@example.com")
        assert (made["is_superuser"], made["username"], made["role"]) == (True, "two", "owner")
        assert verified(made["password"], user.password)

    def test_asks_on_a_terminal_unless_told_not_to(self, root: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("getpass.getpass", lambda _: NEW)

        asked = run("createsuperuser", stdin=Terminal("two@example.com\n"))
        silent = run("createsuperuser", "--noinput", JSON, stdin=Terminal("three@example.com\n"))

        assert (asked.code, verified(NEW, User.objects.get(email="two@example.com").password)) == (0, True)
        assert (silent.code, silent.error["fields"]) == (4, {"email": "is missing"})

    def test_without_a_password_it_says_how_to_get_in(self, root: User) -> None:
        made = run("createsuperuser", "--email", "two@example.com", "--noinput")

        user = User.objects.get(email="two@example.com")
        assert not user.has_usable_password()
        assert f"manage.py admin_link {user.public_id}" in made.err

    def test_a_taken_address(self, root: User) -> None:
        refused = run("createsuperuser", "--email", root.email or "", "--noinput", JSON)

        assert (refused.code, refused.error["fields"]) == (4, {"email": "taken"})


class TestChangePassword:
    """``changepassword``."""

    def test_asks_twice_and_tells_the_person(self, root: User, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        def ask(prompt: str) -> str:
            asked.append(prompt)
            return NEW

        monkeypatch.setattr("getpass.getpass", ask)

        result = run("changepassword", "root", stdin=Terminal())

        assert (result.code, asked) == (0, ["Password: ", "Again: "])
        assert verified(NEW, User.objects.get(pk=root.pk).password)
        assert Outbox.objects.get().kind == "password_changed"
        assert AuditEvent.objects.get().action == "user.set_password"

    def test_two_different_ones_change_nothing(self, root: User, monkeypatch: pytest.MonkeyPatch) -> None:
        typed = iter([NEW, NEW + "x"])
        monkeypatch.setattr("getpass.getpass", lambda _: next(typed))

        result = run("changepassword", "root", JSON, stdin=Terminal())

        assert (result.code, result.error["fields"]) == (4, {"password": "typed differently"})
        assert verified(PASSWORD, User.objects.get(pk=root.pk).password)

    def test_nobody_is_asked_where_nobody_sits(self, root: User) -> None:
        assert run("changepassword", "root", JSON).error["remedy"] == "Use --generate-password or --password-stdin."


class TestKeysRotate:
    """``keys_rotate``."""

    @pytest.fixture
    def file(self, tmp_path: Path, settings: Any) -> Path:
        """A key file of its own, with the keys that are in use."""
        path = tmp_path / "keys.json"
        path.write_bytes(settings.KEYS_FILE.read_bytes())
        path.chmod(0o600)
        settings.KEYS_FILE = path
        return path

    @pytest.mark.django_db(transaction=True)
    def test_rotates_and_the_trail_still_verifies(self, root: User, file: Path) -> None:
        before = keys.load(file)

        shown = run("keys_rotate", "--reason", "yearly", JSON)

        after = keys.load(file)
        assert shown.json["audit"] == after.current(keys.Purpose.AUDIT).id != before.current(keys.Purpose.AUDIT).id
        assert "Restart the service now" in shown.err
        run("user_tag", "root", "x")
        assert run("audit_verify", JSON).json["result"] == "intact"
        assert len(set(AuditEvent.objects.values_list("key_id", flat=True))) == 2
        keys.keyring.cache_clear()

    @pytest.mark.django_db(transaction=True)
    def test_a_dry_run_rotates_nothing(self, root: User, file: Path) -> None:
        before = file.read_bytes()

        assert run("keys_rotate", "--dry-run", JSON).code == 0
        assert file.read_bytes() == before
        assert not AuditEvent.objects.exists()


def test_sweep_once_says_what_was_done(root: User, settings: Any, tmp_path: Path) -> None:
    settings.EXPORTS_ROOT = tmp_path  # another test may have left files in the usual one
    run("user_tag", "root", "x")

    assert run("sweep", "--once", JSON).json == {
        "letters": 0,
        "tasks": 0,
        "tries": 0,
        "factors": 0,
        "reset_requests": 0,
        "throttles": 0,
        "requests": 0,
        "browser_sessions": 0,
        "roles": 0,
        "unanswered": 0,
        "checkpoints": 2,  # of the organization, and of the installation, where retention was recorded
        "erasures": 0,
        "exports": 0,
        "reminders": 0,
        "retention": 0,
    }
