"""What the database does for each question: plans, not times. Two thousand users in each of two organizations."""

import itertools
import re
from typing import Any

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from accounts.filters import USER_ORDERS, UserFilter
from accounts.models import ClaimKey, ClaimValue, Organization, User, UserSearch
from accounts.pagination import Order, page_of
from tests.factories.claims import make_claim
from tests.factories.organizations import make_organization

ROWS = 2_000
INDEX = {
    "created_at": "user_by_created",
    "email": "user_by_email|user_email_once",  # unique: sorting within one address costs nothing
    "username": "user_by_username|user_username_once",
    "name": "user_by_name",
    "last_sign_in_at": "user_by_last_sign_in",
}


def build() -> Organization:
    """Make many, and statistics about them."""
    organizations = [make_organization("acme"), make_organization("nextdoor")]
    for organization in organizations:
        users = User.objects.bulk_create(
            User(
                organization=organization,
                email=f"person{number}@{organization.slug}.example",
                email_key=f"person{number}@{organization.slug}.example",
                username=f"user{number}" if number % 5 else None,
                username_key=f"user{number}" if number % 5 else None,
                name=f"Name {number}",
                name_key=f"name {number}",
                last_sign_in_at=None if number % 3 else organization.created_at,
            )
            for number in range(ROWS)
        )
        UserSearch.objects.bulk_create(UserSearch(user=user, text=user.search_text) for user in users)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SELECT gin_clean_pending_list('accounts_usersearch_trigram')")
        cursor.execute("ANALYZE")
    return organizations[0]


@pytest.fixture
def crowd(standing: Organization, db: None) -> Organization:
    """One of the two organizations."""
    return standing


def plans_of(captured: CaptureQueriesContext) -> list[str]:
    """Ask again how each query is answered."""
    plans = []
    for query in [entry["sql"] for entry in captured.captured_queries]:
        if not query.startswith("SELECT"):
            continue
        with connection.cursor() as cursor:
            explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
            cursor.execute(explain + query.replace("%", "%%"), None if "%" not in query else ())
            plans.append("\n".join(str(row[-1]) for row in cursor.fetchall()))
    return plans


def plan(queryset: models.QuerySet[Any]) -> str:
    """Say how a query set is read."""
    return queryset.explain()


def sorts(text: str) -> bool:
    return bool(
        re.search(
            r"(?<!Incremental )\bSort  |TEMP B-TREE FOR (LAST )?(TERM OF )?ORDER BY|TEMP B-TREE FOR .*ORDER BY", text
        )
    )


def scans(text: str) -> bool:
    return bool(re.search(r"Seq Scan on accounts_user\b|SCAN accounts_user\b(?! USING)", text))


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("word", sorted(USER_ORDERS))
def test_each_order_runs_along_its_index(crowd: Organization, word: str, sign: str) -> None:
    assert set(INDEX) == set(USER_ORDERS)
    order = Order.parse(sign + word, dict(USER_ORDERS))
    queryset = UserFilter().apply(User.objects.filter(organization=crowd))
    cursor = ""
    for _ in range(3):  # the first page, and two that begin behind a row
        with CaptureQueriesContext(connection) as captured:
            page = page_of(queryset, order, limit=20, cursor=cursor)
        cursor = page.next_cursor or ""
        assert cursor
        for text in plans_of(captured):
            assert re.search(INDEX[word], text), text
            assert not sorts(text), text
            assert not scans(text), text


def test_the_list_of_every_organization_runs_along_its_index(crowd: Organization) -> None:
    with CaptureQueriesContext(connection) as captured:
        page_of(User.objects.all(), USER_ORDERS["created_at"], limit=20)

    (text,) = plans_of(captured)
    assert "user_all_by_created" in text
    assert not sorts(text)


@pytest.mark.parametrize("of_all", [False, True], ids=["one", "all"])
def test_the_few_who_are_not_active_are_read_along_their_own_index(crowd: Organization, of_all: bool) -> None:
    everybody = list(User.objects.order_by("pk").values_list("pk", flat=True))
    few = {"suspended": everybody[::40], "locked": everybody[1::40], "archived": everybody[2::40]}
    for word, ids in few.items():
        User.objects.filter(pk__in=ids).update(status=word)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    users = User.objects.all() if of_all else User.objects.filter(organization=crowd)
    for status, sign in itertools.product(["invited", *few, "suspended,locked"], ["", "-"]):
        queryset = UserFilter(status=status).apply(users)
        order = Order.parse(f"{sign}created_at", dict(USER_ORDERS))
        with CaptureQueriesContext(connection) as captured:
            page = page_of(queryset, order, limit=20)
            page_of(queryset, order, limit=20, cursor=page.next_cursor or "")

        assert len(page.rows) == (0 if status == "invited" else 20)
        assert {user.status for user in page.rows} <= set(status.split(","))
        assert "by_status" in plan(queryset.order_by("created_at", "id")[:20])  # with its values apart, as it is sent
        for text in plans_of(captured):
            assert re.search("user_all_by_status" if of_all else "user_by_status|user_all_by_status", text), text
            assert not scans(text), text


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("PERSON77@acme.example", r"user_email_once|user_by_email|\(organization_id=\? AND email_key=\?\)"),
        ("User77", r"user_username_once|user_by_username|\(organization_id=\? AND username_key=\?\)"),
    ],
)
def test_a_look_up_is_one_query_on_a_unique_index(crowd: Organization, text: str, index: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        found = list(User.objects.named(text, organization_id=crowd.pk))

    assert [user.username for user in found] == ["user77"]
    (how,) = plans_of(captured)
    assert re.search(index, how), how
    assert not scans(how), how


def test_a_look_up_by_id_is_one_query_on_the_primary_key(crowd: Organization) -> None:
    user = User.objects.filter(organization=crowd)[77]
    with CaptureQueriesContext(connection) as captured:
        found = list(User.objects.named(user.public_id, organization_id=crowd.pk))

    assert found == [user]
    (how,) = plans_of(captured)
    assert re.search("accounts_user_pkey|sqlite_autoindex_accounts_user_1", how), how


@pytest.mark.parametrize(
    ("needle", "number"), [("person777@", 2), ("erson1999", 2), ("us", None), ("p", None), ("77@acme", None)]
)
def test_a_search_asks_the_trigram_index(crowd: Organization, needle: str, number: int | None) -> None:
    found = User.objects.matching(needle)
    assert number is None or found.count() == number
    prefix = needle if len(needle) > 2 else f"\n\n{needle}"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A needle that half of four thousand rows hold is read faster row by row: asked is whether the index can.
            cursor.execute("SET LOCAL enable_seqscan = off")
        how = plan(UserSearch.objects.holding(prefix))

    assert "accounts_usersearch_trigram" in how, how
    if connection.vendor == "postgresql":
        assert "Bitmap Index Scan on accounts_usersearch_trigram" in how
        assert "Seq Scan" not in how
    else:
        assert "VIRTUAL TABLE INDEX" in how


def test_a_search_of_users_begins_at_the_trigram_index(crowd: Organization) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    how = plan(User.objects.matching("person1777@acme"))

    assert "accounts_usersearch_trigram" in how, how
    assert not scans(how), how


@pytest.mark.parametrize("needle", ["per", "name 1", "user19", "acme", "ser", "example"])
def test_a_search_finds_what_reading_everything_would(crowd: Organization, needle: str) -> None:
    wanted = {
        user.pk for user in User.objects.all() if needle in f"{user.email_key} {user.username_key} {user.name_key}"
    }

    assert set(User.objects.matching(needle).values_list("pk", flat=True)) == wanted


@pytest.mark.parametrize(
    ("needle", "field"), [("p", "email_key"), ("us", "username_key"), ("n", "name_key"), ("er", "")]
)
def test_under_three_letters_it_is_the_beginning(crowd: Organization, needle: str, field: str) -> None:
    wanted = (
        set(User.objects.filter(**{f"{field}__startswith": needle}).values_list("pk", flat=True)) if field else set()
    )

    assert set(User.objects.matching(needle).values_list("pk", flat=True)) == wanted


@pytest.mark.parametrize("number", [7, 77])
def test_people_are_found_by_a_claim_along_its_index(crowd: Organization, number: int) -> None:
    people = list(User.objects.filter(organization=crowd))
    definition = make_claim(crowd, "badge")
    values = ClaimValue.objects.bulk_create(
        ClaimValue(organization=crowd, user=user, definition=definition, value=place, set_at=crowd.created_at)
        for place, user in enumerate(people)
    )
    ClaimKey.objects.bulk_create(
        ClaimKey(value=value, definition=definition, user=value.user, key=f"json:{value.value}") for value in values
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    found = UserFilter.build({"claim": f"badge={number}"}).apply(User.objects.filter(organization=crowd))

    assert list(found) == [people[number]]
    how = plan(found.order_by("created_at", "id")[:21])
    assert "claim_key_by_word" in how, how
    assert not scans(how), how
    assert not re.search(r"Seq Scan on accounts_claimkey|SCAN \w*claimkey\b(?! USING)", how), how
