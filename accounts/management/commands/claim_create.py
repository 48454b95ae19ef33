"""``manage.py claim_create``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.claims import ClaimType
from accounts.management import parser as options
from accounts.management.base import ChangeCommand
from accounts.management.claims import add_limits, limits_of
from accounts.management.definitions import application_named
from accounts.management.parser import Parser
from accounts.operations.claims import claim_create
from accounts.serializers.base import output
from accounts.serializers.claims import ClaimOutput


class Command(ChangeCommand):
    """Define a claim."""

    help = "Define a claim of an organization, or of one of its applications."
    examples = (
        'claim_create --name cost_center --type string --schema \'{"pattern": "^CC-[0-9]{4}$"}\' --appears-in id_token',
        'claim_create --org acme --app crm --name plan --type string --no-personal --schema \'{"enum": ["gold"]}\'',
        "claim_create --name skills --type strings --editable --appears-in userinfo",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what it is made of."""
        options.add_org(parser)
        options.add_app(parser, "the application that it belongs to (default: none, the organization's own)")
        parser.add_argument("--name", required=True, help="what it is called in tokens; it stays for good")
        parser.add_argument("--type", required=True, choices=[str(kind) for kind in ClaimType], help="what a value is")
        add_limits(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Define it and show it."""
        organization = self.organization(actor, arguments)
        application = application_named(actor, arguments, organization)
        limits = limits_of(arguments)
        return self.changed(
            arguments,
            lambda: claim_create(
                actor=actor,
                organization=organization,
                application=application,
                name=arguments.name,
                type=arguments.type,
                reason=arguments.reason,
                **limits,
            ),
            lambda made: output(ClaimOutput, made),
        )
