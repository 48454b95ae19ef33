"""``/auth/…``: what somebody does who is not signed in, or holds the secret of a letter."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Input, Text
from accounts.models import Organization
from accounts.operations.addresses import email_confirm
from accounts.operations.base import NewPassword
from accounts.operations.recovery import password_reset, password_reset_request

__all__ = ["AuthViewSet"]

USUAL_ORGANIZATION = "default"


class ResetRequestInput(Input):
    """Whose password is lost."""

    login = Text(max_length=254, help_text="e-mail address, username or id")
    org = Text(required=False, default=USUAL_ORGANIZATION, max_length=63, help_text="id or slug; `default` if left out")


class ResetInput(Input):
    """The secret of a link, and the new password."""

    token = Text(write_only=True, max_length=200, help_text="the last part of the link's address")
    password = Text(write_only=True)


class ConfirmInput(Input):
    """The secret of a link."""

    token = Text(write_only=True, max_length=200, help_text="the last part of the link's address")


class AcceptedOutput(serializers.Serializer[Any]):
    """What is answered to everybody."""

    message = serializers.CharField()


class AuthViewSet(HouseViewSet):
    """Without signing in."""

    is_open = True
    authentication_classes = []
    endpoints = {
        "reset_request": Endpoint(
            name="password_reset_request", input=ResetRequestInput, output=AcceptedOutput, status=202, is_bounded=True
        ),
        "reset": Endpoint(name="password_reset", input=ResetInput, status=204),
        "confirm": Endpoint(name="email_confirm", input=ConfirmInput, status=204),
    }

    def reset_request(self, request: Request) -> Response:
        """Ask for a link to set a new password; the same answer whomever it names."""
        given = self.read()
        organization = Organization.objects.named(given["org"].lower()).first()
        password_reset_request(actor=self.actor, organization=organization, login=given["login"])
        return Response({"message": "Whoever may have one gets a letter with a link."}, status=202)

    def reset(self, request: Request) -> Response:
        """Set a new password by the secret of a link; all sessions of its person end."""
        given = self.read()
        password_reset(actor=self.actor, token=given["token"], password=NewPassword(given["password"]))
        return Response(status=204)

    def confirm(self, request: Request) -> Response:
        """Confirm an e-mail address by the secret of a link that was mailed to it."""
        email_confirm(actor=self.actor, token=self.read()["token"])
        return Response(status=204)
