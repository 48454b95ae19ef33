"""Where text of an organization mentions somebody, and taking the mention out."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.db.models import BooleanField, F, Func, Q, TextField, Value
from django.db.models.functions import Cast

from accounts.models import AuditPart
from gdpr.operations.paths import Model, field_of, model_of, organization_filter
from gdpr.personal_data import TABLES
from gdpr.registry import Erase, Kind
from gdpr.traces import JOINERS

__all__ = ["ERASED", "Mention", "erase_mentions", "mentions", "without"]

ERASED: Final = "[erased]"
BATCH: Final = 500
SHIFTING: Final = re.compile(r'(?:[^ -~]|["\\%IKSiks])+')
"""What a database may hold, or compare, otherwise than Python does."""


@dataclass(frozen=True)
class Mention:
    """A row whose text names the person."""

    model: Model
    field: models.Field[Any, Any]
    row: models.Model


def without(words: Iterable[str], value: Any) -> Any:
    """Give a text, or all text in a JSON value, with these words taken out."""
    pattern = _pattern(words)
    return value if pattern is None else _without(pattern, value)


def _pattern(words: Iterable[str]) -> re.Pattern[str] | None:
    """Match the words as whole ones: ``bob@example.com`` is not in ``xbob@example.com``."""
    ordered = sorted({word for word in words if word}, key=len, reverse=True)
    if not ordered:
        return None
    anything = "|".join(re.escape(word) for word in ordered)
    joined = rf"[{re.escape(''.join(sorted(JOINERS)))}]"
    return re.compile(rf"(?<!\w)(?<!\w{joined})(?:{anything})(?!\w|{joined}\w|@\w)", re.IGNORECASE)


def _without(pattern: re.Pattern[str], value: Any) -> Any:
    if isinstance(value, str):
        return pattern.sub(ERASED, value)
    if isinstance(value, list):
        return [_without(pattern, entry) for entry in value]
    if isinstance(value, dict):
        return {_without(pattern, key): _without(pattern, entry) for key, entry in value.items()}
    return value


def mentions(
    words: Iterable[str], organizations: Iterable[UUID], *, among: Mapping[Model, Q] | None = None
) -> Iterator[Mention]:
    """Find the rows of these organizations, and of tables that belong to none, whose free text holds a word.

    :param among: look at these rows of these tables alone
    """
    pattern = _pattern(words)
    if pattern is None:
        return
    listed, forms = list(organizations), _forms(words)
    for entry in TABLES:
        model, place = model_of(entry), organization_filter(entry.organization, listed)
        columns = [name for name, column in entry.columns.items() if _is_open(column.kind, column.erase)]
        if model is None or place is None or not columns or (among is not None and model not in among):
            continue
        fields = [field_of(model, name) for name in columns]
        rows = _candidates(model, fields, forms).filter(place, among[model] if among is not None else Q())
        for row in rows.iterator(BATCH):
            for field in fields:
                value = getattr(row, field.attname)
                if _without(pattern, value) != value:
                    yield Mention(model, field, row)


def _is_open(kind: Kind, erase: Any) -> bool:
    return kind is Kind.FREE_TEXT or erase is Erase.SCRUB


def _candidates(model: Model, fields: Iterable[models.Field[Any, Any]], forms: Iterable[str]) -> models.QuerySet[Any]:
    """Give the rows of which one of these columns is like one of the forms, whichever way the database writes it."""
    texts = (_Like(Cast(field.attname, TextField()), *map(Value, forms)) for field in fields)
    rows: models.QuerySet[Any] = model._base_manager.filter(reduce(or_, map(Q, texts)))
    return rows


class _Like(Func):
    """Whether a text is like one of some patterns, whatever the case of letters of ASCII."""

    output_field = BooleanField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        """Ask for each: SQLite minds the case of other letters alone."""
        (text, held), *forms = map(compiler.compile, self.get_source_expressions())
        likes = " OR ".join(f"{text} LIKE {form} ESCAPE '\\'" for form, _ in forms)
        return f"({likes})", tuple(value for _, given in forms for value in (*held, *given))

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        """Ask for all at once, by bytes: each text is written, and its case taken away, once."""
        (text, held), *forms = map(compiler.compile, self.get_source_expressions())
        likes = ", ".join(form for form, _ in forms)
        params = (*held, *(value for _, given in forms for value in given))
        return f'UPPER({text} COLLATE "C") LIKE ANY (ARRAY[{likes}])', params


def _forms(words: Iterable[str]) -> tuple[str, ...]:
    """Give what a text is like that holds a word, each once: some that hold none are too, but none that does is not.

    The databases agree on the case of ASCII's letters alone, and write others in JSON in their own ways: in their
    place anything may stand. So it may for those with a twin beyond ASCII (the Kelvin sign is a K to ``re``).
    """
    forms = (SHIFTING.sub("%", word).replace("_", r"\_") for word in words)
    return tuple(dict.fromkeys(f"%{form.upper()}%" for form in forms))


def erase_mentions(words: Iterable[str], organizations: Iterable[UUID]) -> tuple[dict[str, int], list[str]]:
    """Take the words out of other people's rows; gives how many rows of each table, and the events that lost a part.

    A part of the audit trail can only be deleted, so a part that mentions the person is: the header stays, and the
    event of the erasure says of which events (docs/decisions.md).
    """
    changed: dict[str, int] = {}
    events: list[str] = []
    pattern = _pattern(words)
    for found in list(mentions(words, organizations)) if pattern else ():
        assert pattern is not None
        table = found.model._meta.db_table
        changed[table] = changed.get(table, 0) + 1
        row = found.model._base_manager.filter(pk=found.row.pk)
        if isinstance(found.row, AuditPart):
            events.append(found.row.event.public_id)
            row.delete()
        elif _is_unique(found):
            row.delete()
        else:
            row.update(**_replaced(found, pattern))
    return changed, events


def _is_unique(found: Mention) -> bool:
    constraints = (entry for entry in found.model._meta.constraints if isinstance(entry, models.UniqueConstraint))
    return any(found.field.name in entry.fields for entry in constraints)


def _replaced(found: Mention, pattern: re.Pattern[str]) -> dict[str, Any]:
    value = _without(pattern, getattr(found.row, found.field.attname))
    if isinstance(value, str) and found.field.max_length:
        value = value[: found.field.max_length]
    counted = {"version": F("version") + 1} if hasattr(found.row, "version") else {}
    return {found.field.attname: value, **counted}
