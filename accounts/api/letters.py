"""``/letters/``."""

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import ReasonInput
from accounts.models import Outbox
from accounts.operations.outbox import letter_retry
from accounts.serializers.letters import LetterOutput

__all__ = ["LetterViewSet"]


class LetterViewSet(HouseViewSet):
    """Letters."""

    prefix, thing, shown = "ltr", "Letter", LetterOutput
    endpoints = {
        "list": Endpoint(
            name="letter_list",
            reading=Action.LETTER_LIST,
            output=LetterOutput,
            paged=True,
            filters=("org", "state"),
        ),
        "retrieve": Endpoint(name="letter_show", reading=Action.LETTER_LIST, output=LetterOutput),
        "retry": Endpoint(name="letter_retry", input=ReasonInput, output=LetterOutput, repeatable=True),
    }

    def rows(self) -> Any:
        """Give the letters that exist for the actor."""
        return Outbox.objects.visible_to(self.actor).select_related("organization", "user")

    def list(self, request: Request) -> Response:
        """List the letters to an organization's people, oldest first: queued, sent, failed, dropped."""
        letters, scope = self.within(self.rows(), self.asked, Action.LETTER_LIST)
        state = self.asked.get("state", "")
        return self.listed(letters.in_state(state) if state else letters, self.asked, scope=f"{scope} {state}")

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show what became of a letter; never what it says."""
        return self.answer(self.row(id))

    @action(detail=True, methods=["post"])
    def retry(self, request: Request, id: str) -> Response:  # noqa: A002
        """Try a letter again that failed for good."""
        given = self.read()
        letter = self.row(id)
        return self.once(
            lambda: letter_retry(actor=self.actor, letter=letter, reason=given["reason"]), self.answer, self.answered
        )
