"""``manage.py sweep``."""

import signal
from argparse import Namespace
from threading import Event
from typing import Any

from django.conf import settings
from django.db import close_old_connections

from accounts.actors import Actor
from accounts.management.base import Command as HouseCommand
from accounts.management.parser import Parser
from accounts.operations.installation import sweep


class Command(HouseCommand):
    """Do what is due."""

    help = "Do what is due, again and again (SWEEP_SECONDS): letters, checkpoints of the audit trail, tidying up."
    examples = ("sweep --once", "sweep --once --json", "sweep")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add how often."""
        parser.add_argument("--once", action="store_true", help="do it once and show what was done")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it once, or until told to stop."""
        if arguments.once:
            return sweep()
        stopping = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopping.set())
        while not stopping.is_set():
            close_old_connections()
            sweep()
            stopping.wait(settings.SWEEP_SECONDS)
        return None
