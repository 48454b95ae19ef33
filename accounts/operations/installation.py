"""The installation itself: its first start, its super-users, its keys, its health."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts import audit, database, keys
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Unavailable
from accounts.models import IdempotencyKey, Installation, Organization, User
from accounts.models.users import UserQuerySet
from accounts.operations.audit import audit_checkpoint
from accounts.operations.base import NewPassword, operation
from accounts.operations.factors import factors_resealed
from accounts.operations.outbox import enqueue_due, forget_tasks
from accounts.operations.recovery import forget_reset_requests
from accounts.operations.roles import roles_run_out
from accounts.operations.throttles import forget_throttles
from accounts.operations.tries import forget_tries
from accounts.operations.unanswered import unanswered_archive
from accounts.operations.users import create_account, hash_new_password
from accounts.profile import reason_checked
from accounts.statuses import OrganizationStatus

__all__ = [
    "READINESS",
    "SWEEPS",
    "first_superuser",
    "installation_start",
    "keys_rotate",
    "locked_out_superuser",
    "readiness",
    "superuser_create",
    "sweep",
]

log = structlog.get_logger("identity.readiness")
FIRST_SLUG: Final = "default"
FIRST_EMAIL: Final = "admin@localhost.localdomain"

SWEEPS: Final[dict[str, Callable[[], int]]] = {}
"""What other rooms have to do now and then: a word, and a function that says how much it did. Filled at start."""
READINESS: Final[dict[str, Callable[[], str]]] = {}
"""What other rooms need before requests are served: a word, and a function that gives the problem. Filled at start."""


@operation(Action.INSTALLATION_START)
def installation_start(*, actor: Actor) -> User | None:
    """Make the organization ``default`` and a super-user where there are none; gives the super-user if made.

    Again changes nothing.
    """
    Installation.objects.locked()
    organization = Organization.objects.filter(slug=FIRST_SLUG).first()
    if organization is None and not Organization.objects.exists():
        organization = Organization.objects.create(slug=FIRST_SLUG, name="Default")
        audit.record(actor, Action.ORG_CREATE, organization)
    if organization is None or User.objects.filter(is_superuser=True).exists():
        return None
    audit.record(actor, Action.INSTALLATION_START, None)
    return _make_superuser(actor, organization, email=FIRST_EMAIL, username="admin", password=None, reason="")


def first_superuser() -> User | None:
    """Find the super-user who is there longest of those who may sign in."""
    return _live_superusers().order_by("created_at", "pk").first()


def locked_out_superuser() -> User | None:
    """Find a super-user to make a link for, if none of them has a password to sign in with."""
    if any(user.has_usable_password() for user in _live_superusers()):
        return None
    return first_superuser()


def _live_superusers() -> UserQuerySet:
    return User.objects.live().filter(is_superuser=True, organization__status=OrganizationStatus.ACTIVE)


@operation(Action.SUPERUSER_CREATE, prepare=hash_new_password)
def superuser_create(
    *,
    actor: Actor,
    organization: Organization,
    email: str,
    username: str | None = None,
    password: NewPassword | None = None,
    reason: str = "",
) -> User:
    """Make a super-user: everything, everywhere.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Invalid: naming the input that is wrong
    :raises Conflict: if the e-mail address or username is taken
    """
    Installation.objects.locked()
    (organization,) = Organization.objects.locked(organization.pk)
    return _make_superuser(actor, organization, email=email, username=username, password=password, reason=reason)


def _make_superuser(
    actor: Actor,
    organization: Organization,
    *,
    email: str,
    username: str | None,
    password: NewPassword | None,
    reason: str,
) -> User:
    user = create_account(
        actor,
        organization,
        email=email,
        username=username,
        profile={},
        password=password,
        verified=True,
        is_superuser=True,
        roles=["owner"],
        metadata={},
    )
    audit.record(actor, Action.SUPERUSER_CREATE, user, reason=reason_checked(reason))
    return user


@operation(Action.KEYS_ROTATE)
def keys_rotate(*, actor: Actor, reason: str = "") -> None:
    """Put fresh keys before the present ones, which stay for reading; restart the service afterwards.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Conflict: if the key file cannot be replaced
    """
    Installation.objects.locked()
    if not os.access(settings.KEYS_FILE.parent, os.W_OK):
        raise Conflict(
            f"{settings.KEYS_FILE} cannot be replaced.", remedy="Run it as the user who owns the key file's folder."
        )
    audit.record(actor, Action.KEYS_ROTATE, None, reason=reason_checked(reason))
    transaction.on_commit(lambda: keys.rotate(settings.KEYS_FILE))


def sweep() -> dict[str, int]:
    """Do what is due: hand letters to the worker again, forget what has run out, write checkpoints; no event.

    :raises Unavailable: if something could not be done, the ledger's part for example; the rest is done first
    """
    now = timezone.now()
    due: dict[str, Callable[[], int]] = {
        "letters": enqueue_due,
        "tasks": forget_tasks,
        "reset_requests": forget_reset_requests,
        "tries": forget_tries,
        "factors": factors_resealed,
        "throttles": forget_throttles,
        "requests": lambda: IdempotencyKey.objects.filter(expires_at__lte=now).delete()[0],
        "browser_sessions": lambda: BrowserSession.objects.filter(expire_date__lte=now).delete()[0],
        "roles": roles_run_out,
        "unanswered": unanswered_archive,
        **SWEEPS,
        "checkpoints": audit_checkpoint,
    }
    done, failed = {}, None
    for word, run in due.items():
        try:
            done[word] = run()
        except Unavailable as problem:
            failed = failed or problem
    if failed is not None:
        raise failed
    Installation.objects.swept()
    return done


@dataclass(frozen=True)
class Check:
    """One thing that must be so before requests are served."""

    name: str
    problem: str

    @property
    def is_good(self) -> bool:
        """Whether it is so."""
        return not self.problem


def readiness() -> list[Check]:
    """Look at what the service needs; a check that cannot even be made is a problem."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("database", _database_problem),
        ("migrations", _migrations_problem),
        ("triggers", _triggers_problem),
        ("keys", _keys_problem),
        ("sweep", _sweep_problem),
        *READINESS.items(),
    ]
    return [Check(name, _asked(ask)) for name, ask in checks]


def _asked(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except DatabaseError:
        return "the database does not answer"
    except Exception as error:  # noqa: BLE001 -- a probe answers, whatever is broken
        return f"cannot be checked: {type(error).__name__}"


def _database_problem() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations_problem() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(waiting)} to be applied: manage.py migrate" if waiting else ""


def _triggers_problem() -> str:
    lacking = sorted(database.missing(connection))
    return f"missing: {', '.join(lacking)}; run manage.py migrate" if lacking else ""


def _keys_problem() -> str:
    try:
        keys.load(settings.KEYS_FILE)
    except keys.KeysRefused as refusal:
        # Anybody may ask for readiness; where the file lies is for the log.
        log.warning("keys", problem=str(refusal))
        return "the key file cannot be used; the log says why"
    return ""


def _sweep_problem() -> str:
    swept_at = Installation.objects.current().swept_at
    if swept_at is None:
        return "has never run: manage.py sweep"
    late = timezone.now() - swept_at
    return f"last ran {int(late.total_seconds())} s ago" if late > 5 * timedelta(seconds=settings.SWEEP_SECONDS) else ""
