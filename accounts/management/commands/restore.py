"""``manage.py restore``."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.actors import Actor
from accounts.management.base import Command as HouseCommand
from accounts.management.parser import Parser
from accounts.operations.backups import backup_restore


class Command(HouseCommand):
    """Restore the database."""

    help = "Put the database back as a backup has it, whole or not at all. Stop the service first; migrate afterwards."
    examples = ("restore /backups/identity-2026-11-21", "restore /backups/identity-2026-11-21 --replace --yes")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add where from."""
        parser.add_argument("file", metavar="FILE", help="a file that manage.py backup made")
        parser.add_argument("--replace", action="store_true", help="drop what the database holds now; asks first")
        parser.add_argument("--reason", metavar="TEXT", default="", help="why; kept in the audit trail")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Restore, and say what to do next."""
        path, name = Path(arguments.file), settings.DATABASES["default"]["NAME"]
        if arguments.replace:
            self.ask(f"Drop everything in the database {name} and restore {path}?", arguments)
        backup_restore(actor=actor, path=path, replace=arguments.replace, reason=arguments.reason)
        self.note("Next: manage.py migrate, manage.py audit_verify, then start the service.")
        return {"file": str(path), "database": str(name)}
