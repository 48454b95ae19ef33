"""Django's question "who is this, and may they?", answered by the house."""

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from accounts.models import User

__all__ = ["PolicyBackend"]


class PolicyBackend(BaseBackend):
    """Finds the account of a session; signing in goes through ``operations.sessions`` alone."""

    def authenticate(self, request: HttpRequest | None, **_: Any) -> None:
        """Sign nobody in: no path past the operation."""

    def get_user(self, user_id: Any) -> User | None:
        """Find the account that a browser's session names."""
        return User.objects.select_related("organization").filter(pk=user_id).first()
