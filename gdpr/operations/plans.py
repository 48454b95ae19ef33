"""What erasure does to the rows of one person, table by table: what a dry run shows is what the run carries out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import models, transaction

from accounts.models import User
from gdpr.operations.paths import Model, children_first, field_of, model_of, rows_about, whose_groups
from gdpr.personal_data import TABLES
from gdpr.registry import Column, Erase, Overwrite, Path, Retain, Table

__all__ = ["DELETE", "KEEP", "OVERWRITE", "Step", "activities", "erasure"]

DELETE: Final = "delete"
OVERWRITE: Final = "overwrite"
KEEP: Final = "keep"
CHUNK: Final = 2_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing that happens to the rows of one table that lead to the person by these paths."""

    table: Table
    model: Model
    whose: tuple[Path, ...]
    user_id: UUID
    action: str
    columns: Mapping[str, Column]

    @property
    def rows(self) -> models.QuerySet[Any]:
        """The rows, as they are now."""
        return rows_about(self.model, self.whose, self.user_id)

    @property
    def why(self) -> str:
        """Why it is kept, where it is."""
        return "; ".join(sorted({kept.reason for column in self.columns.values() if (kept := _retained(column))}))

    @property
    def until(self) -> str:
        """Until when it is kept, where it is."""
        return "; ".join(sorted({str(kept.until) for column in self.columns.values() if (kept := _retained(column))}))

    def described(self) -> dict[str, Any]:
        """Give the step as a plan and a receipt show it."""
        shown = {
            "table": self.table.name,
            "what": self.table.what,
            "columns": list(self.columns),
            "action": self.action,
        }
        return {**shown, "rows": self.rows.count(), "why": self.why, "until": self.until}

    def carry_out(self) -> int:
        """Do it; says to how many rows."""
        if self.action == DELETE:
            # The map says which rows go; on_delete is not asked, the database's own constraints are.
            return self.model._base_manager.filter(pk__in=self.rows.values("pk"))._raw_delete("default")
        return self.rows.update(**self._values()) if self.action == OVERWRITE else self.rows.count()

    def shorten(self) -> Iterator[int]:
        """Delete in steps, each its own transaction, until little is left."""
        while len(keys := list(self.rows.order_by("pk").values_list("pk", flat=True)[:CHUNK])) == CHUNK:
            with transaction.atomic():
                yield self.model._base_manager.filter(pk__in=keys)._raw_delete("default")

    def is_done(self) -> bool:
        """Say whether nothing is left of what the step was to take away."""
        if self.action == DELETE:
            return not self.rows.exists()
        if self.action == KEEP:
            return True
        expected = self._values()
        return all(row == expected for row in self.rows.values(*expected).iterator())

    def _values(self) -> dict[str, Any]:
        return {
            field.attname: _replacement(field, column)
            for name, column in self.columns.items()
            for field in [field_of(self.model, name)]
        }


def _retained(column: Column) -> Retain | None:
    return column.erase if isinstance(column.erase, Retain) else None


def _replacement(field: models.Field[Any, Any], column: Column) -> Any:
    if isinstance(column.erase, Overwrite):
        return column.erase.value
    return None if column.erase is Erase.NULL else field.get_default()


def erasure(user_id: UUID, *, removing_account: bool) -> list[Step]:
    """Plan the erasure of everything that leads to a person, in the order in which it has to happen.

    :param removing_account: take away the account's row too, of which otherwise a tombstone stays
    """
    return [
        step
        for entry in children_first(entry for entry in TABLES if entry.whose)
        for step in _steps(entry, user_id, removing_account=removing_account)
    ]


def activities(user_id: UUID) -> list[Step]:
    """Plan the erasure of what a person did: sign-ins, devices, and what the trail says of them."""
    entries = children_first(entry for entry in TABLES if entry.is_activity)
    return [step for entry in entries for step in _steps(entry, user_id, removing_account=False)]


def _steps(entry: Table, user_id: UUID, *, removing_account: bool) -> Iterator[Step]:
    model = model_of(entry)
    assert model is not None
    for whose, columns in whose_groups(entry):
        for action, members in _by_action(columns, goes=removing_account and model is User):
            yield Step(table=entry, model=model, whose=whose, user_id=user_id, action=action, columns=members)


def _by_action(columns: Mapping[str, Column], *, goes: bool) -> Iterable[tuple[str, dict[str, Column]]]:
    if goes or any(column.erase is Erase.DELETE_ROW for column in columns.values()):
        return [(DELETE, dict(columns))]
    kept = {name: column for name, column in columns.items() if isinstance(column.erase, Retain)}
    changed = {name: column for name, column in columns.items() if name not in kept and column.erase is not Erase.SCRUB}
    return [(action, members) for action, members in ((OVERWRITE, changed), (KEEP, kept)) if members]
