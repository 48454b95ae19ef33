"""What a table of the admin is made of: one template draws them all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from accounts.times import ago

__all__ = ["Cell", "Column", "Link", "Table", "TableRow", "badge", "date", "moment", "since"]


@dataclass(frozen=True)
class Link:
    """Somewhere to go."""

    label: str
    url: str
    is_grave: bool = False
    is_here: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell: a text, perhaps a link, a second line, an id to copy, a badge."""

    text: str = ""
    url: str = ""
    note: str = ""
    copy: str = ""
    badge: str = ""
    tags: Sequence[str] = ()
    at: str = ""


@dataclass(frozen=True)
class Column:
    """A heading; with a link where the list can be sorted by it."""

    label: str
    url: str = ""
    sorted: str = ""


@dataclass(frozen=True)
class TableRow:
    """A row, with what can be done to it."""

    cells: Sequence[Cell]
    key: str = ""
    links: Sequence[Link] = ()

    def labelled(self, columns: Sequence[Column]) -> list[tuple[str, Cell]]:
        """Pair each cell with its heading, for narrow screens."""
        return [(column.label, cell) for column, cell in zip(columns, self.cells, strict=True)]


@dataclass(frozen=True)
class Table:
    """A table, and what to say and do when there is nothing in it."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[TableRow]
    empty: str = "There is nothing here."
    hint: str = ""
    can_select: bool = False
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def has_links(self) -> bool:
        """Whether anything can be done to a row."""
        return any(row.links for row in self.rows)

    @property
    def lines(self) -> list[tuple[TableRow, list[tuple[str, Cell]]]]:
        """Give each row with its labelled cells."""
        return [(row, row.labelled(self.columns)) for row in self.rows]


def badge(status: str, *, note: str = "") -> Cell:
    """Show a status by colour and by word."""
    return Cell(status, badge=status, note=note)


def moment(at: datetime | None) -> str:
    """Show a moment to the minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"


def date(at: datetime) -> Cell:
    """Show a day."""
    return Cell(f"{at:%Y-%m-%d}", at=at.isoformat())


def since(at: datetime | None) -> Cell:
    """Show how long ago something was."""
    return Cell(ago(at), at=at.isoformat() if at else "")
