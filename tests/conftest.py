"""The cast: alice owns acme, bob and carol work there, dave is a guest, mallory owns the organization next door."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test import TransactionTestCase

from accounts import database, policy
from accounts.actors import Actor, Door
from accounts.models import AuditEvent, Organization, Session, User
from accounts.operations.api_keys import api_key_create
from tests.factories.organizations import make_guest, make_organization
from tests.factories.users import make_user

_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]


def _flush_with_triggers_lifted(case: TransactionTestCase) -> None:
    """Lift the triggers around the flush between tests; the migrate signal that ends it puts them back."""
    with connection.cursor() as cursor:
        for trigger in (*database.TRIGGERS, "accounts_auditevent_no_truncate"):
            table = trigger.rsplit("_no_", 1)[0]
            on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}{on_table}")
    _flush(case)


TransactionTestCase._fixture_teardown = _flush_with_triggers_lifted  # type: ignore[attr-defined]


DOOR_MATRICES = {
    "test_admin.py", "test_api.py", "test_coming_from.py", "test_commands.py", "test_secrets_in_answers.py",
    "test_secrets_in_pages.py", "test_shown_anew_doors.py",
}  # fmt: skip
DOORS = {"accounts/admin", "accounts/api", "accounts/commands", "accounts/pages"}
NO_DATABASE = {
    "accounts/test_figures.py", "identity/test_cookies.py", "identity/test_make.py", "identity/test_settings.py",
    "matrix/test_architecture.py", "matrix/test_attacks.py", "matrix/test_standards.py",
}  # fmt: skip
"""In which no question is asked of a database: no sample has them, the whole suite does."""
SAMPLE = 4
"""Of what tests doors every fourth test, where ``SAMPLE_DOORS=1`` asks for a sample (tests/__main__.py)."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out of a sample what is not in it; the same everywhere and each time."""
    if os.environ.get("SAMPLE_DOORS") != "1":
        return
    left = [item for item in items if not _is_in_the_sample(item)]
    config.hook.pytest_deselected(items=left)
    out = set(left)
    items[:] = [item for item in items if item not in out]


def _is_in_the_sample(item: pytest.Item) -> bool:
    if f"{item.path.parent.name}/{item.path.name}" in NO_DATABASE:
        return False
    return not _tests_a_door(item.path) or crc32(item.nodeid.encode()) % SAMPLE == 0


def _tests_a_door(path: Path) -> bool:
    if path.parent.name == "matrix":
        return path.name in DOOR_MATRICES
    return any(path.parent.as_posix().endswith(f"/tests/{door}") for door in DOORS)


@pytest.fixture(autouse=True)
def _fresh_ledger() -> Iterator[None]:
    """Begin each test with an empty ledger."""
    path = Path(settings.LEDGER_URL.removeprefix("file://"))
    path.unlink(missing_ok=True)
    yield
    path.unlink(missing_ok=True)


@pytest.fixture
def acme(db: None) -> Organization:
    """The organization most tests are about."""
    return make_organization("acme")


@pytest.fixture
def nextdoor(db: None) -> Organization:
    """The organization that must never be seen from acme."""
    return make_organization("nextdoor")


@pytest.fixture
def alice(acme: Organization) -> User:
    """Owns acme."""
    return make_user(acme, "alice", role="owner")


@pytest.fixture
def bob(acme: Organization, alice: User) -> User:
    """Works at acme."""
    return make_user(acme, "bob")


@pytest.fixture
def carol(acme: Organization, alice: User) -> User:
    """Works at acme too."""
    return make_user(acme, "carol")


@pytest.fixture
def erin(acme: Organization, alice: User) -> User:
    """Administers acme."""
    return make_user(acme, "erin", role="admin")


@pytest.fixture
def frank(acme: Organization, alice: User) -> User:
    """Moderates acme."""
    return make_user(acme, "frank", role="moderator")


@pytest.fixture
def mallory(nextdoor: Organization) -> User:
    """Owns the organization next door."""
    return make_user(nextdoor, "mallory", role="owner")


@pytest.fixture
def dave(nextdoor: Organization, mallory: User, acme: Organization) -> User:
    """At home next door, a guest at acme."""
    user = make_user(nextdoor, "dave")
    make_guest(user, acme)
    return user


@pytest.fixture
def root(db: None) -> User:
    """Super-user."""
    return make_user(make_organization("default"), "root", role="owner", is_superuser=True)


@pytest.fixture
def operator() -> Actor:
    """The shell."""
    return policy.operator(os_user="tester", request_id="test")


@pytest.fixture
def narrow_key(acme: Organization, operator: Actor, alice: User) -> Actor:
    """A key of acme that may look and no more."""
    made = api_key_create(actor=operator, organization=acme, name="narrow", scopes=["user.show", "user.list"])
    return policy.actor_for_key(made.key, door=Door.API)


@pytest.fixture
def acting() -> Callable[[User], Actor]:
    """Make the principal of a signed-in person."""

    def act(user: User, session: Session | None = None) -> Actor:
        return policy.actor_for(user, door=Door.API, session=session, ip="192.0.2.1", device="Test/Python")

    return act


@pytest.fixture
def cast(
    alice: User, bob: User, carol: User, dave: User, erin: User, frank: User, mallory: User, root: User
) -> SimpleNamespace:
    """Everybody."""
    return SimpleNamespace(
        alice=alice, bob=bob, carol=carol, dave=dave, erin=erin, frank=frank, mallory=mallory, root=root
    )


@pytest.fixture(scope="module")
def standing(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """What the module's ``build`` makes, once for all its tests: each runs above it, on a savepoint of its own."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = request.module.build()
        with django_db_blocker.block():
            yield made
        transaction.set_rollback(True)


@pytest.fixture
def last_event() -> Callable[[], AuditEvent]:
    """Give the newest event."""

    def read() -> AuditEvent:
        return AuditEvent.objects.order_by("-id").prefetch_related("parts")[0]

    return read


@pytest.fixture
def everything() -> Callable[[], dict[str, Any]]:
    """Photograph every row of the house but the refusals and their counters, to show that nothing changed."""

    def photograph() -> dict[str, Any]:
        kept = {}
        with connection.cursor() as cursor:  # as they lie there: it is done twice for every row of the matrices
            for model in (*apps.get_app_config("accounts").get_models(), *apps.get_app_config("gdpr").get_models()):
                if model.__name__ in {"AuditPart", "AuditChain", "FailedTries", "Throttle"}:
                    continue
                primary = model._meta.pk
                assert primary is not None
                done = " WHERE outcome = 'done'" if model is AuditEvent else ""
                cursor.execute(f"SELECT * FROM {model._meta.db_table}{done} ORDER BY {primary.column}")
                kept[model.__name__] = cursor.fetchall()
        return kept

    return photograph
