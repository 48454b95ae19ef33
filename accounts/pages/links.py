"""The page behind a one-time link: set a password."""

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Door
from accounts.browser import fresh_key, request_actor, sign_out, signed_in
from accounts.errors import AccountsError, NotAuthenticated
from accounts.models.sessions import session_key_hash
from accounts.models.two_factor import has_second_factor
from accounts.operations.base import NewPassword
from accounts.operations.installation import LINK_LIFETIME, link_find, link_redeem
from accounts.pages.passwords import NewPasswordForm

__all__ = ["link", "set_password"]

COOKIE: Final = "__Secure-link" if settings.SESSION_COOKIE_SECURE else "link"


@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret out of the address before anything is shown; looking uses nothing up."""
    try:
        link_find(token)
    except NotAuthenticated:
        return _dead(request)
    response = redirect("link-set-password")
    # SECURITY: an address ends up in histories and Referer headers, and a browser's session lies in the
    # database, where a copy of it would open the link; a cookie for this one page does neither.
    response.set_cookie(
        COOKIE,
        token,
        max_age=LINK_LIFETIME,
        path=reverse("link-set-password"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # "Strict" would be lost on the way from a mailbox in the browser
    )
    return response


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest) -> HttpResponse:
    """Ask for a password, set it, and sign in unless a second factor is to be shown first."""
    token = request.COOKIES.get(COOKIE, "")
    form = NewPasswordForm(request.POST or None)
    try:
        person = link_find(token).user
        if request.method == "POST" and form.is_valid():
            return _redeem(request, token, form.cleaned_data["password"])
    except NotAuthenticated:
        return _dead(request)
    except AccountsError as refusal:
        form.refuse(refusal)
    context = {"form": form, "person": person, "needs_code": has_second_factor(person)}
    return render(request, "accounts/pages/set_password.html", context)


def _redeem(request: HttpRequest, token: str, password: str) -> HttpResponse:
    key = fresh_key()
    redeemed = link_redeem(
        actor=request_actor(request, Door.PAGE),
        token=token,
        password=NewPassword(password),
        key_hash=session_key_hash(key),
    )
    sign_out(request, Door.PAGE)
    if redeemed.session is not None:
        signed_in(request, redeemed.session, key)
        messages.success(request, "Your password is set, and you are signed in.")
    else:
        messages.success(request, "Your password is set. Sign in with it and your second factor.")
    return _forgotten(redirect("admin:index"))


def _dead(request: HttpRequest) -> HttpResponse:
    """Answer the same for a link that is used up, has run out or never was one."""
    return _forgotten(render(request, "accounts/pages/link_dead.html", status=410))


def _forgotten(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(COOKIE, path=reverse("link-set-password"), samesite="Lax")
    return response
