"""What is left in the files: of SQLite nothing at once, of PostgreSQL nothing in a dump at once.

PostgreSQL's own files after the scheduled rewrite: tests/gdpr/test_retention.py.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import User
from accounts.operations.users import user_tag, user_update
from gdpr.models import Erasure
from gdpr.operations.erasure import erase
from gdpr.operations.file_scan import scan_bytes
from gdpr.operations.receipts import verified
from gdpr.operations.scan import identifiers_of
from tests.factories.users import make_user
from tests.postgresql import binaries

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lived(bob: User, operator: Actor) -> User:
    """Bob with a name that nobody else has, in rows, index and trail."""
    for number in range(30):  # so that the index has several blocks
        make_user(bob.organization, f"filler-{number}")
    changes = {"email": "zqluvjwx@acme.example", "username": "zqluvjwxuser", "phone_number": "+4915198765432"}
    user_update(actor=operator, user=bob, changes=changes, reason="was zqluvjwx@acme.example before")
    user_tag(actor=operator, user=bob, tags=["zqluvjwxuser"])
    return User.objects.get(pk=bob.pk)


def files() -> list[Path]:
    """The database's own files."""
    name = Path(connection.settings_dict["NAME"])
    return [path for path in (name, name.with_name(f"{name.name}-wal")) if path.exists()]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the file is SQLite's")
@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
def test_the_file_of_sqlite_holds_nothing(how: str, lived: User, operator: Actor) -> None:
    known_by = {"bob": identifiers_of(lived)}
    assert scan_bytes(files(), known_by).residue() > 0

    erase(actor=operator, user=lived, how=how)

    assert scan_bytes(files(), known_by).residue() == 0
    text = b"".join(path.read_bytes() for path in files())
    assert b"zqluvjwx" not in text
    assert b"qlu" not in text  # the trigrams too; no id of ours is written with l or u


@pytest.mark.skipif(connection.vendor != "postgresql", reason="the dump is PostgreSQL's")
@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
def test_the_dump_of_postgresql_holds_nothing_at_once(how: str, lived: User, operator: Actor, tmp_path: Path) -> None:
    known_by = {"bob": identifiers_of(lived)}
    assert scan_bytes([dumped(tmp_path / "before")], known_by).residue() > 0

    erase(actor=operator, user=lived, how=how)

    after = dumped(tmp_path / "after")
    assert scan_bytes([after], known_by).residue() == 0
    assert b"zqluvjwx" not in after.read_bytes()


def dumped(path: Path) -> Path:
    """Dump the database as text."""
    given = connection.get_connection_params()
    words = [f"--host={given['host']}", f"--port={given['port']}", f"--username={given['user']}"]
    subprocess.run([binaries() / "pg_dump", *words, f"--file={path}", given["dbname"]], check=True, timeout=60)
    return path


def test_the_receipt_says_so_and_is_signed(lived: User, operator: Actor) -> None:
    erasure = erase(actor=operator, user=lived, how=Erasure.PURGE, reason="asked")

    receipt: Any = erasure.receipt
    assert verified(receipt).is_good
    assert receipt["scan"]["in_transaction"] == 0
    assert receipt["scan"]["whole_database"]["residue"] == 0
    assert receipt["scan"]["whole_database"]["rows"] > 100
    assert "zqluvjwx" not in str(receipt)
    assert {entry["table"] for entry in receipt["counts"]} >= {"accounts_user", "accounts_auditpart"}
    assert all(entry["why"] and entry["until"] for entry in receipt["kept"])


def test_letters_that_lie_as_files_go(lived: User, operator: Actor, settings: Any, tmp_path: Path) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(settings.VAR / "mail")
    EmailMessage("Hello", "there", to=[str(lived.email)]).send()
    EmailMessage("Hello", "there", to=["somebody@else.example"]).send()
    before = list(Path(settings.EMAIL_FILE_PATH).iterdir())

    erase(actor=operator, user=lived, how=Erasure.PURGE)

    left = list(Path(settings.EMAIL_FILE_PATH).iterdir())
    assert len(before) - len(left) == 1
    assert all(b"zqluvjwx" not in path.read_bytes() for path in left)
    for path in left:
        path.unlink()


def test_a_ledger_that_cannot_be_written_is_said_and_made_up_for(
    lived: User, operator: Actor, settings: Any, tmp_path: Path, everything: Callable[[], Any]
) -> None:
    from accounts.errors import Unavailable
    from gdpr.operations.sweeping import erasures_finish

    (tmp_path / "folder").mkdir()
    settings.LEDGER_URL = f"file://{tmp_path}/folder"
    with pytest.raises(Unavailable, match="ledger"):
        erase(actor=operator, user=lived, how=Erasure.PURGE)
    assert Erasure.objects.get().status == Erasure.ERASED
    settings.LEDGER_URL = f"file://{tmp_path}/ledger.jsonl"
    assert erasures_finish() == 0
    Erasure.objects.update(leased_until=timezone.now())

    assert erasures_finish() == 1

    receipt: Any = Erasure.objects.get().receipt
    assert receipt["scan"]["whole_database"] is None
    assert "nobody knows" in receipt["scan"]["missing"]
