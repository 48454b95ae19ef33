"""What letters say: in the person's language, with nothing of theirs that could do harm; when they are void."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail as django_mail
from django.template.base import Node, NodeList
from django.template.loader import get_template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils import timezone

from accounts import mail
from accounts.models import OneTimeLink, Outbox, User
from accounts.operations.links import LINKED, link_find
from accounts.operations.outbox import deliver, tell
from accounts.statuses import Status
from tests.accounts.api.programs import key_of
from tests.accounts.mailbox import token_in
from tests.factories.users import SessionFactory, make_email_change

pytestmark = pytest.mark.django_db
KINDS = sorted(mail.LETTERS)
GERMAN = Path(mail.__file__).parent / "locale" / "de" / "LC_MESSAGES"
WORKING = "django.core.mail.backends.locmem.EmailBackend"
Letters = list[django_mail.EmailMultiAlternatives]


def drawn(kind: str, user: User, *, secret: str = "") -> mail.Rendered:
    at = datetime(2026, 3, 1, 17, 30, tzinfo=UTC)
    return mail.rendered(mail.LETTERS[kind], user, address=user.email or "", at=at, secret=secret)


def void(letter: mail.Letter, user: User, address: str) -> str:
    """Say why a letter would not be sent; empty if it would."""
    try:
        mail.guard_true(letter, user, address)
    except mail.NotSent as why:
        return str(why)
    return ""


class Read(HTMLParser):
    """What an HTML letter holds."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


class TestLanguage:
    """English and German, complete."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_letter_differs_from_language_to_language_and_is_whole(self, bob: User, kind: str) -> None:
        english = drawn(kind, bob, secret="https://x.example/link/1")
        bob.locale = "de-AT"
        german = drawn(kind, bob, secret="https://x.example/link/1")

        assert (english.subject.partition(": ")[2], english.text) != (german.subject.partition(": ")[2], german.text)
        assert (english.text[:5], german.text[:9]) == ("Hello", "Guten Tag")
        assert '<html lang="de">' in german.html
        for letter in (english, german):
            assert "{{" not in letter.text + letter.html
            assert "{%" not in letter.text + letter.html
            assert "Acme" in letter.text

    @pytest.mark.parametrize(
        ("locale", "greeting"),
        [("de", "Guten"), ("de_DE", "Guten"), ("DE-ch", "Guten"), ("en-GB", "Hello"), ("fr", "Hello"), ("", "Hello")],
    )
    def test_the_persons_own_else_english(self, bob: User, locale: str, greeting: str) -> None:
        bob.locale = locale

        assert drawn("password_changed", bob).text.startswith(greeting)

    @pytest.mark.parametrize(("locale", "greeting"), [("", "Guten"), ("en", "Hello"), ("de", "Guten"), ("fr", "Hello")])
    def test_of_whom_none_is_known_in_the_organizations(self, bob: User, locale: str, greeting: str) -> None:
        bob.locale, bob.organization.language = locale, "de"

        assert drawn("password_changed", bob).text.startswith(greeting)

    def test_the_pages_stay_in_english(self) -> None:
        assert [code for code, _ in django_settings.LANGUAGES] == ["en"]

    def test_every_text_has_its_german_and_none_is_a_guess(self) -> None:
        catalog = translations(GERMAN / "django.po")

        texts = {text for kind in KINDS for text in texts_of(f"accounts/letters/{kind}.html")}
        texts |= {text for base in ("base.html", "base.txt") for text in texts_of(f"accounts/letters/{base}")}
        assert len(texts) > 30
        assert texts == set(catalog)
        assert [text for text, german in catalog.items() if not german] == []
        assert "fuzzy" not in (GERMAN / "django.po").read_text()
        for text, german in catalog.items():
            assert set(re.findall(r"%\(\w+\)s", text)) == set(re.findall(r"%\(\w+\)s", german)), text

    def test_what_is_compiled_is_what_is_written(self) -> None:
        import gettext

        with (GERMAN / "django.mo").open("rb") as file:
            compiled = gettext.GNUTranslations(file)

        assert {text: compiled.gettext(text) for text in translations(GERMAN / "django.po")} == translations(
            GERMAN / "django.po"
        )

    def test_times_are_those_of_the_person(self, bob: User) -> None:
        assert "March 1, 2026, 5:30 p.m. (UTC)" in " ".join(drawn("password_changed", bob).text.split())
        bob.zoneinfo, bob.locale = "Europe/Berlin", "de"
        assert "1. März 2026 18:30 (CET)" in " ".join(drawn("password_changed", bob).text.split())


def texts_of(template: str) -> set[str]:
    """Give what is to be translated in a template."""
    found: set[str] = set()

    def walk(nodes: NodeList | list[Node]) -> None:
        for node in nodes:
            if isinstance(node, TranslateNode):
                found.add(str(node.filter_expression.var.literal))
            elif isinstance(node, BlockTranslateNode):
                found.add(node.render_token_list(node.singular)[0].strip())
            for name in node.child_nodelists:
                walk(getattr(node, name, None) or [])
            for _, inner in getattr(node, "conditions_nodelists", []):
                walk(inner)

    loaded: Any = get_template(template)
    walk(loaded.template.nodelist)
    return {re.sub(r"\s*\n\s*", " ", text) for text in found}


def translations(path: Path) -> dict[str, str]:
    """Read a .po file of plain messages."""
    found = {}
    for block in path.read_text().split("\n\n")[1:]:
        key, _, value = block.partition("\nmsgstr ")
        found[quoted(key.partition("msgid ")[2])] = quoted(value)
    return {key: value for key, value in found.items() if key}


def quoted(text: str) -> str:
    return "".join(re.findall(r'"(.*)"', text)).replace('\\"', '"').replace("\\n", "\n")


class TestHarmless:
    """Names are somebody's, and may hold anything."""

    NAMES = (
        "Bob\r\nBcc: evil@x.example",
        "<script>alert(1)</script>",
        "{{ 7|add:7 }}",
        "%(organization)s",
        "B\u2028C\x00",
    )

    @pytest.mark.parametrize("name", NAMES, ids=ascii)
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_name_neither_begins_a_header_nor_becomes_markup(self, bob: User, kind: str, name: str) -> None:
        bob.name = bob.organization.name = name

        letter = drawn(kind, bob)

        assert len(letter.subject.splitlines()) == 1
        assert "<script" not in letter.html
        assert len(letter.text.partition("\n")[0].splitlines()) == 1
        assert "14" not in letter.subject
        assert letter.text.startswith(f"Hello {' '.join(name.replace(chr(0), ' ').split())},".strip())

    def test_headers_of_the_message_are_as_they_should_be(self, bob: User, mailoutbox: Letters, settings: Any) -> None:
        settings.EMAIL_REPLY_TO = "help@example.com"
        bob.organization.name = 'Söhne, "GmbH" <evil@x.example>\nBcc: evil@x.example'
        bob.organization.save()
        tell(bob, "password_changed")
        row = Outbox.objects.get()

        assert deliver(row.pk)

        message = mailoutbox[0].message()
        assert [message["To"], message["Reply-To"], message["Cc"], message["Bcc"]] == [
            "bob@acme.example", "help@example.com", None, None,
        ]  # fmt: skip
        assert re.search(r"<no-reply@localhost>$", message["From"])
        assert "evil" not in message["From"].rpartition(" ")[2]
        assert message["Message-ID"] == f"<{row.public_id}.1@localhost>"
        assert message["Auto-Submitted"] == "auto-generated"
        assert [name for name in message if name.lower().startswith("list-")] == []
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.walk()][1:] == ["text/plain", "text/html"]
        assert "Nobody reads answers" not in mailoutbox[0].body

    @pytest.mark.parametrize("kind", KINDS)
    def test_nothing_is_fetched_and_nothing_follows_the_reader(self, bob: User, kind: str) -> None:
        link = "http://localhost:8000/link/lnk_1/" if mail.LETTERS[kind].purpose else ""
        html = drawn(kind, bob, secret=link).html

        tags = Read(html).tags
        assert {tag for tag, _ in tags} <= {
            "html", "head", "meta", "title", "style", "body", "table", "tr", "td", "h1", "p", "a", "br",
        }  # fmt: skip
        assert not re.search(r"url\(|@import|src=", html)
        assert all(
            str(given.get("href", "http://localhost:8000")).startswith("http://localhost:8000") for _, given in tags
        )
        assert ("meta", {"name": "color-scheme", "content": "light dark"}) in tags
        assert "prefers-color-scheme: dark" in html
        assert max(map(len, html.splitlines())) < 990  # longer lines would be written in another encoding

    @pytest.mark.parametrize("kind", sorted(LINKED))
    def test_a_link_stands_in_both_forms_and_in_no_row(
        self, bob: User, mailoutbox: Letters, settings: Any, kind: str
    ) -> None:
        if kind == "email_change":
            make_email_change(bob)
        tell(bob, kind, address="new@example.com" if kind == "email_change" else "")
        row = Outbox.objects.get()
        settings.EMAIL_BACKEND = "tests.accounts.test_outbox.BrokenBackend"
        assert not deliver(row.pk)
        settings.EMAIL_BACKEND = WORKING
        Outbox.objects.update(next_attempt_at=timezone.now())

        assert deliver(row.pk)

        first, second = OneTimeLink.objects.filter(user=bob).order_by("created_at")  # each attempt its own
        assert (first.used_at is not None, second.used_at) == (True, None)
        (message,) = mailoutbox
        token = token_in(message)
        assert link_find(token) == second
        assert token in str(message.alternatives[0][0])
        assert token.split("_", 2)[2] not in str(Outbox.objects.values().get())
        assert message.extra_headers["Message-ID"].startswith(f"<{row.public_id}.2@")

    @pytest.mark.parametrize("kind", KINDS)
    def test_addresses_in_it_are_the_configured_one_whatever_the_host(
        self, bob: User, settings: Any, kind: str
    ) -> None:
        settings.PUBLIC_URL = "https://id.example.org"

        letter = mail.preview(mail.LETTERS[kind], bob)

        found = set(re.findall(r"https?://[^/\s\"<]+", letter.text + letter.html))
        assert found == {"https://id.example.org"}

    def test_a_forged_host_reaches_no_letter(self, bob: User, mailoutbox: Letters, settings: Any) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        key = key_of(bob.organization, "user.show", "user.suspend")

        answer = key.post(f"users/{bob.public_id}/suspend/", {}, Host="evil.example", X_Forwarded_Host="evil.example")

        assert answer.status_code == 200, answer.body
        assert deliver(Outbox.objects.get(kind="account_suspended").pk)

        assert "evil.example" not in str(mailoutbox[0].message())
        assert "http://localhost:8000" in mailoutbox[0].body

    def test_a_preview_sends_nothing_and_mints_nothing(self, bob: User, mailoutbox: Letters) -> None:
        subject, text, html = mail.preview(mail.LETTERS["password_reset"], bob)

        assert subject == "Acme: Choose a new password"
        assert "http://localhost:8000/link/…" in text
        assert "http://localhost:8000/link/…" in html
        assert (mailoutbox, Outbox.objects.count(), bob.one_time_links.count()) == ([], 0, 0)


class TestNewSignIn:
    """The letter says where it was."""

    def test_names_the_session_that_was_opened_then(self, bob: User) -> None:
        now = timezone.now()
        for minutes, device in ((9, "Safari/iOS"), (5, "Firefox/Linux"), (-5, "Edge/Windows")):
            session = SessionFactory.create(user=bob, device=device, ip="192.0.2.7")
            type(session).objects.filter(pk=session.pk).update(created_at=now - timedelta(minutes=minutes))

        letter = mail.rendered(mail.LETTERS["new_sign_in"], bob, address="x@x.example", at=now, secret="")

        assert "Device: Firefox/Linux" in letter.text
        assert "Network address: 192.0.2.7" in letter.text


class TestVoid:
    """What is no longer true is not sent."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("status", [Status.RESTRICTED, Status.PURGING])
    def test_to_nobody_whose_data_is_only_kept_or_goes(self, bob: User, kind: str, status: Status) -> None:
        bob.status = status

        assert void(mail.LETTERS[kind], bob, bob.email or "") == f"the account is {status}"

    @pytest.mark.parametrize(
        ("kind", "status", "is_sent"),
        [
            ("account_suspended", Status.SUSPENDED, True),
            ("account_suspended", Status.ACTIVE, False),
            ("account_locked", Status.LOCKED, True),
            ("account_locked", Status.ACTIVE, False),
            ("account_locked", Status.SUSPENDED, False),
            ("password_reset", Status.ACTIVE, True),
            ("password_reset", Status.SUSPENDED, False),
            ("password_changed", Status.ARCHIVED, True),
            ("confirm_email", Status.INVITED, False),
            ("confirm_email", Status.LOCKED, False),
            ("welcome", Status.SUSPENDED, False),
        ],
    )
    def test_by_status(self, bob: User, kind: str, status: Status, is_sent: bool) -> None:
        bob.status = status

        assert (void(mail.LETTERS[kind], bob, bob.email or "") == "") is is_sent

    def test_a_lock_that_has_ended_is_told_to_nobody(self, bob: User) -> None:
        bob.status, bob.status_until = Status.LOCKED, timezone.now() - timedelta(seconds=1)

        assert void(mail.LETTERS["account_locked"], bob, bob.email or "") == "the account is active"

    @pytest.mark.parametrize("kind", ["confirm_email", "password_reset"])
    def test_links_go_to_the_present_address_alone(self, bob: User, kind: str) -> None:
        assert void(mail.LETTERS[kind], bob, "BOB@acme.example") == ""
        assert "another address" in void(mail.LETTERS[kind], bob, "old@acme.example")
        assert "another address" in void(mail.LETTERS[kind], bob, "nonsense")

    def test_notices_go_to_the_address_of_their_time(self, bob: User) -> None:
        assert void(mail.LETTERS["email_changed"], bob, "old@acme.example") == ""

    def test_what_is_confirmed_needs_no_confirming(self, bob: User) -> None:
        bob.email_verified_at = timezone.now()

        assert "confirmed already" in void(mail.LETTERS["confirm_email"], bob, bob.email or "")

    def test_a_void_letter_is_dropped_and_says_so(self, bob: User, mailoutbox: Letters) -> None:
        tell(bob, "account_suspended")
        row = Outbox.objects.get()

        assert not deliver(row.pk)

        row.refresh_from_db()
        assert (row.state, row.last_error) == (Outbox.DROPPED, "not sent: the account is active")
        assert row.dead_at is not None
        assert mailoutbox == []

    def test_somebody_erased_gets_none(self, bob: User, operator: Any, mailoutbox: Letters) -> None:
        from gdpr.operations.erasure import erase

        tell(bob, "password_changed")
        row = Outbox.objects.get()
        erase(actor=operator, user=bob, how="purge")

        assert not deliver(row.pk)

        assert (mailoutbox, Outbox.objects.count()) == ([], 0)
