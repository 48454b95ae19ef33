"""Forgetting in time: what has run out goes, nothing else, in batches, explained to whoever verifies the trail."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from accounts import audit, ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, NotAllowed
from accounts.models import APIKey, AuditEvent, AuditPart, IdempotencyKey, Organization, Session, User
from accounts.operations.api_keys import api_key_create, api_key_revoke
from accounts.operations.audit import audit_verify
from accounts.operations.installation import sweep
from accounts.operations.users import user_tag
from accounts.statuses import Status
from gdpr.models import PrivacyTerms, SubjectRequest
from gdpr.operations import retention
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_close, request_open
from gdpr.operations.retention import RetentionSweep, retain, retention_plan, rewrite, truncated
from gdpr.personal_data import TABLES
from gdpr.registry import Days
from tests.factories.users import SessionFactory, make_user
from tests.shell import run

Acting = Callable[[User], Actor]


def due(run: Any) -> dict[str, int]:
    """Give what a run found, by what it is."""
    return {f"{line['table']} {line['ends']}": line["due"] for line in run.described() if line["due"]}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], datetime]:
    """Let days pass."""
    real = timezone.now

    def pass_by(days: int) -> datetime:
        monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(days=days))
        return timezone.now()

    return pass_by


class TestTheSchedule:
    """It is the map's, line by line."""

    def test_every_period_of_days_in_the_map_is_a_line(self, operator: Actor, db: None) -> None:
        said = {
            f"{entry.name} {period}"
            for entry in TABLES
            for column in entry.columns.values()
            for period in column.retention or ()
            if isinstance(period, Days)
        }
        lines = {f"{line['table']} {line['ends']}" for line in retention_plan(actor=operator).described()}

        assert len(said) > 12
        assert {line for line in lines if not line.startswith("accounts_user ")} == said

    def test_nothing_is_due_where_nothing_is_old(self, cast: Any, operator: Actor) -> None:
        user_tag(actor=operator, user=cast.bob, tags=["x"])
        SessionFactory.create(user=cast.bob)

        assert due(retention_plan(actor=operator)) == {}

    @pytest.mark.parametrize("who", ["alice", "carol"])
    def test_it_is_for_the_operator_and_super_users(self, cast: Any, acting: Acting, who: str) -> None:
        with pytest.raises(NotAllowed):
            retention_plan(actor=acting(getattr(cast, who)))
        with pytest.raises(NotAllowed):
            retain(actor=acting(getattr(cast, who)))
        assert retention_plan(actor=acting(cast.root)).due


class TestRows:
    """Rows that have run out are deleted, the others stay."""

    def test_sessions_keys_and_requests_by_their_lines(
        self, bob: User, carol: User, acme: Organization, operator: Actor, later: Callable[[int], datetime]
    ) -> None:
        now = timezone.now()
        gone = SessionFactory.create(user=bob, expires_at=now - timedelta(days=366))
        kept = SessionFactory.create(user=bob, expires_at=now - timedelta(days=364))
        revoked, live = (
            api_key_create(actor=operator, organization=acme, name=name, scopes=["user.show"]).key for name in "ab"
        )
        api_key_revoke(actor=operator, key=revoked)
        APIKey.objects.filter(pk=revoked.pk).update(revoked_at=now - timedelta(days=91))
        IdempotencyKey.objects.create(principal_id=ids.new(), key="x", request_digest="", expires_at=now)
        request = request_open(actor=operator, user=bob, kind="access")
        request_close(actor=operator, request=request)
        SubjectRequest.objects.filter(pk=request.pk).update(closed_at=now - timedelta(days=1_096))
        waiting = request_open(actor=operator, user=carol, kind="access")

        run = retain(actor=operator)

        assert [line["due"] for line in run.described()] == [line["done"] for line in run.described()]
        assert sum(run.done) == 4
        assert set(Session.objects.values_list("pk", flat=True)) == {kept.pk}
        assert gone.pk not in set(Session.objects.values_list("pk", flat=True))
        assert set(APIKey.objects.values_list("pk", flat=True)) == {live.pk}
        assert not IdempotencyKey.objects.exists()
        assert set(SubjectRequest.objects.values_list("pk", flat=True)) == {waiting.pk}
        assert due(retention_plan(actor=operator)) == {}

    def test_in_batches_each_committed_and_resumable(
        self, bob: User, operator: Actor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "BATCH", 3)
        for _ in range(8):
            SessionFactory.create(user=bob, expires_at=timezone.now() - timedelta(days=400))
        stopped = retention.retention_run(actor=operator).carry_out()
        assert next(stopped) == 3
        del stopped
        assert Session.objects.count() == 5

        seen: list[int] = []

        def watch(_: Any, batches: Any) -> Any:
            for number in batches:
                seen.append(number)
                yield number

        retain(actor=operator, progress=watch)

        assert seen == [3, 2]
        assert not Session.objects.exists()

    def test_a_dry_run_changes_nothing_and_leaves_no_event(
        self, bob: User, operator: Actor, everything: Callable[[], Any]
    ) -> None:
        SessionFactory.create(user=bob, expires_at=timezone.now() - timedelta(days=400))
        before, events = everything(), AuditEvent.objects.count()

        result = run("gdpr_retention", "--dry-run", "--json")

        assert (result.code, result.json["dry_run"]) == (0, True)
        (line,) = [line for line in result.json["data"] if line["due"]]
        assert (line["table"], line["due"], line["done"]) == ("accounts_session", 1, 0)
        assert (everything(), AuditEvent.objects.count()) == (before, events)


class TestAddresses:
    """Of a session's address the network is left after 90 days."""

    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("2001:db8::1", "2001:db8::"),
            ("2001:db8:0:2::", "2001:db8::"),
            ("::1", "::"),
            ("::ffff:192.0.2.7", "192.0.2.0"),
        ],
    )
    def test_are_cut_once(self, bob: User, operator: Actor, address: str, network: str) -> None:
        assert truncated(address) == network
        old = timezone.now() - timedelta(days=91)
        SessionFactory.create(user=bob, ip=address, last_active_at=old)
        SessionFactory.create(user=bob, ip=None, last_active_at=old)
        fresh = SessionFactory.create(user=bob, ip=address, last_active_at=old + timedelta(days=2))

        assert sum(retain(actor=operator).done) == 1
        assert set(Session.objects.filter(last_active_at=old).values_list("ip", flat=True)) == {network, None}
        assert Session.objects.get(pk=fresh.pk).ip in {address, "192.0.2.7"}
        assert due(retention_plan(actor=operator)) == {}


class TestTheTrail:
    """Parts go, headers stay, and whoever verifies is told."""

    def test_addresses_after_90_days_the_rest_after_365_what_is_about_nobody_never(
        self, alice: User, bob: User, acting: Acting, operator: Actor, later: Callable[[int], datetime]
    ) -> None:
        user_tag(actor=acting(alice), user=bob, tags=["x"])
        user_tag(actor=operator, user=bob, tags=["y"])
        headers = AuditEvent.objects.count()
        later(89)
        assert due(retention_plan(actor=operator)) == {}

        later(91)
        retain(actor=operator)
        assert sorted(AuditPart.objects.filter(event__action="user.tag").values_list("kind", flat=True)) == [
            "actor", "actor", "subject", "subject",
        ]  # fmt: skip
        assert audit_verify(actor=operator).faults == []

        later(366)
        retain(actor=operator)
        (kept,) = AuditPart.objects.filter(event__action="user.tag")  # the operator's name at the system
        assert (kept.kind, kept.person_id) == ("actor", None)
        assert AuditEvent.objects.filter(action="user.tag").count() == headers
        assert audit_verify(actor=operator).faults == []
        kept.delete()
        assert len(audit_verify(actor=operator).faults) == 1

    def test_one_event_of_the_installation_tells_before_when_and_how_much(
        self, alice: User, bob: User, acting: Acting, operator: Actor, later: Callable[[int], datetime]
    ) -> None:
        user_tag(actor=acting(alice), user=bob, tags=["x"])
        now = later(400)

        retain(actor=operator)

        event = AuditEvent.objects.prefetch_related("parts").get(action=Action.RETENTION_RUN)
        told: Any = event.part("subject")
        assert (event.organization_id, event.subject_id, event.actor_kind) == (None, None, "operator")
        assert told["due"] == {"accounts_auditpart": 3}
        before = {kind: datetime.fromisoformat(at) for kind, at in told["before"].items()}
        assert {kind: (now - at).days for kind, at in before.items()} == {"network": 89, "actor": 364, "subject": 364}

    def test_a_run_that_was_killed_half_way_leaves_no_fault(
        self, alice: User, bob: User, acting: Acting, operator: Actor, later: Callable[[int], datetime],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(retention, "BATCH", 1)
        for number in range(4):
            user_tag(actor=acting(alice), user=bob, tags=[str(number)])
        later(400)
        killed = retention.retention_run(actor=operator).carry_out()
        assert [next(killed) for _ in range(5)] == [1] * 5

        assert audit_verify(actor=operator).faults == []
        assert AuditPart.objects.filter(event__action="user.tag").count() == 7


class TestArchivedPeople:
    """They are erased where their organization settled it, and nowhere else."""

    @pytest.fixture
    def people(self, acme: Organization, nextdoor: Organization, alice: User, mallory: User) -> dict[str, User]:
        old = timezone.now() - timedelta(days=31)
        made = {
            name: make_user(place, name, status=Status.ARCHIVED)
            for name, place in (("first", acme), ("second", acme), ("held", acme), ("fresh", acme), ("there", nextdoor))
        }
        User.objects.exclude(pk=made["fresh"].pk).update(updated_at=old)
        return made

    def test_after_as_many_days_as_were_settled(
        self, people: dict[str, User], acme: Organization, operator: Actor
    ) -> None:
        hold_place(actor=operator, user=people["held"], reason="Case 7", exemption="e")
        assert due(retention_plan(actor=operator)) == {}
        PrivacyTerms.objects.create(organization=acme, archived_days=30)

        done = retain(actor=operator)

        assert (done.due[0], done.done[0]) == (2, 2)
        statuses = {name: User.objects.get(pk=person.pk).status for name, person in people.items()}
        assert statuses == {
            "first": "purged", "second": "purged", "held": "archived", "fresh": "archived", "there": "archived",
        }  # fmt: skip
        assert User.objects.get(pk=people["first"].pk).email is None
        assert AuditEvent.objects.filter(action="user.purge").count() == 2
        assert audit_verify(actor=operator).faults == []

    def test_who_cannot_go_is_left_and_the_others_go(
        self, people: dict[str, User], acme: Organization, operator: Actor
    ) -> None:
        User.objects.filter(pk=people["first"].pk).update(is_superuser=True)
        PrivacyTerms.objects.create(organization=acme, archived_days=30)

        done = retain(actor=operator)

        assert (done.due[0], done.done[0]) == (3, 2)
        assert User.objects.get(pk=people["first"].pk).status == Status.ARCHIVED


class TestTheSweep:
    """Once a day."""

    def test_does_it_once_a_day(self, bob: User, later: Callable[[int], datetime]) -> None:
        SessionFactory.create(user=bob, expires_at=timezone.now() - timedelta(days=400))

        assert sweep()["retention"] == 1
        SessionFactory.create(user=bob, expires_at=timezone.now() - timedelta(days=400))
        assert sweep()["retention"] == 0
        assert AuditEvent.objects.filter(action=Action.RETENTION_RUN).count() == 1
        later(2)
        assert sweep()["retention"] == 1
        event = AuditEvent.objects.filter(action=Action.RETENTION_RUN).latest("sequence")
        assert (event.actor_kind, event.door) == ("system", "system")

    def test_goes_on_where_it_ran_out_of_patience(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(retention, "BATCH", 2)
        monkeypatch.setattr(retention, "PATIENCE", 0.0)
        for _ in range(5):
            SessionFactory.create(user=bob, expires_at=timezone.now() - timedelta(days=400))
        nightly = RetentionSweep()

        assert [nightly() for _ in range(5)] == [2, 2, 1, 0, 0]
        assert AuditEvent.objects.filter(action=Action.RETENTION_RUN).count() == 1

    def test_a_refused_run_does_not_count(self, db: None, acting: Acting, alice: User) -> None:
        with pytest.raises(NotAllowed):
            retain(actor=acting(alice))
        audit.refused(policy.system(), Action.RETENTION_RUN, None, code="FORBIDDEN")

        RetentionSweep()()

        assert AuditEvent.objects.filter(action=Action.RETENTION_RUN, outcome="done").count() == 1


CANARY = "zq7canaryzq7"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outlive what the other worker has under way in a database of its own, for a whole module of tests perhaps."""
    monkeypatch.setattr(retention, "LONGEST_WAIT", 900.0)


@pytest.mark.django_db(transaction=True)
def test_nothing_of_what_went_is_left_in_the_files_after_a_rewrite(bob: User, operator: Actor) -> None:
    """The bytes themselves: heap and index files of PostgreSQL, the file of SQLite."""
    SessionFactory.create_batch(50, user=bob, device=CANARY, expires_at=timezone.now() - timedelta(days=400))
    assert holds(CANARY)

    retain(actor=operator)
    if connection.vendor == "postgresql":
        assert holds(CANARY), "a deleted row stays in the heap until it is written anew"
    assert rewrite()

    assert not holds(CANARY)


@pytest.mark.skipif(connection.vendor == "postgresql", reason="SQLite's write-ahead log")
@pytest.mark.django_db(transaction=True)
def test_a_rewrite_says_who_keeps_the_log_from_going(bob: User, operator: Actor) -> None:
    SessionFactory.create(user=bob, device=CANARY, expires_at=timezone.now() - timedelta(days=400))
    reader = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM django_migrations").fetchone()
        retain(actor=operator)
        connection.cursor().execute("PRAGMA busy_timeout = 100")
        with pytest.raises(Conflict, match="still be read"):
            rewrite()
        assert holds(CANARY)
    finally:
        reader.close()

    assert rewrite()
    assert not holds(CANARY)


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the file is written anew whole, whoever reads")
@pytest.mark.django_db(transaction=True)
class TestAnOlderTransaction:
    """What may still read a row that was deleted keeps PostgreSQL from leaving the row out of the new file."""

    @pytest.fixture(params=["a reader of this database", "a writer of another"])
    def older(self, request: pytest.FixtureRequest, bob: User) -> Iterator[Any]:
        """Begin a transaction before anything is deleted."""
        SessionFactory.create(user=bob, device=CANARY, expires_at=timezone.now() - timedelta(days=400))
        params = connection.get_connection_params()
        if request.param == "a reader of this database":
            with psycopg.connect(**params) as reader:
                reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                reader.execute("SELECT 1 FROM django_migrations")
                yield reader
        else:
            with psycopg.connect(**{**params, "dbname": "postgres"}) as writer:
                writer.execute("SELECT pg_current_xact_id()")
                yield writer

    def test_is_waited_for(self, older: Any, operator: Actor) -> None:
        retain(actor=operator)
        end = threading.Timer(0.5, older.rollback)
        end.start()

        assert rewrite()

        end.join()
        assert not holds(CANARY)

    def test_is_named_where_it_does_not_end(self, older: Any, operator: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
        retain(actor=operator)

        with monkeypatch.context() as impatient:
            impatient.setattr(retention, "LONGEST_WAIT", 0.2)
            with pytest.raises(Conflict) as refused:
                rewrite()

        assert str(older.info.backend_pid) in refused.value.message
        assert holds(CANARY)
        older.rollback()
        assert rewrite()
        assert not holds(CANARY)


def holds(text: str) -> bool:
    """Look for a text in the database's files, the write-ahead log of PostgreSQL apart."""
    if connection.vendor == "sqlite":
        name = str(connection.settings_dict["NAME"])
        files = [path for path in Path(name).parent.glob(f"{Path(name).name}*") if path.is_file()]
    else:
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SHOW data_directory")
            folder = Path(cursor.fetchone()[0])
            cursor.execute("SELECT oid FROM pg_database WHERE datname = current_database()")
            files = list((folder / "base" / str(cursor.fetchone()[0])).iterdir())
    assert files
    return any(text.encode() in path.read_bytes() for path in files)


def test_a_rewrite_asks_first_and_not_beside_a_dry_run(db: None) -> None:
    refused = run("gdpr_retention", "--rewrite", "--json")
    beside = run("gdpr_retention", "--rewrite", "--dry-run", "--json")

    assert (refused.code, refused.error["code"]) == (4, "VALIDATION")
    assert (beside.code, beside.error["fields"]) == (4, {"rewrite": "not with --dry-run"})
    assert not AuditEvent.objects.exists()
