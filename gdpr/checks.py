"""The checks of the map: Errors of ``manage.py check``, each with what to do about it (docs/personal-data.md).

``map_errors`` compares the map with the models and itself, and touches no database; ``database_errors``
compares it with the tables that a database really has.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.core.checks import Error
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.models import Organization, User
from accounts.serializers.api_keys import APIKeyOutput
from accounts.serializers.base import Output
from accounts.serializers.claims import ClaimValueOutput
from accounts.serializers.sessions import SessionOutput
from accounts.serializers.users import UserDetailOutput
from gdpr.personal_data import TABLES
from gdpr.registry import (
    ABOUT_PEOPLE,
    ANYWHERE,
    SELF,
    Column,
    CopyOf,
    Days,
    Erase,
    Export,
    Kind,
    Lapse,
    Link,
    Log,
    Match,
    Overwrite,
    Path,
    PlainID,
    Retain,
    Table,
)

__all__ = ["database_errors", "map_errors", "shipped_errors"]

MAP: Final = "gdpr/personal_data/"
OPEN_FIELDS: Final = (models.JSONField, models.TextField, models.BinaryField)
"""What holds anything of any length."""
SHOWN_TO_OWNERS: Final[Mapping[str, type[Output[Any]]]] = {
    "accounts_user": UserDetailOutput,
    "accounts_session": SessionOutput,
    "accounts_apikey": APIKeyOutput,
    "accounts_claimvalue": ClaimValueOutput,
}
"""What shows people their own rows."""
EMPTYING: Final = frozenset({Erase.DELETE_ROW, Erase.NULL, Erase.DEFAULT})
LEAVING: Final = (models.PROTECT, models.RESTRICT, models.DO_NOTHING)

Model = type[models.Model]
Field = models.Field[Any, Any]
Models = Mapping[str, Model]
Tables = Mapping[str, Table]


def shipped_errors() -> list[Error]:
    """Compare the shipped map with the installed models."""
    return map_errors(TABLES, apps.get_models(include_auto_created=True))


def map_errors(tables: Iterable[Table], installed: Iterable[Model]) -> list[Error]:
    """Say everything that is missing, stale or contradictory in a map of these models."""
    listed = list(tables)
    by_name = {entry.name: entry for entry in listed}
    by_table = {model._meta.db_table: model for model in installed if not model._meta.proxy}
    errors = [*_coverage(listed, by_table)]
    for entry in by_name.values():
        model = by_table.get(entry.name)
        fields = _fields(model) if model else {}
        for rule in TABLE_RULES:
            errors += rule(entry, model, by_name)
        for name, column in entry.columns.items():
            for column_rule in COLUMN_RULES:
                errors += column_rule(_Place(entry, name, column, model, fields.get(name)), by_name)
    return errors


@dataclass(frozen=True)
class _Place:
    """One column of the map beside the field of the model that it describes, if there is one."""

    entry: Table
    name: str
    column: Column
    model: Model | None
    field: Field | None

    def error(self, number: int, problem: str, hint: str) -> Error:
        return _error(number, f"{self.entry.name}.{self.name}", problem, hint)


def _error(number: int, where: str, problem: str, hint: str) -> Error:
    return Error(problem, hint=f"{hint} The place is {MAP}.", obj=where, id=f"gdpr.E{number:03}")


def _fields(model: Model) -> dict[str, Field]:
    return {str(field.column): field for field in model._meta.local_concrete_fields}


def _words(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


# --- E001 to E003: the map and the models have the same tables and columns --------------------
def _coverage(listed: list[Table], by_table: Models) -> Iterator[Error]:
    entries = Counter(entry.name for entry in listed)
    for name in sorted(by_table.keys() - entries.keys()):
        yield _unlisted_table(name, f"the table of {by_table[name]._meta.label}")
    for name, times in entries.items():
        if times > 1:
            yield _stale(name, f"it is described {times} times", "Keep one of the entries.")
    for entry in listed:
        model = by_table.get(entry.name)
        if model and entry.raw_on:
            yield _stale(entry.name, f"raw_on is given, but {model._meta.label} has this table", "Remove raw_on.")
        elif model:
            yield from _column_coverage(entry, _fields(model).keys())
        elif not entry.raw_on:
            yield _stale(entry.name, "no model has this table", "Remove its entry, or say raw_on=… if it is real.")


def _column_coverage(entry: Table, columns: Iterable[str]) -> Iterator[Error]:
    actual = set(columns)
    if missing := actual - entry.columns.keys():
        problem = f"not classified: {_words(missing)}."
        yield _error(
            2, entry.name, problem, "Add a line for each: what it is, whose, whether it is exported, what erasure does."
        )
    if stale := entry.columns.keys() - actual:
        yield _stale(entry.name, f"there is no column {_words(stale)}", "Remove or rename the line.")


def _unlisted_table(name: str, what: str) -> Error:
    return _error(1, name, f"{what} has no entry.", "Add table(…) with a line for each column.")


def _stale(where: str, problem: str, hint: str) -> Error:
    return _error(3, where, f"{problem}.", hint)


def database_errors(connection: BaseDatabaseWrapper, tables: Iterable[Table]) -> list[Error]:
    """Say where the tables of a database, those included that no model knows, differ from the map.

    No check of ``manage.py check``: that also runs before ``migrate``, which a dropped table would then stop.
    """
    actual = _actual_tables(connection)
    expected = {entry.name: entry for entry in tables if not entry.raw_on or connection.vendor in entry.raw_on}
    errors = [_unlisted_table(name, "a table of the database") for name in sorted(actual.keys() - expected.keys())]
    for name, entry in expected.items():
        if name in actual:
            errors += _column_coverage(entry, actual[name])
        else:
            errors.append(
                _stale(name, f"{connection.vendor} has no such table", "Run manage.py migrate, or remove its entry.")
            )
    return errors


def _actual_tables(connection: BaseDatabaseWrapper) -> dict[str, list[str]]:
    """Read what there is: views too, which may be copies; SQLite's own tables too, which Django leaves out.

    What SQLite's ANALYZE counts comes and goes as an operator likes; ``gdpr.operations.scan`` reads it all the same.
    """
    introspection = connection.introspection
    with connection.cursor() as cursor:
        names = introspection.table_names(cursor, include_views=True)
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'sqlite_*'")
            names += [name for (name,) in cursor.fetchall()]
            names = [name for name in names if not name.startswith("sqlite_stat")]
        return {name: [row.name for row in introspection.get_table_description(cursor, name)] for name in names}


# --- E004: what is about people leads to them -------------------------------------------------
def _has_path(place: _Place, by_name: Tables) -> Iterator[Error]:
    column, target = place.column, _target(place.field)
    if column.whose:
        return
    if column.kind in ABOUT_PEOPLE and column.erase is not Erase.SCRUB:
        hint = "Say whose=…: SELF, Link, PlainID, Match or CopyOf; text that only mentions people is erased by SCRUB."
        yield place.error(4, f"it is {column.kind}, but nothing says whose.", hint)
    elif target and _is_personal(by_name.get(target._meta.db_table)):
        hint = "A row that points at a person's row is about the person: classify it, and say whose=… of the table."
        yield place.error(4, f"it leads to {target._meta.label}, but nothing says whose it is.", hint)


def _target(field: Field | None) -> Model | None:
    return field.related_model if isinstance(field, models.ForeignKey) else None


def _is_personal(entry: Table | None) -> bool:
    return entry is not None and bool(entry.whose)


# --- E005: each path leads to the person ------------------------------------------------------
def _paths_lead(entry: Table, model: Model | None, by_name: Tables) -> Iterator[Error]:
    paths = {*entry.whose, *(path for column in entry.columns.values() for path in column.whose or ())}
    for path in sorted(paths, key=str):
        if not _leads(path, entry, model, User, by_name):
            hint = "A Link ends at accounts.User, a PlainID at a UUID or text column, a Match at a table with a path."
            yield _error(5, entry.name, f"the path {path} does not lead to a person.", hint)


def _leads(path: Path, entry: Table, model: Model | None, goal: Model, by_name: Tables) -> bool:
    if isinstance(path, CopyOf):
        return _is_personal(by_name.get(path.table))
    if isinstance(path, Match):
        other = by_name.get(path.table)
        return (
            path.column in entry.columns and _is_personal(other) and other is not None and path.other in other.columns
        )
    if model is None:
        return False
    if path == SELF:
        return model is goal
    field = _followed(model, path.lookup) if isinstance(path, Link | PlainID) else None
    if isinstance(path, PlainID):
        return isinstance(field, models.UUIDField | models.CharField | models.TextField)
    return _target(field) is goal


def _followed(model: Model, lookup: str) -> Field | None:
    """Follow a look-up along foreign keys to its last field; ``None`` where it breaks off."""
    current: Model | None = model
    field: Field | None = None
    for name in lookup.split("__"):
        if current is None:
            return None
        try:
            found = current._meta.get_field(name)
        except FieldDoesNotExist:
            return None
        if not isinstance(found, models.Field):
            return None
        field, current = found, _target(found)
    return field


# --- E006: what is kept has a reason and an end -----------------------------------------------
def _ends(place: _Place, _: Tables) -> Iterator[Error]:
    column = place.column
    if isinstance(column.erase, Retain):
        retain = column.erase
        parts = {"why": retain.why, "basis": retain.basis, "exemption": retain.exemption, "until": retain.until}
        if missing := [name for name, value in parts.items() if not value]:
            hint = "What outlives erasure needs a reason, an Art. 6 basis, an Art. 17(3) letter and an end."
            yield place.error(6, f"retained without {_words(missing)}.", hint)
    periods = [*(column.retention or ()), *([column.erase.until] if isinstance(column.erase, Retain) else [])]
    if column.is_about_people and not column.retention:
        yield place.error(6, "nothing says how long it is kept.", "Say retention=(Life.ACCOUNT,) or (Days(…),).")
    for period in periods:
        if isinstance(period, Days) and (problem := _period_problem(period, place)):
            yield place.error(6, f"the end {period!s} {problem}.", "Name a time that the row has or leads to.")
    for period in column.retention or ():
        if isinstance(period, Days) and (problem := _lapse_problem(period, place)):
            hint = "Rows end by what the table says; a column of addresses can say then=Lapse.TRUNCATE itself."
            yield place.error(6, f"the end {period!s} {problem}.", hint)


def _lapse_problem(period: Days, place: _Place) -> str:
    if period in place.entry.retention:
        return "" if period.then is Lapse.DELETE_ROW else "is the rows', which cannot be cut"
    if period.then is Lapse.DELETE_ROW:
        return "would delete the row, but the table says something else"
    return "" if isinstance(place.field, models.GenericIPAddressField) else "cuts what is no address"


def _period_problem(period: Days, place: _Place) -> str:
    if period.days < 0:
        return "is before its beginning"
    if place.model is None:
        return "" if period.after in place.entry.columns else "counts from no column of the table"
    if not isinstance(_followed(place.model, period.after), models.DateField):
        return "counts from nothing that is a time"
    unknown = [key for key, _ in period.where if _followed(place.model, key) is None]
    return f"asks for {_words(unknown)}, which is no column" if unknown else ""


# --- E007: what the database does to rows when others go agrees with the policy ---------------
def _cascades(place: _Place, by_name: Tables) -> Iterator[Error]:
    column, target = place.column, _target(place.field)
    if target is None or column.erase is None or not _rows_go(target, by_name):
        return
    on_delete: Callable[..., None] = place.field.remote_field.on_delete  # type: ignore[union-attr,assignment]
    if not _agrees(column, on_delete):
        hint = (
            "Row deleted: CASCADE. Set NULL: SET_NULL. Retained: PROTECT, or a plain id. Change the model or the map."
        )
        problem = f"erasure will {column.erase}, but on_delete is {on_delete.__name__}."
        yield place.error(7, problem, hint)


def _rows_go(target: Model, by_name: Tables) -> bool:
    entry = by_name.get(target._meta.db_table)
    return target is User or (entry is not None and any(c.erase is Erase.DELETE_ROW for c in entry.columns.values()))


def _agrees(column: Column, on_delete: Callable[..., None]) -> bool:
    if on_delete is models.DO_NOTHING:
        return True
    if column.erase is Erase.DELETE_ROW:
        return on_delete is models.CASCADE
    if column.erase is Erase.NULL:
        return on_delete is models.SET_NULL
    if isinstance(column.erase, Retain):
        return on_delete in LEAVING
    return on_delete is not models.CASCADE


def _one_fate(entry: Table, _model: Model | None, _: Tables) -> Iterator[Error]:
    """Refuse a row that goes although one of its columns is to stay."""
    going = {path for c in entry.columns.values() if c.erase is Erase.DELETE_ROW for path in c.whose or ()}
    staying = {
        name for name, c in entry.columns.items() if isinstance(c.erase, Retain) and going.intersection(c.whose or ())
    }
    if staying:
        hint = "Retain the whole row, or say whose=… of the column if another person is meant."
        yield _error(7, entry.name, f"the row is deleted, but retained: {_words(staying)}.", hint)


# --- E008: what may hold anything is emptied --------------------------------------------------
def _emptied(place: _Place, _: Tables) -> Iterator[Error]:
    column = place.column
    is_open = isinstance(place.field, OPEN_FIELDS) and column.kind is not Kind.NONE
    if not (is_open or column.kind is Kind.FREE_TEXT) or column.erase is Erase.SCRUB:
        return
    if not ((column.erase in EMPTYING or isinstance(column.erase, Overwrite)) and column.whose):
        hint = "Say erase=: DELETE_ROW, NULL, DEFAULT or Overwrite in the person's rows, SCRUB where there is no path."
        yield place.error(8, f"it may hold anything, and erasure will {column.erase or 'do nothing'}.", hint)


# --- E009: secrets stay secret ----------------------------------------------------------------
def _secret(place: _Place, _: Tables) -> Iterator[Error]:
    column = place.column
    if column.kind is not Kind.SECRET:
        return
    if column.export is Export.YES:
        yield place.error(9, "a secret is exported.", "Say export=Export.PRESENCE (the default of secret()) or NO.")
    if column.log is not Log.NEVER:
        yield place.error(9, "a secret may be logged.", "Say log=Log.NEVER (the default of secret()).")


# --- E010: free text is looked for in one organization ----------------------------------------
def _organization(entry: Table, model: Model | None, by_name: Tables) -> Iterator[Error]:
    hint = "Say organization=: SELF, Link or PlainID to accounts.Organization; ANYWHERE if the rows belong to none."
    if entry.organization is None:
        if text := [name for name, column in entry.columns.items() if column.kind is Kind.FREE_TEXT]:
            yield _error(10, entry.name, f"nothing says in which organization to look through {_words(text)}.", hint)
    elif entry.organization != ANYWHERE and not _leads(entry.organization, entry, model, Organization, by_name):
        yield _error(10, entry.name, f"the path {entry.organization} does not lead to an organization.", hint)


# --- E011: what erasure writes fits the column ------------------------------------------------
def _fits(place: _Place, _: Tables) -> Iterator[Error]:
    erase, field = place.column.erase, place.field
    if field is None or not (erase in {Erase.NULL, Erase.DEFAULT} or isinstance(erase, Overwrite)):
        return
    if problem := _value_problem(field, _written(field, erase)):
        hint = "NULL needs a nullable column, DEFAULT a default, Overwrite a value that every erased row can have."
        yield place.error(11, f"erasure will {erase}, but {problem}.", hint)


def _written(field: Field, erase: object) -> Any:
    if isinstance(erase, Overwrite):
        return erase.value
    return field.get_default() if erase is Erase.DEFAULT else None


def _value_problem(field: Field, value: Any) -> str:
    if value is None:
        return "" if field.null else "it cannot be NULL"
    if _is_unique(field):
        return "no two rows may have the same value"
    try:
        field.run_validators(field.to_python(value))
    except ValidationError as refusal:
        return f"{value!r} is refused ({' '.join(refusal.messages)})"
    allowed = [key for key, _ in field.flatchoices]
    return f"{value!r} is none of its choices" if allowed and value not in allowed and value != "" else ""


def _is_unique(field: Field) -> bool:
    meta = field.model._meta
    together = [names for names in meta.unique_together if field.name in names]
    constraints = [c for c in meta.total_unique_constraints if field.name in c.fields]
    return field.unique or bool(together or constraints)


# --- E012: nothing is left unsaid -------------------------------------------------------------
def _complete(place: _Place, _: Tables) -> Iterator[Error]:
    column = place.column
    parts: dict[str, object] = {"withheld": column.withheld or column.export is Export.YES}
    if column.is_about_people:
        parts |= {
            "category": column.category,
            "purpose": column.purpose,
            "source": column.source,
            "erase": column.erase,
            "section": column.section or column.export is Export.NO,
        }
    if missing := [name for name, value in parts.items() if not value]:
        hint = "Say it at the column, or at the table for all of its columns; withheld is why it is not exported."
        yield place.error(12, f"nothing says its {_words(missing)}.", hint)


# --- E013: what the copy holds, people see day by day -----------------------------------------
def _shown(place: _Place, _: Tables) -> Iterator[Error]:
    column, serializer = place.column, SHOWN_TO_OWNERS.get(place.entry.name)
    if serializer is None or place.field is None or column.kind is Kind.SECRET:
        return
    shown = {word for name, field in serializer().fields.items() for word in (name, (field.source or "").split(".")[0])}
    is_shown = bool(shown & {place.name, place.field.name})
    name = serializer.__name__
    if column.export is Export.YES and not is_shown and not column.unshown:
        hint = "Show it, or say unshown=, with the reason."
        yield place.error(13, f"it is exported, but {name} does not show it to its owner.", hint)
    if column.unshown and is_shown:
        yield place.error(13, f"it is said to be unshown, but {name} shows it.", "Take unshown= away.")


TABLE_RULES: Final = (_paths_lead, _one_fate, _organization)
COLUMN_RULES: Final = (_has_path, _ends, _cascades, _emptied, _secret, _fits, _complete, _shown)
