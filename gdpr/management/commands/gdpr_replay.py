"""``manage.py gdpr_replay``."""

from argparse import Namespace
from typing import Any
from uuid import UUID

from accounts import ids
from accounts.actors import Actor
from accounts.management.base import Command as BaseCommand
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.serializers.base import output
from gdpr.operations.replay import replay, returned
from gdpr.serializers.erasures import ErasureOutput

COLUMNS = (Column("ID", "id"), Column("USER", "user"), Column("HOW", "how"), Column("STATUS", "status"))


class Command(BaseCommand):
    """Erase again who came back."""

    help = "After a backup was restored: erase again everybody who was erased since, as the ledger says."
    examples = ("gdpr_replay --dry-run", "gdpr_replay --yes")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add trying it out."""
        parser.add_argument("--dry-run", action="store_true", help="show who would be erased again")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Erase them, and show each as it is done."""
        back = returned()
        if arguments.dry_run:
            rows = [
                {
                    "id": line["erasure"],
                    "user": ids.encode("usr", UUID(line["user"])),
                    "how": line["how"],
                    "status": "back",
                }
                for line in back
            ]
            return Rows(rows, COLUMNS, {"dry_run": True})
        if back:
            self.ask(f"Erase {len(back)} people again?", arguments)
        return Rows((output(ErasureOutput, erasure) for erasure in replay(actor=actor)), COLUMNS, {})
