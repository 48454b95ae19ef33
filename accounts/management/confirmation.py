"""Confirming addresses, one by one or all."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any, ClassVar

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.filters import USER_ORDERS
from accounts.management.base import WHO, UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.pagination import walk

__all__ = ["ConfirmationCommand"]


class ConfirmationCommand(UserChangeCommand):
    """Confirm, or unconfirm."""

    operation: ClassVar[Callable[..., User]]

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add everybody."""
        parser.add_argument(
            "--all", action="store_true", help="all active users of --org but owners, admins, moderators, super-users"
        )

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Mark one address."""
        return self.operation(actor=actor, user=user, reason=arguments.reason)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Mark one, many or all."""
        if not arguments.all:
            return super().run(actor, arguments)
        named = [name for name in WHO if getattr(arguments, name, None)]
        if named or arguments.from_file or arguments.query is not None:
            raise Invalid("--all means everybody; name nobody beside it.", fields={"all": "not with a USER"})
        organization = self.organization(actor, arguments)
        plain = User.objects.visible_to(actor).filter(organization=organization).live().plain_members()
        everybody = [(user.public_id, user) for user in walk(plain, USER_ORDERS["created_at"])]
        self.ask(f"{self.verb} the addresses of all {len(everybody)} plain members of {organization.slug}?", arguments)
        return self.each(actor, arguments, everybody)
