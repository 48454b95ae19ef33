"""The status commands, from the one declaration of the status verbs."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.statuses import STATUS_VERBS
from accounts.times import as_end

__all__ = ["status_command"]


def status_command(word: str) -> type[UserChangeCommand]:
    """Make the command of a status verb."""
    verb = STATUS_VERBS[word]

    class StatusCommand(UserChangeCommand):
        help = verb.summary
        examples = (
            f"user_{word} bob@example.com --reason 'Ticket 4711'",
            f"user_{word} --from-file people.txt --dry-run",
        )

        def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
            if verb.takes_end:
                parser.add_argument("--until", metavar="TIME", help="when it ends by itself: 2026-12-31, 2h, 7d")

        def change(self, actor: Actor, arguments: Namespace, user: User) -> Any:
            until = as_end(arguments.until, field="until") if verb.takes_end and arguments.until else None
            return verb.run(actor=actor, user=user, reason=arguments.reason, until=until)

    StatusCommand.verb = word.capitalize()
    return StatusCommand
