"""``manage.py app_show``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import Command as BaseCommand
from accounts.management.definitions import add_named, find_application
from accounts.management.parser import Parser
from accounts.serializers.applications import ApplicationOutput
from accounts.serializers.base import output


class Command(BaseCommand):
    """Show an application."""

    help = "Show an application and the permissions that it defines."
    examples = ("app_show billing --org acme", "app_show app_01h455vb4pex5vsknk084sn02q --json")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_named(parser, "application")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show it."""
        return output(ApplicationOutput, find_application(actor, arguments.application, arguments.org))
