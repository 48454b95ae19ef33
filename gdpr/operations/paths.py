"""From a person to their rows, along the paths of the map."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models import Q

from accounts import ids
from accounts.models import User
from gdpr.personal_data import TABLES
from gdpr.registry import ANYWHERE, SELF, Column, CopyOf, Link, Match, Path, PlainID, Table

__all__ = [
    "children_first",
    "field_of",
    "model_of",
    "organization_filter",
    "rows_about",
    "spellings",
    "table_named",
    "whose_groups",
]

Model = type[models.Model]
Whose = tuple[Path, ...]


@cache
def _models() -> dict[str, Model]:
    return {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}


def model_of(entry: Table) -> Model | None:
    """Give the model of a table, ``None`` for what only the database knows."""
    return _models().get(entry.name)


def table_named(name: str) -> Table:
    """Give the entry of a table."""
    return next(entry for entry in TABLES if entry.name == name)


def field_of(model: Model, column: str) -> models.Field[Any, Any]:
    """Give the field that a column belongs to."""
    return next(field for field in model._meta.concrete_fields if field.column == column)


def rows_about(
    model: Model, whose: Iterable[Path], *people: UUID, using: str = DEFAULT_DB_ALIAS
) -> models.QuerySet[Any]:
    """Give the rows that lead to these people by any of these paths; none where no path can be followed."""
    condition = Q()
    for path in whose:
        if not isinstance(path, CopyOf):
            condition |= _condition(model, path, people, using)
    rows = model._base_manager.using(using)
    return rows.filter(condition) if condition else rows.none()


def _condition(model: Model, path: Path, people: Sequence[UUID], using: str) -> Q:
    if path == SELF:
        return Q(pk__in=people)
    if isinstance(path, Link):
        return Q(**{f"{path.lookup}__in": people})
    if isinstance(path, PlainID):
        return Q(**{f"{path.lookup}__in": [text for one in people for text in spellings(model, path.lookup, one)]})
    assert isinstance(path, Match)
    other = table_named(path.table)
    other_model = model_of(other)
    assert other_model is not None
    values = rows_about(other_model, other.whose, *people, using=using).values_list(
        field_of(other_model, path.other).attname
    )
    return Q(**{f"{field_of(model, path.column).attname}__in": [value for (value,) in values]})


def spellings(model: Model, lookup: str, user_id: UUID) -> list[Any]:
    """Give the id as a column of that kind holds it."""
    current: Any = model
    for name in lookup.split("__"):
        field = current._meta.get_field(name)
        current = field.related_model
    if isinstance(field, models.UUIDField):
        return [user_id]
    return [str(user_id), user_id.hex, ids.encode("usr", user_id)]


def organization_filter(path: Path | None, organizations: Iterable[UUID]) -> Q | None:
    """Give the condition for rows of these organizations; ``None`` for tables that belong to none."""
    if path == ANYWHERE:
        return Q()
    if path == SELF:
        return Q(pk__in=list(organizations))
    if isinstance(path, Link | PlainID):
        return Q(**{f"{path.lookup}__in": list(organizations)})
    return None


def whose_groups(entry: Table) -> Iterator[tuple[Whose, dict[str, Column]]]:
    """Give the columns of a table, those together that are about the same person."""
    groups: dict[Whose, dict[str, Column]] = {}
    for name, column in entry.columns.items():
        if column.whose and column.erase is not None:
            groups.setdefault(column.whose, {})[name] = column
    yield from groups.items()


def children_first(entries: Iterable[Table]) -> list[Table]:
    """Order tables so that rows go before those that they point at, or are found by; the accounts come last."""
    waiting = {entry.name: entry for entry in entries if model_of(entry) is not None}
    needed = {name: _leads_to(entry) & waiting.keys() - {name} for name, entry in waiting.items()}
    ordered: list[Table] = []
    while waiting:
        free = [name for name in waiting if not any(name in needed[other] for other in waiting)]
        assert free, "tables that point at each other"
        ordered += [waiting.pop(name) for name in free]
    return ordered


def _leads_to(entry: Table) -> set[str]:
    model = model_of(entry)
    assert model is not None
    pointed = {
        field.related_model._meta.db_table
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model is not None
    }
    matched = {path.table for path in entry.whose if isinstance(path, Match)}
    accounts = {User._meta.db_table} if entry.name != User._meta.db_table and entry.whose else set()
    return pointed | matched | accounts
