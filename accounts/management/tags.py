"""Tags on and off a user."""

from argparse import Namespace
from collections.abc import Callable
from typing import Any, ClassVar

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.users import user_tag

__all__ = ["TagCommand"]


class TagCommand(UserChangeCommand):
    """One USER, then tags."""

    operation: ClassVar[Callable[..., User]] = staticmethod(user_tag)
    takes_many = False

    def add_who(self, parser: Parser) -> None:
        """Add who is meant: the first word, unless an option says it."""
        group = parser.add_argument_group("who")
        group.add_argument(
            "words", nargs="+", metavar="USER TAG", help="one USER, then tags; only tags after --user-id"
        )
        group.add_argument("--user-id", metavar="ID", help="the USER, as an option")
        options.add_org(group)
        options.add_identifiers(parser, many=False)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Tell the USER from the tags."""
        named = arguments.user_id or arguments.who_email or arguments.who_username
        arguments.user = None if named else arguments.words[0]
        self.tags = arguments.words if named else arguments.words[1:]
        if not self.tags:
            raise Invalid("There is no tag.", remedy="Name one USER, then tags.", fields={"tags": "is required"})
        return super().run(actor, arguments)

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Change the tags of one user."""
        return self.operation(actor=actor, user=user, tags=self.tags, reason=arguments.reason)
