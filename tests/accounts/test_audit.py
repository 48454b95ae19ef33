"""The trail: written with the change, verified, and no kind of tampering goes unseen."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts import audit, database, keys, policy
from accounts.actions import Action
from accounts.actors import Actor, Door
from accounts.errors import NotAllowed
from accounts.models import AuditChain, AuditEvent, AuditPart, Organization, User
from accounts.models.audit import INSTALLATION_CHAIN
from accounts.operations.audit import AuditReport, audit_checkpoint, audit_verify
from accounts.operations.base import NewPassword
from accounts.operations.organizations import org_create
from accounts.operations.statuses import user_activate, user_suspend
from accounts.operations.users import user_create, user_set_password, user_tag, user_update

Acting = Callable[[User], Actor]
SOMETHING = UUID(int=7)
LEDGER = Path(settings.LEDGER_URL.removeprefix("file://"))


@contextmanager
def lifted() -> Iterator[None]:
    """Do what somebody with the database's password can do."""
    _settled()
    with connection.cursor() as cursor:
        for trigger in (*database.TRIGGERS, *database.REPLACE_TRIGGERS, database.TRUNCATE_TRIGGER):
            on_table = f" ON {trigger.rsplit('_no_', 1)[0]}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}{on_table}")
    yield
    _settled()
    database.install(connection)


def _settled() -> None:
    """Let PostgreSQL check now what it would at commit: no trigger is made or dropped while a check waits."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def shell(operator: Actor) -> Actor:
    return operator


@pytest.fixture
def trail(acme: Organization, alice: User, bob: User, acting: Acting) -> list[AuditEvent]:
    """Ten events in acme's chain, by alice, with all parts."""
    for number in range(4):
        user_suspend(actor=acting(alice), user=bob, reason=f"reason {number}")
        user_activate(actor=acting(alice), user=bob)
    user_tag(actor=acting(alice), user=bob, tags=["x"])
    user_update(actor=acting(alice), user=bob, changes={"name": "Robert"})
    return list(AuditEvent.objects.filter(chain=acme.pk).order_by("sequence"))


def faults(shell: Actor) -> list[str]:
    return audit_verify(actor=shell).faults


class TestIntact:
    """What was not touched verifies."""

    def test_a_chain_verifies(self, trail: list[AuditEvent], shell: Actor) -> None:
        report = audit_verify(actor=shell)

        assert (report.faults, report.events, report.chains, report.checkpoints) == ([], 10, 1, 0)
        assert report.is_intact
        assert [event.sequence for event in trail] == list(range(1, 11))

    def test_an_empty_one_verifies(self, db: None, shell: Actor) -> None:
        assert audit_verify(actor=shell) == AuditReport()

    def test_numbers_that_databases_write_differently(self, acme: Organization, shell: Actor) -> None:
        metadata = {"a": -0.0, "b": 1e-7, "c": 5e-324, "d": 9007199254740992.0, "e": 0.1, "f": 1.0, "g": [1e15, -1.5]}
        user_create(
            actor=shell, organization=acme, email="a@b.example", metadata=metadata, profile={"bio": "é\t\U0001f600"}
        )

        assert faults(shell) == []

    def test_two_chains_are_independent(
        self, trail: list[AuditEvent], nextdoor: Organization, mallory: User, acting: Acting, shell: Actor
    ) -> None:
        user_tag(actor=acting(mallory), user=mallory, tags=["x"])
        org_create(actor=shell, slug="third", name="Third")
        with lifted():
            AuditEvent.objects.filter(pk=trail[3].pk).update(door="cli")

        found = faults(shell)
        assert len(found) == 1
        assert str(trail[0].chain) in found[0]
        assert AuditChain.objects.count() == 3
        assert AuditEvent.objects.get(chain=nextdoor.pk).sequence == 1

    def test_what_belongs_to_no_organization_has_its_own(self, acting: Acting, root: User, shell: Actor) -> None:
        anonymous = policy.anonymous(door=Door.PAGE)
        with transaction.atomic():
            audit.refused(anonymous, Action.ORG_LIST, None, code="FORBIDDEN")

        assert AuditEvent.objects.get().chain == INSTALLATION_CHAIN
        assert faults(shell) == []

    def test_it_is_for_the_operator_and_super_users(self, acting: Acting, alice: User, root: User) -> None:
        assert audit_verify(actor=acting(root)).is_intact
        with pytest.raises(NotAllowed):
            audit_verify(actor=acting(alice))

    def test_rotated_keys_stay_for_reading(
        self, trail: list[AuditEvent], bob: User, shell: Actor, settings: Any, tmp_path: Path
    ) -> None:
        copy = tmp_path / "keys.json"
        copy.write_bytes(Path(settings.KEYS_FILE).read_bytes())
        copy.chmod(0o600)
        settings.KEYS_FILE = copy
        keys.keyring.cache_clear()
        try:
            audit_checkpoint()
            keys.rotate(copy)
            user_tag(actor=shell, user=bob, tags=["later"])
            audit_checkpoint()

            assert len(set(AuditEvent.objects.values_list("key_id", flat=True))) == 2
            assert audit_verify(actor=shell).faults == []
            document = json.loads(copy.read_text())
            del document["keys"]["audit"][1:]
            copy.write_text(json.dumps(document))
            keys.keyring.cache_clear()
            assert len(faults(shell)) == 10
        finally:
            settings.KEYS_FILE = settings.VAR / "keys.json"
            keys.keyring.cache_clear()


COLUMNS: dict[str, Any] = {
    "id": SOMETHING,
    "sequence": 99,
    "layout": 2,
    "key_id": "00000000",
    "action": "user.activate",
    "outcome": "refused",
    "actor_kind": "operator",
    "actor_id": SOMETHING,
    "acting_as_id": SOMETHING,
    "subject_kind": "organization",
    "subject_id": SOMETHING,
    "person_id": SOMETHING,
    "organization_id": SOMETHING,
    "door": "cli",
    "request_id": "another",
    "occurred_at": "2020-01-01T00:00:00Z",
    "subject_commitment": "0" * 64,
    "actor_commitment": "",
    "network_commitment": "é" * 64,
    "hash": "ü" * 64,
    "chain": SOMETHING,
}


class TestTampering:
    """Each way to change what was written, with the triggers lifted."""

    def test_the_columns_are_all_here(self) -> None:
        assert set(COLUMNS) == {field.attname for field in AuditEvent._meta.concrete_fields}

    @pytest.mark.parametrize("column", sorted(set(COLUMNS) - {"id"}))
    def test_a_changed_column(self, trail: list[AuditEvent], shell: Actor, column: str) -> None:
        with lifted():
            changed = AuditEvent.objects.filter(pk=trail[4].pk).update(**{column: COLUMNS[column]})

        assert changed == 1
        assert faults(shell) != []

    def test_a_changed_id(self, trail: list[AuditEvent], shell: Actor) -> None:
        with lifted():
            AuditPart.objects.filter(event=trail[4]).delete()
            AuditEvent.objects.filter(pk=trail[4].pk).update(id=COLUMNS["id"])

        assert any("was changed" in fault for fault in faults(shell))

    @pytest.mark.parametrize(
        "columns",
        [
            {"actor_kind": "ghost"},
            {"subject_kind": "ghost"},
            {"actor_id": None},
            {"subject_id": None},
            {"organization_id": None},
        ],
        ids=str,
    )
    def test_a_kind_that_is_none(self, trail: list[AuditEvent], shell: Actor, columns: dict[str, Any]) -> None:
        with lifted():
            AuditEvent.objects.filter(pk=trail[4].pk).update(**columns)

        assert any("was changed" in fault for fault in faults(shell))

    @pytest.mark.skipif("connection.vendor == 'postgresql'", reason="its columns are too short")
    def test_an_id_put_into_the_kind(self, trail: list[AuditEvent], alice: User, shell: Actor) -> None:
        with lifted():
            AuditEvent.objects.filter(pk=trail[4].pk).update(actor_kind=alice.public_id, actor_id=None)

        assert any("was changed" in fault for fault in faults(shell))

    @pytest.mark.parametrize("kind", ["subject", "actor", "network"])
    @pytest.mark.parametrize(
        "change",
        [{"payload": {"ip": "203.0.113.9"}}, {"salt": "0" * 64}, {"salt": "é"}, {"person_id": SOMETHING}],
        ids=str,
    )
    def test_a_changed_part(self, trail: list[AuditEvent], shell: Actor, kind: str, change: dict[str, Any]) -> None:
        with lifted():
            assert AuditPart.objects.filter(event=trail[0], kind=kind).update(**change) == 1

        assert faults(shell) == [
            f"Event {trail[0].public_id} (chain {trail[0].chain}, 1): its {kind} part was changed."
        ]

    @pytest.mark.parametrize("kind", ["subject", "actor", "network"])
    def test_a_deleted_part(self, trail: list[AuditEvent], shell: Actor, kind: str) -> None:
        AuditPart.objects.filter(event=trail[0], kind=kind).delete()

        (fault,) = faults(shell)
        assert f"its {kind} part is missing" in fault

    def test_a_part_given_to_another_event(self, trail: list[AuditEvent], shell: Actor) -> None:
        with lifted():
            AuditPart.objects.filter(event=trail[8], kind="subject").delete()
            AuditPart.objects.filter(event=trail[0], kind="subject").update(event=trail[8])

        assert len(faults(shell)) == 2

    def test_a_part_made_up(self, shell: Actor, bob: User, root: User) -> None:
        user_tag(actor=shell, user=bob, tags=["x"])
        event = AuditEvent.objects.get()
        AuditPart.objects.create(event=event, kind="network", salt="0" * 64, payload={"ip": "203.0.113.9"})

        (fault,) = faults(shell)
        assert "its network part was changed" in fault

    def test_an_event_taken_out(self, trail: list[AuditEvent], shell: Actor) -> None:
        with lifted():
            AuditPart.objects.filter(event=trail[4]).delete()
            AuditEvent.objects.filter(pk=trail[4].pk).delete()

        assert any("1 events before it are missing" in fault for fault in faults(shell))

    def test_an_event_taken_out_and_the_rest_moved_up(self, trail: list[AuditEvent], shell: Actor) -> None:
        with lifted():
            AuditPart.objects.filter(event=trail[4]).delete()
            AuditEvent.objects.filter(pk=trail[4].pk).delete()
            for event in trail[5:]:
                AuditEvent.objects.filter(pk=event.pk).update(sequence=event.sequence - 1)
            AuditChain.objects.filter(pk=trail[0].chain).update(sequence=9)

        assert any("was changed" in fault for fault in faults(shell))

    def test_two_events_swapped(self, trail: list[AuditEvent], shell: Actor) -> None:
        with lifted():
            AuditEvent.objects.filter(pk=trail[4].pk).update(sequence=1_000)
            AuditEvent.objects.filter(pk=trail[5].pk).update(sequence=5)
            AuditEvent.objects.filter(pk=trail[4].pk).update(sequence=6)

        assert len([fault for fault in faults(shell) if "was changed" in fault]) >= 2

    def test_an_event_made_up(self, trail: list[AuditEvent], shell: Actor) -> None:
        last = trail[-1]
        AuditEvent.objects.create(
            chain=last.chain,
            sequence=11,
            key_id=last.key_id,
            action="user.suspend",
            outcome="done",
            actor_kind="operator",
            door="cli",
            occurred_at=last.occurred_at,
            hash="0" * 64,
        )
        AuditChain.objects.filter(pk=last.chain).update(sequence=11, hash="0" * 64)

        assert any("was changed" in fault for fault in faults(shell))

    def test_the_tail_cut_off(self, trail: list[AuditEvent], shell: Actor) -> None:
        with lifted():
            AuditPart.objects.filter(event__in=trail[8:]).delete()
            AuditEvent.objects.filter(pk__in=[event.pk for event in trail[8:]]).delete()

        assert faults(shell) == [f"Chain {trail[0].chain} ends at 8, its head says 10."]

    def test_a_checkpoint_claimed_beyond_the_end(self, trail: list[AuditEvent], shell: Actor) -> None:
        AuditChain.objects.filter(pk=trail[0].chain).update(checkpointed=99)

        assert faults(shell) == [f"Chain {trail[0].chain} claims a checkpoint at 99, beyond its end."]

    def test_the_tail_cut_off_and_the_head_set_back(
        self, trail: list[AuditEvent], bob: User, acting: Acting, alice: User, shell: Actor
    ) -> None:
        assert audit_checkpoint() == 1
        with lifted():
            AuditPart.objects.filter(event__in=trail[8:]).delete()
            AuditEvent.objects.filter(pk__in=[event.pk for event in trail[8:]]).delete()
            AuditChain.objects.filter(pk=trail[0].chain).update(sequence=8, hash=trail[7].hash, checkpointed=8)

        assert faults(shell) == [f"Chain {trail[0].chain} was cut: a checkpoint saw event 10."]
        for number in range(5):  # time goes on: the place that the checkpoint saw is taken by another event
            user_tag(actor=acting(alice), user=bob, tags=[f"t{number}"])
        (fault,) = faults(shell)
        assert "is not the event that the checkpoint saw" in fault

    def test_the_head_taken_away(self, trail: list[AuditEvent], shell: Actor) -> None:
        audit_checkpoint()
        AuditChain.objects.filter(pk=trail[0].chain).delete()

        assert set(faults(shell)) == {
            f"Chain {trail[0].chain} has checkpoints but is gone.",
            "10 events belong to no chain.",
        }

    def test_the_head_changed(self, trail: list[AuditEvent], shell: Actor) -> None:
        AuditChain.objects.filter(pk=trail[0].chain).update(hash="0" * 64)

        assert len(faults(shell)) == 1

    def test_the_whole_chain_taken_away(self, trail: list[AuditEvent], shell: Actor) -> None:
        audit_checkpoint()
        with lifted():
            AuditPart.objects.all().delete()
            AuditEvent.objects.all().delete()
            AuditChain.objects.all().delete()

        assert faults(shell) == [f"Chain {trail[0].chain} has checkpoints but is gone."]

    def test_every_event_written_again_with_the_key(self, trail: list[AuditEvent], shell: Actor) -> None:
        audit_checkpoint()
        key = keys.keyring().current(keys.Purpose.AUDIT).secret
        previous = ""
        with lifted():
            for event in trail:
                event.door = "cli"
                event.hash = previous = audit.chained_hash(key, previous, event)
                AuditEvent.objects.filter(pk=event.pk).update(door=event.door, hash=event.hash)
            AuditChain.objects.filter(pk=trail[0].chain).update(hash=previous)

        (fault,) = faults(shell)
        assert "is not the event that the checkpoint saw" in fault


class TestCheckpoints:
    """The ledger is signed."""

    @pytest.mark.parametrize(
        "forge",
        [
            lambda line: {**line, "sequence": 5},
            lambda line: {**line, "signature": "00" * 64},
            lambda line: {**line, "signature": "no hex"},
            lambda line: {**line, "key_id": "00000000"},
            lambda line: {key: value for key, value in line.items() if key != "signature"},
            lambda line: [line],
            lambda line: "text",
        ],
    )
    def test_a_forged_one_is_found(self, trail: list[AuditEvent], shell: Actor, forge: Callable[[Any], Any]) -> None:
        audit_checkpoint()
        line = json.loads(LEDGER.read_text())
        LEDGER.write_text(json.dumps(forge(line)) + "\n")

        assert faults(shell) == ["A checkpoint in the ledger has a bad signature."]

    def test_a_broken_line_is_found(self, trail: list[AuditEvent], shell: Actor) -> None:
        audit_checkpoint()
        with LEDGER.open("a") as file:
            file.write('{"kind": "checkpoint", "cha\n')

        assert faults(shell) == ["A checkpoint in the ledger has a bad signature."]

    def test_only_heads_that_moved_are_written(self, trail: list[AuditEvent], bob: User, shell: Actor) -> None:
        assert [audit_checkpoint(), audit_checkpoint()] == [1, 0]
        user_tag(actor=shell, user=bob, tags=["more"])
        assert audit_checkpoint() == 1
        assert audit_verify(actor=shell).checkpoints == 2
        assert LEDGER.stat().st_mode & 0o777 == 0o600


def recorded(actor: Actor, action: Action, subject: User | None, **details: Any) -> AuditEvent:
    """Write an event as the operation of another room does."""
    with transaction.atomic():
        return audit.record(actor, action, subject, **details)


def parts_of(trail: list[AuditEvent], kind: str) -> Any:
    return AuditPart.objects.filter(event__in=trail, kind=kind)


class TestMissingAndExplained:
    """A part may be missing because something that came later took it away, and for no other reason."""

    @pytest.mark.parametrize("action", [Action.USER_PURGE, Action.USER_DELETE, Action.USER_DELETE_ACTIVITIES])
    def test_of_whom_was_erased_later(
        self, trail: list[AuditEvent], bob: User, alice: User, shell: Actor, action: Action
    ) -> None:
        parts_of(trail, "subject").delete()
        assert len(faults(shell)) == len(trail)

        recorded(shell, action, bob)
        assert faults(shell) == []
        parts_of(trail, "actor").delete()  # alice's, who was not erased
        assert len(faults(shell)) == len(trail)

        recorded(shell, action, alice)
        parts_of(trail, "network").delete()
        assert faults(shell) == []

    def test_the_one_who_acted_without_a_name(self, acme: Organization, bob: User, shell: Actor) -> None:
        stranger = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Test/Python")
        event = audit.failed(stranger, Action.SESSION_START, bob, organization_id=acme.pk, why="password")
        AuditPart.objects.filter(event=event).delete()
        assert len(faults(shell)) == 3

        recorded(shell, Action.USER_PURGE, bob)
        assert faults(shell) == []

    def test_not_by_an_erasure_that_was_refused_or_came_before(
        self, shell: Actor, trail: list[AuditEvent], bob: User, carol: User, acting: Acting, alice: User
    ) -> None:
        recorded(shell, Action.USER_PURGE, bob)
        user_tag(actor=acting(alice), user=bob, tags=["later"])
        event = AuditEvent.objects.latest("sequence")
        AuditPart.objects.filter(event=event, kind="subject").delete()
        with transaction.atomic():
            audit.refused(shell, Action.USER_PURGE, bob, code="CONFLICT")
        recorded(shell, Action.USER_PURGE, carol)
        recorded(shell, Action.USER_SUSPEND, bob)
        recorded(shell, Action.USER_PURGE, bob, planned_for="2999-01-01T00:00:00+00:00")

        (fault,) = faults(shell)
        assert event.public_id in fault

    def test_of_an_event_that_the_erasure_of_somebody_names(
        self, trail: list[AuditEvent], carol: User, shell: Actor
    ) -> None:
        AuditPart.objects.filter(event__in=trail[:2], kind="subject").delete()
        recorded(shell, Action.USER_PURGE, carol, parts=[trail[0].public_id, "evt_nonsense"])

        (fault,) = faults(shell)
        assert trail[1].public_id in fault

    def test_that_has_run_out(self, trail: list[AuditEvent], shell: Actor) -> None:
        before = trail[5].occurred_at
        for kind in ("network", "subject"):
            parts_of(trail[:5], kind).delete()
        recorded(shell, Action.RETENTION_RUN, None, before={"network": before.isoformat()})
        assert len(faults(shell)) == 5

        recorded(shell, Action.RETENTION_RUN, None, before={"subject": before.isoformat()})
        assert faults(shell) == []
        parts_of(trail[5:6], "network").delete()
        assert len(faults(shell)) == 1

    def test_retention_explains_nothing_of_the_future(
        self, trail: list[AuditEvent], bob: User, shell: Actor, acting: Acting, alice: User
    ) -> None:
        recorded(shell, Action.RETENTION_RUN, None, before={"network": "2999-01-01T00:00:00+00:00"})
        user_tag(actor=acting(alice), user=bob, tags=["later"])
        AuditPart.objects.filter(kind="network").delete()

        assert len(faults(shell)) == 1

    def test_retention_leaves_what_is_about_nobody_but_addresses(
        self, acme: Organization, bob: User, narrow_key: Actor, shell: Actor
    ) -> None:
        key = Actor(
            kind=narrow_key.kind, door=Door.API, id=narrow_key.id, organization_id=acme.pk, ip="192.0.2.9", device="x"
        )
        event = recorded(key, Action.ORG_UPDATE, None, after={"name": "x"})
        AuditPart.objects.filter(event=event).delete()
        every = dict.fromkeys(("subject", "actor", "network"), "2999-01-01T00:00:00+00:00")
        recorded(shell, Action.RETENTION_RUN, None, before=every)

        assert [fault.split(": ")[1].split(" part")[0] for fault in faults(shell)] == ["its subject", "its actor"]

    def test_what_an_event_tells_counts_only_as_it_was_written(self, trail: list[AuditEvent], shell: Actor) -> None:
        run = recorded(shell, Action.RETENTION_RUN, None, before={"subject": "2020-01-01T00:00:00+00:00"})
        parts_of(trail, "network").delete()
        with lifted():
            changed = {"before": {"network": "2999-01-01T00:00:00+00:00"}}
            AuditPart.objects.filter(event=run, kind="subject").update(payload=changed)

        assert len(faults(shell)) == len(trail) + 1


class TestWriting:
    """What is written, and where."""

    def test_the_header_and_its_parts(self, acting: Acting, alice: User, bob: User, acme: Organization) -> None:
        user_suspend(actor=acting(alice), user=bob, reason="left")

        event = AuditEvent.objects.prefetch_related("parts").get()
        assert (event.action, event.outcome, event.door) == ("user.suspend", "done", "api")
        assert (event.actor_kind, event.actor_id) == ("user", alice.pk)
        assert (event.subject_kind, event.subject_id, event.organization_id) == ("user", bob.pk, acme.pk)
        assert (event.actor_name, event.subject_name) == (alice.public_id, bob.public_id)
        parts = {part.kind: (part.person_id, part.payload) for part in event.parts.all()}
        assert parts == {
            "subject": (
                bob.pk,
                {
                    "reason": "left",
                    "before": {"status": "active", "status_reason": ""},
                    "after": {"status": "suspended", "status_reason": "left"},
                },
            ),
            "actor": (alice.pk, {"device": "Test/Python"}),
            "network": (alice.pk, {"ip": "192.0.2.1"}),
        }

    def test_no_header_names_anybody_or_holds_a_secret(
        self, acme: Organization, shell: Actor, acting: Acting, alice: User
    ) -> None:
        user = user_create(
            actor=acting(alice),
            organization=acme,
            email="canary@canary.example",
            username="canary",
            profile={"name": "Canary", "phone_number": "+44 5550199"},
            password=NewPassword("canary birds sing at five"),
            tags=["canary"],
            reason="canary",
        )
        user_set_password(actor=shell, user=user, password=NewPassword("canary birds sing at six"))

        for row in AuditEvent.objects.values():
            text = json.dumps(row, default=str).lower()
            assert "canary" not in text
            assert "5550199" not in text
            assert "192.0.2.1" not in text
        told = json.dumps(list(AuditPart.objects.values_list("payload", flat=True)))
        assert "birds" not in told
        assert user.password not in told

    def test_a_refusal_is_recorded_after_the_rollback(self, acting: Acting, frank: User, erin: User) -> None:
        with pytest.raises(NotAllowed):
            user_suspend(actor=acting(frank), user=erin, reason="because")

        event = AuditEvent.objects.prefetch_related("parts").get()
        assert (event.outcome, event.action, event.actor_id, event.subject_id) == (
            "refused",
            "user.suspend",
            frank.pk,
            erin.pk,
        )
        assert event.part("subject") == {"code": "FORBIDDEN"}

    def test_a_refusal_names_nobody_whom_the_actor_does_not_see(
        self, acting: Acting, carol: User, mallory: User
    ) -> None:
        with pytest.raises(NotAllowed):
            user_suspend(actor=acting(carol), user=mallory)

        event = AuditEvent.objects.get()
        assert (event.subject_kind, event.subject_id, event.chain) == ("", None, carol.organization_id)

    def test_the_address_of_a_key_is_nobodys(self, acme: Organization, bob: User, narrow_key: Actor) -> None:
        key = Actor(kind=narrow_key.kind, door=Door.API, id=narrow_key.id, organization_id=acme.pk, ip="192.0.2.9")
        with transaction.atomic():
            audit.record(key, Action.USER_TAG, bob)

        assert AuditPart.objects.get(kind="network").person_id is None

    def test_nothing_is_written_that_did_not_happen(self, shell: Actor, bob: User) -> None:
        with transaction.atomic():
            user_tag(actor=shell, user=bob, tags=["x"])
            transaction.set_rollback(True)

        assert not AuditEvent.objects.exists()
        assert faults(shell) == []


class TestTriggers:
    """The database itself refuses."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE accounts_auditevent SET door = 'x'",
            "DELETE FROM accounts_auditevent",
            "UPDATE accounts_auditpart SET salt = 'x'",
            "UPDATE accounts_auditpart SET payload = '{}'",
        ],
    )
    def test_changes_are_refused(self, trail: list[AuditEvent], statement: str) -> None:
        with pytest.raises(DatabaseError, match="is refused"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_truncate_is_refused(self, trail: list[AuditEvent]) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("SQLite has no TRUNCATE")
        with pytest.raises(DatabaseError, match="is refused"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE accounts_auditevent CASCADE")

    @pytest.mark.parametrize("table", ["accounts_auditevent", "accounts_auditpart"])
    def test_replacing_is_refused(self, trail: list[AuditEvent], table: str) -> None:
        if connection.vendor == "postgresql":
            statement = f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET id = excluded.id"
        else:
            statement = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"
        with pytest.raises(DatabaseError, match="is refused"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    def test_parts_can_go(self, trail: list[AuditEvent]) -> None:
        assert AuditPart.objects.filter(event=trail[0]).delete()[0] == 3
