"""``manage.py backup``."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts import ledger
from accounts.actors import Actor
from accounts.management.base import Command as HouseCommand
from accounts.management.parser import Parser
from accounts.operations.backups import backup_write


class Command(HouseCommand):
    """Back up the database."""

    help = (
        "Copy the whole database into one new file, mode 0600; the service may go on meanwhile. "
        "The key file and the ledger are not in it: back them up apart (docs/operating.md)."
    )
    examples = ("backup /backups/identity-2026-11-21",)

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add where to."""
        parser.add_argument("file", metavar="FILE", help="a new file")
        parser.add_argument("--reason", metavar="TEXT", default="", help="why; kept in the audit trail")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Copy, and say what is in the file and what is not."""
        path = Path(arguments.file)
        size = backup_write(actor=actor, path=path, reason=arguments.reason)
        return {"file": str(path), "bytes": size, "not_in_it": f"{settings.KEYS_FILE}, {ledger.address()}"}
