"""Triggers and search index: there, noticed when gone, put back."""

import pytest
from django.db import connection

from accounts import database
from accounts.models import User

pytestmark = pytest.mark.django_db


def wanted() -> list[str]:
    common = [*database.TRIGGERS, database.SEARCH_INDEX]
    if connection.vendor == "postgresql":
        return [*common, database.TRUNCATE_TRIGGER]
    return [*common, *database.REPLACE_TRIGGERS, *database.SEARCH_TRIGGERS]


def test_nothing_is_missing_after_migrate() -> None:
    assert database.missing(connection) == set()


def test_what_is_gone_is_noticed_and_put_back() -> None:
    for name in wanted():
        with connection.cursor() as cursor:
            if name == database.SEARCH_INDEX:
                kind = "INDEX" if connection.vendor == "postgresql" else "TABLE"
                cursor.execute(f"DROP {kind} {name}")
            else:
                table = name.rsplit("_no_", 1)[0]
                cursor.execute(f"DROP TRIGGER {name}" + (f" ON {table}" if connection.vendor == "postgresql" else ""))
        assert database.missing(connection) == {name}

        database.install(connection)
        assert database.missing(connection) == set()


def test_a_disabled_trigger_is_a_missing_one() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite cannot disable a trigger")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent DISABLE TRIGGER accounts_auditevent_no_update")

    assert database.missing(connection) == {"accounts_auditevent_no_update"}


def test_installing_again_changes_nothing() -> None:
    database.install(connection)
    database.install(connection)

    assert database.missing(connection) == set()


def test_what_is_forgotten_is_not_found(alice: User, bob: User) -> None:
    bob.name = "Somebody Else"
    bob.save()
    assert list(User.objects.matching("somebody")) == [bob]
    bob.name = ""
    bob.save()

    assert list(User.objects.matching("somebody")) == []
