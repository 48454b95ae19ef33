"""``/auth/…``: what somebody does who is not signed in, or holds the secret of a letter."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Input, Text
from accounts.errors import NotFound
from accounts.models import Application, Organization
from accounts.operations.addresses import email_confirm
from accounts.operations.base import NewPassword
from accounts.operations.proofs import mail_code_send
from accounts.operations.recovery import password_reset, password_reset_request
from accounts.operations.tokens import token_refresh, token_start, token_start_with_code
from accounts.serializers.tokens import TokenOutput, token_answer

__all__ = ["AuthViewSet"]

USUAL_ORGANIZATION = "default"
FOR = "id or slug of the application that the access token is for; this service if left out"


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


class TokenInput(Input):
    """Who signs in."""

    login = Text(max_length=254, help_text="e-mail address, username or id")
    password = Text(write_only=True)
    org = Text(required=False, default=USUAL_ORGANIZATION, max_length=63, help_text="id or slug; `default` if left out")
    code = Text(
        required=False, default="", write_only=True, max_length=40, help_text="of the second factor, where there is one"
    )
    app = Text(required=False, default="", max_length=63, help_text=FOR)


class ProofInput(Input):
    """That the password was right."""

    proof = Text(write_only=True, max_length=500, help_text="from the problem that asked for the second factor")


class SecondStepInput(ProofInput):
    """The second step of signing in."""

    code = Text(write_only=True, max_length=40, help_text="from the app or the letter, or a recovery code")
    app = Text(required=False, default="", max_length=63, help_text=FOR)


class RefreshInput(Input):
    """A refresh token, which works once."""

    refresh_token = Text(write_only=True, max_length=200)
    org = Text(required=False, max_length=63, help_text="another organization of one's own; home if left out")
    app = Text(required=False, default="", max_length=63, help_text=FOR)


class AcceptedOutput(serializers.Serializer[Any]):
    """What is answered to everybody."""

    message = serializers.CharField()


class AuthViewSet(HouseViewSet):
    """Without signing in."""

    is_open = True
    authentication_classes = []
    endpoints = {
        "token": Endpoint(name="token_start", input=TokenInput, output=TokenOutput, is_bounded=True),
        "second_factor": Endpoint(
            name="token_start_with_code", input=SecondStepInput, output=TokenOutput, is_bounded=True
        ),
        "send_code": Endpoint(
            name="mail_code_send", input=ProofInput, output=AcceptedOutput, status=202, is_bounded=True
        ),
        "refresh": Endpoint(name="token_refresh", input=RefreshInput, output=TokenOutput),
        "reset_request": Endpoint(
            name="password_reset_request", input=ResetRequestInput, output=AcceptedOutput, status=202, is_bounded=True
        ),
        "reset": Endpoint(name="password_reset", input=ResetInput, status=204),
        "confirm": Endpoint(name="email_confirm", input=ConfirmInput, status=204),
    }

    def token(self, request: Request) -> Response:
        """Sign a program in; the same answer for every reason why not."""
        given = self.read()
        organization = Organization.objects.named(given["org"].lower()).first()
        application = None
        if given["app"]:
            # SECURITY: an application that is not there is answered like an organization that is not.
            application = Application.objects.filter(organization=organization).named(given["app"]).first()
            organization = organization if application else None
        issued = token_start(
            actor=self.actor,
            organization=organization,
            login=given["login"],
            password=given["password"],
            code=given["code"],
            application=application,
        )
        return Response(token_answer(issued))

    def second_factor(self, request: Request) -> Response:
        """Go on where the password was right: with the code of a second factor.

        The problem that asks for it has `proof`, good for ten minutes, and `methods`, which second factors there are.
        """
        given = self.read()
        issued = token_start_with_code(
            actor=self.actor, proof=given["proof"], code=given["code"], application=given["app"]
        )
        return Response(token_answer(issued))

    def send_code(self, request: Request) -> Response:
        """Have a code mailed, where `methods` has `email`; five an hour, each good for ten minutes with this proof."""
        address = mail_code_send(actor=self.actor, proof=self.read()["proof"])
        return Response({"message": f"A code is on its way to {address}."}, status=202)

    def refresh(self, request: Request) -> Response:
        """Get the next access token; the refresh token that comes with it takes the place of this one."""
        given = self.read()
        organization = None
        if "org" in given:
            organization = Organization.objects.named(given["org"].lower()).first()
            if organization is None:
                raise NotFound("Organization not found.")
        issued = token_refresh(
            actor=self.actor, token=given["refresh_token"], organization=organization, application=given["app"]
        )
        return Response(token_answer(issued))

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
