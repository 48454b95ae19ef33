"""Letters as files: for their owner's eyes, bounded, found by whose they are, and readable at a page by super-users."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from accounts import letter_files
from accounts.actors import Actor
from accounts.models import Outbox, User
from accounts.operations.outbox import deliver, tell
from gdpr.operations.erasure import erase
from tests.accounts.pages.browsing import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """Where letters land."""
    settings.EMAIL_BACKEND = "accounts.letter_files.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


def write(user: User, *, address: str = "") -> Path:
    tell(user, "password_changed", address=address)
    assert deliver(Outbox.objects.order_by("-pk")[0].pk)
    return letter_files.listed()[0]


class TestFiles:
    """What lies there."""

    def test_one_for_each_letter_for_nobody_else_to_read(self, bob: User, folder: Path) -> None:
        path = write(bob)

        assert path.name.endswith(f".{bob.public_id}.eml")
        assert path.stat().st_mode & 0o777 == 0o600
        assert folder.stat().st_mode & 0o777 == 0o700
        message = letter_files.opened(path.name)
        assert message is not None
        assert (message["To"], message["Subject"]) == ("bob@acme.example", "Acme: Your password was changed")

    def test_the_oldest_go_beyond_the_bound(self, bob: User, folder: Path, settings: Any) -> None:
        settings.EMAIL_FILES_KEPT = 3
        written = [write(bob).name for _ in range(5)]

        assert [path.name for path in letter_files.listed()] == written[:1:-1]

    @pytest.mark.parametrize("name", ["../keys.json", "keys.json", "", ".", "eml_x.usr_x.eml", "/etc/passwd"])
    def test_nothing_else_is_opened(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True)
        (folder.parent / "keys.json").write_text("{}")
        (folder / "keys.json").write_text("{}")

        assert letter_files.opened(name) is None


class TestErasure:
    """A person's files go with them, whatever address they were sent to."""

    def test_by_whose_they_are_and_by_whom_they_name(
        self, bob: User, carol: User, operator: Actor, folder: Path
    ) -> None:
        write(bob, address="former@elsewhere.example")
        write(bob)
        hers = write(carol)
        EmailMessage("About somebody", "Ask bob@acme.example.", to=["somebody@else.example"]).send()
        assert len(letter_files.listed()) == 4

        erase(actor=operator, user=bob, how="purge")

        assert letter_files.listed() == [hers]

    def test_what_cannot_be_deleted_neither_spins_nor_hides(
        self, bob: User, operator: Actor, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(bob)

        def refuse(*_: Any, **__: Any) -> None:
            raise PermissionError

        with monkeypatch.context() as patched:
            patched.setattr(letter_files, "forget", lambda _: 0)
            patched.setattr(Path, "unlink", refuse)
            receipt: Any = erase(actor=operator, user=bob, how="purge").receipt

        assert receipt["scan"]["whole_database"]["residue"] > 0

    def test_a_file_whose_name_ends_like_anothers_stays(self, bob: User, operator: Actor, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "1.eml").write_text("nobody")
        (folder / "11.eml").write_text("To: bob@acme.example")

        erase(actor=operator, user=bob, how="purge")

        assert [path.name for path in folder.iterdir()] == ["1.eml"]

    def test_a_letter_that_was_being_written_meanwhile_goes_too(
        self, bob: User, operator: Actor, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from accounts import mail

        tell(bob, "password_changed")
        row, send = Outbox.objects.get(), mail.send

        def send_while_erased(row: Outbox, *, secret: str) -> None:
            erase(actor=operator, user=bob, how="purge")
            send(row, secret=secret)

        monkeypatch.setattr(mail, "send", send_while_erased)
        deliver(row.pk)

        assert letter_files.listed() == []


class TestPages:
    """``/letters/``: only where letters are files, only for super-users."""

    @pytest.fixture
    def browser(self, root: User) -> Client:
        client = Client()
        sign_in(client, root)
        return client

    def test_lists_and_shows_a_letter_in_a_frame_that_can_do_nothing(
        self, browser: Client, bob: User, folder: Path
    ) -> None:
        path = write(bob)

        listed = browser.get("/letters/")
        shown = browser.get(f"/letters/{path.name}/")
        framed = browser.get(f"/letters/{path.name}/html/")

        assert "Acme: Your password was changed" in listed.content.decode()
        page = shown.content.decode()
        assert f'sandbox="" src="/letters/{path.name}/html/"' in page
        assert '<a href="http://localhost:8000/password/reset/"' in page
        assert "frame-src 'self'" in shown.headers["Content-Security-Policy"]
        assert "style-src 'self'" in shown.headers["Content-Security-Policy"]
        policy = {part.strip() for part in framed.headers["Content-Security-Policy"].split(";")}
        assert {"default-src 'none'", "style-src 'unsafe-inline'", "frame-ancestors 'self'", "sandbox"} <= policy
        assert not any("script-src" in part and "none" not in part for part in policy)
        assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
        assert "Your password was changed</h1>" in framed.content.decode()
        for answer in (listed, shown, framed):
            assert "no-store" in answer.headers["Cache-Control"]

    @pytest.mark.parametrize("place", ["", "{name}/", "{name}/html/"])
    def test_for_nobody_else(self, alice: User, bob: User, folder: Path, place: str) -> None:
        address = f"/letters/{place.format(name=write(bob).name)}"
        client = Client()
        assert client.get(address).status_code == 302
        sign_in(client, alice)

        assert client.get(address).status_code == 404

    def test_not_where_a_mail_server_is_configured(self, browser: Client, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

        assert browser.get("/letters/").status_code == 404

    def test_a_name_that_is_none_is_not_found(self, browser: Client, folder: Path) -> None:
        assert browser.get("/letters/keys.json/").status_code == 404
        assert not re.search("Traceback", browser.get("/letters/x.eml/html/").content.decode())
