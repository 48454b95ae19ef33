"""``manage.py user_sign_out``."""

from argparse import Namespace

from accounts.actors import Actor
from accounts.management.base import UserChangeCommand
from accounts.models import User
from accounts.operations.users import user_sign_out


class Command(UserChangeCommand):
    """Sign users out."""

    help = "End every session of a user; their API keys stay."
    examples = ("user_sign_out bob@example.com", "user_sign_out --query 'tag=contractor' --yes")
    verb = "Sign out"

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Sign one user out."""
        return user_sign_out(actor=actor, user=user, reason=arguments.reason)
