"""``manage.py user_impersonate``."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from accounts.actors import Actor
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.impersonation import user_impersonate
from accounts.serializers.impersonation import impersonation_answer
from accounts.times import as_duration


class Command(UserChangeCommand):
    """Act as somebody."""

    help = (
        "Get an access token with which to act as a user, for a while: to see what they see. It opens nothing that "
        "changes credentials, hands over or erases data, or concerns anybody else, and dies with either account. "
        "The reason is needed, and everything done with it is recorded as done by you as them."
    )
    examples = (
        "user_impersonate bob@example.com --reason 'Ticket 4521'",
        "user_impersonate bob@example.com --reason 'Ticket 4521' --duration 15m",
    )
    takes_many = False
    default_format = "json"

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add for how long."""
        parser.add_argument(
            "--duration",
            metavar="DURATION",
            help="for how long: 15m, 1h, up to what the organization allows (default: 30m)",
        )

    def change(self, actor: Actor, arguments: Namespace, user: User) -> Any:
        """Begin it."""
        duration = as_duration(arguments.duration, field="duration") if arguments.duration else None
        return user_impersonate(actor=actor, user=user, reason=arguments.reason, duration=duration)

    def shown(self, actor: Actor, user: Any) -> Mapping[str, Any]:
        """Show the token of what was begun."""
        return impersonation_answer(user)
