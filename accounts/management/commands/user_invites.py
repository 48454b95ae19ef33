"""``manage.py user_invites``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.models import Invite, InviteStatus
from accounts.pagination import Order
from accounts.serializers.invites import InviteOutput


class Command(ListCommand):
    """List invites."""

    help = "List the invites of an organization and what became of them, oldest first; never their secrets."
    examples = ("user_invites --org acme --status pending", "user_invites --json")
    serializer = InviteOutput
    columns = (
        Column("ID", "id"),
        Column("EMAIL", "email"),
        Column("ROLE", "role"),
        Column("STATUS", "status"),
        Column("USES", "used"),
        Column("EXPIRES", "expires"),
    )
    orders = {"created_at": Order("created_at")}

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose, and which."""
        options.add_org(parser)
        parser.add_argument("--status", choices=[str(status) for status in InviteStatus], help="those of one status")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        every = Invite.objects.visible_to(actor).filter(organization=organization)
        return self.listed(
            arguments,
            every.in_status(arguments.status) if arguments.status else every,
            self.order(arguments),
            scope=f"{organization.public_id} {arguments.status or ''}",
            fetched=lambda rows: rows.with_shown(),
        )

    def cells(self, row: dict[str, Any]) -> dict[str, Any]:
        """Show uses and end as people read them."""
        return {
            **row,
            "email": row["email"] or "-",
            "used": f"{row['uses']}/{row['max_uses']}",
            "expires": row["expires_at"][:10],
        }
