"""``manage.py role_show``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import Command as BaseCommand
from accounts.management.definitions import add_named, find_role
from accounts.management.parser import Parser
from accounts.serializers.base import output
from accounts.serializers.roles import RoleOutput


class Command(BaseCommand):
    """Show a role."""

    help = "Show a role and what it permits."
    examples = ("role_show moderator", "role_show billing/clerk --org acme --json")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        add_named(parser, "role")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show it."""
        return output(RoleOutput, find_role(actor, arguments.role, arguments.org))
