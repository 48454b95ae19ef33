"""``manage.py admin_link``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import NotFound
from accounts.management.base import ChangeCommand, UserCommand
from accounts.operations.installation import first_superuser
from accounts.operations.recovery import admin_link


class Command(UserCommand, ChangeCommand):
    """Make a sign-in link."""

    help = (
        "Print a link that leads to setting a password and signs in: once, within 15 minutes. "
        "It never skips a second factor. Without USER it is for the first super-user."
    )
    examples = ("admin_link", "admin_link bob@example.com --org acme --reason 'lost password'", "admin_link --json")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it."""
        named = any((arguments.user, arguments.user_id, arguments.who_email, arguments.who_username))
        user = self.user(actor, arguments) if named else first_superuser()
        if user is None:
            raise NotFound("There is no super-user who may sign in.", remedy="Make one: manage.py createsuperuser.")

        def shown(link: str) -> dict[str, str | None]:
            return {"id": user.public_id, "email": user.email, "link": link}

        return self.changed(arguments, lambda: admin_link(actor=actor, user=user, reason=arguments.reason), shown)
