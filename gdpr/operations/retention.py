"""Forgetting in time: what the map keeps for so many days goes after them, in batches, whatever its kind.

``retain`` is what doors call. Its event is written before anything goes, so that at no moment a part of the audit
trail is missing without an explanation; what a killed process leaves, the next run takes.
"""

import ipaddress
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db import connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, NotFound
from accounts.models import AuditEvent, AuditPart, User
from accounts.models.audit import INSTALLATION_CHAIN
from accounts.operations.base import operation
from accounts.statuses import Status
from gdpr.models import Erasure, LegalHold, PrivacyTerms
from gdpr.operations.erasure import erase_rows
from gdpr.operations.finish import Erased, finish
from gdpr.operations.paths import Model, children_first, field_of, model_of
from gdpr.personal_data import TABLES
from gdpr.registry import SOMEBODY, Days, Kind, Lapse, Period, Retain, Table

__all__ = ["RetentionSweep", "Run", "Schedule", "retain", "retention_plan", "retention_run", "rewrite", "truncated"]

log = structlog.get_logger("gdpr.retention")
BATCH: Final = 1_000
TOGETHER: Final = 100
"""How many people are erased before one search of the whole database proves it for all of them."""
NOBODY: Final = UUID(int=0)
DAILY: Final = timedelta(days=1)
PATIENCE: Final = 20.0
"""How many seconds the sweep gives to retention at a time; the rest goes on in the next sweep."""
LONGEST_WAIT: Final = 60.0
"""How many seconds a rewrite waits for transactions that are older than it."""
NETWORK: Final = {4: 24, 6: 48}


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One line of the schedule: what ends and when, and how that is carried out."""

    table: str
    what: str
    ends: str
    at: datetime

    def due(self) -> int:
        """Count what has run out."""
        raise NotImplementedError

    def carry_out(self) -> Iterator[int]:
        """Let it go in batches, each its own transaction; says how much each was."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Rows(Schedule):
    """Rows of a table that are deleted, or with ``column`` addresses in them that are cut."""

    model: Model
    period: Days
    column: str = ""

    @property
    def before(self) -> datetime:
        """What is older than this has run out."""
        return self.at - timedelta(days=self.period.days)

    def due(self) -> int:
        """Count what has run out."""
        return self._rows().count()

    def carry_out(self) -> Iterator[int]:
        """Go along the key, a batch at a time."""
        last = None
        while keys := self._after(last):
            with transaction.atomic():
                rows = self._rows().filter(pk__in=keys)
                number = self._cut(rows) if self.column else rows.delete()[0]
            yield number
            last = keys[-1]

    def _after(self, last: Any) -> list[Any]:
        rows = self._rows().order_by("pk")
        return list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", flat=True)[:BATCH])

    def _rows(self) -> models.QuerySet[Any]:
        rows = self.model._base_manager.filter(**{f"{self.period.after}__lt": self.before})
        for name, value in self.period.where:
            rows = rows.filter(**({f"{name}__isnull": False} if value == SOMEBODY else {name: value}))
        return rows.exclude(**{self.column: None}).exclude(_already_cut(self.column)) if self.column else rows

    def _cut(self, rows: models.QuerySet[Any]) -> int:
        addresses = list(rows.values_list("pk", self.column))
        return sum(rows.filter(pk=key).update(**{self.column: truncated(address)}) for key, address in addresses)


def _already_cut(column: str) -> Q:
    return Q(**{f"{column}__endswith": ".0"}) | Q(**{f"{column}__regex": r"^([0-9a-f]+(:[0-9a-f]+){0,2})?::$"})


@dataclass(frozen=True, kw_only=True)
class Archived(Schedule):
    """People who were archived for as long as their organization settled; nobody, where it settled nothing."""

    actor: Actor

    def due(self) -> int:
        """Count the people whose time is over."""
        return sum(rows.count() for rows in self._people())

    def carry_out(self) -> Iterator[int]:
        """Erase them, many together; who must remain is left."""
        for people in self._people():
            last = NOBODY
            while batch := list(people.filter(pk__gt=last).order_by("pk")[:TOGETHER]):
                erased = [done for user in batch if (done := erase_archived(self.actor, user)) is not None]
                finish([done for done in erased if done.is_fresh])
                yield len(erased)
                last = batch[-1].pk

    def _people(self) -> Iterator[models.QuerySet[User]]:
        held = LegalHold.objects.active().values("user_id")
        for terms in PrivacyTerms.objects.exclude(archived_days=None).order_by("pk"):
            before = self.at - timedelta(days=terms.archived_days or 0)
            archived = User.objects.filter(organization_id=terms.organization_id).in_status([Status.ARCHIVED])
            yield archived.filter(updated_at__lt=before).exclude(pk__in=held)


def erase_archived(actor: Actor, user: User) -> Erased | None:
    """Erase one archived person through the one erasure there is, ``None`` if they must remain."""
    try:
        return erase_rows(actor=actor, user=user, how=Erasure.PURGE, reason="retention", at=timezone.now())
    except (Conflict, NotFound) as refusal:
        log.warning("archived person kept", user=user.public_id, why=refusal.code)
        return None


@dataclass
class Run:
    """What a run of retention found due, and what it has done so far."""

    schedules: list[Schedule]
    due: list[int]
    done: list[int] = field(default_factory=list)

    def carry_out(self) -> Iterator[int]:
        """Go through the schedule; says after each batch how much it was."""
        for index, schedule in enumerate(self.schedules):
            self.done.append(0)
            if not self.due[index]:
                continue
            for number in schedule.carry_out():
                self.done[index] += number
                yield number

    def described(self) -> list[dict[str, Any]]:
        """Give the lines as they are printed."""
        done = [*self.done, *[0] * len(self.due)]
        return [
            {"table": line.table, "what": line.what, "ends": line.ends, "due": due, "done": done[index]}
            for index, (line, due) in enumerate(zip(self.schedules, self.due, strict=True))
        ]


def schedules(actor: Actor, at: datetime) -> list[Schedule]:
    """Read the schedule off the map: rows by what their table says, addresses by what their column says itself."""
    found: list[Schedule] = [
        Archived(
            table=User._meta.db_table,
            what="Archived people, erased",
            ends="after their last change, as many days as their organization settled (gdpr_terms)",
            at=at,
            actor=actor,
        )
    ]
    for entry in children_first(TABLES):
        model = model_of(entry)
        assert model is not None
        found += [
            Rows(table=entry.name, what=entry.what, ends=str(period), at=at, model=model, period=period)
            for period in _periods(entry.retention)
        ]
        for name, column in entry.columns.items():
            found += [
                Rows(
                    table=entry.name,
                    what=f"{entry.what}: {name} {period.then}",
                    ends=str(period),
                    at=at,
                    model=model,
                    period=period,
                    column=field_of(model, name).attname,
                )
                for period in _periods(column.retention)
                if period.then is Lapse.TRUNCATE
            ]
    return found


def _periods(retention: Iterable[Period] | None) -> list[Days]:
    return [period for period in retention or () if isinstance(period, Days)]


def retention_plan(*, actor: Actor, at: datetime | None = None) -> Run:
    """Say what has run out, category by category; changes nothing.

    :param at: as if it were then, now if not given
    :raises NotAllowed: for everybody but the operator and super-users
    """
    policy.require_coarse(actor, Action.RETENTION_RUN)
    lines = schedules(actor, at or timezone.now())
    return Run(lines, [line.due() for line in lines])


@operation(Action.RETENTION_RUN)
def retention_run(*, actor: Actor) -> Run:
    """Begin a run of retention: find what has run out, and write down what is about to go.

    The event explains to ``audit_verify`` the parts of the trail that go: of each kind those before a moment.

    :raises NotAllowed: for everybody but the operator and super-users
    """
    run = retention_plan(actor=actor)
    counts: dict[str, int] = {}
    before: dict[str, str] = {}
    for line, number in zip(run.schedules, run.due, strict=True):
        counts[line.table] = counts.get(line.table, 0) + number
        if isinstance(line, Rows) and line.table == AuditPart._meta.db_table:
            before[dict(line.period.where)["kind"]] = audit.moment(line.before)
    due = {table: number for table, number in counts.items() if number}
    audit.record(actor, Action.RETENTION_RUN, None, before=before, due=due)
    return run


def retain(*, actor: Actor, progress: Callable[[Run, Iterator[int]], Iterator[int]] | None = None) -> Run:
    """Let go of everything that has run out.

    :param progress: shows the batches as they are done
    :raises NotAllowed: for everybody but the operator and super-users
    """
    run = retention_run(actor=actor)
    batches = run.carry_out()
    for _ in progress(run, batches) if progress else batches:
        pass
    return run


class RetentionSweep:
    """Retention as the sweep does it: once a day, and not so long at a time that letters wait."""

    def __init__(self) -> None:
        self._rest: Iterator[int] | None = None

    def __call__(self) -> int:
        """Go on with the run that is under way, or begin one where the last is a day old; says how much was done."""
        if self._rest is None:
            if _ran_since(timezone.now() - DAILY):
                return 0
            self._rest = retention_run(actor=policy.system()).carry_out()
        done, until = 0, time.monotonic() + PATIENCE
        for number in self._rest:
            done += number
            if time.monotonic() > until:
                return done
        self._rest = None
        return done


def _ran_since(moment: datetime) -> bool:
    runs = AuditEvent.objects.filter(chain=INSTALLATION_CHAIN, action=Action.RETENTION_RUN, outcome="done")
    return runs.filter(occurred_at__gt=moment).exists()


def truncated(address: str) -> str:
    """Leave of an address its network: /24, of IPv6 /48."""
    given = ipaddress.ip_address(address)
    given = getattr(given, "ipv4_mapped", None) or given
    return str(ipaddress.ip_network((given, NETWORK[given.version]), strict=False).network_address)


def rewrite() -> list[str]:
    """Write the tables that people were erased from anew, so that nothing of them is left in the files; says which.

    On PostgreSQL each table is locked while it is rewritten: choose a quiet hour. The write-ahead log and
    backups die by their own schedule. Not inside a transaction.

    :raises Conflict: where a transaction that is older than this does not end; what was deleted is still there
    :raises NotSupportedError: inside a transaction
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if cursor.fetchone()[0]:  # busy: it waited as long as any statement does
                raise _still_read("by a connection to the database file")
            return ["the database file"]
        _outlive_older_transactions(cursor)
        names = sorted(entry.name for entry in TABLES if model_of(entry) is not None and _loses_something(entry))
        for name in names:
            cursor.execute(f"VACUUM (FULL, ANALYZE) {connection.ops.quote_name(name)}")
        cursor.execute("VACUUM FULL pg_statistic")  # the planner's samples of before are rows of it
        return [*names, "pg_statistic"]


OLDER: Final = """
    SELECT pid, datname, xact_start FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND (
        age(backend_xid) >= age(%(now)s::xid) OR datname = current_database() AND age(backend_xmin) >= age(%(now)s::xid)
    ) ORDER BY xact_start
"""


def _outlive_older_transactions(cursor: Any) -> None:
    """Wait until nobody may still read what was deleted: VACUUM FULL copies that along, and says nothing.

    A writer counts in whichever database of the server: VACUUM FULL's own snapshot is as old as the oldest of them.
    Other owners' transactions have no names here; so the snapshot decides, and the names are for the message.
    """
    cursor.execute("SELECT pg_current_xact_id()::xid::text")
    (now,) = cursor.fetchone()
    until = time.monotonic() + LONGEST_WAIT
    while True:
        cursor.execute(OLDER, {"now": now})
        older = cursor.fetchall()
        cursor.execute("SELECT age(pg_snapshot_xmin(pg_current_snapshot())::xid) < age(%s::xid)", [now])
        if cursor.fetchone() == (True,) and not older:
            return
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    raise _still_read(
        ", ".join(f"by process {pid} in {name}, since {begun:%Y-%m-%d %H:%M:%S%z}" for pid, name, begun in older)
        or "by a transaction of another owner"
    )


def _still_read(whom: str) -> Conflict:
    return Conflict(
        f"What was deleted may still be read, {whom}, and so it is in the files.",
        remedy="Let that transaction end, or end it, and repeat.",
    )


def _loses_something(entry: Table) -> bool:
    """Say whether erasure or retention takes something out of the table's rows."""
    return any(
        column.kind is not Kind.NONE and column.erase is not None and not isinstance(column.erase, Retain)
        for column in entry.columns.values()
    )
