"""Claims on the command line: naming them, reading their values."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from accounts import ids
from accounts.actors import Actor
from accounts.claims import ClaimType, Place, read
from accounts.errors import Invalid, NotFound
from accounts.management.parser import Parser, add_app, add_flag, add_org
from accounts.management.selection import find_organization
from accounts.models import ClaimDefinition, Organization

__all__ = [
    "add_claim",
    "add_limits",
    "claim_named",
    "claims_of",
    "find_claim",
    "limits_of",
]


def add_claim(parser: Parser) -> None:
    """Add which claim is meant."""
    parser.add_argument("claim", metavar="CLAIM", help="name, APP/NAME or id (clm_…)")
    add_app(parser, "the application that it belongs to")
    add_org(parser)


def claim_named(actor: Actor, arguments: Namespace) -> ClaimDefinition:
    """Find the claim meant; an id needs no ``--org``.

    :raises NotFound: if there is none that the actor may see
    """
    by_id = arguments.org is None and ids.decode("clm", arguments.claim) is not None
    return find_claim(actor, arguments.claim, None if by_id else find_organization(actor, arguments.org), arguments.app)


def find_claim(actor: Actor, text: str, organization: Organization | None, app: str | None = None) -> ClaimDefinition:
    """Find the claim that ``--claim`` names: by id, by name, or as ``APP/NAME``; ``None``: in any organization.

    :raises NotFound: if there is none that the actor may see
    """
    rows = ClaimDefinition.objects.visible_to(actor).select_related("organization", "application")
    rows = rows.filter(organization=organization) if organization else rows
    found = rows.named(text, application=app or "").first()
    if found is None:
        raise NotFound("Claim not found.", remedy="manage.py claim_list shows them.")
    return found


def claims_of(actor: Actor, entries: Sequence[str], organization: Organization) -> list[tuple[ClaimDefinition, Any]]:
    """Read ``NAME=VALUE`` entries.

    :raises NotFound: if there is no such claim
    :raises Invalid: if an entry is none, its value is not JSON where it has to be, or a claim is named twice
    """
    found: dict[str, tuple[ClaimDefinition, Any]] = {}
    for entry in entries:
        name, equals, value = entry.partition("=")
        if not (name and equals):
            raise Invalid(f"{entry!r} is not NAME=VALUE.", fields={"claim": "is not NAME=VALUE"})
        definition = find_claim(actor, name, organization)
        if definition.public_id in found:
            raise Invalid("A claim is named twice.", fields={"claim": "is named twice"})
        found[definition.public_id] = (definition, read(definition.type, value))
    return list(found.values())


def add_limits(parser: Parser) -> None:
    """Add what a definition says beside name and type."""
    group = parser.add_argument_group("definition")
    group.add_argument("--schema", metavar="JSON", help="limits of values, a JSON Schema; '{}' takes them away")
    add_flag(parser, "personal", "it says something about the person (the default)")
    add_flag(parser, "editable", "people set it of themselves")
    group.add_argument("--appears-in", metavar="A,B", help=f"any of {', '.join(Place)}; '' for none")
    group.add_argument("--description", metavar="TEXT", help="what it is for; '' empties it")


def limits_of(arguments: Namespace) -> dict[str, Any]:
    """Give what a command line says of a definition.

    :raises Invalid: if the schema is not JSON
    """
    said = {
        "schema": _schema(arguments.schema) if arguments.schema is not None else None,
        "is_personal": arguments.personal,
        "is_editable": arguments.editable,
        "appears_in": _words(arguments.appears_in) if arguments.appears_in is not None else None,
        "description": arguments.description,
    }
    return {name: value for name, value in said.items() if value is not None}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _schema(text: str) -> Any:
    return read(ClaimType.JSON, text)
