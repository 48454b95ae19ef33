"""The app, and what happens after each migrate."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 -- Django's name
from django.db import connections
from django.db.models.signals import post_migrate

from accounts import database


class AccountsConfig(AppConfig):
    """The house."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """See to it that triggers, search index, built-in roles and the installation row are always there."""
        post_migrate.connect(complete_database, sender=self)
        register(check_ledger, Tags.security, deploy=True)


def check_ledger(**_: Any) -> list[CheckMessage]:
    """Warn before production of a ledger that a second machine would not share."""
    if not settings.LEDGER_URL.startswith(("file:", "sqlite:")):
        return []
    return [
        Warning(
            "LEDGER_URL is a file: good for a single machine only.",
            hint="With more than one, name another PostgreSQL database, best on another server.",
            id="accounts.W001",
        )
    ]


def complete_database(*, sender: AppConfig, using: str, plan: Any = (), **_: Any) -> None:
    """Install what every database of ours holds; nothing where the tables are not (yet) there."""
    connection = connections[using]
    if "accounts_usersearch" not in connection.introspection.table_names():
        return
    database.install(connection)
    sender.get_model("Installation")._default_manager.using(using).get_or_create(pk=1)
    role = sender.get_model("Role")
    with connection.cursor() as cursor:
        there = {column.name for column in connection.introspection.get_table_description(cursor, role._meta.db_table)}
    if {field.column for field in role._meta.concrete_fields} <= there:  # not on the way back to an older schema
        role._default_manager.using(using).install_built_in()  # type: ignore[attr-defined]
