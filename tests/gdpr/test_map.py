"""The map beside the tables that a database really has, and beside what erasure will do with it."""

import re
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import User, UserTag
from accounts.statuses import Status
from gdpr.checks import database_errors, map_errors
from gdpr.personal_data import ACCOUNT, SECURITY, TABLES
from gdpr.registry import (
    SELF,
    Category,
    Erase,
    Export,
    Kind,
    Life,
    Link,
    Log,
    Overwrite,
    Retain,
    Source,
    nobody,
    operational,
    personal,
    secret,
    table,
)
from tests.gdpr.maps import entry, without

pytestmark = pytest.mark.django_db


def listed_here() -> set[str]:
    """Give the tables that the map says this database has."""
    return {entry.name for entry in TABLES if not entry.raw_on or connection.vendor in entry.raw_on}


def execute(statement: str) -> None:
    """Change the database past the models, inside the test's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def problems() -> list[tuple[str, str, str]]:
    """Give what differs."""
    return [(str(error.id), str(error.obj), error.msg) for error in database_errors(connection, TABLES)]


class TestTheTables:
    """Nothing unlisted, nothing stale."""

    def test_are_those_of_the_database(self) -> None:
        actual = {name for name in connection.introspection.table_names() if not name.startswith("sqlite_stat")}
        assert actual == listed_here() - {"sqlite_sequence"}

    def test_do_not_differ_once_an_operator_let_the_planner_count(self) -> None:
        execute("ANALYZE")
        assert problems() == []

    def test_and_their_columns_too(self) -> None:
        assert problems() == []

    def test_a_new_table_is_found(self) -> None:
        execute("CREATE TABLE stray (email text)")
        assert problems() == [("gdpr.E001", "stray", "a table of the database has no entry.")]

    def test_a_view_is_found(self) -> None:
        execute("CREATE VIEW addresses AS SELECT email FROM accounts_user")
        assert problems() == [("gdpr.E001", "addresses", "a table of the database has no entry.")]

    def test_a_new_column_is_found(self) -> None:
        execute("ALTER TABLE accounts_user ADD COLUMN shoe_size text")
        assert problems() == [("gdpr.E002", "accounts_user", "not classified: shoe_size.")]

    def test_a_renamed_column_is_found(self) -> None:
        execute("ALTER TABLE django_migrations RENAME COLUMN applied TO done_at")
        assert problems() == [
            ("gdpr.E002", "django_migrations", "not classified: done_at."),
            ("gdpr.E003", "django_migrations", "there is no column applied."),
        ]

    def test_a_dropped_table_is_found(self) -> None:
        execute("DROP TABLE django_migrations")
        assert problems() == [("gdpr.E003", "django_migrations", f"{connection.vendor} has no such table.")]

    def test_of_another_database_are_not_asked_for(self) -> None:
        other = "postgresql" if connection.vendor == "sqlite" else "sqlite"
        elsewhere = table("elsewhere", "There", raw_on=(other,), columns={"id": nobody()})
        assert database_errors(connection, (*TABLES, elsewhere)) == []

    def test_a_missing_entry_of_a_raw_table_is_found(self) -> None:
        (error,) = database_errors(connection, without("django_migrations"))
        assert (error.id, error.obj) == ("gdpr.E001", "django_migrations")


class ShoeSizes(migrations.Migration):
    """A migration as somebody would write it who forgot the map."""

    operations = [migrations.AddField("usertag", "shoe_size", models.CharField(max_length=4, null=True))]


@pytest.mark.django_db(transaction=True)
def test_a_column_that_a_migration_adds_fails_the_check() -> None:
    before = MigrationExecutor(connection).loader.project_state()
    migration = ShoeSizes("9999_shoe_sizes", "accounts")
    after = migration.mutate_state(before)
    with connection.schema_editor() as editor:
        migration.apply(before.clone(), editor)
    try:
        assert ("gdpr.E002", "accounts_usertag", "not classified: shoe_size.") in problems()
        model = after.apps.get_model("accounts", "UserTag")
        others = [other for other in apps.get_models(include_auto_created=True) if other is not UserTag]
        assert "not classified: shoe_size." in [error.msg for error in map_errors(TABLES, [*others, model])]
    finally:
        with connection.schema_editor() as editor:
            migration.unapply(before.clone(), editor)
    assert problems() == []


class TestErasure:
    """What the map will do to a person's row is what the database lets it do."""

    def test_leaves_a_tombstone_that_names_nobody(self, alice: User, bob: User) -> None:
        texts = ["name", "given_name", "family_name", "nickname", "name_key", "phone_number"]
        texts += ["locale", "zoneinfo", "picture", "bio", "status_reason"]
        moments = ["email_verified_at", "status_until", "last_sign_in_at", "updated_at"]
        for person in (alice, bob):
            rows = User.objects.filter(pk=person.pk)
            rows.update(
                **dict.fromkeys(texts, "canary"),
                **dict.fromkeys(moments, timezone.now()),
                status=Status.LOCKED,
                metadata={"canary": 1},
                is_superuser=True,
                must_change_password=True,
                must_enrol=True,
            )
            rows.update(**erased_user())

        for person in (alice, bob):
            row = User.objects.filter(pk=person.pk).values().get()
            kept = {"id": person.pk, "organization_id": person.organization_id, "created_at": person.created_at}
            assert row == {
                **kept,
                "version": 1,
                "status": Status.PURGED,
                "password": "!",
                "metadata": {},
                "is_superuser": False,
                "must_change_password": False,
                "must_enrol": False,
                **dict.fromkeys(["email", "email_key", "username", "username_key", *moments]),
                **dict.fromkeys([*texts, "status_before"], ""),
            }
            assert not person.__class__.objects.get(pk=person.pk).has_usable_password()


def erased_user() -> dict[str, Any]:
    """Read from the map what erasure writes into a person's row."""
    values: dict[str, Any] = {}
    for field in User._meta.local_concrete_fields:
        erase = entry("accounts_user").columns[str(field.column)].erase
        assert not isinstance(erase, Retain) or erase.until is Life.ORGANIZATION
        if erase is Erase.NULL:
            values[field.name] = None
        elif erase is Erase.DEFAULT:
            values[field.name] = field.get_default()
        elif isinstance(erase, Overwrite):
            values[field.name] = erase.value
    return values


class TestTheWords:
    """What follows from what was said."""

    def test_a_table_speaks_for_its_columns_unless_they_speak(self) -> None:
        made = table(
            "pets",
            "Pets",
            whose=(Link("owner"),),
            purpose=ACCOUNT,
            source=Source.PROVIDED,
            erase=Erase.DELETE_ROW,
            retention=(Life.ACCOUNT,),
            columns={
                "name": personal(Category.NAME),
                "seen_by": personal(Category.NAME, whose=(SELF,), purpose=SECURITY, source=Source.OBSERVED),
                "legs": nobody(),
            },
        )
        name, seen_by, legs = made.columns.values()

        assert (name.whose, name.purpose, name.source) == ((Link("owner"),), ACCOUNT, Source.PROVIDED)
        assert (name.erase, name.retention) == (Erase.DELETE_ROW, (Life.ACCOUNT,))
        assert (seen_by.whose, seen_by.purpose, seen_by.source) == ((SELF,), SECURITY, Source.OBSERVED)
        assert (legs.whose, legs.erase, legs.retention) == (None, None, None)

    @pytest.mark.parametrize(
        ("source", "purpose", "export", "portable"),
        [
            (Source.PROVIDED, ACCOUNT, Export.YES, True),
            (Source.OBSERVED, ACCOUNT, Export.YES, True),
            (Source.DERIVED, ACCOUNT, Export.YES, False),
            (Source.ORGANIZATION, ACCOUNT, Export.YES, False),
            (Source.PROVIDED, SECURITY, Export.YES, False),
            (Source.PROVIDED, ACCOUNT, Export.PRESENCE, False),
            (Source.PROVIDED, ACCOUNT, Export.NO, False),
        ],
    )
    def test_portable_is_what_was_given_or_observed_on_contract(
        self, source: Source, purpose: Any, export: Export, portable: bool
    ) -> None:
        column = personal(Category.NAME, source=source, purpose=purpose, export=export)
        assert column.is_portable is portable

    def test_secrets_are_shown_as_present_and_never_logged(self) -> None:
        made = secret()
        assert (made.kind, made.export, made.log) == (Kind.SECRET, Export.PRESENCE, Log.NEVER)
        assert operational().log is Log.YES
        assert personal(Category.NAME).log is Log.MASKED

    def test_what_is_called_like_a_secret_is_one(self) -> None:
        called = re.compile(r"^password$|secret|token|salt|lookup|session_data|_hash$")
        kinds = {
            f"{entry.name}.{name}": column.kind
            for entry in TABLES
            for name, column in entry.columns.items()
            if called.search(name)
        }
        assert kinds["accounts_apikey.secret_hash"] is Kind.SECRET
        assert [name for name, kind in kinds.items() if kind is not Kind.SECRET] == []

    def test_every_link_to_a_person_says_whose(self) -> None:
        tables = {entry.name: entry for entry in TABLES}
        for relation in User._meta.related_objects:
            field: Any = relation.field
            model: type[models.Model] = relation.related_model
            assert tables[model._meta.db_table].columns[field.column].whose == (Link(field.name),)
