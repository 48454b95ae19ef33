"""Signing in to the API: an access token, a key, or the browser's session with its CSRF token."""

from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts.errors import NotAuthenticated
from accounts.models import APIKey, Session
from accounts.operations.api_keys import api_key_authenticated
from accounts.operations.tokens import token_authenticated

__all__ = ["HOW", "BrowserAuthentication", "HeaderAuthentication"]

HOW: Final = "Send Authorization: Bearer <token>, or Authorization: Api-Key <key>."


class HeaderAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>`` or ``Authorization: Api-Key idk_…``."""

    def authenticate(self, request: Request) -> tuple[Any, APIKey | Session] | None:
        """Find the session or the key; ``None`` if the request carries neither.

        :raises NotAuthenticated: the same for everything that opens nothing
        """
        scheme, _, secret = get_authorization_header(request).partition(b" ")
        if not scheme:
            return None
        text = secret.decode("latin-1")
        if scheme.lower() == b"bearer":
            session = token_authenticated(text)
            return session.user, session
        if scheme.lower() == b"api-key":
            return AnonymousUser(), api_key_authenticated(text)
        raise NotAuthenticated("You are not signed in.", remedy=HOW)

    def authenticate_header(self, request: Request) -> str:
        """Name the schemes in a 401."""
        return "Bearer, Api-Key"


class BrowserAuthentication(SessionAuthentication):
    """The session of a signed-in browser; whether it lives, the middleware has asked."""
