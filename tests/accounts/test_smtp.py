"""Letters through a real mail server on loopback: taken, put off, refused, absent, silent, and only over TLS."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from accounts import mail_server
from accounts.models import Outbox, User
from accounts.operations.outbox import LEASE, deliver, tell

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd"),
    pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning"),
]
REFUSALS = [
    ("rcpt", "550 5.1.1 <bob@acme.example>: user bob unknown at acme.example", True,
     "550 5.1.1 [address] user [address] unknown at [address]"),
    ("rcpt", "450 4.2.0 greylisted, bob@acme.example comes back later", False,
     "450 4.2.0 greylisted, [address] comes back later"),
    ("data", "554 5.7.1 looks like spam", True, "554 5.7.1 looks like spam"),
    ("data", "452 4.3.1 disk full", False, "452 4.3.1 disk full"),
    ("mail", "550 5.7.0 sender not allowed", False, "550 5.7.0 sender not allowed"),
]  # fmt: skip
"""Where, what the server says, whether that is for good, and what the row keeps of it."""


class Mailbox:
    """What a mail server does: it takes everything, unless it is told to say something else first."""

    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.says: dict[str, list[str]] = {}

    def _next(self, stage: str) -> str:
        return self.says[stage].pop(0) if self.says.get(stage) else ""

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if said := self._next("mail"):
            return said
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if said := self._next("rcpt"):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if said := self._next("data"):
            return said
        reading: Any = policy.default
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=reading)))
        return "250 taken"


@contextmanager
def serving(settings: Any, **options: Any) -> Iterator[Mailbox]:
    """Run a mail server, and send letters through it."""
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    through(settings, controller.port)
    try:
        yield mailbox
    finally:
        controller.stop()


def through(settings: Any, port: int, *, host: str = "127.0.0.1", tls: bool = False) -> None:
    settings.EMAIL_BACKEND = "accounts.mail_server.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT, settings.EMAIL_USE_TLS = host, port, 1, tls


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture
def letter(bob: User) -> Outbox:
    """A letter that waits."""
    tell(bob, "password_changed")
    return Outbox.objects.get()


def again() -> None:
    Outbox.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_what_the_server_took_is_sent(letter: Outbox, settings: Any) -> None:
    before = set(threading.enumerate())
    with serving(settings) as mailbox:
        assert deliver(letter.pk)

    ((recipients, message),) = mailbox.letters
    assert recipients == ["bob@acme.example"]
    assert (message["Subject"], message["From"]) == ("Acme: Your password was changed", "Acme <no-reply@localhost>")
    assert message["Message-ID"] == f"<{letter.public_id}.1@localhost>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "was changed" in message.get_body(("plain",)).get_content()
    assert "<h1" in message.get_body(("html",)).get_content()
    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.last_error) == (Outbox.SENT, 1, "")
    for clock in set(threading.enumerate()) - before:
        clock.join(5)
        assert not clock.is_alive()


def test_put_off_it_is_tried_again_and_taken(letter: Outbox, settings: Any) -> None:
    with serving(settings) as mailbox:
        mailbox.says["rcpt"] = ["451 4.7.1 try later"]
        assert not deliver(letter.pk)
        letter.refresh_from_db()
        assert (letter.state, letter.attempts, letter.last_error) == (Outbox.QUEUED, 1, "451 4.7.1 try later")
        assert letter.next_attempt_at > timezone.now()
        again()
        assert deliver(letter.pk)

    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.last_error) == (Outbox.SENT, 2, "")
    assert len(mailbox.letters) == 1


@pytest.mark.parametrize(("stage", "says", "is_final", "kept"), REFUSALS, ids=[row[1][:9] + row[0] for row in REFUSALS])
def test_what_it_refuses_is_told_in_its_words_and_names_nobody(
    letter: Outbox, settings: Any, stage: str, says: str, is_final: bool, kept: str
) -> None:
    with serving(settings) as mailbox:
        mailbox.says[stage] = [says]
        assert not deliver(letter.pk)

    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.last_error) == (
        Outbox.FAILED if is_final else Outbox.QUEUED,
        1,
        kept,
    )
    assert mailbox.letters == []


def test_long_words_are_cut(letter: Outbox, settings: Any) -> None:
    with serving(settings) as mailbox:
        mailbox.says["rcpt"] = ["450 " + "so very long " * 30]
        assert not deliver(letter.pk)

    letter.refresh_from_db()
    assert len(letter.last_error) == 200


def test_where_nobody_listens_it_is_tried_again(letter: Outbox, settings: Any) -> None:
    through(settings, free_port())

    assert not deliver(letter.pk)

    letter.refresh_from_db()
    assert (letter.state, letter.last_error) == (Outbox.QUEUED, "the mail server cannot be reached")


@pytest.mark.parametrize("greets", [False, True])
def test_a_server_that_hangs_is_waited_for_a_bounded_time(letter: Outbox, settings: Any, greets: bool) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        held: list[socket.socket] = []

        def hang() -> None:
            held.append(listening.accept()[0])
            if greets:
                held[0].sendall(b"220 hello\r\n")

        thread = threading.Thread(target=hang, daemon=True)
        thread.start()
        through(settings, listening.getsockname()[1])
        begun = time.monotonic()
        assert not deliver(letter.pk)
        took = time.monotonic() - begun
        thread.join(5)
        for connection in held:
            connection.close()

    letter.refresh_from_db()
    assert took < 10
    assert letter.state == Outbox.QUEUED
    assert letter.last_error in {"the mail server did not answer in time", "the mail server broke off"}


@pytest.mark.parametrize("where", ["greeting", "answer", "handshake"])
def test_a_server_that_drips_is_cut_off_before_the_lease_ends(
    letter: Outbox, settings: Any, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(mail_server, "WHOLE", timedelta(seconds=0.5))
    with dripping(where) as port:
        through(settings, port)
        settings.EMAIL_TIMEOUT, settings.EMAIL_USE_SSL = 30, where == "handshake"
        assert not deliver(letter.pk)

    letter.refresh_from_db()
    assert (letter.state, letter.attempts) == (Outbox.QUEUED, 1)
    assert letter.last_error == "the mail server did not answer in time"


def test_a_server_that_drips_only_its_goodbye_has_taken_the_letter(
    letter: Outbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts: list[Callable[[], None]] = []
    monkeypatch.setattr(threading.Timer, "start", lambda timer: cuts.append(timer.function))

    def cut() -> None:
        cuts.pop()()

    with dripping("goodbye", then=cut) as port:
        through(settings, port)
        settings.EMAIL_TIMEOUT = 30
        assert deliver(letter.pk)

    letter.refresh_from_db()
    assert (letter.state, letter.attempts, letter.last_error) == (Outbox.SENT, 1, "")


def test_a_letter_is_leased_for_longer_than_a_conversation_lasts() -> None:
    assert mail_server.WHOLE + timedelta(seconds=30) <= LEASE


def test_a_server_whose_first_address_is_dead_is_reached_by_its_next(
    letter: Outbox, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(settings) as mailbox:
        look_up = socket.getaddrinfo

        def two(host: str, port: int, *more: Any, **named: Any) -> list[Any]:
            hosts = ["127.0.0.2", "127.0.0.1"] if host == "mail.example" else [host]
            return [found for host in hosts for found in look_up(host, port, *more, **named)]

        monkeypatch.setattr(socket, "getaddrinfo", two)
        settings.EMAIL_HOST = "mail.example"
        assert deliver(letter.pk)

    assert len(mailbox.letters) == 1


@contextmanager
def dripping(where: str, *, then: Callable[[], None] = lambda: None) -> Iterator[int]:
    """Run a mail server that says one byte, and then another, and never comes to an end; gives its port.

    :param then: done after the first of these bytes
    """
    over = threading.Event()
    before = {
        "greeting": [],
        "handshake": [b"\x16\x03\x03\x40\x00"],
        "answer": [b"220 hello\r\n"],
        "goodbye": [b"220 hello\r\n", *[b"250 fine\r\n"] * 3, b"354 go on\r\n", b"250 taken\r\n"],
    }[where]

    def serve(listening: socket.socket) -> None:
        connection = listening.accept()[0]
        with connection, connection.makefile("rb") as lines, suppress(OSError):
            for answer in before:
                connection.sendall(answer)
                while where != "handshake" and lines.readline() != b".\r\n" and answer.startswith(b"354"):
                    pass
            connection.sendall(b"2")
            then()
            while not over.wait(0.05):
                connection.sendall(b"2")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=serve, args=[listening], daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join(5)


class TestTLS:
    """Over TLS it is sent to the server that is meant, and to no other; the password never in the clear."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        return certificate_for("127.0.0.1", tmp_path)

    def context(self, certificate: Path) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        return context

    def test_starttls_with_a_certificate_of_ours(
        self, letter: Outbox, settings: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        asked: list[LoginPassword] = []

        def authenticator(server: SMTP, session: Any, envelope: Any, mechanism: str, auth_data: Any) -> AuthResult:
            asked.append(auth_data)
            return AuthResult(success=auth_data.password == b"secret")

        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "identity", "secret"
        with serving(
            settings, tls_context=self.context(certificate), require_starttls=True, auth_required=True,
            authenticator=authenticator,
        ) as mailbox:  # fmt: skip
            settings.EMAIL_USE_TLS = True
            assert deliver(letter.pk)

        assert len(mailbox.letters) == 1
        assert asked[0].login == b"identity"

    def test_a_server_that_wants_it_takes_nothing_without(
        self, letter: Outbox, settings: Any, certificate: Path
    ) -> None:
        with serving(settings, tls_context=self.context(certificate), require_starttls=True) as mailbox:
            assert not deliver(letter.pk)

        letter.refresh_from_db()
        assert (letter.state, mailbox.letters) == (Outbox.QUEUED, [])
        assert "STARTTLS" in letter.last_error

    def test_a_server_that_offers_none_gets_nothing(self, letter: Outbox, settings: Any) -> None:
        with serving(settings) as mailbox:
            settings.EMAIL_USE_TLS = True
            assert not deliver(letter.pk)

        letter.refresh_from_db()
        assert (letter.state, mailbox.letters) == (Outbox.QUEUED, [])
        assert "STARTTLS" in letter.last_error

    @pytest.mark.parametrize("name", ["127.0.0.1", "192.0.2.1"])
    def test_a_certificate_of_strangers_or_for_another_host_is_refused(
        self, letter: Outbox, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        certificate = certificate_for(name, tmp_path)
        if name != "127.0.0.1":
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with serving(settings, tls_context=self.context(certificate), require_starttls=True) as mailbox:
            settings.EMAIL_USE_TLS = True
            assert not deliver(letter.pk)

        letter.refresh_from_db()
        assert (letter.state, mailbox.letters) == (Outbox.QUEUED, [])
        assert letter.last_error.startswith("the mail server's certificate:")

    def test_a_wrong_password_of_ours_is_tried_again(
        self, letter: Outbox, settings: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "identity", "wrong"
        with serving(
            settings, tls_context=self.context(certificate), require_starttls=True, auth_required=True,
            authenticator=lambda *_: AuthResult(success=False, handled=False),
        ):  # fmt: skip
            settings.EMAIL_USE_TLS = True
            assert not deliver(letter.pk)

        letter.refresh_from_db()
        assert (letter.state, letter.last_error[:3]) == (Outbox.QUEUED, "535")
        assert "wrong" not in letter.last_error


def certificate_for(address: str, folder: Path) -> Path:
    """Make a certificate that signs itself, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{address}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
