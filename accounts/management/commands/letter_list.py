"""``manage.py letter_list``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.lists import ListCommand
from accounts.management.output import Column
from accounts.management.parser import Parser
from accounts.models import Outbox
from accounts.pagination import Order
from accounts.serializers.letters import LetterOutput


class Command(ListCommand):
    """List letters."""

    help = "List the letters to an organization's people and what became of them, oldest first."
    examples = ("letter_list --org acme --state failed", "letter_list --json")
    serializer = LetterOutput
    columns = (
        Column("ID", "id"),
        Column("KIND", "kind"),
        Column("USER", "user"),
        Column("STATE", "state"),
        Column("TRIES", "attempts"),
        Column("CREATED", "created_at"),
        Column("WHY", "why"),
    )
    orders = {"created_at": Order("created_at")}

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose, and which."""
        options.add_org(parser)
        parser.add_argument("--state", choices=Outbox.STATES, help="those of one state alone")
        super().add_arguments(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the list."""
        organization = self.organization(actor, arguments)
        letters = Outbox.objects.visible_to(actor).filter(organization=organization)
        return self.listed(
            arguments,
            letters.in_state(arguments.state) if arguments.state else letters,
            self.order(arguments),
            scope=f"{organization.public_id} {arguments.state or ''}",
            fetched=lambda rows: rows.select_related("organization", "user"),
        )
