"""Invites on the command line: naming one, showing one."""

import sys
from argparse import Namespace
from typing import Any

from accounts import ids
from accounts.actors import Actor
from accounts.errors import NotFound
from accounts.management.parser import Parser
from accounts.models import Invite
from accounts.operations.invites import Invited
from accounts.secrets import matches, parse
from accounts.serializers.base import output
from accounts.serializers.invites import InviteOutput

__all__ = ["add_invite", "invite_named", "made_shown", "shown"]

LONGEST = 2_000


def add_invite(parser: Parser) -> None:
    """Add which invite is meant."""
    parser.add_argument(
        "invite", metavar="INVITE", help="its id (inv_…); - reads id, token or link from standard input"
    )


def invite_named(actor: Actor, arguments: Namespace) -> Invite:
    """Find the invite meant, by id, token or link.

    :raises NotFound: if there is none that the actor may see
    """
    text = arguments.invite
    if text == "-":
        text = sys.stdin.readline(LONGEST).strip()
    rows = Invite.objects.visible_to(actor).select_related("organization", "user__organization", "letter")
    word = text.rstrip("/").rpartition("/")[2]
    found: Invite | None = None
    if parsed := parse("inv", word):
        named = rows.filter(lookup=parsed[0]).first()
        found = named if named is not None and matches(parsed[1], named.secret_hash) else None
    elif identifier := ids.decode("inv", word):
        found = rows.filter(pk=identifier).first()
    if found is None:
        raise NotFound("Invite not found.", remedy="manage.py user_invites shows them.")
    return found


def shown(actor: Actor, invite: Invite) -> dict[str, Any]:
    """Show an invite as it is now."""
    return output(InviteOutput, Invite.objects.visible_to(actor).with_shown().get(pk=invite.pk))


def made_shown(actor: Actor, made: Invited) -> dict[str, Any]:
    """Show an invite that was just made, with its link where that is shown."""
    return {**shown(actor, made.invite), **({"link": made.link} if made.link else {})}
