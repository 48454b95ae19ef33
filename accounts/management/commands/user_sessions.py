"""``manage.py user_sessions``."""

from argparse import Namespace
from typing import Any

from django.utils.dateparse import parse_datetime

from accounts import ids
from accounts.actors import Actor
from accounts.errors import Invalid, NotFound
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, one_named
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.models import Session, User
from accounts.operations.sessions import session_revoke, session_revoke_all
from accounts.serializers.base import output
from accounts.serializers.sessions import SessionOutput
from accounts.times import ago

COLUMNS = (
    Column("ID", "id"),
    Column("CREATED", "created"),
    Column("LAST-ACTIVE", "last_active"),
    Column("IP", "ip"),
    Column("DEVICE", "device"),
)


class Command(ChangeCommand):
    """Look at sessions and end them."""

    help = "List the sessions of a user, end one, or end all."
    examples = (
        "user_sessions list bob@example.com",
        "user_sessions revoke bob@example.com --session-id ses_01h455vb4pex5vsknk084sn02q",
        "user_sessions revoke_all bob@example.com --reason 'Laptop stolen'",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what to do and whose sessions."""
        parser.add_argument("verb", choices=("list", "revoke", "revoke_all", "revoke-all"), help="what to do")
        options.add_user(parser, many=False)
        options.add_identifiers(parser, many=False)
        parser.add_argument("--session-id", metavar="S", help="the session to revoke")
        parser.add_argument("--ended", action="store_true", help="list those that have ended too")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        user = find_user(actor, one_named(arguments), arguments.org)
        if arguments.verb == "list":
            return self.list(actor, arguments, user)
        if arguments.verb == "revoke":
            session = self.session(actor, arguments, user)
            return self.changed(
                arguments,
                lambda: session_revoke(actor=actor, session=session, reason=arguments.reason),
                lambda ended: output(SessionOutput, ended),
            )
        return self.changed(
            arguments,
            lambda: session_revoke_all(actor=actor, user=user, reason=arguments.reason),
            lambda number: {"id": user.public_id, "revoked": number},
        )

    def list(self, actor: Actor, arguments: Namespace, user: User) -> Rows:
        """List the sessions, newest first."""
        sessions = Session.objects.visible_to(actor).filter(user=user).order_by("-created_at", "-id")
        rows = (output(SessionOutput, session) for session in (sessions if arguments.ended else sessions.live()))
        if arguments.format == "table":
            rows = (
                {
                    **row,
                    "created": row["created_at"][:16].replace("T", " "),
                    "last_active": ago(parse_datetime(row["last_active_at"])),
                    "device": f"{row['device']} (acting: {row['impersonator']})".strip()
                    if row["impersonator"]
                    else row["device"],
                }
                for row in rows
            )
        return Rows(rows, COLUMNS, {})

    def session(self, actor: Actor, arguments: Namespace, user: User) -> Session:
        """Find the session meant."""
        if not arguments.session_id:
            raise Invalid("Which session?", remedy="Name it with --session-id.", fields={"session_id": "is required"})
        identifier = ids.decode("ses", arguments.session_id)
        found = Session.objects.visible_to(actor).filter(user=user, pk=identifier) if identifier else None
        session = found.select_related("user").first() if found is not None else None
        if session is None:
            raise NotFound("Session not found.", remedy="manage.py user_sessions list shows them.")
        return session
