"""``manage.py user_update``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.management.profile import add_profile, metadata_of, profile_of, tags_of
from accounts.models import User
from accounts.operations.users import user_update


class Command(UserChangeCommand):
    """Change a user."""

    help = "Change the fields that are named and leave the others."
    examples = (
        "user_update bob@example.com --given-name Robert --locale en",
        "user_update bob@example.com --email robert@example.com --skip-verification",
        "user_update bob@example.com --metadata-key team --metadata-value blue --tags 'vip,night shift'",
    )
    identifies = False
    verb = "Update"

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what can be changed."""
        parser.add_argument("--email", help="new e-mail address; unconfirmed unless --skip-verification")
        parser.add_argument("--skip-verification", action="store_true", help="the new address is confirmed already")
        parser.add_argument("--username", help="new username; '' removes it")
        add_profile(parser)
        parser.add_argument("--tags", metavar="A,B", help="replaces all tags; '' removes them")
        parser.add_argument(
            "--metadata",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="sets one; '{…}' replaces all",
        )
        parser.add_argument("--metadata-key", metavar="K", help="the key to set with --metadata-value, alone to remove")
        parser.add_argument("--metadata-value", metavar="V", help="the value of --metadata-key")

    def prepare(self, actor: Actor, arguments: Namespace) -> None:
        """Read what is to be changed, once."""
        self.changes: dict[str, Any] = {**profile_of(arguments)}
        self.changes |= {
            name: value for name in ("email", "username") if (value := getattr(arguments, name)) is not None
        }
        if arguments.tags is not None:
            self.changes["tags"] = tags_of(arguments.tags)
        self.metadata_set: dict[str, Any] = {}
        if arguments.metadata and arguments.metadata[0].lstrip().startswith("{"):
            self.changes["metadata"] = metadata_of(arguments.metadata)
        else:
            self.metadata_set = metadata_of(arguments.metadata)
        self.metadata_remove: list[str] = []
        if arguments.metadata_value is not None and arguments.metadata_key is None:
            raise Invalid("--metadata-value needs --metadata-key.", fields={"metadata_key": "is required"})
        if arguments.metadata_key is not None:
            if arguments.metadata_value is None:
                self.metadata_remove = [arguments.metadata_key]
            else:
                self.metadata_set[arguments.metadata_key] = arguments.metadata_value
        if not (self.changes or self.metadata_set or self.metadata_remove):
            raise Invalid("There is nothing to change.", remedy="Name a field: --name, --email, --tags, …")

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Change one user."""
        return user_update(
            actor=actor,
            user=user,
            changes=self.changes,
            metadata_set=self.metadata_set,
            metadata_remove=self.metadata_remove,
            skip_verification=arguments.skip_verification,
            reason=arguments.reason,
        )
