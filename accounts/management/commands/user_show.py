"""``manage.py user_show``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management.base import UserCommand
from accounts.models import User
from accounts.serializers.base import output
from accounts.serializers.users import UserDetailOutput


class Command(UserCommand):
    """Show a user."""

    help = "Show one user: profile, status and reason, factors, memberships with roles, claims, tags, metadata."
    examples = ("user_show bob@example.com", "user_show --user-id usr_01h455vb4pex5vsknk084sn02q --json")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show it."""
        user = self.user(actor, arguments)
        return output(UserDetailOutput, User.objects.visible_to(actor).with_shown().get(pk=user.pk))
