"""Times as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils import timezone as clock
from hypothesis import given
from hypothesis import strategies as st

from accounts.errors import Invalid
from accounts.times import ago, as_duration, as_end, as_start, duration_text

UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
BOTH = pytest.mark.parametrize("read", [as_start, as_end])


@given(st.dates(max_value=datetime(9999, 12, 30).date()))  # noqa: DTZ001 -- a date
def test_a_date_is_from_its_midnight_through_that_day(day: object) -> None:
    start, end = as_start(str(day), field="from"), as_end(str(day), field="until")

    assert (start.isoformat(), end - start) == (f"{day}T00:00:00+00:00", timedelta(days=1))


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_that_moment_in_utc(at: datetime, minutes: int) -> None:
    try:
        text = at.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    except OverflowError:
        return

    assert as_start(text, field="f") == as_end(text, field="f") == at
    assert as_start(text, field="f").tzinfo is UTC


@pytest.mark.parametrize("text", ["15m", "2h", "7d", "3w", "90s", "999999s"])
def test_a_duration_counts_from_now(text: str) -> None:
    length = timedelta(seconds=int(text[:-1]) * UNITS[text[-1]])
    before = clock.now()
    start, end = as_start(text, field="f"), as_end(text, field="f")
    after = clock.now()

    assert before - length <= start <= after - length
    assert before + length <= end <= after + length


def test_the_last_day_is_one() -> None:
    assert as_end("9999-12-31", field="f") == datetime.max.replace(tzinfo=UTC)


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "0d",
        "-1d",
        "1.5h",
        "1M",
        "7 d",
        "7d\n",
        "1000000s",
        "999999w",
        "2026-02-30",
        "2026-13-01",
        "2026-1-1",
        "\uff12\uff10\uff12\uff16-01-01",
        "2026-01-01T25:00:00Z",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "T",
        "1767225600",
        "2026-01-01\x00",
        "\ud800",
        "9" * 5_000 + "d",
    ],
)
def test_anything_else_is_refused_by_name(read: object, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read(text, field="until")  # type: ignore[operator]

    assert refusal.value.fields == {"until": "is not a time"}


@given(st.text(max_size=30))
def test_no_text_is_a_fault(text: str) -> None:
    for read in (as_start, as_end):
        try:
            assert read(text, field="f").tzinfo is UTC
        except Invalid:
            continue


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-100, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (14 * 60, "14 min ago"),
        (3_600, "1 hour ago"),
        (7_200, "2 hours ago"),
        (86_400, "1 day ago"),
        (86_400 * 400, "400 days ago"),
    ],
)
def test_how_long_ago(seconds: int, words: str) -> None:
    assert ago(clock.now() - timedelta(seconds=seconds)) == words


def test_never() -> None:
    assert ago(None) == "never"


@pytest.mark.parametrize(
    ("text", "seconds"), [("15m", 900), ("1h", 3_600), (" 90m ", 5_400), ("24h", 86_400), ("1d", 86_400), ("30s", 30)]
)
def test_a_duration(text: str, seconds: int) -> None:
    assert as_duration(text, field="duration") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "m", "0m", "-1h", "1.5h", "2030-01-01", "1h30m", "9" * 5_000 + "h", "\u0661m"])
def test_what_is_no_duration_is_refused_by_name_and_not_quoted_at_length(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        as_duration(text, field="duration")

    assert refusal.value.fields == {"duration": "is not a duration"}
    assert len(refusal.value.message) < 100


@pytest.mark.parametrize(("minutes", "text"), [(1, "1m"), (60, "1h"), (90, "90m"), (24 * 60, "24h"), (0.5, "30s")])
def test_a_duration_is_written_as_it_is_typed(minutes: float, text: str) -> None:
    assert duration_text(timedelta(minutes=minutes)) == text
    assert as_duration(text, field="duration") == timedelta(minutes=minutes)
