"""Copies of the whole database into one file, and back; the key file and the ledger are kept apart."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, Final

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts import audit, ledger, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, Unavailable
from accounts.operations.audit import CHECKPOINT, audit_checkpoint
from accounts.operations.base import operation
from accounts.profile import reason_checked

__all__ = ["backup_recorded", "backup_restore", "backup_write", "restore_recorded"]

SQLITE_HEAD: Final = b"SQLite format 3\0"
POSTGRESQL_HEAD: Final = b"PGDMP"
OUR_TABLES: Final = {"django_migrations", "accounts_user", "accounts_auditevent"}
PASSWORD_AND_PYTHON: Final = {"password", "cursor_factory", "context", "client_encoding", "prepare_threshold"}


@operation(Action.INSTALLATION_BACKUP)
def backup_recorded(*, actor: Actor, reason: str = "") -> None:
    """Record that a copy of everything was made."""
    audit.record(actor, Action.INSTALLATION_BACKUP, None, reason=reason_checked(reason))


@operation(Action.INSTALLATION_RESTORE)
def restore_recorded(*, actor: Actor, reason: str = "") -> None:
    """Record, in what was restored, that it was."""
    audit.record(actor, Action.INSTALLATION_RESTORE, None, reason=reason_checked(reason))


def backup_write(*, actor: Actor, path: Path, reason: str = "") -> int:
    """Copy the whole database, as it is at one moment, into one new file (0600); says how many bytes.

    The file appears under its name when everything is in it. The service may go on meanwhile.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Conflict: if there is such a file already
    :raises Invalid: if it cannot be written
    :raises Unavailable: if the database cannot be copied
    """
    policy.require_coarse(actor, Action.INSTALLATION_BACKUP)
    if path.exists():
        raise Conflict(f"{path} exists already.", remedy="Name a new file; a backup is never overwritten.")
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        os.close(descriptor)
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}.") from None
    temporary = Path(name)
    try:
        (_dump_postgresql if connection.vendor == "postgresql" else _copy_sqlite)(temporary)
        _sync(temporary)
        backup_recorded(actor=actor, reason=reason)
        os.link(temporary, path)
        _sync(path.parent)
        return path.stat().st_size
    except FileExistsError:
        raise Conflict(f"{path} exists already.", remedy="Name a new file; a backup is never overwritten.") from None
    finally:
        temporary.unlink()


def backup_restore(*, actor: Actor, path: Path, replace: bool = False, reason: str = "") -> None:
    """Put the database back as a backup has it, whole or not at all; the service must be stopped.

    :param replace: drop what the database holds now
    :raises NotAllowed: for everybody but the operator and super-users
    :raises Conflict: if the database holds something and ``replace`` is not asked for
    :raises Invalid: if the file is no backup for this kind of database; nothing was changed
    :raises Unavailable: if it cannot be restored, or the ledger cannot be written; nothing was changed
    """
    policy.require_coarse(actor, Action.INSTALLATION_RESTORE)
    try:
        with path.open("rb") as file:
            head = file.read(len(SQLITE_HEAD))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from None
    kind = "sqlite" if head == SQLITE_HEAD else "postgresql" if head.startswith(POSTGRESQL_HEAD) else ""
    if kind != connection.vendor:
        raise Invalid(
            f"{path} is a backup of {kind}, the database is {connection.vendor}." if kind else f"{path} is no backup."
        )
    if not replace and connection.introspection.table_names():
        raise Conflict("The database is not empty.", remedy="Use another, or --replace to drop what it holds.")
    ledger.append(CHECKPOINT, [])  # what is restored must be able to say so there
    (_restore_postgresql if kind == "postgresql" else _restore_sqlite)(path)
    restore_recorded(actor=actor, reason=reason)
    audit_checkpoint(restored=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_sqlite(path: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as copy:
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")


def _restore_sqlite(path: Path) -> None:
    connection.ensure_connection()
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables >= OUR_TABLES or copy.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                raise Invalid(f"{path} is no backup of this service, or it is damaged.")
            copy.backup(connection.connection)
    except sqlite3.DatabaseError:
        raise Invalid(f"{path} is no backup of this service, or it is damaged.") from None


def _dump_postgresql(path: Path) -> None:
    with _client("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}") as dump:
        _, complaint = dump.communicate()
    if dump.returncode:
        raise Unavailable(f"pg_dump failed: {_last_line(complaint)}", remedy="Is pg_dump as new as the server?")


def _restore_postgresql(path: Path) -> None:
    """Play the dump in one transaction, which is committed only if all of it could be read."""
    connection.close()
    reading = subprocess.Popen(  # noqa: S603 -- our own arguments
        [_program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with reading, _client("psql", "-X", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "-f", "-") as playing:
        assert reading.stdout is not None
        assert playing.stdin is not None
        whole = _played(reading, reading.stdout, playing.stdin)
        _, complaint = playing.communicate()
    if playing.returncode:
        raise Unavailable(f"psql failed: {_last_line(complaint)}", remedy="Nothing was changed.")
    if not whole:
        raise Invalid(f"{path} is damaged; nothing was changed.")


def _played(reading: "subprocess.Popen[bytes]", dump: IO[bytes], script: IO[bytes]) -> bool:
    try:
        script.write(b"BEGIN;\nDROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n")
        shutil.copyfileobj(dump, script)
        whole = reading.wait() == 0
        script.write(b"COMMIT;\n" if whole else b"ROLLBACK;\n")
    except BrokenPipeError:  # psql has stopped, and says why
        reading.kill()
        return False
    return whole


@contextmanager
def _client(program: str, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program of PostgreSQL on our database."""
    database: BaseDatabaseWrapper = connection
    parameters: dict[str, Any] = database.get_connection_params()
    # SECURITY: others on this machine can read a command line; the environment is ours alone.
    environment = {**os.environ, **({"PGPASSWORD": parameters["password"]} if parameters.get("password") else {})}
    words = [f"{key}='{_escaped(value)}'" for key, value in parameters.items() if key not in PASSWORD_AND_PYTHON]
    with subprocess.Popen(  # noqa: S603 -- our own arguments
        [_program(program), f"--dbname={' '.join(words)}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        yield process


def _escaped(value: object) -> str:
    return str(value).replace("\\", r"\\").replace("'", r"\'")


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not installed.", remedy="Debian, Ubuntu: apt-get install postgresql-client.")
    return found


def _last_line(complaint: bytes) -> str:
    return complaint.decode(errors="replace").strip().rpartition("\n")[2]
