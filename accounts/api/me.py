"""``/me/``: who the caller is."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.user_inputs import ProfileInput
from accounts.errors import NotAllowed
from accounts.models import APIKey, User
from accounts.models.users import PROFILE_FIELDS
from accounts.operations.users import user_update
from accounts.serializers.api_keys import APIKeyOutput
from accounts.serializers.base import output
from accounts.serializers.users import UserDetailOutput

__all__ = ["MeViewSet"]


class MeViewSet(HouseViewSet):
    """Who the caller is."""

    prefix, thing, shown = "usr", "User", UserDetailOutput
    endpoints = {
        "list": Endpoint(name="me_show", output=UserDetailOutput, also=APIKeyOutput),
        "partial_update": Endpoint(name="me_update", input=ProfileInput, output=UserDetailOutput, versioned=True),
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
