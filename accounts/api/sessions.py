"""``/sessions/``."""

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import ReasonInput
from accounts.models import Session
from accounts.operations.sessions import session_revoke
from accounts.serializers.sessions import SessionOutput

__all__ = ["SessionViewSet"]


class SessionViewSet(HouseViewSet):
    """Sessions."""

    prefix, thing, shown = "ses", "Session", SessionOutput
    endpoints = {
        "list": Endpoint(
            name="session_list",
            reading=Action.SESSION_LIST,
            output=SessionOutput,
            paged=True,
            filters=("org", "ended"),
        ),
        "retrieve": Endpoint(name="session_show", reading=Action.SESSION_LIST, output=SessionOutput),
        "revoke": Endpoint(name="session_revoke", input=ReasonInput, output=SessionOutput, repeatable=True),
    }

    def rows(self) -> Any:
        """Give the sessions that exist for the actor."""
        return Session.objects.visible_to(self.actor).select_related("user")

    def list(self, request: Request) -> Response:
        """List the live sessions of an organization's people, oldest first; one's own, if that is all one may see."""
        organization = self.organization(self.asked.get("org", ""))
        sessions, ended = self.rows().filter(organization=organization), self.asked.get("ended", "false")
        return self.listed(
            sessions if ended == "true" else sessions.live(), self.asked, scope=f"{organization.public_id} {ended}"
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show a session."""
        return self.answer(self.row(id))

    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, id: str) -> Response:  # noqa: A002
        """End a session."""
        given = self.read()
        session = self.row(id)
        return self.once(
            lambda: session_revoke(actor=self.actor, session=session, reason=given["reason"]),
            self.answer,
            self.answered,
        )
