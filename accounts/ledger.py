"""What is kept outside the main database, so that a restored or truncated one is found out.

Lines of JSON, only ever added and each waited for until it is on the disk, each signed with the
receipt key (Ed25519): the heads of the audit chains and the erasures. ``LEDGER_URL`` says where:
in a file, or in a table of another database, which no migration and no backup of ours touches.
"""

import errno
import fcntl
import json
import os
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings

from accounts.audit import canonical
from accounts.errors import Unavailable
from accounts.keys import Key, Purpose, keyring

__all__ = ["Mark", "RewrittenError", "address", "append", "entries", "plain_file", "sqlite_file"]

Entry = tuple[dict[str, Any], bool]
MAIN: Final = "accounts_auditevent"
"""A table by which the main database is known, however its address is spelled."""
IN_MAIN: Final = "LEDGER_URL names the main database"
PATIENCE: Final = 20
"""How many seconds an append waits for another one."""
BATCH: Final = 2_000


class RewrittenError(Exception):
    """What was read before does not stand there any more: all of it has to be read again."""


@dataclass
class Mark:
    """How far somebody has read: the last line they saw, where it ends, and where it begins."""

    url: str = field(default_factory=lambda: settings.LEDGER_URL)
    begin: int = 0
    end: int = 0
    text: str = ""


def append(kind: str, lines: list[dict[str, Any]]) -> None:
    """Add signed lines and wait until they are on the disk; with none, only see whether that could be done.

    :raises Unavailable: if they cannot be written; some of them may be there nevertheless
    """
    key = keyring().current(Purpose.RECEIPT)
    texts = []
    for line in lines:
        body = {"kind": kind, "key_id": key.id, **line}
        texts.append(json.dumps({**body, "signature": key.signing_key.sign(canonical(body)).hex()}))
    with _failures("written"):
        _store().append(texts)


def entries(kind: str, mark: Mark | None = None) -> Iterator[Entry]:
    """Read the lines of one kind, each with whether its signature is good.

    :param mark: go on after it, and move it along
    :raises RewrittenError: if the line at the mark is another one by now
    :raises Unavailable: if the ledger cannot be read
    """
    mark = mark or Mark()
    if mark.url != settings.LEDGER_URL:
        raise RewrittenError
    with _failures("read"), closing(_store().read(mark.begin)) as lines:
        if mark.end and next(lines, None) != (mark.end, mark.text):
            raise RewrittenError
        for end, text in lines:
            mark.begin, mark.end, mark.text = mark.end, end, text
            if (entry := _entry(kind, text)) is not None:
                yield entry


def address() -> str:
    """Say where it is without what belongs to nobody's screen: user, password, options."""
    parts = urlsplit(settings.LEDGER_URL)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def plain_file() -> Path | None:
    """Name the file of lines, if the ledger is one."""
    store = _store()
    return store.path if isinstance(store, _File) else None


def sqlite_file() -> Path | None:
    """Name the file of SQLite, if the ledger is one."""
    store = _store()
    return store.path if isinstance(store, _SQLite) else None


def _entry(kind: str, text: str) -> Entry | None:
    """Read a line of a kind; one that cannot be read could have been of any."""
    try:
        line = json.loads(text)
        if line["kind"] != kind:
            return None
        signature = bytes.fromhex(line.pop("signature"))
        return line, _is_signed(line, signature)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"kind": kind}, False


def _is_signed(line: dict[str, Any], signature: bytes) -> bool:
    key = keyring().named(Purpose.RECEIPT, line["key_id"])
    if key is None:
        return False
    try:
        _public_key(key).verify(signature, canonical(line))
    except InvalidSignature:
        return False
    return True


@cache
def _public_key(key: Key) -> Ed25519PublicKey:
    return key.signing_key.public_key()


@contextmanager
def _failures(done: str) -> Iterator[None]:
    """Say in one way what each kind of ledger says in its own."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
    except sqlite3.Error as error:
        why = str(error)
    except psycopg.Error as error:
        # SECURITY: where the server did not speak, the library does, and may repeat the address.
        why = error.diag.message_primary or "the server does not answer"
    else:
        return
    raise Unavailable(f"The ledger cannot be {done}: {why}.", remedy="See to it that LEDGER_URL can be used.")


# --- where lines are kept ---------------------------------------------------------------------
class _Store(Protocol):
    """Where lines are kept, in the order in which they came."""

    def append(self, lines: list[str]) -> None:
        """Add them in one piece and wait until they are on the disk; makes the place when it is missing."""

    def read(self, begin: int) -> Generator[tuple[int, str]]:
        """Give the lines from a place on, each with the place where it ends and the next one begins."""


def _store() -> _Store:
    parts = urlsplit(settings.LEDGER_URL)
    if parts.scheme == "file":
        return _File(Path(unquote(parts.path)))
    if parts.scheme == "sqlite":
        return _SQLite(Path(unquote(parts.path[1:])))
    return _PostgreSQL(settings.LEDGER_URL)


@dataclass(frozen=True)
class _File:
    """One line after the other; a place is a number of bytes."""

    path: Path

    def append(self, lines: list[str]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _drop_torn(file)
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def read(self, begin: int) -> Generator[tuple[int, str]]:
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(begin)
            for line in file:
                if not line.endswith(b"\n"):  # being written, or torn: nobody was told that it is there
                    return
                begin += len(line)
                yield begin, line.decode(errors="replace")


def _drop_torn(file: IO[bytes]) -> None:
    """Take away the piece of a line that somebody wrote who died at it, so that the next begins as one."""
    end = whole = file.seek(0, os.SEEK_END)
    while whole:
        file.seek(whole - 1)
        if file.read(1) == b"\n":
            break
        whole -= 1
    if whole < end:
        file.truncate(whole)


@dataclass(frozen=True)
class _SQLite:
    """A table in a file of its own; a place is the number of a row."""

    path: Path

    def append(self, lines: list[str]) -> None:
        with closing(self._opened()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO ledger (line) VALUES (?)", [(line,) for line in lines])

    def read(self, begin: int) -> Generator[tuple[int, str]]:
        with closing(self._opened()) as connection:
            page = "SELECT number, line FROM ledger WHERE number > ? ORDER BY number LIMIT ?"
            # Page by page, because whoever appends waits for a reader to end.
            while rows := connection.execute(page, [begin, BATCH]).fetchall():
                yield from rows
                begin, _ = rows[-1]

    def _opened(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Only a new file: closing one that is in use would take SQLite's locks off it.
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        try:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if MAIN in names:
                raise OSError(errno.EINVAL, IN_MAIN)
            connection.execute("PRAGMA synchronous=EXTRA")
            if not names >= SQLITE.keys():
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in SQLITE.values():
                        connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection


SQLITE: Final = {
    "ledger": "CREATE TABLE IF NOT EXISTS ledger (number integer PRIMARY KEY AUTOINCREMENT, line text NOT NULL)",
    "ledger_no_update": "CREATE TRIGGER IF NOT EXISTS ledger_no_update BEFORE UPDATE ON ledger "
    "BEGIN SELECT RAISE(ABORT, 'UPDATE of ledger is refused'); END",
    "ledger_no_delete": "CREATE TRIGGER IF NOT EXISTS ledger_no_delete BEFORE DELETE ON ledger "
    "BEGIN SELECT RAISE(ABORT, 'DELETE of ledger is refused'); END",
    # SECURITY: INSERT OR REPLACE deletes the row that is in its way without firing a DELETE trigger.
    "ledger_no_replace": "CREATE TRIGGER IF NOT EXISTS ledger_no_replace BEFORE INSERT ON ledger "
    "WHEN EXISTS (SELECT 1 FROM ledger WHERE number = new.number) "
    "BEGIN SELECT RAISE(ABORT, 'REPLACE of ledger is refused'); END",
}


@dataclass(frozen=True)
class _PostgreSQL:
    """A table in another database; a place is the number of a row."""

    url: str

    def append(self, lines: list[str]) -> None:
        with self._opened() as connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = on")
            # One after the other, so that no row comes to light behind one that was read already.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('ledger'))")
            cursor.executemany("INSERT INTO ledger (line) VALUES (%s)", [(line,) for line in lines])

    def read(self, begin: int) -> Generator[tuple[int, str]]:
        with self._opened() as connection, connection.cursor("ledger") as cursor:
            cursor.itersize = BATCH
            yield from cursor.execute("SELECT number, line FROM ledger WHERE number > %s ORDER BY number", [begin])

    @contextmanager
    def _opened(self) -> Iterator[psycopg.Connection[Any]]:
        with psycopg.connect(self.url, connect_timeout=5) as connection:
            connection.execute(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
            if connection.execute("SELECT 1 FROM pg_class WHERE relname = %s", [MAIN]).fetchone():
                raise OSError(errno.EINVAL, IN_MAIN)
            if connection.execute("SELECT to_regclass('ledger')").fetchone() == (None,):
                for statement in POSTGRESQL:
                    connection.execute(statement)
            yield connection


POSTGRESQL: Final = (
    "SELECT pg_advisory_xact_lock(hashtext('ledger'))",
    "CREATE TABLE IF NOT EXISTS ledger (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, line text NOT NULL)",
    """CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION '% of ledger is refused', TG_OP; END $$""",
    """CREATE OR REPLACE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
       FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()""",
)
