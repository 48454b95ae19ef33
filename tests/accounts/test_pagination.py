"""Lists by keyset against a plain sorted list: every order, both ways, ties, NULLs, rows that come and go."""

import base64
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as configured
from hypothesis import strategies as st

from accounts import keys
from accounts.errors import Invalid
from accounts.filters import USER_ORDERS, UserFilter
from accounts.models import Organization, User
from accounts.pagination import FURTHEST, Order, estimate, page_at, page_of, walk
from tests.factories.users import make_user

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = ("", "a", "b", "B", "ä", "日本", "\U0001f600", "ab", "a b")
ORDERS = [f"{sign}{word}" for word in USER_ORDERS for sign in ("", "-")]
ROW = st.tuples(
    st.integers(0, 3),  # created_at: ties
    st.sampled_from([None, "a", "b", "c", "ä", "Z"]),  # username
    st.sampled_from(NAMES),
    st.none() | st.integers(0, 2),  # last_sign_in_at
)


def fill(organization: Organization, rows: list[tuple[int, str | None, str, int | None]], start: int = 0) -> None:
    User.objects.bulk_create(
        User(
            organization=organization,
            created_at=START + timedelta(microseconds=created),
            email=f"e{start + number}@x.example",
            email_key=f"e{start + number}@x.example",
            username=f"{username}{start + number}" if username else None,
            username_key=f"{username}{start + number}" if username else None,
            name=name,
            name_key=name,
            last_sign_in_at=START + timedelta(days=signed_in) if signed_in is not None else None,
        )
        for number, (created, username, name, signed_in) in enumerate(rows)
    )


def expected(order: Order, users: list[User]) -> list[Any]:
    """Sort as the promise says: by value and id, without a value last; turned round, all of it."""

    def key(user: User) -> tuple[bool, Any, Any]:
        value = getattr(user, order.column)
        return value is None, value if value is not None else 0, user.pk

    return [user.pk for user in sorted(users, key=key, reverse=order.descending)]


def forward(queryset: Any, order: Order, limit: int) -> tuple[list[list[Any]], list[Any]]:
    cursor, pages, made = "", [], []
    while True:
        page = page_of(queryset, order, limit=limit, cursor=cursor)
        pages.append([row.pk for row in page.rows])
        made.append(page)
        if page.next_cursor is None:
            return pages, made
        cursor = page.next_cursor


@configured(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, max_size=14), limit=st.integers(1, 6))
@pytest.mark.parametrize("word", ORDERS)
def test_every_order_is_a_sorted_list_both_ways(acme: Organization, word: str, rows: list[Any], limit: int) -> None:
    User.objects.all().delete()
    fill(acme, rows)
    order = Order.parse(word, dict(USER_ORDERS))
    queryset = User.objects.filter(organization=acme)
    wanted = expected(order, list(queryset))

    pages, made = forward(queryset, order, limit)

    assert [pk for page in pages for pk in page] == wanted
    assert [row.pk for row in walk(queryset, order, chunk=limit)] == wanted
    assert made[0].previous_cursor is None
    assert all(len(page) == limit for page in pages[:-1])
    back, cursor = [], made[-1].previous_cursor
    while cursor:
        page = page_of(queryset, order, limit=limit, cursor=cursor)
        back.append([row.pk for row in page.rows])
        assert page.next_cursor is not None
        cursor = page.previous_cursor
    walked = [pk for page in reversed(back) for pk in page]
    assert walked == wanted[: len(wanted) - len(pages[-1])]


@configured(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=6, max_size=12), more=st.lists(ROW, max_size=6), gone=st.sets(st.integers(0, 11)))
@pytest.mark.parametrize("word", ["created_at", "-username", "name", "last_sign_in_at", "-last_sign_in_at"])
def test_who_stays_is_shown_once_while_others_come_and_go(
    acme: Organization, word: str, rows: list[Any], more: list[Any], gone: set[int]
) -> None:
    User.objects.all().delete()
    fill(acme, rows)
    order = Order.parse(word, dict(USER_ORDERS))
    queryset = User.objects.filter(organization=acme)
    there = list(queryset)
    first = page_of(queryset, order, limit=3)
    shown = [row.pk for row in first.rows]
    leaving = [user.pk for number, user in enumerate(there) if number in gone]
    User.objects.filter(pk__in=leaving).delete()
    fill(acme, more, start=100)

    cursor = first.next_cursor
    while cursor:
        page = page_of(queryset, order, limit=3, cursor=cursor)
        shown += [row.pk for row in page.rows]
        cursor = page.next_cursor

    staying = [pk for pk in expected(order, there) if pk not in leaving]
    assert len(shown) == len(set(shown))
    assert [pk for pk in shown if pk in staying] == staying


def test_the_words_are_a_closed_list() -> None:
    with pytest.raises(Invalid) as refusal:
        Order.parse("password", dict(USER_ORDERS))

    assert refusal.value.fields == {"order": "unknown"}
    for text in ("", "--email", "email_key", "-", "organization__slug"):
        with pytest.raises(Invalid):
            Order.parse(text, dict(USER_ORDERS))
    assert Order.parse("-email", dict(USER_ORDERS)) == Order("email_key", nullable=True, descending=True)


@pytest.mark.parametrize("limit", [0, -1, 101, 10**9])
def test_limits(acme: Organization, limit: int) -> None:
    queryset = User.objects.all()
    readers: list[Callable[[], Any]] = [
        lambda: page_of(queryset, USER_ORDERS["name"], limit=limit),
        lambda: page_at(queryset, USER_ORDERS["name"], limit=limit, offset=0),
    ]
    for read in readers:
        with pytest.raises(Invalid) as refusal:
            read()
        assert list(refusal.value.fields) == ["limit"]


class TestCursor:
    """A cursor is good for the list it was made for, and says nothing."""

    @pytest.fixture
    def cursor(self, acme: Organization) -> str:
        for number in range(3):
            make_user(acme, f"canary{number}")
        made = page_of(User.objects.all(), USER_ORDERS["email"], limit=1, scope="acme").next_cursor
        assert made is not None
        return made

    def test_it_is_good_for_its_list(self, cursor: str) -> None:
        page = page_of(User.objects.all(), USER_ORDERS["email"], limit=1, scope="acme", cursor=cursor)

        assert [row.username for row in page.rows] == ["canary1"]

    def test_it_holds_nothing_readable(self, cursor: str) -> None:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))

        assert b"canary" not in raw
        assert "canary" not in cursor
        for user in User.objects.all():
            assert user.pk.bytes not in raw

    def test_it_is_refused_elsewhere(self, cursor: str) -> None:
        for order, scope, queryset in (
            ("email", "nextdoor", User.objects.all()),
            ("username", "acme", User.objects.all()),
            ("-email", "acme", User.objects.all()),
        ):
            with pytest.raises(Invalid) as refusal:
                page_of(queryset, Order.parse(order, dict(USER_ORDERS)), scope=scope, cursor=cursor)
            assert refusal.value.fields == {"cursor": "not of this list"}

    def test_one_of_another_model_is_refused(self, acme: Organization, nextdoor: Organization) -> None:
        order = USER_ORDERS["created_at"]
        made = page_of(Organization.objects.all(), order, limit=1).next_cursor or ""

        assert made
        with pytest.raises(Invalid):
            page_of(User.objects.all(), order, cursor=made)

    def test_filters_are_part_of_the_list(self) -> None:
        assert UserFilter.parse("tag=x").scope != UserFilter.parse("tag=y").scope
        assert UserFilter.parse("tag=x&status=active").scope == UserFilter.parse("status=active&tag=x").scope

    def test_a_forged_one_is_refused(self, cursor: str) -> None:
        queryset, order = User.objects.all(), USER_ORDERS["email"]
        middle = len(cursor) // 2
        flipped = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
        other_purpose = keys.seal("link", '["x", null, "1", false]')
        unmarked = keys.seal("cursor", '["", null, "", false]')
        for forged in (
            flipped,
            cursor[:-4],
            cursor[4:],
            cursor + "AAAA",
            "x",
            "é",
            "\x00",
            "=",
            " ",
            other_purpose,
            unmarked,
        ):
            with pytest.raises(Invalid) as refusal:
                page_of(queryset, order, scope="acme", cursor=forged)
            assert refusal.value.fields == {"cursor": "not of this list"}


class TestByNumber:
    """Pages by number, for small lists."""

    def test_they_are_stretches_of_the_list(self, acme: Organization) -> None:
        fill(acme, [(n % 2, None, NAMES[n % 5], n % 3 or None) for n in range(13)])
        order = Order.parse("-last_sign_in_at", dict(USER_ORDERS))
        wanted = expected(order, list(User.objects.all()))

        for offset in range(0, 16, 3):
            rows = page_at(User.objects.all(), order, limit=4, offset=offset).rows
            assert [row.pk for row in rows] == wanted[offset : offset + 4]

    @pytest.mark.parametrize("offset", [-1, FURTHEST, FURTHEST - 19])
    def test_they_end(self, db: None, offset: int) -> None:
        with pytest.raises(Invalid) as refusal:
            page_at(User.objects.all(), USER_ORDERS["name"], limit=20, offset=offset)

        assert list(refusal.value.fields) == ["offset"]
        assert "cursor" in refusal.value.remedy


def test_walking_keeps_a_chunk_in_memory(acme: Organization) -> None:
    fill(acme, [(number, None, f"{number:>200}", None) for number in range(4_000)])

    def peak(rows: Any) -> int:
        tracemalloc.start()
        for _ in rows:
            pass
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    order, queryset = USER_ORDERS["created_at"], User.objects.filter(organization=acme)
    list(walk(queryset, order, chunk=100))
    few = queryset.filter(created_at__lt=START + timedelta(microseconds=400))
    small, large = peak(walk(few, order, chunk=100)), peak(walk(queryset, order, chunk=100))

    assert large < small * 1.5


def test_queries_do_not_depend_on_rows(acme: Organization) -> None:
    def queries(number: int) -> int:
        User.objects.all().delete()
        for place in range(number):
            user = make_user(acme, f"u{place}")
            user.tags.create(name="x", organization=acme)
        with CaptureQueriesContext(connection) as captured:
            rows = page_of(User.objects.filter(organization=acme).with_shown(), USER_ORDERS["email"], limit=50).rows
            for row in rows:
                assert [tag.name for tag in row.tags.all()] == ["x"]
                assert [a.role.slug for m in row.memberships.all() for a in m.assignments.all()] == ["member"]
                assert row.organization.slug == "acme"
        assert len(rows) == number
        return len(captured)

    # The second stretch (addresses that are NULL) is asked for as well while a page is not full.
    assert queries(2) == queries(49)


def test_an_estimate_counts_a_few_exactly(acme: Organization) -> None:
    fill(acme, [(0, None, "", None)] * 7)

    assert estimate(User.objects.all()) == 7


def test_an_estimate_of_many_is_near(acme: Organization) -> None:
    fill(acme, [(0, None, "", None)] * 10_500)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE accounts_user")

    assert 10_000 <= estimate(User.objects.all()) <= 12_000
