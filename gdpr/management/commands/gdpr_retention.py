"""``manage.py gdpr_retention``."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import Command as BaseCommand
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from gdpr.operations.retention import Run, retain, retention_plan, rewrite

COLUMNS = (
    Column("TABLE", "table"),
    Column("WHAT", "what"),
    Column("ENDS", "ends"),
    Column("DUE", "due"),
    Column("DONE", "done"),
)


class Command(BaseCommand):
    """Let go of what has run out."""

    help = (
        "Let go of everything that was kept long enough, by the schedule of the map of personal data: sessions, "
        "addresses, parts of the audit trail, letters, keys, archived people. The sweep does it once a day."
    )
    examples = (
        "gdpr_retention --dry-run",
        "gdpr_retention --json",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add how."""
        parser.add_argument("--dry-run", action="store_true", help="show what has run out, and change nothing")
        parser.add_argument(
            "--rewrite",
            action="store_true",
            help="afterwards write the tables anew, so that nothing of what went is left in the database's files; "
            "each is locked meanwhile (PostgreSQL: VACUUM FULL)",
        )

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show the schedule with what is due, or carry it out."""
        if arguments.dry_run:
            if arguments.rewrite:
                raise Invalid("A dry run writes nothing anew.", fields={"rewrite": "not with --dry-run"})
            return self.shown(retention_plan(actor=actor), {"dry_run": True})
        if arguments.rewrite:
            self.ask("Lock table after table and write each anew?", arguments)
        run = retain(actor=actor, progress=self.progress)
        around = {"rewritten": rewrite()} if arguments.rewrite else {}
        if around and arguments.format != "json":
            self.note(f"Written anew: {', '.join(around['rewritten'])}.")
        return self.shown(run, around)

    def shown(self, run: Run, around: dict[str, Any]) -> Rows:
        """Give the lines of the schedule."""
        return Rows(run.described(), COLUMNS, around)

    def progress(self, run: Run, batches: Iterator[int]) -> Iterator[int]:
        """Show on a terminal how far it is."""
        if not sys.stderr.isatty():
            yield from batches
            return
        from rich.console import Console  # noqa: PLC0415 -- only a terminal needs it
        from rich.progress import Progress  # noqa: PLC0415

        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Letting go", total=sum(run.due))
            for number in batches:
                bar.advance(task, number)
                yield number
