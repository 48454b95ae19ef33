"""Lists by keyset: every page costs what the first does, exact on ties and on NULLs.

The order is a column and the id. Rows without a value come last (first when turned round) and are
a stretch of their own, so that each query runs along one index on both databases.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from django.db import connections, models
from django.db.models import F, Func, Value
from django.db.models.lookups import GreaterThan, LessThan

from accounts.errors import Invalid
from accounts.keys import open_sealed, seal

__all__ = ["FURTHEST", "LIMIT", "Order", "Page", "estimate", "page_at", "page_of", "walk"]

LIMIT: Final = 20
LONGEST: Final = 100
FURTHEST: Final = 10_000
"""The last row that ``page`` and ``offset`` reach."""
CHUNK: Final = 500
EXACT_UP_TO: Final = 10_000

ModelType = TypeVar("ModelType", bound=models.Model)


@dataclass(frozen=True)
class Order:
    """A column to sort by, and which way."""

    column: str
    nullable: bool = False
    descending: bool = False

    @classmethod
    def parse(cls, text: str, orders: Mapping[str, "Order"]) -> "Order":
        """Read one of a closed list of words; ``-`` turns it round.

        :raises Invalid: for any other word
        """
        known = orders.get(text.removeprefix("-"))
        if known is None:
            raise Invalid(
                f"There is no order {text!r}.",
                remedy=f"One of: {', '.join(orders)}; with - in front it is turned round.",
                fields={"order": "unknown"},
            )
        return cls(known.column, known.nullable, descending=known.descending != text.startswith("-"))


@dataclass(frozen=True)
class Position:
    """Where a page begins: behind this row (``backward``: before it)."""

    value: Any
    id: Any
    backward: bool = False


@dataclass
class Page(Generic[ModelType]):
    """A stretch of a list."""

    rows: list[ModelType]
    next_cursor: str | None = None
    previous_cursor: str | None = None


def limit_checked(limit: int) -> int:
    """Give the limit back if it is within bounds.

    :raises Invalid: if it is not 1 to 100
    """
    if not 1 <= limit <= LONGEST:
        raise Invalid(f"The limit is 1 to {LONGEST}.", remedy="Take more page by page.", fields={"limit": "1 to 100"})
    return limit


def page_of(
    queryset: models.QuerySet[ModelType], order: Order, *, limit: int = LIMIT, cursor: str = "", scope: str = ""
) -> Page[ModelType]:
    """Read one page.

    :param scope: what the list is of (its filters): a cursor is good for the list it was made for only
    :raises Invalid: for a limit out of bounds, or a cursor that was not made for this list
    """
    limit_checked(limit)
    mark = _mark(queryset.model, order, scope)
    position = _opened(queryset, order, cursor, mark) if cursor else None
    backward = position is not None and position.backward
    found = _take(queryset, order, position, limit + 1)
    more, rows = len(found) > limit, found[:limit]
    if backward:
        rows.reverse()
    page = Page(rows)
    if rows and (more or backward):
        page.next_cursor = _sealed(order, rows[-1], mark, backward=False)
    if rows and (position is not None if not backward else more):
        page.previous_cursor = _sealed(order, rows[0], mark, backward=True)
    return page


def page_at(queryset: models.QuerySet[ModelType], order: Order, *, limit: int, offset: int) -> Page[ModelType]:
    """Read a page by its number, for small lists.

    :raises Invalid: beyond row 10,000, with the way to go there
    """
    limit_checked(limit)
    if not 0 <= offset <= FURTHEST - limit:
        raise Invalid(
            f"Pages by number end at row {FURTHEST}.",
            remedy="Go on with the cursor of a page, or narrow the list.",
            fields={"offset": f"0 to {FURTHEST - limit}"},
        )
    rows: list[ModelType] = []
    for stretch in _stretches(queryset, order, None, descending=order.descending):
        found = list(stretch[offset : offset + limit - len(rows)])
        rows += found
        if len(rows) == limit:
            break
        offset = 0 if found else max(0, offset - stretch.count())
    return Page(rows)


def walk(queryset: models.QuerySet[ModelType], order: Order, *, chunk: int = CHUNK) -> Iterator[ModelType]:
    """Go through everything in constant memory, a chunk and its look-ups at a time."""
    position: Position | None = None
    while rows := _take(queryset, order, position, chunk):
        yield from rows
        if len(rows) < chunk:
            return
        position = _position(order, rows[-1])


def estimate(queryset: models.QuerySet[ModelType]) -> int:
    """Count a few exactly and many roughly: the planner's guess on PostgreSQL, a count on SQLite."""
    bounded = queryset.order_by().values("pk")[: EXACT_UP_TO + 1].count()
    if bounded <= EXACT_UP_TO:
        return bounded
    if connections[queryset.db].vendor != "postgresql":
        return queryset.count()
    plan = json.loads(queryset.order_by().values("pk").explain(format="json"))
    return max(EXACT_UP_TO, int(plan[0]["Plan"]["Plan Rows"]))


def _take(
    queryset: models.QuerySet[ModelType], order: Order, position: Position | None, number: int
) -> list[ModelType]:
    rows: list[ModelType] = []
    descending = order.descending != (position is not None and position.backward)
    for stretch in _stretches(queryset, order, position, descending=descending):
        rows += stretch[: number - len(rows)]
        if len(rows) == number:
            break
    return rows


def _stretches(
    queryset: models.QuerySet[ModelType], order: Order, position: Position | None, *, descending: bool
) -> Iterator[models.QuerySet[ModelType]]:
    """Give the rows with a value and those without, in walking order, from the position on."""
    direction = "-" if descending else ""
    valued = queryset.filter(**{f"{order.column}__isnull": False}) if order.nullable else queryset
    empty = queryset.filter(**{f"{order.column}__isnull": True}) if order.nullable else queryset.none()
    # Also where the column is NULL throughout: PostgreSQL sorts unless the order names what the index does.
    valued, empty = (rows.order_by(f"{direction}{order.column}", f"{direction}id") for rows in (valued, empty))
    stretches = [(False, valued), (True, empty)]
    if descending:
        stretches.reverse()
    if position is None:
        yield from (stretch for _, stretch in stretches)
        return
    in_empty = position.value is None
    begun = False
    for is_empty, stretch in stretches:
        if is_empty == in_empty:
            begun = True
            yield _behind(stretch, order, position, descending=descending, empty=is_empty)
        elif begun:
            yield stretch


def _behind(
    stretch: models.QuerySet[ModelType], order: Order, position: Position, *, descending: bool, empty: bool
) -> models.QuerySet[ModelType]:
    if empty:
        return stretch.filter(**{"id__lt" if descending else "id__gt": position.id})
    column, key = _field(stretch, order.column), _field(stretch, "id")
    here = Func(F(order.column), F("id"), template="(%(expressions)s)", output_field=models.UUIDField())
    there = Func(
        Value(position.value, output_field=column),
        Value(position.id, output_field=key),
        template="(%(expressions)s)",
        output_field=models.UUIDField(),
    )
    return stretch.filter(LessThan(here, there) if descending else GreaterThan(here, there))


def _field(queryset: models.QuerySet[Any], name: str) -> models.Field[Any, Any]:
    annotation = queryset.query.annotations.get(name)
    field = annotation.output_field if annotation is not None else queryset.model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def _position(order: Order, row: models.Model, *, backward: bool = False) -> Position:
    return Position(getattr(row, order.column), row.pk, backward)


def _mark(model: type[models.Model], order: Order, scope: str) -> str:
    return hashlib.sha256(f"{model._meta.label} {order.column} {order.descending} {scope}".encode()).hexdigest()[:16]


def _sealed(order: Order, row: models.Model, mark: str, *, backward: bool) -> str:
    # SECURITY: encrypted, because the value is an e-mail address or a name and a cursor goes into URLs and logs.
    position = _position(order, row, backward=backward)
    value = position.value.isoformat() if isinstance(position.value, datetime) else position.value
    return seal("cursor", json.dumps([mark, value, str(position.id), backward]))


def _opened(queryset: models.QuerySet[ModelType], order: Order, cursor: str, mark: str) -> Position:
    text = open_sealed("cursor", cursor)
    made_for, value, row_id, backward = json.loads(text) if text else ("", None, "", False)
    if made_for != mark:
        raise Invalid(
            "The cursor was not made for this list.",
            remedy="Use it with the same filters and order, or begin without it.",
            fields={"cursor": "not of this list"},
        )
    column = _field(queryset, order.column)
    identifier = UUID(row_id) if "-" in row_id else int(row_id)
    return Position(column.to_python(value), identifier, backward)
