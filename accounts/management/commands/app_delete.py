"""``manage.py app_delete``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.management.definitions import add_named, find_application
from accounts.management.parser import Parser
from accounts.operations.applications import app_delete


class Command(ChangeCommand):
    """Delete an application."""

    help = "Delete an application with its roles and claims, for everybody who has them; asks first."
    examples = ("app_delete billing --org acme --dry-run", "app_delete billing --org acme --yes --reason 'Shut down'")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_named(parser, "application")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Ask, delete it, and say what ended with it."""
        application = find_application(actor, arguments.application, arguments.org)
        identifier = application.public_id
        self.ask(
            f"Delete the application {application.slug} with its roles and claims? --dry-run counts them.",
            arguments,
        )
        return self.changed(
            arguments,
            lambda: app_delete(actor=actor, application=application, reason=arguments.reason),
            lambda ended: {"id": identifier, "ended": ended},
        )
