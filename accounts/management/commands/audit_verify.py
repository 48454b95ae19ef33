"""``manage.py audit_verify``."""

import sys
from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Exit
from accounts.management.base import Command as BaseCommand
from accounts.operations.audit import audit_verify


class Command(BaseCommand):
    """Verify the audit trail."""

    help = "Prove that the audit trail is as it was written: chain, parts, triggers, checkpoints. Exit 5 if it is not."
    examples = ("audit_verify", "audit_verify --json")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Verify, and say what was found."""
        report = audit_verify(actor=actor)
        self.is_intact = report.is_intact
        return {
            "result": "intact" if report.is_intact else "DAMAGED",
            "events": report.events,
            "chains": report.chains,
            "checkpoints": report.checkpoints,
            "faults": report.faults,
            "faults_left_out": report.faults_left_out,
        }

    def finish(self) -> None:
        """End with an exit code when something is not as it was written."""
        if not self.is_intact:
            sys.exit(Exit.SERVER)
