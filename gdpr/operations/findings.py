"""What a search for people found: where, whose and in which form, never what."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from gdpr.traces import Form, Found, Kind

__all__ = ["Hit", "Place", "ScanReport", "Watch", "once"]

HITS: Final = 100
"""How many hits of one person are kept one by one; all are counted."""


class Place(StrEnum):
    """Whose it is where something was found."""

    OWN = "the person's own row"
    MENTION = "text of their organization"
    LOOSE = "a row that leads to nobody"
    FILE = "a file"
    ELSEWHERE = "a row of somebody else"
    STATISTICS = "samples that the database's planner keeps"


RESIDUE: Final = frozenset({Place.OWN, Place.MENTION, Place.LOOSE, Place.FILE})


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Where something of a person was found, and in which form; never what.

    ``row`` is the primary key if that is a number or a UUID, else the number that the database itself gives rows.
    """

    person: str
    where: str
    column: str
    row: str
    kind: Kind
    form: Form
    place: Place

    def as_dict(self) -> dict[str, str]:
        """Give the hit as it is printed."""
        return {
            "person": self.person,
            "where": self.where,
            "column": self.column,
            "row": self.row,
            "kind": self.kind.value,
            "form": self.form.value,
            "place": self.place.value,
        }


@dataclass(kw_only=True)
class ScanReport:
    """What was read, and what was found in it."""

    hits: dict[str, list[Hit]] = field(default_factory=dict)
    counts: dict[str, Counter[Place]] = field(default_factory=dict)
    tables: int = 0
    columns: int = 0
    rows: int = 0
    bytes: int = 0
    files: int = 0
    seconds: float = 0.0
    unread: dict[str, str] = field(default_factory=dict)
    """What could not be read, and why."""
    too_short: int = 0
    """How many identifiers are so short that anything holds them; they were not looked for."""

    def add(self, hit: Hit) -> None:
        """Count a hit, and keep it if there are not too many."""
        self.counts.setdefault(hit.person, Counter())[hit.place] += 1
        kept = self.hits.setdefault(hit.person, [])
        if len(kept) < HITS:
            kept.append(hit)

    def residue(self, person: str | None = None) -> int:
        """Count what should not be there any more, of one person or of all."""
        return self._count(person, RESIDUE)

    def elsewhere(self, person: str | None = None) -> int:
        """Count what stands in other people's rows."""
        return self._count(person, {Place.ELSEWHERE})

    def statistics(self, person: str | None = None) -> int:
        """Count what the planner's samples hold until the next ANALYZE."""
        return self._count(person, {Place.STATISTICS})

    def _count(self, person: str | None, places: Iterable[Place]) -> int:
        counters = self.counts.values() if person is None else [self.counts.get(person, Counter[Place]())]
        return sum(counter[place] for counter in counters for place in places)

    @property
    def is_complete(self) -> bool:
        """Whether everything could be read."""
        return not self.unread

    def as_dict(self, person: str | None = None) -> dict[str, Any]:
        """Give numbers alone, for a receipt."""
        return {
            "residue": self.residue(person),
            "elsewhere": self.elsewhere(person),
            "statistics": self.statistics(person),
            "tables": self.tables,
            "columns": self.columns,
            "rows": self.rows,
            "bytes": self.bytes,
            "files": self.files,
            "unread": dict(self.unread),
        }


Watch = Callable[[str, int, int], None]
"""Is told what is being read, how many things were read before it, and of how many."""


def once(found: Iterable[Found]) -> Iterator[Found]:
    """Give each form of each identifier of each person once."""
    yield from {(hit.person, hit.kind, hit.form): hit for hit in found}.values()
