"""``/me/``: who the caller is."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Input, Text
from accounts.api.user_inputs import ProfileInput
from accounts.errors import NotAllowed, NotFound
from accounts.models import APIKey, EmailChange, Session, User
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.addresses import email_change
from accounts.operations.impersonation import impersonation_stop
from accounts.operations.users import user_update
from accounts.serializers.api_keys import APIKeyOutput
from accounts.serializers.base import output
from accounts.serializers.users import UserDetailOutput

__all__ = ["MeViewSet"]


class EmailChangeInput(Input):
    """The address that one wants to have."""

    email = Text(max_length=254)
    current_password = Text(write_only=True, help_text="the password that one signs in with")


class AddressesOutput(serializers.Serializer[Any]):
    """One's own address, and the one that waits to be confirmed."""

    email = serializers.CharField()
    email_verified = serializers.BooleanField()
    pending_email = serializers.CharField(allow_null=True)
    pending_until = serializers.DateTimeField(allow_null=True)


class MeViewSet(HouseViewSet):
    """Who the caller is."""

    prefix, thing, shown = "usr", "User", UserDetailOutput
    endpoints = {
        "list": Endpoint(name="me_show", output=UserDetailOutput, also=APIKeyOutput),
        "partial_update": Endpoint(name="me_update", input=ProfileInput, output=UserDetailOutput, versioned=True),
        "stop_impersonation": Endpoint(name="impersonation_stop", status=204),
        "email": Endpoint(name="me_email", output=AddressesOutput),
        "change_email": Endpoint(
            name="email_change", input=EmailChangeInput, output=AddressesOutput, status=202, is_bounded=True
        ),
    }

    def rows(self) -> Any:
        """Give the caller, if it is a person."""
        return User.objects.visible_to(self.actor).filter(pk__in=[self.actor.user_id]).with_shown()

    def list(self, request: Request) -> Response:
        """Show who the caller is: the user with memberships, or the key."""
        if isinstance(request.auth, APIKey):
            return Response(output(APIKeyOutput, request.auth))
        return self.answer(self.rows().get())

    def partial_update(self, request: Request) -> Response:
        """Change the fields of one's own profile that are named."""
        if self.actor.user_id is None:
            raise NotAllowed("A key has no profile.", remedy="Sign in as a person.")
        given = self.read()
        changed = user_update(
            actor=self.actor,
            user=self.rows().get(),
            changes={field: given[field] for field in PROFILE_FIELDS if field in given},
            reason=given["reason"],
            expected_version=self.expected_version(),
        )
        return self.answered(changed.pk)

    def email(self, request: Request) -> Response:
        """Show one's own address, and the one that waits to be confirmed."""
        return Response(self._addresses(self._person()), status=200)

    def change_email(self, request: Request) -> Response:
        """Ask for another address: a letter with a link goes there, and until it is opened everything stays as it is.

        The answer is the same whether somebody has that address or not.
        """
        given, person = self.read(), self._person()
        email_change(actor=self.actor, user=person, email=given["email"], current_password=given["current_password"])
        return Response(self._addresses(person), status=202)

    def stop_impersonation(self, request: Request) -> Response:
        """Stop acting as somebody: the impersonation that the token is of ends, and the token with it."""
        if not isinstance(request.auth, Session):
            raise NotFound("Impersonation not found.")
        impersonation_stop(actor=self.actor, session=request.auth)
        return Response(status=204)

    def _person(self) -> User:
        if self.actor.user_id is None:
            raise NotAllowed("A key has no address.", remedy="Sign in as a person.")
        person: User = self.rows().get()
        return person

    def _addresses(self, person: User) -> dict[str, Any]:
        change = EmailChange.objects.live().filter(user=person).first()
        return {
            "email": person.email,
            "email_verified": person.email_verified,
            "pending_email": change.email if change else None,
            "pending_until": change.expires_at if change else None,
        }
