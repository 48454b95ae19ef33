"""``manage.py org_show``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import Command as BaseCommand
from accounts.management.organizations import add_named, named, shown
from accounts.management.parser import Parser


class Command(BaseCommand):
    """Show an organization."""

    help = "Show an organization."
    examples = ("org_show acme", "org_show --json")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_named(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show it."""
        return shown(named(actor, arguments))
