"""``manage.py gdpr_coverage``."""

from argparse import Namespace

from django.db import connection

from accounts.actors import Actor
from accounts.errors import Conflict
from accounts.management.base import Command as BaseCommand
from accounts.management.output import Column, Rows
from gdpr.checks import database_errors, shipped_errors
from gdpr.personal_data import TABLES
from gdpr.registry import counts, described

COLUMNS = (
    Column("TABLE", "table"),
    Column("COLUMN", "column"),
    Column("KIND", "kind"),
    Column("CATEGORY", "category"),
    Column("WHOSE", "whose"),
    Column("EXPORT", "export"),
    Column("ERASURE", "erase"),
    Column("KEPT", "retention"),
)


class Command(BaseCommand):
    """Print the map of personal data."""

    help = (
        "Show what every column of every table is, whose, whether it is exported, what erasure does to it and how "
        "long it is kept. Ends with 4 when the map does not fit the models or the tables of the database."
    )
    examples = (
        "gdpr_coverage",
        "gdpr_coverage --json",
        "gdpr_coverage --format csv --output personal-data.csv",
    )

    def run(self, actor: Actor, arguments: Namespace) -> Rows:
        """Give the map, with how many columns are what, and what is wrong with it."""
        self.errors = shipped_errors()
        known = {(error.id, error.obj) for error in self.errors}
        self.errors += [error for error in database_errors(connection, TABLES) if (error.id, error.obj) not in known]
        rows = list(described(TABLES))
        numbers = counts(TABLES)
        if arguments.format != "json":
            shown = ", ".join(f"{number} {kind}" for kind, number in numbers.items())
            self.note(f"{len(TABLES)} tables, {len(rows)} columns: {shown}.")
        around = {
            "tables": len(TABLES),
            "columns": len(rows),
            "counts": numbers,
            "errors": [
                {"id": error.id, "where": error.obj, "problem": error.msg, "remedy": error.hint}
                for error in self.errors
            ],
        }
        return Rows(rows, COLUMNS, around)

    def finish(self) -> None:
        """Say what is wrong, once the map is printed.

        :raises Conflict: if anything is
        """
        if not self.errors:
            return
        problems: dict[str, str] = {}
        for error in self.errors:
            line = f"{error.id}: {error.msg} {error.hint}"
            problems[error.obj] = f"{problems[error.obj]} {line}" if error.obj in problems else line
        raise Conflict(
            "The map of personal data does not fit.",
            remedy="docs/personal-data.md says what each error wants.",
            fields=problems,
        )
