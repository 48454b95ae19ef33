"""Times as people write them: dates, RFC 3339 moments, durations (INTERFACE, "Times")."""

import re
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.errors import Invalid

__all__ = ["ago", "as_duration", "as_end", "as_start", "duration_text"]

DURATION = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
DAY = timedelta(days=1)
LAST_DAY = datetime(9999, 12, 31, tzinfo=UTC)


def as_end(text: str, *, field: str) -> datetime:
    """Read an end: ``2026-12-31`` means through that day (UTC), ``7d`` means from now.

    :raises Invalid: if it is neither date, moment nor duration
    """
    day = _date(text)
    if day is None:
        return _moment(text, field=field, sign=1)
    return day + DAY if day < LAST_DAY else datetime.max.replace(tzinfo=UTC)


def as_start(text: str, *, field: str) -> datetime:
    """Read a start: ``2026-01-01`` means from that midnight on (UTC), ``90d`` means that long ago.

    :raises Invalid: if it is neither date, moment nor duration
    """
    return _date(text) or _moment(text, field=field, sign=-1)


def as_duration(text: str, *, field: str) -> timedelta:
    """Read how long: ``15m``, ``2h``.

    :raises Invalid: if it is none
    """
    match = DURATION.fullmatch(text.strip())
    if match is None:
        raise Invalid(
            f"{text[:40]!r} is not a duration.",
            remedy="Write a number and a unit: 15m, 2h.",
            fields={field: "is not a duration"},
        )
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def duration_text(span: timedelta) -> str:
    """Write how long as it is typed, in the largest of hours, minutes and seconds that fits: ``90m``."""
    seconds = int(span.total_seconds())
    size, unit = next((size, unit) for size, unit in ((3_600, "h"), (60, "m"), (1, "s")) if seconds % size == 0)
    return f"{seconds // size}{unit}"


def _date(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _moment(text: str, *, field: str, sign: int) -> datetime:
    try:
        if match := DURATION.fullmatch(text):
            return timezone.now() + sign * timedelta(**{UNITS[match[2]]: int(match[1])})
        at = parse_datetime(text) if "T" in text.upper() else None
        if at is not None:
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        pass
    raise Invalid(
        f"{text!r} is not a time.",
        remedy="Write a date (2026-12-31), a moment (2026-12-31T18:00:00Z) or a duration (15m, 2h, 7d).",
        fields={field: "is not a time"},
    )


def ago(at: datetime | None) -> str:
    """Say how long ago something was, in the largest unit that fits."""
    if at is None:
        return "never"
    seconds = max(0, int((timezone.now() - at).total_seconds()))
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "min")):
        if number := seconds // size:
            return f"{number} {word}{'s' if number > 1 and word != 'min' else ''} ago"
    return "just now"
