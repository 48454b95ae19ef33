"""Letters: one function each, rendered from templates, sent by the worker."""

from collections.abc import Callable, Mapping
from typing import Final

from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from accounts.models import User

__all__ = ["LETTERS", "confirm_email", "password_changed", "password_reset", "welcome"]


def password_changed(user: User) -> None:
    """Tell a person that their password was changed, so that they can object if it was not them."""
    _send(user, "Your password was changed", "accounts/letters/password_changed.txt")


def password_reset(user: User, *, link: str) -> None:
    """Hand over the link by which a lost password is replaced."""
    _send(user, "Set a new password", "accounts/letters/password_reset.txt", link=link)


def welcome(user: User, *, link: str) -> None:
    """Hand over the link by which a new account gets its first password."""
    _send(user, "Your account", "accounts/letters/welcome.txt", link=link)


def confirm_email(user: User, *, link: str) -> None:
    """Hand over the link that shows that the mailbox is theirs."""
    _send(user, "Confirm your e-mail address", "accounts/letters/confirm_email.txt", link=link)


def _send(user: User, subject: str, template: str, **more: str) -> None:
    body = render_to_string(template, {"user": user, "organization": user.organization, **more})
    EmailMessage(f"{user.organization.name}: {subject}", body, to=[user.email or ""]).send()


LETTERS: Final[Mapping[str, Callable[..., None]]] = {
    "password_changed": password_changed,
    "password_reset": password_reset,
    "welcome": welcome,
    "confirm_email": confirm_email,
}
"""Every letter by the word that the outbox keeps."""
