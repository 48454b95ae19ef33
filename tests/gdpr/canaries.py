"""A person of whom every registered column of every table holds something unique: export must show it, erasure end it.

``plant`` goes by the map alone, so a new table or column is filled without a word here, unless the
database accepts only certain values in it; ``unreached`` names what was not filled.
"""

import random
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from django.contrib.contenttypes.models import ContentType
from django.db import connection, models

from accounts import audit
from accounts.models import (
    Application,
    AuditEvent,
    AuditPart,
    ClaimDefinition,
    ClaimValue,
    Invite,
    Membership,
    Organization,
    Outbox,
    Role,
    Session,
    User,
)
from accounts.statuses import Status
from gdpr.operations.paths import children_first, field_of, model_of, rows_about, table_named
from gdpr.personal_data import TABLES
from gdpr.registry import SELF, Column, CopyOf, Export, Kind, Link, Match, Path, PlainID, Retain, Table
from tests.factories.claims import make_claim
from tests.factories.letters import make_failed_letter
from tests.factories.roles import make_application

__all__ = ["EMPTY", "Canary", "database_text", "planted", "unreached"]

LENGTH: Final = 12
BEGINNING: Final = datetime(2031, 1, 1, tzinfo=UTC)
SPECIAL: Final = frozenset({"accounts_user", "accounts_usersearch", "accounts_auditevent", "accounts_auditpart"})

WORDS: Final[Mapping[tuple[str, str], Any]] = {
    ("accounts_user", "status"): Status.LOCKED,
    ("accounts_outbox", "state"): "sent",
    ("accounts_session", "kind"): "impersonation",
    ("accounts_session", "impersonator_kind"): "user",
    ("gdpr_erasure", "how"): "purge",
    ("gdpr_erasure", "status"): "cancelled",
    ("gdpr_export", "format"): "zip",
    ("gdpr_export", "status"): "expired",
    ("gdpr_subjectrequest", "status"): "done",
    ("gdpr_subjectrequest", "kind"): "access",
    ("gdpr_legalhold", "exemption"): "17(3)(e)",
    ("gdpr_erasure", "requested_by_kind"): "user",
    ("gdpr_export", "requested_by_kind"): "user",
    ("accounts_idempotencykey", "result_kind"): "user",
    ("accounts_failedtries", "kind"): "code",
    ("accounts_invite", "kind"): "email",
    ("accounts_factor", "kind"): "totp",
    ("accounts_invite", "invited_by_kind"): "user",
}
"""What can only be one of a few words; where it says how far a thing is, that it is over, so that nothing holds."""

VARIANTS: Final[Mapping[str, tuple[Mapping[str, Any], ...]]] = {
    "accounts_outbox": ({"dead_at": None}, {"delivered_at": None, "state": "failed"}),
    "accounts_invite": ({"accepted_at": None, "max_uses": 2**31 - 1}, {"revoked_at": None, "uses": 0}),
}
"""Rows of a table that cannot have all of its columns filled at once."""

EMPTY: Final[Mapping[tuple[str, str], str]] = {
    ("accounts_user", "is_superuser"): "super-users are not erased",
    ("accounts_user", "status_before"): "only restricted accounts have one, and those are not erased",
}
"""What stays as it is, and why."""


@dataclass(frozen=True)
class Canary:
    """Something unique in one column of a row about the person.

    ``text`` is what a dump or an export holds if it holds the value; empty where the column
    holds nothing that is unique (a number, a word, an id).
    """

    table: str
    column: str
    row: Any
    text: str

    @property
    def described(self) -> Column:
        """What the map says of the column."""
        return table_named(self.table).columns[self.column]

    @property
    def is_exported(self) -> bool:
        """Whether the person is shown it."""
        return self.described.export is Export.YES

    @property
    def is_secret(self) -> bool:
        """Whether nobody is shown it."""
        return self.described.kind is Kind.SECRET

    @property
    def is_retained(self) -> bool:
        """Whether it outlives erasure."""
        return isinstance(self.described.erase, Retain)


def planted(person: User, neighbour: User) -> list[Canary]:
    """Fill every column of every table with a path to the person.

    :param neighbour: somebody else of the same organization, for rows that need two people
    """
    planter = _Planter(person, neighbour)
    for entry in reversed(children_first(TABLES)):
        if entry.name not in SPECIAL:
            for path in _paths(entry):
                for variant in VARIANTS.get(entry.name, ({},)):
                    planter.insert(entry, path, variant)
    planter.account()
    for path in _paths(table_named("accounts_auditevent")):
        planter.event(path)
    return planter.canaries


def unreached(canaries: Iterable[Canary]) -> list[str]:
    """Name the columns about people, or of rows about people, into which nothing was put; and stale exceptions."""
    reached = {(canary.table, canary.column) for canary in canaries}
    tables = {entry.name: entry for entry in TABLES}
    missing: list[str] = []
    for entry in TABLES:
        copied = [path.table for path in entry.whose if isinstance(path, CopyOf)]
        for name, column in entry.columns.items():
            place = (entry.name, name)
            if not column.whose or place in EMPTY:
                continue
            if not (
                place in reached or any(tables[source].name in {table for table, _ in reached} for source in copied)
            ):
                missing.append(f"{entry.name}.{name}")
    return missing + [f"{table}.{column} is no exception" for table, column in EMPTY if (table, column) in reached]


def database_text() -> str:
    """Give every cell of every table, those of the search index included, as one text."""
    cells: list[str] = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            cells += [f"{table}: {_cell(cell)}" for row in cursor.fetchall() for cell in row]
    return "\n".join(cells)


def _cell(cell: Any) -> str:
    if isinstance(cell, bytes | memoryview):
        return bytes(cell).decode("utf-8", "backslashreplace")
    return str(cell)


def _paths(entry: Table) -> list[Path]:
    paths = [*entry.whose, *(path for column in entry.columns.values() for path in column.whose or ())]
    return list(dict.fromkeys(path for path in paths if not isinstance(path, CopyOf)))


class _Planter:
    """Puts rows about one person, and remembers what is in them."""

    numbers = count(1_000)

    def __init__(self, person: User, neighbour: User) -> None:
        self.person, self.neighbour = person, neighbour
        self.canaries: list[Canary] = []
        self.random = random.Random(str(person.pk))  # noqa: S311 -- the same each time
        self.texts: dict[str, str] = {}

    # --- rows ---------------------------------------------------------------------------------

    def insert(self, entry: Table, path: Path, variant: Mapping[str, Any]) -> None:
        """Put a row that leads to the person along this path, and to somebody else along any other."""
        model = model_of(entry)
        assert model is not None
        self.texts = {}
        values = {
            field.attname: self.value(entry, field, path)
            for field in model._meta.concrete_fields
            if not isinstance(field, models.AutoField)
            and not (field.primary_key and isinstance(field, models.UUIDField))
            and not (entry.columns[str(field.column)].kind is Kind.NONE and (field.null or field.has_default()))
        }
        row = model._base_manager.create(**{**values, **variant})
        clocks = {field.attname for field in model._meta.concrete_fields if getattr(field, "auto_now_add", False)}
        if clocks:  # Django puts the time of day there, whatever is given
            model._base_manager.filter(pk=row.pk).update(**{name: values[name] for name in clocks})
        self.remember(entry, path, row.pk, without=set(variant))

    def account(self) -> None:
        """Fill the account's own row, and what is searched for, past what would overwrite it."""
        entry = table_named("accounts_user")
        self.texts = {}
        kept = {"id", "organization_id", *(column for table, column in EMPTY if table == entry.name)}
        values = {name: self.value(entry, field_of(User, name), SELF) for name in entry.columns if name not in kept}
        core = self.word(LENGTH)
        address, phone = f"{core}@canary.example", f"+49{self.random.randrange(10**9, 10**10)}"
        values |= {"email": address, "email_key": address, "phone_number": phone}
        values |= {"username_key": values["username"]}
        self.texts |= {"email": address, "email_key": address, "phone_number": phone}
        self.texts["username_key"] = self.texts["username"]
        User.objects.filter(pk=self.person.pk).update(**values)
        self.remember(entry, SELF, self.person.pk, without=kept - {"id", "organization_id"})

        search = table_named("accounts_usersearch")
        rows = rows_about(model_of(search), search.whose, self.person.pk)  # type: ignore[arg-type]
        self.texts = {"text": self.word(LENGTH)}
        rows.update(text=self.texts["text"])
        self.remember(search, search.whose[0], rows.get().pk, without=set())
        self.person.refresh_from_db()

    def event(self, path: Path) -> None:
        """Write an event that leads to the person along this path, with a part of each kind about them."""
        assert isinstance(path, PlainID)
        ids = dict.fromkeys(("subject_id", "person_id", "actor_id"), self.neighbour.pk) | {path.lookup: self.person.pk}
        header = {"action": "user.update", "outcome": "done", "door": "api", "request_id": self.word(LENGTH)}
        event = AuditEvent(
            **header, **ids, actor_kind="user", subject_kind="user", organization_id=self.person.organization_id
        )
        parts = [
            AuditPart(
                event=event,
                kind=kind,
                person_id=self.person.pk,
                salt=self.word(64),
                payload={"said": self.word(LENGTH)},
            )
            for kind in ("subject", "actor", "network")
        ]
        audit._append(event, parts)
        entry = table_named("accounts_auditevent")
        self.texts = {"request_id": event.request_id, "occurred_at": _clock(event.occurred_at)}
        self.remember(entry, path, event.pk, without=set())
        about = table_named("accounts_auditpart")
        for part in parts:
            self.texts = {"salt": part.salt, "payload": part.payload["said"]}
            self.remember(about, about.whose[0], part.pk, without=set())

    def remember(self, entry: Table, path: Path, row: Any, *, without: set[str]) -> None:
        """Note what the row now says about the person."""
        for name, column in entry.columns.items():
            if path in (column.whose or ()) and name not in without:
                self.canaries.append(Canary(entry.name, name, row, self.texts.get(name, "")))

    # --- values -------------------------------------------------------------------------------

    def value(self, entry: Table, field: models.Field[Any, Any], path: Path) -> Any:
        """Give something unique for a column, or what leads to the person."""
        column = str(field.column)
        if isinstance(path, Match) and path.column == column:
            other = table_named(path.table)
            rows = rows_about(model_of(other), other.whose, self.person.pk)  # type: ignore[arg-type]
            value = rows.values_list(path.other, flat=True)[0]
            self.texts[column] = value
            return value
        if (entry.name, column) in WORDS:
            return WORDS[entry.name, column]
        if isinstance(field, models.ForeignKey):
            return self.pointed(entry, field, path)
        is_person = isinstance(path, PlainID) and path.lookup == field.name
        if is_person or isinstance(field, models.UUIDField):
            identifier = self.person.pk if is_person else self.neighbour.pk
            return identifier if isinstance(field, models.UUIDField) else str(identifier)
        value, self.texts[column] = self.unique(field)
        return value

    def letter(self, person: User) -> Any:
        """Give the id of a letter to somebody: of the person one of those that were put there."""
        row = Outbox.objects.filter(user=person).order_by("-pk").first() or make_failed_letter(person)
        return row.pk

    def open_link(self) -> Any:
        """Give the id of an open link of the organization."""
        link = Invite(organization_id=self.person.organization_id, kind="link", invited_by_kind="operator")
        link.expires_at = BEGINNING
        link.save(force_insert=True)
        return link.pk

    def pointed(self, entry: Table, field: models.ForeignKey[Any, Any], path: Path) -> Any:
        """Give the id of a row to point at."""
        steps = path.lookup.split("__") if isinstance(path, Link) else []
        holder = self.person if steps[:1] == [field.name] else self.neighbour
        target = field.related_model
        makers: dict[Any, Callable[[], Any]] = {
            User: lambda: holder.pk,
            Organization: lambda: self.organization(entry),
            Membership: lambda: Membership.objects.get(user=holder, organization_id=holder.organization_id).pk,
            Role: lambda: (
                Role.objects.create(organization_id=self.person.organization_id, slug=self.word(LENGTH), name="Role").pk
            ),
            Application: lambda: make_application(self.person.organization, self.word(LENGTH)).pk,
            ClaimDefinition: lambda: make_claim(self.person.organization, self.word(LENGTH)).pk,
            ClaimValue: lambda: ClaimValue.objects.filter(user=holder).order_by("-pk")[0].pk,
            Session: lambda: Session.objects.filter(user=holder).order_by("-pk")[0].pk,
            Outbox: lambda: self.letter(self.person if path == Link("user") else self.neighbour),
            Invite: lambda: (
                self.open_link() if field.name == "via" else Invite.objects.filter(user=holder).order_by("-pk")[0].pk
            ),
            ContentType: lambda: ContentType.objects.get_for_model(User).pk,
        }
        assert target in makers, f"{entry.name}.{field.column}: say here what it can point at"
        return makers[target]()

    def organization(self, entry: Table) -> Any:
        """Give the home of the person; of a further membership, another organization."""
        if entry.name == Membership._meta.db_table:
            return Organization.objects.create(slug=self.word(LENGTH), name="Elsewhere").pk
        return self.person.organization_id

    def unique(self, field: models.Field[Any, Any]) -> tuple[Any, str]:
        """Give a value that nothing else has, and the text by which it is found."""
        number = next(self.numbers)
        if isinstance(field, models.DateTimeField):
            at = BEGINNING + timedelta(seconds=number * 61, microseconds=self.random.randrange(10_000, 99_999) * 10 + 7)
            return at, _clock(at)
        if isinstance(field, models.BooleanField):
            return True, ""
        if isinstance(field, models.IntegerField):
            return number, ""
        if isinstance(field, models.GenericIPAddressField):
            address = f"2001:db8::{self.random.randrange(4096, 65536):x}:{self.random.randrange(4096, 65536):x}"
            return address, address
        text = self.word(LENGTH)
        if isinstance(field, models.JSONField):
            return ([text] if field.get_default() == [] else {"said": text}), text
        assert isinstance(field, models.CharField | models.TextField), f"{field}: say here what is unique in it"
        return text, text

    def word(self, length: int) -> str:
        """Make a word that is none."""
        return "zq" + "".join(self.random.choices(string.ascii_lowercase, k=length - 2))


def _clock(at: datetime) -> str:
    return at.strftime("%H:%M:%S.%f").rstrip("0")
