"""``manage.py role_update``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import ChangeCommand
from accounts.management.definitions import add_named, add_permissions, find_role
from accounts.management.parser import Parser
from accounts.operations.roles import role_update
from accounts.serializers.base import output
from accounts.serializers.roles import RoleOutput


class Command(ChangeCommand):
    """Change a role."""

    help = "Rename or describe a role, and say what it permits; that counts at once, for everybody who has it."
    examples = (
        "role_update helpdesk --org acme --add-permission user.lock --remove-permission user.tag",
        "role_update billing/clerk --org acme --name 'Billing clerk' --dry-run",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which, and what can be changed."""
        add_named(parser, "role")
        parser.add_argument("--slug", help="new short name")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--description", metavar="TEXT", help="what it is for; '' empties it")
        add_permissions(parser, "P", "what it permits (permission_list)")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Change it and show it."""
        named = (arguments.slug, arguments.name, arguments.description, arguments.permission)
        if not any(value is not None for value in named) and not (
            arguments.add_permission or arguments.remove_permission
        ):
            raise Invalid("There is nothing to change.", remedy="Name a field: --name, --add-permission, …")
        role = find_role(actor, arguments.role, arguments.org)
        return self.changed(
            arguments,
            lambda: role_update(
                actor=actor,
                role=role,
                slug=arguments.slug,
                name=arguments.name,
                description=arguments.description,
                permissions=arguments.permission,
                add_permissions=arguments.add_permission,
                remove_permissions=arguments.remove_permission,
                reason=arguments.reason,
            ),
            lambda changed: output(RoleOutput, find_role(actor, changed.public_id, None)),
        )
