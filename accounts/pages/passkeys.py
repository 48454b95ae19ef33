"""Passkeys on pages: what the button needs, the question to a browser that nobody is signed in with, and the answer.

``passkeys.js`` asks the authenticator and sends the answer as an ordinary form.
"""

import json
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.views.decorators.http import require_safe

from accounts.actors import Door
from accounts.browser import is_borrowed, request_actor
from accounts.errors import AccountsError
from accounts.models import User
from accounts.operations.passkeys import LIFE, Asked, ask_anybody, ask_person, ask_second
from accounts.passkeys import home

__all__ = ["PasskeyButton", "answered", "button_for_anybody", "button_for_person", "button_for_second", "challenge"]

COOKIE: Final = "__Host-passkey" if settings.SESSION_COOKIE_SECURE else "passkey"
BROWSER: Final = 32


@dataclass(frozen=True)
class PasskeyButton:
    """What ``accounts/pages/passkey.html`` draws: the question, or the address where it is asked for."""

    origin: str
    address: str = ""
    options: str = ""
    state: str = ""
    proof: str = ""
    refusal: str = ""


def button_for_anybody(refusal: AccountsError | None = None) -> PasskeyButton | None:
    """Offer to sign in with a passkey alone."""
    at = home()
    return PasskeyButton(at.origin, address=reverse("passkey-challenge"), refusal=_said(refusal)) if at else None


def button_for_second(proof: str) -> PasskeyButton | None:
    """Offer a passkey to somebody whose password was right, if they have one.

    :raises NotAuthenticated: if the proof is none any more
    """
    return _button(ask_second(proof), proof)


def button_for_person(request: HttpRequest, refusal: AccountsError | None = None) -> PasskeyButton | None:
    """Offer a passkey to somebody who shows anew who they are, if they have one; not to who acts as them."""
    assert isinstance(request.user, User)
    if is_borrowed(request):
        return None
    return _button(ask_person(request_actor(request, Door.PAGE), request.user), refusal=refusal)


def _button(asked: Asked | None, proof: str = "", refusal: AccountsError | None = None) -> PasskeyButton | None:
    at = home()
    if asked is None or at is None:
        return None
    return PasskeyButton(
        at.origin, options=json.dumps(asked.options), state=asked.state, proof=proof, refusal=_said(refusal)
    )


def _said(refusal: AccountsError | None) -> str:
    return f"{refusal.message} {refusal.remedy}" if refusal else ""


def answered(request: HttpRequest) -> dict[str, str]:
    """Read what the script sent."""
    return {"state": request.POST.get("state", ""), "answer": request.POST.get("answer", "")}


def browser_of(request: HttpRequest) -> str:
    """Give the word that only this browser knows, empty if it has none."""
    return request.COOKIES.get(COOKIE, "")


@require_safe
def challenge(request: HttpRequest) -> HttpResponseBase:
    """Ask for any passkey: a question is good for five minutes, and pages stand open for longer."""
    browser = browser_of(request) or get_random_string(BROWSER)
    asked = ask_anybody(browser)
    if asked is None:
        raise Http404
    response = JsonResponse({"options": asked.options, "state": asked.state})
    # SECURITY: an answer that somebody else got hold of is of no use in another browser.
    response.set_cookie(
        COOKIE, browser, max_age=LIFE, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Strict"
    )
    return response
