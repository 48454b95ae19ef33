"""Handing over what is held about a person: at once to whoever is at the shell, by a job to everybody else.

A job's file is encrypted with a key of its own, which its row holds sealed; it can be fetched for 72
hours by whoever asked for it, and dies with the person.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, Final, cast
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound
from accounts.keys import open_sealed, seal
from accounts.models import User
from accounts.operations.base import operation
from accounts.operations.credentials import require_recent
from accounts.profile import reason_checked
from gdpr.models import Export, SubjectRequest
from gdpr.operations.copies import Copy, Scope, refuse_erased
from gdpr.operations.renderings import FORMATS, written
from gdpr.operations.requests import request_answered, request_close, request_of, request_to_answer
from gdpr.operations.sealed_files import SealedWriter, new_key, unsealed
from gdpr.operations.snapshots import snapshot

__all__ = [
    "export_file_name",
    "export_make",
    "export_read",
    "export_write",
    "forget",
    "make_export",
    "sweep",
    "user_export",
    "user_export_fetch",
    "user_export_request",
]

log = structlog.get_logger("identity.exports")
SEAL: Final = "gdpr.export"
FETCHABLE: Final = timedelta(hours=72)
KEPT: Final = timedelta(days=90)
LEASE: Final = timedelta(minutes=5)
PATIENCE: Final = timedelta(hours=24)
"""After that a job that never ends is given up."""
NOTED_EVERY: Final = 1.0


class _TakenOverError(Exception):
    """Another worker has the job, or nobody wants it any more."""


# --- at once ----------------------------------------------------------------------------------


@operation(Action.USER_EXPORT)
def user_export(
    *,
    actor: Actor,
    user: User,
    scope: str = "access",
    form: str = "json",
    reason: str = "",
    request: SubjectRequest | None = None,
) -> User:
    """Record that what is held about a person is handed over; ``export_write`` then does it.

    :param form: ``json``, ``html`` or ``zip``
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises NotRecent: of oneself, after having shown too long ago who one is
    :raises Invalid: if scope or format is none, or it does not answer the request
    :raises Conflict: if the account is erased, or being erased
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_EXPORT, user)
    _require_recent_of_oneself(actor, user)
    scope, form = _checked(scope, form)
    refuse_erased(user)
    request = request_to_answer(actor, user, request, scope)
    audit.record(
        actor,
        Action.USER_EXPORT,
        user,
        reason=reason_checked(reason),
        scope=scope,
        format=form,
        request=request.public_id if request else "",
    )
    return user


def _require_recent_of_oneself(actor: Actor, user: User) -> None:
    """Refuse handing everything about a person to a browser that they left open.

    :raises NotRecent: if they showed too long ago who they are
    """
    if user.pk == actor.user_id:
        require_recent(actor)


def export_write(
    *,
    actor: Actor,
    user: User,
    scope: str = "access",
    form: str = "json",
    reason: str = "",
    request: SubjectRequest | None = None,
    file: IO[bytes],
) -> None:
    """Write what is held about a person, as it is at one moment; raises what ``user_export`` does.

    :param request: the person's request that this answers: done when everything is written
    """
    user = user_export(actor=actor, user=user, scope=scope, form=form, reason=reason, request=request)
    with snapshot() as using:
        written(Copy(user.pk, Scope(scope), using, answers=request), form, file)
    if request is not None:
        request_close(actor=actor, request=request)


def _checked(scope: str, form: str) -> tuple[str, str]:
    problems = {}
    if scope not in list(Scope):
        problems["scope"] = f"is one of {', '.join(Scope)}"
    if form not in FORMATS:
        problems["format"] = f"is one of {', '.join(FORMATS)}"
    if problems:
        raise Invalid("It cannot be exported like that.", fields=problems)
    return scope, form


# --- by a job ---------------------------------------------------------------------------------


@operation(Action.USER_EXPORT)
def user_export_request(
    *,
    actor: Actor,
    user: User,
    scope: str = "access",
    form: str = "zip",
    reason: str = "",
    request: SubjectRequest | None = None,
) -> Export:
    """Have what is held about a person made into a file, to be fetched by the same actor for 72 hours.

    :param form: ``json``, ``html`` or ``zip``
    :raises NotFound: if the account does not exist for the actor
    :raises NotAllowed: without the permission, or on somebody more powerful
    :raises NotRecent: of oneself, after having shown too long ago who one is
    :raises Invalid: if scope or format is none, or it does not answer the request
    :raises Conflict: if the account is erased, or being erased
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_EXPORT, user)
    _require_recent_of_oneself(actor, user)
    scope, form = _checked(scope, form)
    refuse_erased(user)
    request = request_to_answer(actor, user, request, scope)
    row = Export.objects.create(
        organization_id=user.organization_id,
        user=user,
        requested_by_kind=actor.kind,
        requested_by=actor.id,
        request_id=request.pk if request else None,
        scope=scope,
        format=form,
        status=Export.QUEUED,
    )
    audit.record(
        actor,
        Action.USER_EXPORT,
        user,
        reason=reason_checked(reason),
        scope=scope,
        format=form,
        export=row.public_id,
        request=request.public_id if request else "",
    )
    make_export.enqueue(str(row.pk))
    return row


@operation(Action.USER_EXPORT)
def user_export_fetch(*, actor: Actor, user: User, export: Export) -> Export:
    """Let whoever asked for an export have the file; ``export_read`` then reads it.

    :param user: whom it is about
    :raises NotFound: if it does not exist for the actor, somebody else asked for it, or it can be had no more
    :raises NotAllowed: without the permission, or on somebody more powerful, now
    :raises NotRecent: of oneself, after having shown too long ago who one is
    :raises Conflict: if it is not ready yet
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.USER_EXPORT, user)
    _require_recent_of_oneself(actor, user)
    row = Export.objects.asked_by(actor).filter(pk=export.pk, user=user).first()
    if row is None:
        raise NotFound("Export not found.")
    if row.status in {Export.QUEUED, Export.RUNNING}:
        raise Conflict("The export is not ready yet.", remedy="Look again in a moment.")
    if not row.is_fetchable or not _place(row).is_file():
        raise NotFound("Export not found.", remedy="It can be fetched for 72 hours. Ask for another.")
    row.fetched_at = timezone.now()
    row.save(update_fields=["fetched_at"])
    audit.record(actor, Action.USER_EXPORT, user, export=row.public_id, fetched=True)
    return row


def export_read(export: Export) -> Iterator[bytes]:
    """Give the file of an export that may be fetched, piece by piece."""
    key = open_sealed(SEAL, export.file_key)
    assert key is not None
    return unsealed(_place(export), key, export.public_id)


def export_file_name(export: Export) -> str:
    """Give a name for the file that says nothing about the person."""
    return f"{export.public_id}.{export.format}"


@task()
def make_export(export_id: str) -> None:
    """Make one export: the task that the worker runs."""
    export_make(UUID(export_id))


def export_make(export_id: UUID) -> bool:
    """Write the file of an export that waits; says whether it is ready now.

    The row is leased meanwhile: if the worker is killed, another begins anew when the lease has run out.
    """
    key = new_key()
    sealed = seal(SEAL, key)
    claimed = Export.objects.due().filter(pk=export_id)
    if not claimed.update(status=Export.RUNNING, leased_until=timezone.now() + LEASE, file_key=sealed, rows_done=0):
        return False
    row = Export.objects.get(pk=export_id)
    mine = Export.objects.filter(pk=export_id, status=Export.RUNNING, file_key=sealed)
    try:
        size = _written(row, key, mine)
    except Exception as error:  # noqa: BLE001 -- whatever happens, the row says so; a trace could quote anybody
        log.warning("failed", export=row.public_id, error=type(error).__name__)
        mine.update(status=Export.FAILED, file_key="", leased_until=None)
        return False
    is_ready = _made(row, mine, size)
    if not is_ready:
        _place(row).unlink(missing_ok=True)
    return is_ready


def _made(row: Export, mine: "QuerySet[Export]", size: int) -> bool:
    """Note that the file can be fetched; whoever asked for it has their answer with that."""
    now = timezone.now()
    with transaction.atomic():
        user = User.objects.locked(row.user) if row.request_id else row.user
        is_ready = mine.update(
            status=Export.READY, size=size, ready_at=now, expires_at=now + FETCHABLE, leased_until=None
        )
        if is_ready:
            request_answered(policy.system(), user, row.request_id, export=row.public_id)
    return bool(is_ready)


def _written(row: Export, key: str, mine: "QuerySet[Export]") -> int:
    """Write the file under another name, and give it its own when everything is in it; says how large it is."""
    place = _place(row)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f"{row.pk}.")
    try:
        with os.fdopen(descriptor, "wb") as file, snapshot() as using:
            writer = SealedWriter(file, key, row.public_id)
            copy = Copy(row.user_id, Scope(row.scope), using, export_id=row.public_id, answers=request_of(row))
            note = _Progress(mine, sum(copy.count().values()))
            written(copy, row.format, cast("IO[bytes]", writer), note)
            writer.finish()
            note.now(copy.seen)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(place)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return writer.size


class _Progress:
    """Notes now and then how far a job is, and prolongs its lease; not along the connection that it reads by."""

    def __init__(self, mine: "QuerySet[Export]", total: int) -> None:
        self.mine = mine
        self.noted = time.monotonic()
        self._note(rows_total=total)

    def __call__(self, seen: int) -> None:
        """Hear how many rows were read."""
        if time.monotonic() - self.noted >= NOTED_EVERY:
            self.now(seen)

    def now(self, seen: int) -> None:
        """Note it.

        :raises _TakenOverError: if the job is not ours any more
        """
        self.noted = time.monotonic()
        self._note(rows_done=seen)

    def _note(self, **values: Any) -> None:
        if not self.mine.update(leased_until=timezone.now() + LEASE, **values):
            raise _TakenOverError


# --- what becomes of the files ----------------------------------------------------------------


def _place(export: Export) -> Path:
    return _folder(export.user_id) / f"{export.pk}.sealed"


def _folder(user_id: UUID) -> Path:
    return Path(settings.EXPORTS_ROOT) / str(user_id)


def forget(user_id: UUID) -> int:
    """Delete every file that was made of a person, after their erasure is committed; says how many."""
    folder = _folder(user_id)
    files = len(list(folder.iterdir())) if folder.is_dir() else 0
    shutil.rmtree(folder, ignore_errors=True)
    return files


def sweep() -> int:
    """Do what is due: delete what has run out and what belongs to nobody, enqueue what was left; says how much."""
    return _expire() + _delete_old() + _delete_strays() + _enqueue_due()


def _expire() -> int:
    over = list(Export.objects.filter(status=Export.READY, expires_at__lte=timezone.now()))
    for row in over:
        _place(row).unlink(missing_ok=True)
    return Export.objects.filter(pk__in=[row.pk for row in over]).update(status=Export.EXPIRED, file_key="")


def _delete_old() -> int:
    return Export.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]


def _delete_strays() -> int:
    """Delete files of exports that are gone, failed or over, and folders that are empty."""
    root = Path(settings.EXPORTS_ROOT)
    deleted = 0
    for folder in root.iterdir() if root.is_dir() else ():
        files = {file: file.name.partition(".")[0] for file in folder.iterdir()}
        wanted = Export.objects.filter(pk__in=set(files.values()), status__in=[Export.RUNNING, Export.READY])
        kept = {str(key) for key in wanted.values_list("pk", flat=True)}
        for file, export_id in files.items():
            if export_id not in kept:
                file.unlink(missing_ok=True)
                deleted += 1
        if not any(folder.iterdir()):
            folder.rmdir()
    return deleted


def _enqueue_due() -> int:
    """Hand to the worker again what a killed one left; what waits in the queue already is left alone."""
    given_up = Export.objects.due().filter(created_at__lt=timezone.now() - PATIENCE)
    given_up.update(status=Export.FAILED, file_key="", leased_until=None)
    waiting = DBTaskResult.objects.ready().filter(task_path=make_export.module_path)
    queued = {arguments["args"][0] for arguments in waiting.values_list("args_kwargs", flat=True).iterator()}
    left = [str(key) for key in Export.objects.due().values_list("pk", flat=True) if str(key) not in queued]
    for export_id in left:
        make_export.enqueue(export_id)
    return len(left)
