"""``/me/two-factor/passkeys/``: making a passkey, for pages that speak to the API in a browser."""

import json
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Input, JSONObject, Text
from accounts.api.me import EnrolledOutput, MeViewSet
from accounts.browser import key_renewed
from accounts.models.sessions import session_key_hash
from accounts.operations.passkey_enrolment import passkey_enrol_finish, passkey_enrol_start
from accounts.serializers.factors import two_factor_of

__all__ = ["PasskeyViewSet"]


class PasskeyInput(Input):
    """What the authenticator answered, and what the passkey is to be called."""

    answer = JSONObject(write_only=True, help_text="`RegistrationResponseJSON` of WebAuthn")
    name = Text(required=False, default="", max_length=64)


class PasskeyEnrolmentOutput(serializers.Serializer[Any]):
    """What the browser is to be asked."""

    id = serializers.CharField()
    options = serializers.DictField(
        help_text="`PublicKeyCredentialCreationOptionsJSON` of WebAuthn, good for 5 minutes"
    )


class PasskeyViewSet(MeViewSet):
    """One's own passkeys."""

    endpoints = {
        "begin": Endpoint(name="passkey_enrol_start", input=Input, output=PasskeyEnrolmentOutput, status=201),
        "finish": Endpoint(name="passkey_enrol_finish", input=PasskeyInput, output=EnrolledOutput),
    }

    def begin(self, request: Request) -> Response:
        """Begin to enrol a passkey; it counts once a browser had it made, in the same session."""
        person = self._person()
        self.read()
        begun = passkey_enrol_start(actor=self.actor, user=person)
        return Response({"id": begun.factor.public_id, "options": begun.options}, status=201)

    def finish(self, request: Request) -> Response:
        """Finish it with what the authenticator answered; recovery codes come with the first second factor."""
        person, given, key = self._person(), self.read(), self._browsers_key()
        done = passkey_enrol_finish(
            actor=self.actor,
            user=person,
            answer=json.dumps(given["answer"]),
            name=given["name"],
            key_hash=session_key_hash(key) if key else "",
        )
        if key:
            key_renewed(request._request, key)
        return Response({"two_factor": two_factor_of(person), "recovery_codes": done.codes})
