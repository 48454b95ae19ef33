"""``manage.py letter_retry``."""

from argparse import Namespace
from typing import Any

from accounts import ids
from accounts.actors import Actor
from accounts.errors import NotFound
from accounts.management.base import ChangeCommand
from accounts.management.parser import Parser
from accounts.models import Outbox
from accounts.operations.outbox import letter_retry
from accounts.serializers.base import output
from accounts.serializers.letters import LetterOutput


class Command(ChangeCommand):
    """Try a letter again."""

    help = "Try a letter again that failed for good: at once, and eight times as before."
    examples = ("letter_retry ltr_01h455vb4pex5vsknk084sn02q --reason 'The mail server is back'",)

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which."""
        parser.add_argument("letter", metavar="LETTER", help="the letter's id (ltr_…)")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Queue it and show it."""
        identifier = ids.decode("ltr", arguments.letter)
        visible = Outbox.objects.visible_to(actor).select_related("organization", "user")
        letter = visible.filter(pk=identifier).first() if identifier else None
        if letter is None:
            raise NotFound("Letter not found.", remedy="manage.py letter_list shows them.")
        return self.changed(
            arguments,
            lambda: letter_retry(actor=actor, letter=letter, reason=arguments.reason),
            lambda queued: output(LetterOutput, queued),
        )
