"""Each check of the map is seen to fail, by a small change to a copy of the map or by a model made here."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import Error
from django.db import models
from django.test.utils import isolate_apps

from accounts.models import Membership, User
from gdpr.checks import map_errors, shipped_errors
from gdpr.personal_data import ACCOUNT, TABLES, TOMBSTONE
from gdpr.registry import (
    SELF,
    Category,
    Column,
    CopyOf,
    Days,
    Erase,
    Export,
    Kind,
    Lapse,
    Life,
    Link,
    Log,
    Match,
    Overwrite,
    PlainID,
    Retain,
    Section,
    Source,
    Table,
    free_text,
    identifier,
    nobody,
    operational,
    personal,
    table,
)
from tests.gdpr.maps import entry, with_column, with_columns, with_table, without

ROOT = Path(__file__).resolve().parents[2]

FAULTS: list[Any] = [
    pytest.param(without("accounts_usertag"), [("E001", "accounts_usertag")], id="a table without entry"),
    pytest.param(without("accounts_user", "bio"), [("E002", "accounts_user")], id="a column without entry"),
    pytest.param(
        with_columns("accounts_user", shoe_size=nobody()),
        [("E003", "accounts_user")],
        id="a column that is not there",
    ),
    pytest.param(
        (*TABLES, table("accounts_gone", "Gone", columns={"id": nobody()})),
        [("E003", "accounts_gone")],
        id="a table that is not there",
    ),
    pytest.param((*TABLES, entry("auth_group")), [("E003", "auth_group")], id="a table twice"),
    pytest.param(
        with_table("auth_group", raw_on=("sqlite",)), [("E003", "auth_group")], id="a model's table called raw"
    ),
    pytest.param(
        with_column("accounts_user", "name", whose=()), [("E004", "accounts_user.name")], id="personal, of nobody"
    ),
    pytest.param(
        with_columns("accounts_usertag", user_id=nobody()),
        [("E004", "accounts_usertag.user_id")],
        id="a link to a person, of nobody",
    ),
    pytest.param(
        with_column("accounts_user", "name", whose=(Link("organization"),)),
        [("E005", "accounts_user")],
        id="a path to something else",
    ),
    pytest.param(
        with_column("accounts_session", "ip", whose=(Link("person"),)),
        [("E005", "accounts_session")],
        id="a path that breaks off",
    ),
    pytest.param(
        with_column("accounts_session", "ip", whose=(SELF,)),
        [("E005", "accounts_session")],
        id="a row that is no person",
    ),
    pytest.param(
        with_column("accounts_session", "ip", whose=(PlainID("expires_at"),)),
        [("E005", "accounts_session")],
        id="an id that is none",
    ),
    pytest.param(
        with_column("django_session", "session_data", whose=(Match("session_key", "accounts_session", "key"),)),
        [("E005", "django_session")],
        id="a match with no column",
    ),
    pytest.param(
        with_column("django_session", "session_data", whose=(Match("session_key", "auth_group", "name"),)),
        [("E005", "django_session")],
        id="a match with a table of nobody",
    ),
    pytest.param(
        with_column("accounts_usersearch_trigram", "text", whose=(CopyOf("auth_group"),)),
        [("E005", "accounts_usersearch_trigram")],
        id="a copy of a table of nobody",
    ),
    pytest.param(
        with_column("accounts_usersearch_trigram", "text", whose=(Link("user"),)),
        [("E005", "accounts_usersearch_trigram")],
        id="a link from a table without a model",
    ),
    pytest.param(
        with_column("accounts_user", "created_at", erase=Retain()),
        [("E006", "accounts_user.created_at")],
        id="retained without reason, basis and end",
    ),
    pytest.param(
        with_column("accounts_user", "name", retention=()), [("E006", "accounts_user.name")], id="kept without end"
    ),
    pytest.param(
        with_column("accounts_session", "ip", retention=(Days(90, after="seen_at", then=Lapse.TRUNCATE),)),
        [("E006", "accounts_session.ip")],
        id="an end that counts from nothing",
    ),
    pytest.param(
        with_column("accounts_session", "ip", retention=(Days(90, after="device", then=Lapse.TRUNCATE),)),
        [("E006", "accounts_session.ip")],
        id="an end that counts from no time",
    ),
    pytest.param(
        with_column("accounts_session", "ip", retention=(Days(-1, after="expires_at", then=Lapse.TRUNCATE),)),
        [("E006", "accounts_session.ip")],
        id="an end before the beginning",
    ),
    pytest.param(
        with_column(
            "accounts_session",
            "ip",
            retention=(Days(9, after="expires_at", where=(("sort", "x"),), then=Lapse.TRUNCATE),),
        ),
        [("E006", "accounts_session.ip")],
        id="an end for rows that cannot be told",
    ),
    pytest.param(
        with_column("accounts_session", "ip", retention=(Days(9, after="last_active_at"),)),
        [("E006", "accounts_session.ip")],
        id="an end of a column that would delete the row",
    ),
    pytest.param(
        with_column("accounts_session", "device", retention=(Days(9, after="expires_at", then=Lapse.TRUNCATE),)),
        [("E006", "accounts_session.device")],
        id="an address cut that is none",
    ),
    pytest.param(
        with_table(
            "django_session",
            retention=(Days(0, after="expire_date", then=Lapse.TRUNCATE),),
            columns={
                name: replace(column, retention=(Days(0, after="expire_date", then=Lapse.TRUNCATE),))
                for name, column in entry("django_session").columns.items()
            },
        ),
        [("E006", f"django_session.{name}") for name in ("expire_date", "session_data", "session_key")],
        id="rows cut",
    ),
    pytest.param(
        with_column("accounts_usertag", "user_id", erase=TOMBSTONE),
        [("E007", "accounts_usertag"), ("E007", "accounts_usertag.user_id")],
        id="retained, but cascading",
    ),
    pytest.param(
        with_column("accounts_usertag", "id", erase=TOMBSTONE),
        [("E007", "accounts_usertag")],
        id="retained in a row that goes",
    ),
    pytest.param(
        with_column("accounts_user", "bio", erase=TOMBSTONE),
        [("E008", "accounts_user.bio")],
        id="free text that stays",
    ),
    pytest.param(
        with_column("accounts_user", "metadata", kind=Kind.OPERATIONAL, erase=TOMBSTONE),
        [("E008", "accounts_user.metadata")],
        id="JSON that stays",
    ),
    pytest.param(
        with_column("django_tasks_database_dbtaskresult", "traceback", erase=Erase.DELETE_ROW),
        [
            ("E004", "django_tasks_database_dbtaskresult.traceback"),
            ("E008", "django_tasks_database_dbtaskresult.traceback"),
        ],
        id="free text that nothing leads to",
    ),
    pytest.param(
        with_column("accounts_user", "password", export=Export.YES),
        [("E009", "accounts_user.password")],
        id="a secret exported",
    ),
    pytest.param(
        with_column("accounts_user", "password", log=Log.MASKED),
        [("E009", "accounts_user.password")],
        id="a secret logged",
    ),
    pytest.param(
        with_table("accounts_usertag", organization=None),
        [("E010", "accounts_usertag")],
        id="free text of no organization",
    ),
    pytest.param(
        with_table("accounts_usertag", organization=Link("user")),
        [("E010", "accounts_usertag")],
        id="an organization that is none",
    ),
    pytest.param(
        with_column("accounts_user", "name", erase=Erase.NULL),
        [("E011", "accounts_user.name")],
        id="NULL, not nullable",
    ),
    pytest.param(
        with_column("accounts_session", "expires_at", erase=Erase.DEFAULT),
        [("E011", "accounts_session.expires_at")],
        id="no default",
    ),
    pytest.param(
        with_column("accounts_user", "email_key", erase=Overwrite("erased")),
        [("E011", "accounts_user.email_key")],
        id="the same value twice in an organization",
    ),
    pytest.param(
        with_column("accounts_session", "key_hash", erase=Erase.DEFAULT),
        [("E011", "accounts_session.key_hash")],
        id="the same value twice",
    ),
    pytest.param(
        with_column("accounts_user", "phone_number", erase=Overwrite("0" * 33)),
        [("E011", "accounts_user.phone_number")],
        id="too long",
    ),
    pytest.param(
        with_column("accounts_user", "status", erase=Overwrite("erased")),
        [("E011", "accounts_user.status")],
        id="none of its choices",
    ),
    pytest.param(
        with_column("accounts_user", "version", erase=Overwrite("many")),
        [("E011", "accounts_user.version")],
        id="of another type",
    ),
    pytest.param(
        with_column("accounts_user", "locale", purpose=None), [("E012", "accounts_user.locale")], id="no purpose"
    ),
    pytest.param(
        with_column("accounts_user", "locale", erase=None), [("E012", "accounts_user.locale")], id="no erasure"
    ),
    pytest.param(
        with_column("accounts_user", "locale", section=None), [("E012", "accounts_user.locale")], id="no section"
    ),
    pytest.param(
        with_column("accounts_user", "name_key", withheld=""),
        [("E012", "accounts_user.name_key")],
        id="withheld without reason",
    ),
    pytest.param(
        with_column("accounts_session", "user_id", unshown=""),
        [("E013", "accounts_session.user_id")],
        id="exported, but no serializer shows it to its owner",
    ),
    pytest.param(
        with_column("accounts_user", "name_key", export=Export.YES),
        [("E013", "accounts_user.name_key")],
        id="exported of late, but not shown",
    ),
    pytest.param(
        with_column("accounts_apikey", "name", unshown="a whim"),
        [("E013", "accounts_apikey.name")],
        id="said to be unshown, but shown",
    ),
]


def found(errors: list[Error]) -> list[tuple[str, str]]:
    """Give id and place of each, sorted."""
    return sorted((str(error.id).removeprefix("gdpr."), str(error.obj)) for error in errors)


def test_the_shipped_map_has_no_errors() -> None:
    assert shipped_errors() == []


@pytest.mark.parametrize(("changed", "expected"), FAULTS)
def test_a_fault_of_the_map_is_found_where_it_is(changed: tuple[Table, ...], expected: list[tuple[str, str]]) -> None:
    assert found(map_errors(changed, apps.get_models(include_auto_created=True))) == expected


def test_an_error_names_the_column_and_says_what_to_do() -> None:
    (error,) = map_errors(without("accounts_user", "bio"), apps.get_models(include_auto_created=True))

    assert str(error) == (
        "accounts_user: (gdpr.E002) not classified: bio.\n\tHINT: Add a line for each: what it is, whose, whether it "
        "is exported, what erasure does. The place is gdpr/personal_data/."
    )


def pets(**columns: Column) -> tuple[Table, ...]:
    """Give the map with the table of a model made here."""
    described = table(
        "gdpr_pet",
        "Pets",
        whose=(Link("owner"),),
        purpose=ACCOUNT,
        source=Source.PROVIDED,
        section=Section.PROFILE,
        erase=Erase.DELETE_ROW,
        retention=(Life.ACCOUNT,),
        columns={"id": operational(), "owner_id": identifier(Category.UNIQUE_ID), **columns},
    )
    return (*TABLES, described)


def errors_with(model: type[models.Model], tables: tuple[Table, ...]) -> list[tuple[str, str]]:
    """Check a map with one more model installed."""
    return found(map_errors(tables, [*apps.get_models(include_auto_created=True), model]))


@pytest.mark.parametrize(
    ("on_delete", "null", "erase", "expected"),
    [
        (models.CASCADE, False, Erase.DELETE_ROW, []),
        (models.PROTECT, False, Erase.DELETE_ROW, [("E007", "gdpr_pet.owner_id")]),
        (models.RESTRICT, False, Erase.DELETE_ROW, [("E007", "gdpr_pet.owner_id")]),
        (models.SET_NULL, True, Erase.DELETE_ROW, [("E007", "gdpr_pet.owner_id")]),
        (models.DO_NOTHING, False, Erase.DELETE_ROW, []),
        (models.SET_NULL, True, Erase.NULL, []),
        (models.CASCADE, True, Erase.NULL, [("E007", "gdpr_pet.owner_id")]),
        (models.PROTECT, False, TOMBSTONE, []),
        (models.CASCADE, False, TOMBSTONE, [("E007", "gdpr_pet.owner_id")]),
        (models.SET_NULL, True, TOMBSTONE, [("E007", "gdpr_pet.owner_id")]),
        (models.CASCADE, False, Overwrite("0" * 32), [("E007", "gdpr_pet.owner_id")]),
    ],
)
@isolate_apps("gdpr")
def test_what_the_database_does_agrees_with_the_policy(
    on_delete: Any, null: bool, erase: Any, expected: list[tuple[str, str]]
) -> None:
    class Pet(models.Model):
        owner = models.ForeignKey(User, on_delete=on_delete, null=null, related_name="+")

        class Meta:
            app_label = "gdpr"

    tables = pets(
        id=nobody(),
        owner_id=identifier(Category.UNIQUE_ID, erase=erase),
    )
    assert errors_with(Pet, tables) == expected


@isolate_apps("gdpr")
def test_a_row_that_hangs_on_a_persons_row_goes_with_it() -> None:
    class Pet(models.Model):
        owner = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")

        class Meta:
            app_label = "gdpr"

    whose = (Link("owner__user"),)
    described = pets(id=operational(whose=whose), owner_id=operational(whose=whose))
    tables = tuple(Table(**{**vars(t), "whose": whose}) if t.name == "gdpr_pet" else t for t in described)
    assert errors_with(Pet, tables) == [("E007", "gdpr_pet.owner_id")]


@isolate_apps("gdpr")
def test_a_new_model_is_asked_for() -> None:
    class Pet(models.Model):
        class Meta:
            app_label = "gdpr"

    assert errors_with(Pet, TABLES) == [("E001", "gdpr_pet")]


@isolate_apps("gdpr")
def test_the_table_between_two_models_is_asked_for() -> None:
    class Pet(models.Model):
        owners = models.ManyToManyField(User, related_name="+")

        class Meta:
            app_label = "gdpr"

    through: Any = Pet.owners.through
    assert errors_with(through, TABLES) == [("E001", "gdpr_pet_owners")]


@isolate_apps("gdpr")
def test_a_proxy_has_no_table_of_its_own() -> None:
    class Person(User):
        class Meta:
            app_label = "gdpr"
            proxy = True

    assert errors_with(Person, TABLES) == []


@isolate_apps("gdpr")
@pytest.mark.parametrize("field", [models.TextField(), models.BinaryField(), models.JSONField()])
def test_what_may_hold_anything_must_be_emptied(field: Any) -> None:
    class Pet(models.Model):
        owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
        habits = field.clone()

        class Meta:
            app_label = "gdpr"

    tables = pets(
        id=nobody(),
        owner_id=identifier(Category.UNIQUE_ID, erase=TOMBSTONE),
        habits=personal(Category.CONTENT, erase=TOMBSTONE),
    )
    assert errors_with(Pet, tables) == [("E008", "gdpr_pet.habits")]


def test_free_text_needs_an_organization() -> None:
    tables = (
        *TABLES,
        table(
            "gdpr_note",
            "Notes",
            purpose=ACCOUNT,
            source=Source.ORGANIZATION,
            section=Section.PROFILE,
            retention=(Life.ORGANIZATION,),
            raw_on=("sqlite",),
            columns={"text": free_text(Category.CONTENT, erase=Erase.SCRUB)},
        ),
    )
    assert found(map_errors(tables, apps.get_models(include_auto_created=True))) == [("E010", "gdpr_note")]


def test_every_error_is_provoked_here_and_explained_in_the_docs() -> None:
    provoked = {number for fault in FAULTS for number, _ in fault.values[1]}
    explained = re.findall(r"^\| `gdpr\.(E\d+)` \|", (ROOT / "docs/personal-data.md").read_text(), re.MULTILINE)
    written = re.findall(r"error\((\d+),|_error\(\s*(\d+),", (ROOT / "gdpr/checks.py").read_text())

    assert sorted(provoked) == explained == sorted({f"E{int(a or b):03}" for a, b in written})


ADD_A_COLUMN = """
import django; django.setup()
from django.core.management import execute_from_command_line
from django.db import models
from accounts.models import User
User.add_to_class("shoe_size", models.CharField(max_length=5, default=""))
"""


@pytest.mark.parametrize(
    "start",
    [
        'execute_from_command_line(["manage.py", "check"])',
        'execute_from_command_line(["manage.py", "migrate", "--plan"])',
        'execute_from_command_line(["manage.py", "db_worker"])',
        "import identity.wsgi",
    ],
)
def test_nothing_starts_with_a_column_that_nobody_classified(tmp_path: Path, start: str) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "identity.settings",
        "IDENTITY_VAR": str(tmp_path),
        "DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3",
    }
    ended = subprocess.run(
        [sys.executable, "-c", ADD_A_COLUMN + start],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert ended.returncode == 1
    assert "accounts_user: (gdpr.E002) not classified: shoe_size." in ended.stderr
