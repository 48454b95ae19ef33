"""``manage.py keys_rotate``."""

from argparse import Namespace
from typing import Any

from django.conf import settings

from accounts import keys
from accounts.actors import Actor
from accounts.management.base import ChangeCommand
from accounts.operations.installation import keys_rotate


class Command(ChangeCommand):
    """Rotate the keys."""

    help = "Put fresh keys first in the key file; the old ones stay for reading. Restart the service, back the file up."
    examples = ("keys_rotate", "keys_rotate --reason 'yearly' --json")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Rotate, and show which keys are now in use (their ids are no secret)."""

        def shown(_: None) -> dict[str, Any]:
            ring = keys.load(settings.KEYS_FILE)
            self.note("Restart the service now, and back up the key file.")
            return {
                "file": str(settings.KEYS_FILE),
                **{str(purpose): ring.current(purpose).id for purpose in keys.Purpose},
            }

        return self.changed(arguments, lambda: keys_rotate(actor=actor, reason=arguments.reason), shown)
