"""Applications and roles on the command line."""

from argparse import Namespace
from collections.abc import Sequence

from accounts import ids
from accounts.actors import Actor
from accounts.errors import NotFound
from accounts.management import parser as options
from accounts.management.parser import Parser
from accounts.management.selection import find_organization
from accounts.models import Application, Organization, Role
from accounts.operations.roles import roles_named

__all__ = ["add_named", "add_permissions", "application_named", "find_application", "find_role", "meanings_of"]


def add_named(parser: Parser, noun: str) -> None:
    """Add which definition is meant, and in which organization."""
    prefix = noun[:3]
    also = ", or application/slug" if noun == "role" else ""
    parser.add_argument(noun, metavar=noun.upper(), help=f"id ({prefix}_…) or slug{also}")
    options.add_org(parser)


def add_permissions(parser: Parser, form: str, text: str) -> None:
    """Add the ways to change permissions: all of them, or single ones."""
    group = parser.add_argument_group("permissions")
    group.add_argument("--permission", action="append", metavar=form, help=f"{text}; replaces all; can be repeated")
    group.add_argument("--add-permission", action="append", default=[], metavar=form, help="adds one; can be repeated")
    group.add_argument(
        "--remove-permission", action="append", default=[], metavar="P", help="removes one; can be repeated"
    )


def meanings_of(entries: Sequence[str]) -> dict[str, str]:
    """Read ``billing.refund`` or ``billing.refund=Refund``."""
    return {word: text for word, _, text in (entry.partition("=") for entry in entries)}


def find_application(actor: Actor, text: str, org: str | None) -> Application:
    """Find the application meant; an id needs no ``--org``.

    :raises NotFound: if there is none that the actor may see
    """
    visible = Application.objects.visible_to(actor).with_shown()
    if org is not None or ids.decode("app", text) is None:
        visible = visible.filter(organization=find_organization(actor, org))
    found = visible.named(text).first()
    if found is None:
        raise NotFound("Application not found.", remedy="manage.py app_list shows them.")
    return found


def application_named(actor: Actor, arguments: Namespace, organization: Organization) -> Application | None:
    """Find the application that ``--app`` names, ``None`` without."""
    return find_application(actor, arguments.app, organization.slug) if arguments.app else None


def find_role(actor: Actor, text: str, org: str | None) -> Role:
    """Find the role meant; an id needs no ``--org``.

    :raises NotFound: if there is none that the actor may see
    :raises Invalid: if several applications have one of that slug
    """
    visible = Role.objects.visible_to(actor).with_shown()
    if org is None and ids.decode("rol", text) is not None:
        found = visible.named(text).first()
    else:
        organization = find_organization(actor, org)
        exists = visible.of(organization.pk).named(text).exists()
        found = visible.get(pk=roles_named(organization, [text])[0].pk) if exists else None
    if found is None:
        raise NotFound("Role not found.", remedy="manage.py role_list shows them.")
    return found
