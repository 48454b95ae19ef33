"""``manage.py user_delete_activities``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from gdpr.management.erasure import add_request, request_given
from gdpr.operations.erasure import user_delete_activities


class Command(UserChangeCommand):
    """Erase what a person did."""

    help = "Erase what a person did (sign-ins, sessions, devices, what the audit trail says); the account stays."
    examples = (
        "user_delete_activities bob@example.com --dry-run",
        "user_delete_activities bob@example.com --reason 'Asked for it' --yes",
    )
    verb = "Erase the history of"

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add for which request."""
        add_request(parser)

    def prepare(self, actor: Actor, arguments: Namespace) -> None:
        """Find the request."""
        self.request = request_given(actor, arguments, is_many=self._is_many(arguments))

    def _one(self, actor: Actor, arguments: Namespace) -> Any:
        self.ask("Erase the history of this user? It cannot be taken back.", arguments)
        return super()._one(actor, arguments)

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Erase the history of one."""
        user_delete_activities(actor=actor, user=user, reason=arguments.reason, request=self.request)
        return user
