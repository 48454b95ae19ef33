"""The installation: its first start, links that work once, readiness in every failing state, the sweep."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as real_settings
from django.contrib.sessions.models import Session as BrowserSession
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from accounts import database, policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAuthenticated
from accounts.models import (
    AuditEvent,
    ClaimValue,
    IdempotencyKey,
    Installation,
    Invite,
    OneTimeLink,
    Organization,
    Outbox,
    Role,
    RoleAssignment,
    Session,
    User,
)
from accounts.operations.base import NewPassword
from accounts.operations.demo import make_demo
from accounts.operations.installation import (
    first_superuser,
    installation_start,
    locked_out_superuser,
    superuser_create,
    sweep,
)
from accounts.operations.links import link_find
from accounts.operations.recovery import admin_link, link_redeem
from accounts.passwords import verified
from tests.factories.factors import make_factor
from tests.factories.users import PASSWORD, SessionFactory, make_user

pytestmark = pytest.mark.django_db
NEW = "another sentence that nobody guesses"
KEY_HASH = "f" * 40
ANYBODY = policy.anonymous(door=Door.PAGE)


def events() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


class TestFirstStart:
    """``installation_start``."""

    def test_makes_the_organization_and_a_superuser_without_password(self) -> None:
        made = installation_start(actor=policy.system())

        user = User.objects.get()
        assert made == user
        assert (user.is_superuser, user.has_usable_password(), user.organization.slug) == (True, False, "default")
        assert events() == ["org.create", "installation.start", "superuser.create"]
        assert set(AuditEvent.objects.values_list("actor_kind", "door")) == {("system", "system")}

    def test_again_changes_nothing(self, everything: Callable[[], Any]) -> None:
        installation_start(actor=policy.system())
        before = everything()

        assert installation_start(actor=policy.system()) is None
        assert everything() == before

    def test_makes_no_organization_beside_another(self, acme: Organization) -> None:
        assert installation_start(actor=policy.system()) is None
        assert list(Organization.objects.all()) == [acme]


class TestSuperusers:
    """Who is offered a link."""

    def test_the_first_who_may_sign_in(self, operator: Actor, root: User) -> None:
        second = superuser_create(actor=operator, organization=root.organization, email="second@example.com")
        assert first_superuser() == root
        User.objects.filter(pk=root.pk).update(status="suspended")
        assert first_superuser() == second
        Organization.objects.update(status="suspended")
        assert first_superuser() is None

    def test_locked_out_is_when_no_one_of_them_has_a_password(self, root: User, alice: User) -> None:
        assert locked_out_superuser() is None
        User.objects.filter(pk=root.pk).update(password="!unusable")
        assert locked_out_superuser() == root


def token_for(actor: Actor, user: User) -> str:
    return admin_link(actor=actor, user=user).rstrip("/").rpartition("/")[2]


class TestLink:
    """``admin_link`` and ``link_redeem``."""

    def test_sets_the_password_and_signs_in_once(self, operator: Actor, bob: User) -> None:
        old = SessionFactory.create(user=bob)
        token = token_for(operator, bob)

        redeemed = link_redeem(actor=ANYBODY, token=token, password=NewPassword(NEW), key_hash=KEY_HASH)

        bob.refresh_from_db()
        assert verified(NEW, bob.password)
        assert redeemed.session == Session.objects.live().get()
        assert Session.objects.get(pk=old.pk).ended_at is not None
        assert events()[-2:] == ["link.redeem", "session.start"]
        with pytest.raises(NotAuthenticated):
            link_redeem(actor=ANYBODY, token=token, password=NewPassword(NEW + "x"), key_hash=KEY_HASH)
        bob.refresh_from_db()
        assert verified(NEW, bob.password)

    def test_never_skips_a_second_factor(self, operator: Actor, bob: User) -> None:
        make_factor(bob)

        redeemed = link_redeem(
            actor=ANYBODY, token=token_for(operator, bob), password=NewPassword(NEW), key_hash=KEY_HASH
        )

        assert redeemed.session is None
        assert not Session.objects.exists()

    def test_only_its_hash_is_stored_and_the_trail_does_not_know_it(self, operator: Actor, bob: User) -> None:
        token = token_for(operator, bob)

        row = OneTimeLink.objects.get()
        secret = token.split("_", 2)[2]
        stored = [str(value) for values in OneTimeLink.objects.values_list() for value in values]
        assert not [value for value in stored if secret in value]
        assert timedelta(minutes=14) < row.expires_at - timezone.now() <= timedelta(minutes=15)
        assert events() == ["installation.admin_link"]

    def test_runs_out_after_fifteen_minutes(self, operator: Actor, bob: User) -> None:
        token = token_for(operator, bob)
        assert link_find(token).user == bob
        OneTimeLink.objects.update(expires_at=timezone.now())

        with pytest.raises(NotAuthenticated):
            link_find(token)

    def test_a_newer_link_kills_the_older(self, operator: Actor, bob: User) -> None:
        older = token_for(operator, bob)
        newer = token_for(operator, bob)

        with pytest.raises(NotAuthenticated):
            link_find(older)
        assert link_find(newer).user == bob

    def test_a_bad_password_uses_nothing_up(self, operator: Actor, bob: User) -> None:
        token = token_for(operator, bob)

        with pytest.raises(Invalid):
            link_redeem(actor=ANYBODY, token=token, password=NewPassword("short"), key_hash=KEY_HASH)

        assert link_find(token).user == bob

    def test_whoever_may_not_sign_in_gets_none(self, operator: Actor, bob: User) -> None:
        token = token_for(operator, bob)
        User.objects.filter(pk=bob.pk).update(status="suspended")

        with pytest.raises(Conflict, match="suspended"):
            admin_link(actor=operator, user=bob)
        with pytest.raises(NotAuthenticated):
            link_redeem(actor=ANYBODY, token=token, password=NewPassword(NEW), key_hash=KEY_HASH)
        assert verified(PASSWORD, User.objects.get(pk=bob.pk).password)

    @pytest.mark.parametrize(
        "change", [lambda text: text[:-1], lambda text: text + "A", str.upper, lambda _: "", str.swapcase]
    )
    def test_nearly_the_secret_opens_nothing(self, operator: Actor, bob: User, change: Callable[[str], str]) -> None:
        token = token_for(operator, bob)

        with pytest.raises(NotAuthenticated):
            link_find(change(token))


@pytest.fixture
def ready(tmp_path: Path, settings: Any) -> Client:
    """A service that is ready, with a key file of its own."""
    shutil.copy(real_settings.KEYS_FILE, tmp_path / "keys.json")
    settings.KEYS_FILE = tmp_path / "keys.json"
    Installation.objects.swept()
    client = Client()
    assert client.get("/readyz").status_code == 200
    return client


def problems(client: Client) -> dict[str, str]:
    answer = client.get("/readyz")
    checks: dict[str, str] = answer.json()["checks"]
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert client.get("/livez").status_code == 200
    return {name: problem for name, problem in checks.items() if problem != "ok"}


class TestReadiness:
    """``/readyz``."""

    def test_says_what_it_looks_at(self, ready: Client) -> None:
        assert ready.get("/readyz").json() == {
            "status": "ok",
            "checks": dict.fromkeys(["database", "migrations", "triggers", "keys", "sweep", "erasures"], "ok"),
        }
        assert ready.post("/readyz").status_code == 405

    def test_a_trigger_is_gone(self, ready: Client) -> None:
        on = " ON accounts_auditevent" if connection.vendor == "postgresql" else ""
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER accounts_auditevent_no_update{on}")
        try:
            assert problems(ready) == {"triggers": "missing: accounts_auditevent_no_update; run manage.py migrate"}
        finally:
            database.install(connection)

    def test_a_migration_is_missing(self, ready: Client) -> None:
        MigrationRecorder(connection).migration_qs.filter(app="accounts").latest("applied").delete()

        assert problems(ready) == {"migrations": "1 to be applied: manage.py migrate"}

    @pytest.mark.parametrize("damage", ["gone", "open", "empty"])
    def test_the_keys_cannot_be_used(self, ready: Client, settings: Any, damage: str) -> None:
        {"gone": settings.KEYS_FILE.unlink, "open": lambda: settings.KEYS_FILE.chmod(0o644),
         "empty": lambda: settings.KEYS_FILE.write_text("")}[damage]()  # fmt: skip

        found = problems(ready)

        assert found == {"keys": "the key file cannot be used; the log says why"}

    def test_the_sweep_is_late(self, ready: Client, settings: Any) -> None:
        Installation.objects.update(swept_at=timezone.now() - timedelta(seconds=5 * settings.SWEEP_SECONDS - 5))
        assert ready.get("/readyz").status_code == 200
        Installation.objects.update(swept_at=timezone.now() - timedelta(seconds=5 * settings.SWEEP_SECONDS + 5))
        assert problems(ready)["sweep"].startswith("last ran 30")
        Installation.objects.update(swept_at=None)
        assert problems(ready) == {"sweep": "has never run: manage.py sweep"}

    def test_the_database_is_gone(self, ready: Client) -> None:
        def gone(*_: Any) -> Any:
            raise OperationalError("connection to 10.0.0.5 refused")

        with connection.execute_wrapper(gone):
            found = problems(ready)

        gone_words = "the database does not answer"
        assert found == dict.fromkeys(["database", "migrations", "triggers", "sweep", "erasures"], gone_words)


class TestSweep:
    """``sweep``."""

    def test_forgets_what_has_run_out_and_nothing_else(self, root: User) -> None:
        now = timezone.now()
        for key, hours in {"old": -1, "new": 1}.items():
            IdempotencyKey.objects.create(principal_id=root.pk, key=key, expires_at=now + timedelta(hours=hours))
            BrowserSession.objects.create(session_key=key, session_data="", expire_date=now + timedelta(hours=hours))

        done = sweep()

        assert (done["requests"], done["browser_sessions"]) == (1, 1)
        assert IdempotencyKey.objects.get().key == BrowserSession.objects.get().session_key == "new"
        swept_at = Installation.objects.current().swept_at
        assert swept_at is not None
        assert swept_at >= now

    def test_writes_a_checkpoint_of_what_moved(self, operator: Actor, bob: User) -> None:
        admin_link(actor=operator, user=bob)

        assert [sweep()["checkpoints"] for _ in range(2)] == [2, 0]


class TestDemo:
    """``make_demo``."""

    def test_two_organizations_with_people_of_every_kind(self, operator: Actor) -> None:
        assert make_demo(actor=operator) == 200

        assert set(Organization.objects.values_list("slug", flat=True)) == {"lindenhof", "tidewater"}
        for organization in Organization.objects.all():
            people = User.objects.filter(organization=organization)
            assert people.count() == 101
            assert {"active", "suspended", "locked", "archived", "restricted", "invited"} == set(
                people.values_list("status", flat=True)
            )
            assert people.filter(last_sign_in_at=None).exists()
            assert people.filter(email_verified_at=None).exists()
            assert organization.memberships.exclude(user__organization=organization).count() == 6
            assert organization.claims.count() == 3
            assert set(Role.objects.filter(organization=organization).values_list("slug", flat=True)) == {
                "coordinator", "user", "reception"
            }  # fmt: skip
            assert RoleAssignment.objects.filter(organization=organization, role__application__isnull=False).count() > 9
            invites = Invite.objects.filter(organization=organization)
            assert sorted(invite.status for invite in invites) == ["pending", "pending", "revoked"]
        assert not User.objects.exclude(password__startswith="!").exists()
        assert set(AuditEvent.objects.filter(action="user.create").values_list("actor_kind", flat=True)) == {"operator"}
        assert AuditEvent.objects.filter(action="user.create").count() == 200
        assert ClaimValue.objects.count() == 2 * 3 * 20
        assert not Outbox.objects.filter(kind="invite").exists()
        assert AuditEvent.objects.filter(action="session.start").count() == Session.objects.live().count() == 30

    def test_again_changes_nothing(self, operator: Actor, everything: Callable[[], Any]) -> None:
        make_demo(actor=operator)
        before = everything()

        assert make_demo(actor=operator) == 0
        assert everything() == before

    def test_is_for_the_operator_alone(self, acting: Callable[[User], Actor], acme: Organization) -> None:
        from accounts.errors import NotAllowed

        with pytest.raises(NotAllowed):
            make_demo(actor=acting(make_user(acme, "zoe", role="owner")))

        assert list(Organization.objects.all()) == [acme]
