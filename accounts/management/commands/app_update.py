"""``manage.py app_update``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import ChangeCommand
from accounts.management.definitions import add_named, add_permissions, find_application, meanings_of
from accounts.management.parser import Parser
from accounts.operations.applications import app_update
from accounts.serializers.applications import ApplicationOutput
from accounts.serializers.base import output


class Command(ChangeCommand):
    """Change an application."""

    help = "Rename or describe an application, and say which permissions it defines for itself."
    examples = (
        "app_update billing --org acme --name Invoices",
        "app_update billing --org acme --add-permission 'billing.void=Void an invoice'",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which, and what can be changed."""
        add_named(parser, "application")
        parser.add_argument("--slug", help="new short name")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--description", metavar="TEXT", help="what it is for; '' empties it")
        add_permissions(parser, "P[=MEANING]", "a free word like billing.refund that its roles can hold")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Change it and show it."""
        named = (arguments.slug, arguments.name, arguments.description, arguments.permission)
        if not any(value is not None for value in named) and not (
            arguments.add_permission or arguments.remove_permission
        ):
            raise Invalid("There is nothing to change.", remedy="Name a field: --name, --add-permission, …")
        application = find_application(actor, arguments.application, arguments.org)
        return self.changed(
            arguments,
            lambda: app_update(
                actor=actor,
                application=application,
                slug=arguments.slug,
                name=arguments.name,
                description=arguments.description,
                permissions=None if arguments.permission is None else meanings_of(arguments.permission),
                add_permissions=meanings_of(arguments.add_permission),
                remove_permissions=arguments.remove_permission,
                reason=arguments.reason,
            ),
            lambda changed: output(ApplicationOutput, find_application(actor, changed.public_id, None)),
        )
