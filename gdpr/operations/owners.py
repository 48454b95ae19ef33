"""Whose the rows are in which a search found something: the map says it, and the rows themselves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models

from accounts.models import User
from gdpr.operations.findings import Hit, Place, ScanReport
from gdpr.operations.paths import model_of, organization_filter, rows_about
from gdpr.operations.readers import ROWS, Source
from gdpr.personal_data import TABLES
from gdpr.registry import CopyOf, Table
from gdpr.registry import Kind as ColumnKind
from gdpr.traces import Found, Identifiers, Kind

__all__ = ["InRow", "Owners"]


@dataclass(frozen=True, slots=True)
class InRow:
    """What was found in one column of one row."""

    key: str
    shown: str
    column: str
    found: Found


class Owners:
    """Says whose the rows are in which something was found."""

    def __init__(self, people: Mapping[str, Identifiers]) -> None:
        self.people = people
        self.tables = {entry.name: entry for entry in TABLES}
        self.twins: dict[str, set[UUID]] = {}

    def settle(self, source: Source, hits: Sequence["InRow"], report: ScanReport) -> None:
        """Report hits of one table, each with its place."""
        by_person: dict[str, list[InRow]] = {}
        for hit in hits:
            by_person.setdefault(hit.found.person, []).append(hit)
        for person, theirs in by_person.items():
            judged = _Judged(self, source, person, theirs)
            for hit in theirs:
                report.add(
                    Hit(
                        person=person,
                        where=source.name,
                        column=hit.column,
                        row=hit.shown,
                        kind=hit.found.kind,
                        form=hit.found.form,
                        place=source.place or judged.place(hit),
                    )
                )

    def file(self, person: str) -> Place:
        """Say whose a file is that names a person: nobody can tell when somebody else has the same address."""
        return Place.ELSEWHERE if self.twins.get(person) else Place.FILE


class _Judged:
    """The rows of one table in which something of one person was found."""

    def __init__(self, owners: Owners, source: Source, person: str, hits: Sequence[InRow]) -> None:
        self.entry = owners.tables.get(source.name)
        about = _original(self.entry, source, owners.tables)
        model = model_of(about) if about else None
        self.keys: dict[str, Any] = {}
        self.own: set[Any] = set()
        self.of_twins: set[Any] = set()
        self.at_home: set[Any] = set()
        self.is_about_people = False
        if about is None or model is None:
            return
        identifiers = owners.people[person]
        self.keys = _read_keys(model, {hit.key for hit in hits})
        whose = tuple(dict.fromkeys(path for column in about.columns.values() for path in column.whose or ()))
        self.is_about_people = bool(whose)

        def about_them(*user_ids: UUID) -> set[Any]:
            rows = rows_about(model, whose, *user_ids).filter(pk__in=self.keys.values())
            return set(rows.values_list("pk", flat=True))

        if identifiers.user_id:
            self.own = about_them(identifiers.user_id)
        if model is User and not source.is_copy:
            owners.twins.setdefault(person, set()).update(self._twins(hits))
        twins = sorted(owners.twins.get(person, ()))
        for first in range(0, len(twins), ROWS):
            self.of_twins |= about_them(*twins[first : first + ROWS])
        condition = organization_filter(about.organization, identifiers.organizations)
        if condition is not None:
            rows = model._base_manager.filter(condition, pk__in=self.keys.values())
            self.at_home = set(rows.values_list("pk", flat=True))

    def _twins(self, hits: Sequence[InRow]) -> Iterator[UUID]:
        """Give other accounts that have the same address, name or number as their own."""
        for hit in hits:
            line = self.entry.columns.get(hit.column) if self.entry else None
            if line and line.kind is ColumnKind.IDENTIFIER and self.keys[hit.key] not in self.own:
                yield self.keys[hit.key]

    def place(self, hit: InRow) -> Place:
        """Say whose a row is."""
        line = self.entry.columns.get(hit.column) if self.entry else None
        key = self.keys.get(hit.key)
        if line is None:
            return Place.LOOSE
        if key in self.own:
            return Place.OWN
        if key in self.of_twins:
            return Place.ELSEWHERE
        if line.kind is ColumnKind.FREE_TEXT and key is not None:
            return Place.MENTION if key in self.at_home else Place.ELSEWHERE
        if self.is_about_people and key is not None:
            return Place.ELSEWHERE
        # A word that is somebody's username and also the name of a table or a role is nobody's.
        return Place.ELSEWHERE if hit.found.kind is Kind.USERNAME else Place.LOOSE


def _original(entry: Table | None, source: Source, tables: Mapping[str, Table]) -> Table | None:
    """Give the entry whose rows are meant: of a copy, what it is a copy of; of what only serves one, none."""
    copied = next((path for path in entry.whose if isinstance(path, CopyOf)), None) if entry else None
    if copied is None:
        return entry
    return tables[copied.table] if source.is_copy else None


def _read_keys(model: type[models.Model], keys: Iterable[str]) -> dict[str, Any]:
    read = {}
    for key in keys:
        try:
            read[key] = model._meta.pk.to_python(key)
        except ValidationError:
            continue
    return read
