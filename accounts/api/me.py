"""``/me/``: who the caller is."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Input, Text
from accounts.api.user_inputs import ProfileInput
from accounts.browser import fresh_key, key_renewed
from accounts.errors import NotAllowed, NotFound
from accounts.models import APIKey, EmailChange, Session, User
from accounts.models.sessions import session_key_hash
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.addresses import email_change, email_confirm_request
from accounts.operations.base import NewPassword
from accounts.operations.factors import factor_enrol_finish, factor_enrol_start, recovery_codes_renew
from accounts.operations.impersonation import impersonation_stop
from accounts.operations.users import user_change_password, user_update
from accounts.serializers.api_keys import APIKeyOutput
from accounts.serializers.base import output
from accounts.serializers.factors import TwoFactorOutput, two_factor_of
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


class PasswordChangeInput(Input):
    """The present password, and another one."""

    current_password = Text(write_only=True)
    password = Text(write_only=True)


class EnrolInput(Input):
    """Which second factor, and what it is to be called."""

    kind = Text(required=False, default="totp", max_length=8, help_text="`totp` or `email`")
    name = Text(required=False, default="", max_length=64)


class EnrolmentOutput(serializers.Serializer[Any]):
    """The key that an app is to share, shown once; empty where a code was mailed instead."""

    id = serializers.CharField()
    key = serializers.CharField(help_text="to be typed into the app (base32)")
    address = serializers.CharField(help_text="the same, as a QR code says it: `otpauth://totp/…`")


class CodeInput(Input):
    """The code that the app shows, or that was mailed."""

    code = Text(write_only=True, max_length=16)


class EnrolledOutput(serializers.Serializer[Any]):
    """What is enrolled now, and recovery codes, shown once, with the first."""

    two_factor = TwoFactorOutput()
    recovery_codes = serializers.ListField(child=serializers.CharField())


class MeViewSet(HouseViewSet):
    """Who the caller is."""

    prefix, thing, shown = "usr", "User", UserDetailOutput
    endpoints = {
        "list": Endpoint(name="me_show", output=UserDetailOutput, also=APIKeyOutput),
        "partial_update": Endpoint(name="me_update", input=ProfileInput, output=UserDetailOutput, versioned=True),
        "set_password": Endpoint(name="user_change_password", input=PasswordChangeInput, status=204, is_bounded=True),
        "two_factor": Endpoint(name="me_two_factor", output=TwoFactorOutput),
        "enrol": Endpoint(name="factor_enrol_start", input=EnrolInput, output=EnrolmentOutput, status=201),
        "confirm": Endpoint(name="factor_enrol_finish", input=CodeInput, output=EnrolledOutput, is_bounded=True),
        "renew_codes": Endpoint(name="recovery_codes_renew", input=Input, output=EnrolledOutput),
        "stop_impersonation": Endpoint(name="impersonation_stop", status=204),
        "email": Endpoint(name="me_email", output=AddressesOutput),
        "confirm_email": Endpoint(name="email_confirm_request", input=Input, output=AddressesOutput, status=202),
        "change_email": Endpoint(
            name="email_change", input=EmailChangeInput, output=AddressesOutput, status=202, is_bounded=True
        ),
    }

    def set_password(self, request: Request) -> Response:
        """Change one's own password; one is signed out everywhere else, and links that were mailed open nothing."""
        given, person, key = self.read(), self._person(), self._browsers_key()
        user_change_password(
            actor=self.actor,
            user=person,
            current_password=given["current_password"],
            password=NewPassword(given["password"]),
            key_hash=session_key_hash(key) if key else "",
        )
        if key:
            key_renewed(request._request, key)
        return Response(status=204)

    def two_factor(self, request: Request) -> Response:
        """Show which second factors one has."""
        return Response(two_factor_of(self._person()))

    def enrol(self, request: Request) -> Response:
        """Begin to enrol an authenticator app, or codes by mail; it counts once a code of it was shown."""
        given = self.read()
        begun = factor_enrol_start(actor=self.actor, user=self._person(), name=given["name"], kind=given["kind"])
        shown = {"id": begun.factor.public_id, "key": begun.key, "address": begun.address}
        return Response(shown, status=201)

    def confirm(self, request: Request) -> Response:
        """Finish it with the code that the app shows, or that was mailed; recovery codes come with the first."""
        person, key = self._person(), self._browsers_key()
        key_hash = session_key_hash(key) if key else ""
        done = factor_enrol_finish(actor=self.actor, user=person, code=self.read()["code"], key_hash=key_hash)
        if key:
            key_renewed(request._request, key)
        return Response({"two_factor": two_factor_of(person), "recovery_codes": done.codes})

    def renew_codes(self, request: Request) -> Response:
        """Get ten new recovery codes; those before open nothing any more."""
        person = self._person()
        self.read()
        codes = recovery_codes_renew(actor=self.actor, user=person)
        return Response({"two_factor": two_factor_of(person), "recovery_codes": codes})

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

    def confirm_email(self, request: Request) -> Response:
        """Ask for the letter that confirms one's own address once more; five an hour."""
        person = self._person()
        self.read()
        email_confirm_request(actor=self.actor, user=person)
        return Response(self._addresses(person), status=202)

    def stop_impersonation(self, request: Request) -> Response:
        """Stop acting as somebody: the impersonation that the token is of ends, and the token with it."""
        if not isinstance(request.auth, Session):
            raise NotFound("Impersonation not found.")
        impersonation_stop(actor=self.actor, session=request.auth)
        return Response(status=204)

    def _person(self) -> User:
        if self.actor.user_id is None:
            raise NotAllowed("A key is no person.", remedy="Sign in as a person.")
        person: User = self.rows().get()
        return person

    def _browsers_key(self) -> str:
        """Choose the fresh key that a browser gets; programs have none."""
        return "" if self.request.auth else fresh_key()

    def _addresses(self, person: User) -> dict[str, Any]:
        change = EmailChange.objects.live().filter(user=person).first()
        return {
            "email": person.email,
            "email_verified": person.email_verified,
            "pending_email": change.email if change else None,
            "pending_until": change.expires_at if change else None,
        }
