"""Changed copies of the shipped map."""

from dataclasses import replace
from typing import Any

from gdpr.personal_data import TABLES
from gdpr.registry import Column, Table

__all__ = ["entry", "with_column", "with_columns", "with_table", "without"]


def entry(name: str) -> Table:
    """Give the shipped entry of a table."""
    (found,) = (table for table in TABLES if table.name == name)
    return found


def with_table(name: str, /, **changes: Any) -> tuple[Table, ...]:
    """Give the map with one entry changed."""
    return tuple(replace(table, **changes) if table.name == name else table for table in TABLES)


def with_columns(name: str, /, **columns: Column) -> tuple[Table, ...]:
    """Give the map with columns of one entry replaced or added."""
    return with_table(name, columns={**entry(name).columns, **columns})


def with_column(name: str, column: str, /, **changes: Any) -> tuple[Table, ...]:
    """Give the map with something else said of one column."""
    return with_columns(name, **{column: replace(entry(name).columns[column], **changes)})


def without(name: str, column: str = "") -> tuple[Table, ...]:
    """Give the map without an entry, or without a column of it."""
    if not column:
        return tuple(table for table in TABLES if table.name != name)
    return with_table(name, columns={key: value for key, value in entry(name).columns.items() if key != column})
