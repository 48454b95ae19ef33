"""``manage.py app_create``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.base import ChangeCommand
from accounts.management.definitions import find_application, meanings_of
from accounts.management.parser import Parser
from accounts.operations.applications import app_create
from accounts.serializers.applications import ApplicationOutput
from accounts.serializers.base import output


class Command(ChangeCommand):
    """Make an application."""

    help = "Make an application of an organization, with the permissions that it defines for itself."
    examples = (
        "app_create --org acme --slug rota --name 'Duty rota'",
        "app_create --slug shop --name Shop --permission 'order.cancel=Cancel an order' --permission order.refund",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what it is made of."""
        options.add_org(parser)
        parser.add_argument("--slug", required=True, help="short name for --app and tokens")
        parser.add_argument("--name", required=True, help="name as people read it")
        parser.add_argument("--description", default="", metavar="TEXT", help="what it is for")
        parser.add_argument(
            "--permission",
            action="append",
            default=[],
            metavar="P[=MEANING]",
            help="a free word like billing.refund that its roles can hold; can be repeated",
        )

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it."""
        organization = self.organization(actor, arguments)
        return self.changed(
            arguments,
            lambda: app_create(
                actor=actor,
                organization=organization,
                slug=arguments.slug,
                name=arguments.name,
                description=arguments.description,
                permissions=meanings_of(arguments.permission),
                reason=arguments.reason,
            ),
            lambda made: output(ApplicationOutput, find_application(actor, made.public_id, None)),
        )
