"""The canaries reach everything that the map says is about people."""

from dataclasses import replace

import pytest
from django.db import connection

from accounts.models import User
from gdpr.registry import Kind
from tests.gdpr.canaries import EMPTY, Canary, database_text, planted, unreached

pytestmark = pytest.mark.django_db


@pytest.fixture
def canaries(bob: User, carol: User) -> list[Canary]:
    """Everything about bob."""
    return planted(bob, carol)


class TestCanaries:
    """Nothing can be registered without one."""

    def test_reach_every_column_about_people(self, canaries: list[Canary]) -> None:
        assert unreached(canaries) == []

    def test_a_column_without_one_is_named(self, canaries: list[Canary]) -> None:
        fewer = [canary for canary in canaries if (canary.table, canary.column) != ("accounts_session", "device")]
        assert unreached(fewer) == ["accounts_session.device"]

    def test_an_exception_that_is_none_is_named(self, canaries: list[Canary]) -> None:
        (table, column), *_ = EMPTY
        extra = replace(canaries[0], table=table, column=column)
        assert unreached([*canaries, extra]) == [f"{table}.{column} is no exception"]

    def test_are_in_the_database(self, canaries: list[Canary]) -> None:
        held = database_text()
        times = {canary.text for canary in canaries if ":" in canary.text and "::" not in canary.text}
        assert [c for c in canaries if c.text and c.text not in times and c.text not in held] == []

    def test_are_unique(self, canaries: list[Canary], bob: User, alice: User, carol: User) -> None:
        twins = planted(carol, alice)
        bobs, carols = ({canary.text for canary in people if canary.text} for people in (canaries, twins))
        assert bobs & carols == set()
        assert len(bobs) > 100

    def test_all_text_has_one(self, canaries: list[Canary]) -> None:
        kinds = {Kind.FREE_TEXT, Kind.SECRET}
        assert [c for c in canaries if c.described.kind in kinds and not c.text] == []

    def test_reach_the_search_index(self, canaries: list[Canary]) -> None:
        (text,) = [c.text for c in canaries if (c.table, c.column) == ("accounts_usersearch", "text")]
        with connection.cursor() as cursor:
            table = "accounts_usersearch_trigram" if connection.vendor == "sqlite" else "accounts_usersearch"
            cursor.execute(f"SELECT count(*) FROM {table} WHERE text LIKE %s", [f"%{text}%"])
            assert cursor.fetchone() == (1,)
