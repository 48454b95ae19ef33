"""Organizations on the command line."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any

from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.management.parser import Parser
from accounts.management.selection import find_organization
from accounts.models import Organization
from accounts.serializers.base import output
from accounts.serializers.organizations import OrganizationOutput

__all__ = ["add_named", "named", "organization_command", "shown"]


def add_named(parser: Parser) -> None:
    """Add which organization is meant, as the first word or as ``--org``."""
    group = parser.add_argument_group("which")
    group.add_argument("organization", nargs="?", metavar="ORG", help="slug or id (default: 'default')")
    group.add_argument("--org", "--org-id", dest="org", metavar="SLUG|ID", help="the same, as an option")


def named(actor: Actor, arguments: Namespace) -> Organization:
    """Find the organization meant."""
    return find_organization(actor, arguments.organization or arguments.org)


def shown(organization: Organization) -> dict[str, Any]:
    """Show an organization."""
    return output(OrganizationOutput, organization)


def organization_command(word: str, text: str, operation: Callable[..., Organization]) -> type[ChangeCommand]:
    """Make the command of an organization's status verb."""

    class OrganizationCommand(ChangeCommand):
        help = text
        examples = (f"org_{word} acme --reason 'Contract 4711'", f"org_{word} acme --dry-run")

        def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
            add_named(parser)

        def run(self, actor: Actor, arguments: Namespace) -> Any:
            organization = named(actor, arguments)
            return self.changed(
                arguments, lambda: operation(actor=actor, organization=organization, reason=arguments.reason), shown
            )

    return OrganizationCommand
