"""``manage.py role_create``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.base import ChangeCommand
from accounts.management.definitions import application_named, find_role
from accounts.management.parser import Parser
from accounts.operations.roles import role_create
from accounts.serializers.base import output
from accounts.serializers.roles import RoleOutput


class Command(ChangeCommand):
    """Make a role."""

    help = "Make a role of an organization (of the service's own permissions) or of an application (of that one's)."
    examples = (
        "role_create --org acme --slug reception --name Reception --permission user.list --permission user.show",
        "role_create --org acme --app billing --slug manager --name 'Billing manager' --permission billing.refund",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what it is made of."""
        options.add_org(parser)
        options.add_app(parser, "of which application; without it a role of the organization")
        parser.add_argument("--slug", required=True, help="short name for --role")
        parser.add_argument("--name", required=True, help="name as people read it")
        parser.add_argument("--description", default="", metavar="TEXT", help="what it is for")
        parser.add_argument(
            "--permission",
            action="append",
            default=[],
            metavar="P",
            help="what it permits (permission_list); can be repeated",
        )

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it."""
        organization = self.organization(actor, arguments)
        application = application_named(actor, arguments, organization)
        return self.changed(
            arguments,
            lambda: role_create(
                actor=actor,
                organization=organization,
                application=application,
                slug=arguments.slug,
                name=arguments.name,
                description=arguments.description,
                permissions=arguments.permission,
                reason=arguments.reason,
            ),
            lambda made: output(RoleOutput, find_role(actor, made.public_id, None)),
        )
