"""Signing in to the API: a key, or the browser's session with its CSRF token."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.errors import NotAuthenticated
from accounts.models import APIKey
from accounts.operations.api_keys import api_key_authenticated

__all__ = ["BrowserAuthentication", "KeyAuthentication"]

SCHEME = b"api-key"


class KeyAuthentication(BaseAuthentication):
    """``Authorization: Api-Key idk_…``."""

    def authenticate(self, request: Request) -> tuple[Any, APIKey] | None:
        """Find the key; ``None`` if the request carries none.

        :raises NotAuthenticated: the same for every key that opens nothing
        """
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        if scheme.lower() != SCHEME:
            raise NotAuthenticated("You are not signed in.", remedy="Send Authorization: Api-Key <key>.")
        return AnonymousUser(), api_key_authenticated(secret.decode("latin-1"))

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme in a 401."""
        return "Api-Key"


class BrowserAuthentication(SessionAuthentication):
    """The session of a signed-in browser; whether it lives, the middleware has asked."""
