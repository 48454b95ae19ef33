"""The installation itself: its first start, its super-users, its links, its keys, its health."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

import structlog
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.db import DatabaseError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.urls import reverse
from django.utils import timezone

from accounts import audit, database, keys, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, NotAuthenticated, Unavailable
from accounts.models import IdempotencyKey, Installation, OneTimeLink, Organization, Session, User
from accounts.models.two_factor import has_second_factor
from accounts.models.users import UserQuerySet
from accounts.operations.audit import audit_checkpoint
from accounts.operations.base import NewPassword, operation
from accounts.operations.credentials import end_credentials
from accounts.operations.outbox import enqueue_due, forget_tasks, tell
from accounts.operations.roles import roles_run_out
from accounts.operations.sessions import open_session
from accounts.operations.users import create_account, hash_new_password
from accounts.profile import reason_checked
from accounts.secrets import generate, matches, parse
from accounts.statuses import OrganizationStatus

__all__ = [
    "READINESS",
    "SWEEPS",
    "Redeemed",
    "admin_link",
    "first_superuser",
    "installation_start",
    "keys_rotate",
    "link_find",
    "link_redeem",
    "locked_out_superuser",
    "readiness",
    "superuser_create",
    "sweep",
]

log = structlog.get_logger("identity.readiness")
LINK_LIFETIME: Final = timedelta(minutes=15)
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


@operation(Action.ADMIN_LINK)
def admin_link(*, actor: Actor, user: User, reason: str = "") -> str:
    """Make a link by which a person sets a password and is signed in: once, within 15 minutes.

    It never skips a second factor. Older links of the person die.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Conflict: if the account may not sign in
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.ADMIN_LINK, user)
    if not (user.is_active and user.organization.is_active):
        raise Conflict(
            f"The account is {user.current_status}.", remedy=f"Activate it first: user_activate {user.public_id}"
        )
    user.one_time_links.void()
    secret = generate("lnk")
    OneTimeLink.objects.create(
        organization_id=user.organization_id,
        user=user,
        lookup=secret.lookup,
        secret_hash=secret.hash,
        expires_at=timezone.now() + LINK_LIFETIME,
    )
    audit.record(actor, Action.ADMIN_LINK, user, reason=reason_checked(reason))
    return settings.PUBLIC_URL + reverse("link", args=[secret.text])


def link_find(token: str) -> OneTimeLink:
    """Find the live link of a token.

    :raises NotAuthenticated: the same for every token that opens nothing
    """
    parsed = parse("lnk", token)
    rows = OneTimeLink.objects.live().select_related("user__organization")
    link = rows.filter(lookup=parsed[0]).first() if parsed else None
    if link is None or parsed is None or not matches(parsed[1], link.secret_hash):
        raise NotAuthenticated("This link is used up, has run out or never was one.", remedy="Ask for a new one.")
    return link


class Redeemed(NamedTuple):
    """What came of a link: the account, and its session unless a second factor is still to come."""

    user: User
    session: Session | None


def _hash_redeemed(arguments: dict[str, Any]) -> Mapping[str, Any]:
    user = link_find(arguments["token"]).user
    password: NewPassword = arguments["password"]
    return {"password": password.prepared(user.email, user.username, user.display_name)}


@operation(Action.LINK_REDEEM, prepare=_hash_redeemed)
def link_redeem(*, actor: Actor, token: str, password: NewPassword, key_hash: str) -> Redeemed:
    """Set the password of whom a link was made for, and sign them in unless a second factor is enrolled.

    :param key_hash: of the browser's fresh session key
    :raises NotAuthenticated: if the link opens nothing (any more); of several at once one gets in
    :raises Invalid: if the password may not be used; the link stays good
    """
    link = link_find(token)
    user = User.objects.locked(link.user)
    if not OneTimeLink.objects.use(link) or not (user.is_active and user.organization.is_active):
        raise NotAuthenticated("This link is used up, has run out or never was one.", remedy="Ask for a new one.")
    user.password = password.hash
    user.must_change_password = False
    user.touch()
    user.save()
    ended = end_credentials(user, Action.LINK_REDEEM, keys=False)
    audit.record(actor, Action.LINK_REDEEM, user, ended=ended)
    tell(user, "password_changed")
    return Redeemed(user, None if has_second_factor(user) else open_session(actor, user, key_hash=key_hash))


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
        "requests": lambda: IdempotencyKey.objects.filter(expires_at__lte=now).delete()[0],
        "browser_sessions": lambda: BrowserSession.objects.filter(expire_date__lte=now).delete()[0],
        "roles": roles_run_out,
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
