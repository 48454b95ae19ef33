"""Letters: one function each, rendered from templates, sent by the worker."""

from collections.abc import Callable, Mapping
from typing import Final

from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from accounts.models import User

__all__ = ["LETTERS", "password_changed"]


def password_changed(user: User) -> None:
    """Tell a person that their password was changed, so that they can object if it was not them."""
    _send(user, "Your password was changed", "accounts/letters/password_changed.txt")


def _send(user: User, subject: str, template: str) -> None:
    body = render_to_string(template, {"user": user, "organization": user.organization})
    EmailMessage(f"{user.organization.name}: {subject}", body, to=[user.email or ""]).send()


LETTERS: Final[Mapping[str, Callable[[User], None]]] = {"password_changed": password_changed}
"""Every letter by the word that the outbox keeps."""
