"""``/api-keys/``."""

from typing import Any

from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import ReasonInput, Text, Texts
from accounts.models import APIKey
from accounts.operations.api_keys import MadeKey, api_key_create, api_key_revoke
from accounts.serializers.api_keys import APIKeyOutput
from accounts.times import as_end

__all__ = ["APIKeyViewSet", "MadeKeyOutput"]


class APIKeyCreateInput(ReasonInput):
    """A new key."""

    organization = Text(required=False, help_text="id or slug; the caller's own if left out")
    name = Text(max_length=100)
    scopes = Texts(min_length=1, max_length=100, help_text="permissions like `user.show`, or `admin:users`")
    expires_at = Text(required=False, help_text="`2026-12-31`, RFC 3339, or a duration like `90d`; within 365 days")


class MadeKeyOutput(APIKeyOutput):
    """A new key with its secret, which is in this answer and in no other; not in that of a repeated request."""

    secret = serializers.CharField(required=False)

    class Meta(APIKeyOutput.Meta):
        fields = (*APIKeyOutput.Meta.fields, "secret")  # type: ignore[assignment]


class APIKeyViewSet(HouseViewSet):
    """API keys."""

    prefix, thing, shown = "key", "API key", APIKeyOutput
    endpoints = {
        "list": Endpoint(
            name="api_key_list",
            reading=Action.API_KEY_LIST,
            output=APIKeyOutput,
            paged=True,
            filters=("org", "revoked"),
        ),
        "create": Endpoint(
            name="api_key_create", input=APIKeyCreateInput, output=MadeKeyOutput, status=201, repeatable=True
        ),
        "retrieve": Endpoint(name="api_key_show", reading=Action.API_KEY_LIST, output=APIKeyOutput),
        "revoke": Endpoint(name="api_key_revoke", input=ReasonInput, output=APIKeyOutput, repeatable=True),
    }

    def rows(self) -> Any:
        """Give the keys that exist for the actor."""
        return APIKey.objects.visible_to(self.actor).select_related("organization", "made_by")

    def list(self, request: Request) -> Response:
        """List the live keys of an organization, oldest first; never their secrets."""
        keys, scope = self.within(self.rows(), self.asked, Action.API_KEY_LIST)
        revoked = self.asked.get("revoked", "false")
        return self.listed(keys if revoked == "true" else keys.live(), self.asked, scope=f"{scope} {revoked}")

    def create(self, request: Request) -> Response:
        """Make a key; its secret is in this answer and in no other."""
        given = self.read()
        organization = self.organization(given.get("organization", ""))
        expires_at = as_end(given["expires_at"], field="expires_at") if "expires_at" in given else None
        return self.once(
            lambda: api_key_create(
                actor=self.actor,
                organization=organization,
                name=given["name"],
                scopes=given["scopes"],
                expires_at=expires_at,
                reason=given["reason"],
            ),
            self._made,
            lambda identifier: self.answered(identifier, status=201),
        )

    def _made(self, made: MadeKey) -> Response:
        response = self.answer(made.key, status=201)
        response.data["secret"] = made.secret
        return response

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show a key, never its secret."""
        return self.answer(self.row(id))

    @action(detail=True, methods=["post"])
    def revoke(self, request: Request, id: str) -> Response:  # noqa: A002
        """Revoke a key, at once and for good."""
        given = self.read()
        key = self.row(id)
        return self.once(
            lambda: api_key_revoke(actor=self.actor, key=key, reason=given["reason"]), self.answer, self.answered
        )
