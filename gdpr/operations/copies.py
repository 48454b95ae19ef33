"""What is held about one person, read by the map, section by section, row by row: never more than a few rows at once.

Other people in it are "person 1", with their role: their data is theirs (Art. 15(4); C-579/21).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Concat
from django.utils import timezone

from accounts import __version__, ids
from accounts.audit import canonical
from accounts.errors import Conflict
from accounts.models import (
    APIKey,
    Application,
    AuditEvent,
    AuditPart,
    ClaimDefinition,
    Organization,
    Role,
    RoleAssignment,
    User,
)
from accounts.models.audit import PREFIX
from accounts.models.base import PrefixedIDField
from accounts.statuses import Status
from gdpr.models import PrivacyTerms, SubjectRequest
from gdpr.operations.paths import field_of, model_of, rows_about, spellings, whose_groups
from gdpr.personal_data import AUTOMATED_DECISIONS, RECIPIENTS, TABLES, TRANSFERS
from gdpr.registry import SELF, Column, CopyOf, Export, Kind, Path, PlainID, Section, Table, described

__all__ = ["SCHEMA_VERSION", "TITLES", "Copy", "Part", "Scope", "map_digest", "parts", "refuse_erased"]

SCHEMA_VERSION: Final = "1.0.0"
"""Grows in its first place for what a reader may trip over, in its second for what is added, else in its last."""
BATCH: Final = 500
DETAILS: Final = "details"
"""Where the record of an event holds what the event says about the person (accounts_auditpart)."""
PRESENT: Final = "present"
UNUSABLE: Final = "!"
"""How Django begins the hash of no password."""
PLAIN_IDS: Final[Mapping[str, str]] = {"organization_id": "org", "event_id": "evt", "request_id": "dsr"}

SHORT_NAMES: Final[Mapping[Any, str]] = {
    Application: "slug",
    ClaimDefinition: "name",
    Organization: "slug",
}
"""What is named by its short name, not by its id."""

TITLES: Final[Mapping[Section, str]] = {
    Section.PROFILE: "Profile",
    Section.ORGANIZATION: "Organization",
    Section.MEMBERSHIPS: "Memberships",
    Section.ROLES: "Roles",
    Section.CLAIMS: "Claims",
    Section.TAGS: "Tags",
    Section.METADATA: "Metadata",
    Section.SESSIONS: "Sign-ins and sessions",
    Section.FACTORS: "Second factors",
    Section.CONNECTIONS: "Connected accounts",
    Section.AUTHORIZATIONS: "Authorized applications",
    Section.API_KEYS: "API keys",
    Section.INVITES: "Invites",
    Section.LETTERS: "Letters",
    Section.AUDIT_EVENTS: "What was done, by you and to you",
    Section.REQUESTS: "Requests about your data",
    Section.HOLDS: "Legal holds",
}

RIGHTS: Final = (
    "to have wrong data corrected (Art. 16)",
    "to have data erased (Art. 17)",
    "to have its use restricted (Art. 18)",
    "to receive what you provided in a form that machines read (Art. 20)",
    "to object to what is based on legitimate interest (Art. 21)",
    "to withdraw consent at any time, where consent is the basis (Art. 7(3))",
    "to complain to a supervisory authority (Art. 77)",
)


class Scope(StrEnum):
    """How much is handed over."""

    ACCESS = "access"
    """Everything (Art. 15)."""
    PORTABILITY = "portability"
    """What the person provided, or did, on contract or consent (Art. 20)."""


ARTICLES: Final[Mapping[Scope, str]] = {Scope.ACCESS: "15", Scope.PORTABILITY: "20"}


@dataclass(frozen=True)
class Part:
    """Rows of one table that stand in one section, and which of their columns.

    ``main`` are the paths along which a row is the person's; a part with ``apart`` holds the rows of
    others that only name the person, and nothing but the columns that do.
    """

    section: Section
    entry: Table
    paths: tuple[Path, ...]
    columns: Mapping[str, Column]
    apart: bool = False

    @property
    def record(self) -> str:
        """What the record of a row is called."""
        return f"{self.entry.name}.{'.'.join(map(_key, self.columns))}" if self.apart else self.entry.name

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"{self.entry.what}: rows of others that name you" if self.apart else self.entry.what

    @property
    def keys(self) -> list[str]:
        """The names of the fields, in order."""
        return [*map(_key, self.columns), *([DETAILS] if self.has_details else [])]

    @property
    def is_one_row(self) -> bool:
        """Whether there is never more than one."""
        return self.paths == (SELF,)

    @property
    def has_details(self) -> bool:
        """Whether what is said in another table stands within its records."""
        return self.entry.name == AuditEvent._meta.db_table and not self.apart

    @property
    def json_types(self) -> dict[str, dict[str, Any]]:
        """What JSON Schema says of each field's value."""
        return {_key(name): _json_type(self.model, name, column) for name, column in self.columns.items()}

    @property
    def model(self) -> type[models.Model]:
        """The model of the table."""
        model = model_of(self.entry)
        assert model is not None
        return model


def _key(column: str) -> str:
    return column.removesuffix("_id")


@cache
def parts(scope: Scope) -> tuple[Part, ...]:
    """Read from the map what is shown, in the order of the sections."""
    found = [part for entry in TABLES if model_of(entry) for part in _parts_of(entry, scope)]
    order = list(Section)
    return tuple(sorted(found, key=lambda part: order.index(part.section)))


def _parts_of(entry: Table, scope: Scope) -> Iterator[Part]:
    if entry.name == AuditPart._meta.db_table:  # stands within the events
        return
    groups = dict(whose_groups(entry))
    own = {name: column for name, column in entry.columns.items() if column.whose and _is_shown(column, scope)}
    if entry.whose:
        for section in dict.fromkeys(column.section for column in own.values()):
            assert section is not None
            yield Part(section, entry, entry.whose, {k: c for k, c in own.items() if c.section is section})
    for whose, columns in groups.items():
        shown = {name: column for name, column in columns.items() if name in own}
        if whose != entry.whose and shown and not set(whose) <= set(entry.whose):
            section = next(iter(shown.values())).section
            assert section is not None
            yield Part(section, entry, whose, shown, apart=True)


def _is_shown(column: Column, scope: Scope) -> bool:
    return column.is_portable if scope is Scope.PORTABILITY else column.export is not Export.NO


@cache
def map_digest() -> str:
    """Say which map it was, in 256 bits."""
    return hashlib.sha256(canonical(list(described(TABLES)))).hexdigest()


@dataclass
class Copy:
    """A copy of what is held about one person at one moment, read along a connection that shows that moment.

    Reading it again gives the same again. ``seen`` counts the rows that were read.
    """

    user_id: UUID
    scope: Scope
    using: str = DEFAULT_DB_ALIAS
    export_id: str | None = None
    answers: SubjectRequest | None = None
    produced_at: datetime = field(default_factory=timezone.now)
    seen: int = 0

    # --- what stands around the records -------------------------------------------------------

    @cached_property
    def user(self) -> User:
        """The account.

        :raises Conflict: if there is nothing left to hand over
        """
        user = User.objects.using(self.using).select_related("organization").filter(pk=self.user_id).first()
        if user is None:
            raise Conflict("The account is erased.", remedy="There is nothing left to hand over.")
        refuse_erased(user)
        return user

    @property
    def head(self) -> dict[str, Any]:
        """What stands before the sections."""
        return {
            "$schema": f"{settings.PUBLIC_URL}/api/schema/personal-data-export.json",
            "schema_version": SCHEMA_VERSION,
            "scope": str(self.scope),
            "generator": {"product": "identity", "version": __version__, "map_sha256": map_digest()},
            "request": self._request(),
            "controller": self._controller(),
            "subject": {"id": self.user.public_id, "identifiers": list(self._identifiers())},
            "information": self._information(),
        }

    def _request(self) -> dict[str, Any]:
        asked = self.answers
        return {
            "export": self.export_id,
            "id": asked.public_id if asked else None,
            "articles": [SubjectRequest.ARTICLES[asked.kind] if asked else ARTICLES[self.scope]],
            "received_at": _time(asked.received_at) if asked else None,
            "due_at": _time(asked.due_at) if asked else None,
            "produced_at": _time(self.produced_at),
        }

    def _controller(self) -> dict[str, Any]:
        organization = self.user.organization
        terms = PrivacyTerms.objects.using(self.using).filter(organization=organization).first()
        return {
            "organization": organization.public_id,
            "slug": organization.slug,
            "name": organization.name,
            "contact": terms.contact if terms and terms.contact else None,
        }

    def _identifiers(self) -> Iterator[dict[str, Any]]:
        user = self.user
        if user.email:
            yield {"type": "email", "value": user.email, "verified": user.email_verified}
        if user.username:
            yield {"type": "username", "value": user.username, "verified": None}
        if user.phone_number:
            yield {"type": "phone_number", "value": user.phone_number, "verified": None}

    def _information(self) -> dict[str, Any]:
        columns = [column for part in parts(self.scope) for column in part.columns.values()]
        purposes = {column.purpose for column in columns if column.purpose}
        return {
            "purposes": [
                {"name": purpose.name, "text": purpose.text, "basis": str(purpose.basis)}
                for purpose in sorted(purposes, key=lambda purpose: purpose.name)
            ],
            "categories": sorted({str(column.category) for column in columns if column.category}),
            "sources": sorted({str(column.source) for column in columns if column.source}),
            "retention": sorted({str(period) for column in columns for period in column.retention or ()}),
            "recipients": [{"who": recipient.who, "what": recipient.what} for recipient in RECIPIENTS],
            "transfers": TRANSFERS,
            "automated_decisions": AUTOMATED_DECISIONS,
            "rights": list(RIGHTS),
        }

    def described(self, part: Part) -> dict[str, Any]:
        """Say what the records of a part are, and of each field what the map says of it."""
        return {
            "record": part.record,
            "what": part.title,
            "fields": {_key(name): _described(column) for name, column in part.columns.items()},
        }

    def withheld(self) -> list[dict[str, Any]]:
        """Say what is left out, and why."""
        if self.scope is Scope.PORTABILITY:
            reason = "not provided by you on contract or consent (Art. 20): the scope “access” has it"
            return [{"record": None, "fields": [], "rows": None, "reason": reason}]
        return [
            {
                "record": None,
                "fields": [],
                "rows": None,
                "reason": "other people are shown as “person 1”, with their role, not by id or name (Art. 15(4))",
            },
            {
                "record": AuditPart._meta.db_table,
                "fields": [],
                "rows": self._details_of_others(),
                "reason": "what an event says about somebody or something else, in events that you caused or are in",
            },
            *_columns_withheld(),
        ]

    def _details_of_others(self) -> int:
        events = rows_about(AuditEvent, _events().whose, self.user_id, using=self.using).values("pk")
        others = AuditPart.objects.using(self.using).filter(event__in=events)
        return others.filter(Q(person_id=None) | ~Q(person_id=self.user_id)).count()

    # --- the records --------------------------------------------------------------------------

    def parts_of(self, section: Section) -> list[Part]:
        """Give the parts of a section."""
        return [part for part in parts(self.scope) if part.section is section]

    def count(self) -> dict[str, int]:
        """Count the records of each section."""
        return {str(section): sum(self._rows(part).count() for part in self.parts_of(section)) for section in Section}

    def count_up_to(self, section: Section, most: int) -> int:
        """Count the records of a section, but no further than one more than so many."""
        found = 0
        for part in self.parts_of(section):
            found += len(self._rows(part).values_list("pk")[: most + 1 - found])
        return found

    def records(self, part: Part) -> Iterator[dict[str, Any]]:
        """Read the records of a part, in the order of their ids; a few rows are held at a time."""
        names = {name: _source(part.model, name) for name in _needed(part)}
        fields = [self._field(part, name, names) for name in part.columns]
        read = self._rows(part).order_by("pk").annotate(**_computed(part.model, names))
        rows = read.values("pk", *names.values()).iterator(chunk_size=BATCH)
        while batch := list(islice(rows, BATCH)):
            details = self._details(row["pk"] for row in batch) if part.has_details else None
            for row in batch:
                self.seen += 1
                record = {field.key: self._shown(field, row) for field in fields}
                if details is not None:
                    record[DETAILS] = details.get(row["pk"], {})
                yield record

    def _field(self, part: Part, name: str, names: Mapping[str, str]) -> "_Field":
        """Look up once what every row of a part asks of a column."""
        column, kind = part.columns[name], f"{_key(name)}_kind"
        about: dict[str, list[Any]] | None = None
        whose = column.whose or ()
        is_about_row = not part.apart and set(part.entry.whose) <= set(whose)  # and about somebody else as well
        if not is_about_row and whose != part.paths:
            found = [path.lookup for path in whose if isinstance(path, PlainID)]
            assert len(found) == len(whose), f"{part.entry.name}: a column about somebody else says PlainID"
            about = {names[lookup]: spellings(part.model, lookup, self.user_id) for lookup in found}
        return _Field(_key(name), names[name], column, about, names.get(kind), _prefix(part.model, name))

    def _rows(self, part: Part) -> models.QuerySet[Any]:
        rows = rows_about(part.model, part.paths, self.user_id, using=self.using)
        if part.apart and part.entry.whose:
            main = rows_about(part.model, part.entry.whose, self.user_id, using=self.using)
            rows = rows.exclude(pk__in=main.values("pk"))
        return rows

    def _details(self, events: Iterable[UUID]) -> dict[UUID, dict[str, Any]]:
        """Read what events say about the person."""
        about = AuditPart.objects.using(self.using).filter(event_id__in=list(events), person_id=self.user_id)
        found: dict[UUID, dict[str, Any]] = {}
        for event_id, kind, payload in about.order_by("pk").values_list("event_id", "kind", "payload"):
            found.setdefault(event_id, {})[kind] = payload
        return found

    def _shown(self, field: "_Field", row: Mapping[str, Any]) -> Any:
        value = row[field.source]
        if value is None:
            return None
        if field.about is not None and not any(row[source] in ids for source, ids in field.about.items()):
            return self._somebody(field, value, row) if field.column.kind is Kind.IDENTIFIER else None
        if field.column.export is Export.PRESENCE:
            return PRESENT if value and not str(value).startswith(UNUSABLE) else None
        return field.plain(value, row)

    def _somebody(self, field: "_Field", value: Any, row: Mapping[str, Any]) -> str | None:
        """Name somebody or something else than the person."""
        if not isinstance(value, UUID):
            return None
        kind = field.kind(row)
        if kind == "organization" or value in self._own:
            return ids.encode(PREFIXES[kind], value)
        return self._others.named(kind, value)

    @cached_property
    def _own(self) -> set[UUID]:
        """What belongs to the person and may be named: their keys, sessions and memberships."""
        keys = APIKey.objects.using(self.using).filter(made_by_id=self.user_id).values_list("pk", flat=True)
        return {*keys, *self.user.sessions.using(self.using).values_list("pk", flat=True),
                *self.user.memberships.using(self.using).values_list("pk", flat=True)}  # fmt: skip

    @cached_property
    def _others(self) -> "_Others":
        home = RoleAssignment.objects.using(self.using).live().filter(organization_id=self.user.organization_id)
        leading = home.filter(role__organization=None).exclude(role__slug="member")
        roles: dict[UUID, str] = {}
        for user_id, slug in leading.order_by("pk").values_list("membership__user_id", "role__slug"):
            roles[user_id] = min(slug, roles.get(user_id, slug), key=STRONGEST.index)
        return _Others(roles)


STRONGEST: Final = ("owner", "admin", "moderator")
KINDS: Final[Mapping[str, str]] = {"user": "person", "api_key": "API key", "apikey": "API key"}
PREFIXES: Final[Mapping[str, str]] = {**PREFIX, "apikey": PREFIX["api_key"]}


class _Others:
    """Other people and things, by names that are good in one copy only."""

    def __init__(self, roles: Mapping[UUID, str]) -> None:
        self.roles = roles
        self.numbers: dict[UUID, int] = {}
        self.counts: dict[str, int] = {}

    def named(self, kind: str, identifier: UUID) -> str:
        """Give the same name each time."""
        word = KINDS.get(kind, kind)
        if identifier not in self.numbers:
            self.counts[word] = self.numbers[identifier] = self.counts.get(word, 0) + 1
        role = self.roles.get(identifier)
        return f"{word} {self.numbers[identifier]}" + (f", {role}" if role else "")


def refuse_erased(user: User) -> None:
    """Refuse whom there is nothing, or soon nothing, to hand over of.

    :raises Conflict: if the account is erased, or being erased
    """
    if user.status in {Status.PURGING, Status.PURGED}:
        raise Conflict(f"The account is {user.status}.", remedy="There is nothing left to hand over.")


def _events() -> Table:
    return next(entry for entry in TABLES if entry.name == AuditEvent._meta.db_table)


def _needed(part: Part) -> list[str]:
    """Name the columns to read: those shown, and those that say about whom they are."""
    names = list(part.columns)
    for column in part.columns.values():
        if column.whose not in {part.entry.whose, part.paths}:
            names += [path.lookup for path in column.whose or () if isinstance(path, PlainID)]
    names += [f"{_key(name)}_kind" for name in part.columns if f"{_key(name)}_kind" in part.entry.columns]
    return list(dict.fromkeys(names))


def _source(model: type[models.Model], column: str) -> str:
    """Give what to read for a column: of what has a short name, that name."""
    field = field_of(model, column)
    if isinstance(field, models.ForeignKey) and field.related_model is Role:
        return f"{field.name}_full_slug"
    if isinstance(field, models.ForeignKey) and field.related_model in SHORT_NAMES:
        return f"{field.name}__{SHORT_NAMES[field.related_model]}"
    return field.attname


def _computed(model: type[models.Model], names: Mapping[str, str]) -> dict[str, Combinable]:
    """Give what is read that no column holds: a role with its application, ``billing/editor``."""
    found: dict[str, Combinable] = {}
    for name, source in names.items():
        if source.endswith("_full_slug"):
            role = field_of(model, name).name
            full = Concat(
                F(f"{role}__application__slug"), Value("/"), F(f"{role}__slug"), output_field=models.CharField()
            )
            plain = When(**{f"{role}__application": None}, then=F(f"{role}__slug"))
            found[source] = Case(plain, default=full, output_field=models.CharField())
    return found


@dataclass(frozen=True)
class _Field:
    """A column as the records of a part show it: what is asked for every row, looked up once.

    ``about`` are the columns that say whether it is about the person, with how their id is spelled there;
    ``None`` where it always is. ``prefix`` is that of the ids in it, empty where each row says what they are of.
    """

    key: str
    source: str
    column: Column
    about: Mapping[str, list[Any]] | None
    kind_source: str | None
    prefix: str

    def kind(self, row: Mapping[str, Any]) -> str:
        """Say what the id in it is of."""
        return str((self.kind_source and row[self.kind_source]) or "user")

    def plain(self, value: Any, row: Mapping[str, Any]) -> Any:
        """Give a value as JSON has it."""
        if isinstance(value, datetime):
            return _time(value)
        if isinstance(value, UUID):
            return _encoded(self.prefix or PREFIXES.get(self.kind(row), "usr"), value)
        return value


_encoded: Final = lru_cache(maxsize=BATCH)(ids.encode)


def _prefix(model: type[models.Model], column: str) -> str:
    field = field_of(model, column)
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    return target.prefix if isinstance(target, PrefixedIDField) else PLAIN_IDS.get(column, "")


def _time(at: datetime | date) -> str:
    assert isinstance(at, datetime)
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _json_type(model: type[models.Model], name: str, column: Column) -> dict[str, Any]:
    field = field_of(model, name)
    if column.export is Export.PRESENCE:
        return {"enum": [PRESENT, None]}
    if isinstance(field, models.DateTimeField):
        return {"type": ["string", "null"], "format": "date-time"}
    if isinstance(field, models.JSONField):
        anything = ["object", "array", "string", "number", "boolean", "null"]
        return {"type": ["object", "array", "null"] if field.has_default() else anything}
    if isinstance(field, models.BooleanField):
        return {"type": ["boolean", "null"]}
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, models.IntegerField) and not _source(model, name).endswith("slug"):
        return {"type": ["integer", "null"]}
    return {"type": ["string", "null"]}


def _described(column: Column) -> dict[str, Any]:
    return {
        "category": str(column.category),
        "purpose": str(column.purpose),
        "basis": str(column.purpose.basis) if column.purpose else "",
        "source": str(column.source),
        "retention": [str(period) for period in column.retention or ()],
        "portable": column.is_portable,
    }


@cache
def _columns_withheld() -> tuple[dict[str, Any], ...]:
    """Read from the map which columns are not shown, and why; for each reason in each table one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for entry in TABLES:
        copied = any(isinstance(path, CopyOf) for path in entry.whose)
        for name, column in entry.columns.items():
            concerns = column.is_about_people or entry.whose
            if concerns and not copied and column.export is not Export.YES:
                shown = "; only that it is there" if column.export is Export.PRESENCE else ""
                found.setdefault((entry.name, f"{column.withheld}{shown}"), []).append(_key(name))
    return tuple(
        {"record": table, "fields": names, "rows": None, "reason": reason} for (table, reason), names in found.items()
    )
