"""The words of the map: what a column is, whose, why it is held, who gets to see it, and what becomes of it.

No Django here: the map is data, and whoever reads it (checks, export, erasure, retention, the record of
processing, the masking of logs) resolves names for itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypedDict, Unpack

__all__ = [
    "ABOUT_PEOPLE",
    "ANYWHERE",
    "SELF",
    "SOMEBODY",
    "Basis",
    "Category",
    "Column",
    "CopyOf",
    "Days",
    "Erase",
    "Exemption",
    "Export",
    "Kind",
    "Lapse",
    "Life",
    "Link",
    "Log",
    "Match",
    "Overwrite",
    "Path",
    "PlainID",
    "Purpose",
    "Recipient",
    "Retain",
    "Section",
    "Source",
    "Table",
    "counts",
    "described",
    "free_text",
    "identifier",
    "nobody",
    "operational",
    "personal",
    "secret",
    "table",
]


class Kind(StrEnum):
    """What a column is."""

    IDENTIFIER = "identifier"
    """Names a person. Those of the person's own row are what a scan for leftovers looks for."""
    PERSONAL = "personal"
    """Says something about a person."""
    FREE_TEXT = "free text"
    """Somebody typed it, or a program put what it liked into it: it may mention anybody."""
    SECRET = "secret"  # noqa: S105 -- a word
    """Opens a door, or is the hash of what does."""
    OPERATIONAL = "operational"
    """How the service works; about a person only because the row is."""
    NONE = "none"
    """About nobody, whatever it holds."""


ABOUT_PEOPLE: Final = frozenset({Kind.IDENTIFIER, Kind.PERSONAL, Kind.FREE_TEXT})


class Category(StrEnum):
    """What kind of data it is, in the words of the fides taxonomy of data categories (fideslang 3.2)."""

    ACCOUNT = "user.account"
    AUTHORIZATION = "user.authorization"
    BEHAVIOR = "user.behavior"
    CONTENT = "user.content"
    COOKIE = "user.device.cookie"
    CREDENTIALS = "user.authorization.credentials"
    DEVICE = "user.device"
    EMAIL = "user.contact.email"
    IMAGE = "user.content.self_image"
    IP_ADDRESS = "user.device.ip_address"
    LANGUAGE = "user.demographic.language"
    LOCATION = "user.location.imprecise"
    NAME = "user.name"
    OPERATIONS = "system.operations"
    PASSWORD = "user.authorization.password"  # noqa: S105 -- a word
    PHONE_NUMBER = "user.contact.phone_number"
    UNIQUE_ID = "user.unique_id"
    USERNAME = "user.account.username"
    WORK = "user.professional_information"


class Basis(StrEnum):
    """What makes it lawful (GDPR Art. 6(1))."""

    CONSENT = "consent, Art. 6(1)(a)"
    CONTRACT = "contract, Art. 6(1)(b)"
    LEGAL_OBLIGATION = "legal obligation, Art. 6(1)(c)"
    LEGITIMATE_INTEREST = "legitimate interest, Art. 6(1)(f)"


class Exemption(StrEnum):
    """What may outlive a request for erasure (Art. 17(3))."""

    EXPRESSION = "17(3)(a)"
    LEGAL_OBLIGATION = "17(3)(b)"
    PUBLIC_HEALTH = "17(3)(c)"
    ARCHIVE = "17(3)(d)"
    CLAIMS = "17(3)(e)"


class Source(StrEnum):
    """Where it comes from (Art. 15(1)(g))."""

    PROVIDED = "the person"
    OBSERVED = "observed while they use the service"
    DERIVED = "made from other columns"
    ORGANIZATION = "their organization"


class Export(StrEnum):
    """What the person is shown of it (Art. 15)."""

    YES = "yes"
    PRESENCE = "presence"
    NO = "no"


class Section(StrEnum):
    """Where the person finds it in the copy of their data."""

    PROFILE = "profile"
    ORGANIZATION = "organization"
    MEMBERSHIPS = "memberships"
    ROLES = "roles"
    CLAIMS = "claims"
    TAGS = "tags"
    METADATA = "metadata"
    SESSIONS = "sessions"
    FACTORS = "factors"
    CONNECTIONS = "connections"
    AUTHORIZATIONS = "authorizations"
    API_KEYS = "api_keys"
    INVITES = "invites"
    LETTERS = "letters"
    AUDIT_EVENTS = "audit_events"
    REQUESTS = "requests"
    HOLDS = "holds"


class Log(StrEnum):
    """What a log may show of it."""

    YES = "yes"
    MASKED = "masked"
    NEVER = "never"


class Life(StrEnum):
    """It is kept as long as something else."""

    ACCOUNT = "as long as the account"
    ORGANIZATION = "as long as the organization"
    INSTALLATION = "as long as the installation"


class Lapse(StrEnum):
    """What happens at the end of a period."""

    DELETE_ROW = "the row is deleted"
    TRUNCATE = "cut to its network"
    """An address loses what tells its machine from the others of the network: /24 is left, of IPv6 /48."""


SOMEBODY: Final = "somebody"
"""In ``Days.where``: the column holds an id, whosever."""


@dataclass(frozen=True)
class Days:
    """It is kept for so many days after a moment.

    ``after`` is the look-up of a date or time from the row; ``where`` says for which rows, if not all;
    ``then`` what happens at the end. What a table says ends its rows, what a column says itself that column.
    """

    days: int
    after: str
    where: tuple[tuple[str, str], ...] = ()
    then: Lapse = Lapse.DELETE_ROW

    def __str__(self) -> str:
        which = "".join(
            f"{' and' if index else ' where'} {key} is {value}" for index, (key, value) in enumerate(self.where)
        )
        what = f", then {self.then}" if self.then is not Lapse.DELETE_ROW else ""
        return f"{self.days} days after {self.after}{' where ' if which else ''}{which}{what}"


Period = Life | Days


@dataclass(frozen=True)
class Purpose:
    """Why it is held, and what makes that lawful."""

    name: str
    text: str
    basis: Basis

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Recipient:
    """Who is shown what (Art. 15(1)(c))."""

    who: str
    what: str


class Path:
    """How a row leads to the person (or, for ``Table.organization``, to the organization) it is about."""


@dataclass(frozen=True)
class _Self(Path):
    def __str__(self) -> str:
        return "the row itself"


@dataclass(frozen=True)
class _Anywhere(Path):
    def __str__(self) -> str:
        return "any organization"


SELF: Final = _Self()
"""The row is the person (the organization)."""
ANYWHERE: Final = _Anywhere()
"""The rows belong to no organization: text about a person of any of them may be in any row."""


@dataclass(frozen=True)
class Link(Path):
    """A chain of foreign keys: ``membership__user``."""

    lookup: str

    def __str__(self) -> str:
        return self.lookup


@dataclass(frozen=True)
class PlainID(Path):
    """A column that holds the id without being a foreign key; foreign keys may lead to it."""

    lookup: str

    def __str__(self) -> str:
        return f"{self.lookup} (plain id)"


@dataclass(frozen=True)
class Match(Path):
    """A column that holds the same value as a column of another table, whose own path leads on."""

    column: str
    table: str
    other: str

    def __str__(self) -> str:
        return f"{self.column} = {self.table}.{self.other}"


@dataclass(frozen=True)
class CopyOf(Path):
    """A table that the database itself keeps in step with another, and empties with it."""

    table: str

    def __str__(self) -> str:
        return f"copy of {self.table}"


class Erase(StrEnum):
    """What erasure does to a column of a row that is about the person."""

    DELETE_ROW = "delete row"
    NULL = "set NULL"
    DEFAULT = "overwrite with default"
    SCRUB = "scrub"
    """In whatever row: replace every mention of the person (their identifiers) in the text."""


@dataclass(frozen=True)
class Overwrite:
    """Erasure puts this value in its place."""

    value: Any

    def __str__(self) -> str:
        return f"overwrite with {self.value!r}"


@dataclass(frozen=True)
class Retain:
    """Erasure leaves it, for this reason and until then. Every part of it must be said."""

    why: str = ""
    basis: Basis | None = None
    exemption: Exemption | None = None
    until: Period | None = None

    def __str__(self) -> str:
        return f"retain {self.until}"

    @property
    def reason(self) -> str:
        """Why, in full."""
        return f"{self.why} ({self.basis}; Art. {self.exemption})"


Erasure = Erase | Overwrite | Retain


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is to be known about one column. What is ``None`` is as its table says.

    ``withheld`` is why the copy of the person's data lacks it; ``unshown`` why the API does not show it to
    them day by day, although the copy holds it.
    """

    kind: Kind
    category: Category | None = None
    whose: tuple[Path, ...] | None = None
    purpose: Purpose | None = None
    source: Source | None = None
    export: Export = Export.YES
    section: Section | None = None
    withheld: str = ""
    unshown: str = ""
    erase: Erasure | None = None
    retention: tuple[Period, ...] | None = None
    log: Log = Log.MASKED

    @property
    def is_about_people(self) -> bool:
        """Whether somebody can ask for it, or ask for it to go."""
        return self.kind in ABOUT_PEOPLE or (self.kind is not Kind.NONE and bool(self.whose))

    @property
    def is_portable(self) -> bool:
        """Whether Art. 20 covers it: given by the person or observed, on consent or contract."""
        given = self.source in {Source.PROVIDED, Source.OBSERVED}
        agreed = self.purpose is not None and self.purpose.basis in {Basis.CONSENT, Basis.CONTRACT}
        return self.kind in ABOUT_PEOPLE and self.export is Export.YES and given and agreed


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table, and each of its columns by the name that the database has for it.

    ``organization`` leads to the organization in whose rows free text about a person is looked for.
    ``retention`` is how long its rows are kept, but for columns that say something else themselves.
    ``is_activity`` says that the rows tell what the person did: ``user_delete_activities`` erases those.
    ``raw_on`` names the databases (``sqlite``, ``postgresql``) on which there is such a table although
    no model has it; empty for the table of a model.
    """

    name: str
    what: str
    whose: tuple[Path, ...]
    organization: Path | None
    retention: tuple[Period, ...]
    is_activity: bool
    raw_on: tuple[str, ...]
    columns: Mapping[str, Column]


class Options(TypedDict, total=False):
    """What may be said of a column beyond what it is."""

    whose: tuple[Path, ...]
    purpose: Purpose
    source: Source
    export: Export
    section: Section
    withheld: str
    unshown: str
    erase: Erasure
    retention: tuple[Period, ...]
    log: Log


def identifier(category: Category, **options: Unpack[Options]) -> Column:
    """Describe a column that names a person."""
    return Column(kind=Kind.IDENTIFIER, category=category, **options)


def personal(category: Category, **options: Unpack[Options]) -> Column:
    """Describe a column that says something about a person."""
    return Column(kind=Kind.PERSONAL, category=category, **options)


def free_text(category: Category, **options: Unpack[Options]) -> Column:
    """Describe a column into which anything may have been typed, JSON included."""
    return Column(kind=Kind.FREE_TEXT, category=category, **options)


def secret(category: Category = Category.CREDENTIALS, **options: Unpack[Options]) -> Column:
    """Describe a column that opens a door: the person learns that it is there, nobody learns what it is."""
    options.setdefault("export", Export.PRESENCE)
    options.setdefault("withheld", "a security secret")
    options.setdefault("log", Log.NEVER)
    return Column(kind=Kind.SECRET, category=category, **options)


def operational(**options: Unpack[Options]) -> Column:
    """Describe a column that says how the service works."""
    options.setdefault("log", Log.YES)
    return Column(kind=Kind.OPERATIONAL, category=Category.OPERATIONS, **options)


def nobody() -> Column:
    """Describe a column that is about nobody."""
    return Column(kind=Kind.NONE, export=Export.NO, withheld="is about nobody", log=Log.YES)


def table(
    name: str,
    what: str,
    *,
    whose: tuple[Path, ...] = (),
    organization: Path | None = None,
    purpose: Purpose | None = None,
    source: Source | None = None,
    section: Section | None = None,
    erase: Erasure | None = None,
    retention: tuple[Period, ...] | None = None,
    is_activity: bool = False,
    raw_on: tuple[str, ...] = (),
    columns: Mapping[str, Column],
) -> Table:
    """Describe a table; what is said here holds for each column that says nothing else itself."""
    defaults = {
        "whose": whose,
        "purpose": purpose,
        "source": source,
        "section": section,
        "erase": erase,
        "retention": retention,
    }
    described = {
        key: column if column.kind is Kind.NONE else _completed(column, defaults) for key, column in columns.items()
    }
    return Table(
        name=name,
        what=what,
        whose=whose,
        organization=organization,
        retention=retention or (),
        is_activity=is_activity,
        raw_on=raw_on,
        columns=described,
    )


def _completed(column: Column, defaults: Mapping[str, Any]) -> Column:
    missing = {key: value for key, value in defaults.items() if getattr(column, key) is None}
    return replace(column, **missing)


def described(tables: Iterable[Table]) -> Iterator[dict[str, Any]]:
    """Give the map as plain rows, one a column, in the order in which it is written."""
    for entry in tables:
        for name, column in entry.columns.items():
            purpose = column.purpose
            yield {
                "table": entry.name,
                "column": name,
                "kind": column.kind,
                "category": column.category or "",
                "whose": [str(path) for path in column.whose or ()],
                "purpose": purpose.name if purpose else "",
                "basis": purpose.basis if purpose else "",
                "source": column.source or "",
                "export": column.export,
                "withheld": column.withheld,
                "portable": column.is_portable,
                "erase": str(column.erase or ""),
                "retained": column.erase.reason if isinstance(column.erase, Retain) else "",
                "retention": [str(period) for period in column.retention or ()],
                "log": column.log,
            }


def counts(tables: Iterable[Table]) -> dict[str, int]:
    """Count the columns by what they are."""
    seen = Counter(column.kind for entry in tables for column in entry.columns.values())
    return {kind.value: seen[kind] for kind in Kind}
