"""The pages behind a one-time link: set a password, confirm an address."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Door
from accounts.browser import fresh_key, home_of, request_actor, sign_out, signed_in
from accounts.errors import AccountsError, Conflict, NotAuthenticated
from accounts.models import OneTimeLink, Purpose
from accounts.models.factors import has_second_factor
from accounts.models.sessions import session_key_hash
from accounts.operations.addresses import CONFIRMS, address_of, email_confirm
from accounts.operations.base import NewPassword
from accounts.operations.links import link_find
from accounts.operations.recovery import RESETS, link_redeem, password_reset
from accounts.pages.passwords import NewPasswordForm

__all__ = ["confirm", "link", "set_password"]

COOKIE: Final = "__Secure-link" if settings.SESSION_COOKIE_SECURE else "link"
COOKIE_LIFE: Final = timedelta(minutes=15)


@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret out of the address before anything is shown; looking uses nothing up."""
    try:
        found = link_find(token)
    except NotAuthenticated:
        return _unreferred(_dead(request))
    response = redirect("link-confirm" if found.purpose in CONFIRMS else "link-set-password")
    # SECURITY: an address ends up in histories and Referer headers, and a browser's session lies in the
    # database, where a copy of it would open the link; a cookie for these pages alone does neither.
    response.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_LIFE,
        path=reverse("link-set-password"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # "Strict" would be lost on the way from a mailbox in the browser
    )
    return _unreferred(response)


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest) -> HttpResponse:
    """Ask for a password and set it; a sign-in link signs in too, unless a second factor is to be shown first."""
    token = request.COOKIES.get(COOKIE, "")
    form = NewPasswordForm(request.POST or None)
    try:
        found = link_find(token, Purpose.SIGN_IN, *RESETS)
        if request.method == "POST" and form.is_valid():
            return _redeem(request, found, token, form.cleaned_data["password"])
    except NotAuthenticated:
        return _dead(request)
    except AccountsError as refusal:
        form.refuse(refusal)
    needs_code = has_second_factor(found.user)
    context = {
        "form": form,
        "person": found.user,
        "needs_code": needs_code,
        "signs_in": found.purpose == Purpose.SIGN_IN and not needs_code,
    }
    return render(request, "accounts/pages/set_password.html", context)


def _redeem(request: HttpRequest, found: OneTimeLink, token: str, password: str) -> HttpResponse:
    actor, new, key = request_actor(request, Door.PAGE), NewPassword(password), fresh_key()
    session = None
    if found.purpose == Purpose.SIGN_IN:
        session = link_redeem(actor=actor, token=token, password=new, key_hash=session_key_hash(key)).session
    else:
        password_reset(actor=actor, token=token, password=new)
    sign_out(request, Door.PAGE)
    if session is not None:
        signed_in(request, session, key)
        messages.success(request, "Your password is set, and you are signed in.")
    elif has_second_factor(found.user):
        messages.success(request, "Your password is set. Sign in with it and your second factor.")
    else:
        messages.success(request, "Your password is set. Sign in with it.")
    return _forgotten(redirect(home_of(session.user) if session else "sign-in"))


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """Show which address is to be confirmed, and confirm it when the button is pressed: mail scanners follow links."""
    token = request.COOKIES.get(COOKIE, "")
    try:
        person, address = address_of(token)
        context = {"person": person, "address": address, "is_new": address != person.email}
        if request.method == "POST":
            email_confirm(actor=request_actor(request, Door.PAGE), token=token)
            return _forgotten(render(request, "accounts/pages/email_confirmed.html", context))
    except NotAuthenticated:
        return _dead(request)
    except Conflict as refusal:
        return render(request, "accounts/pages/email_taken.html", {**context, "refusal": refusal}, status=409)
    return render(request, "accounts/pages/confirm_email.html", context)


def _dead(request: HttpRequest) -> HttpResponse:
    """Answer the same for a link that is used up, has run out or never was one."""
    return _forgotten(render(request, "accounts/pages/link_dead.html", status=410))


def _forgotten(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(COOKIE, path=reverse("link-set-password"), samesite="Lax")
    return response


def _unreferred(response: HttpResponse) -> HttpResponse:
    """Keep the address that was asked for, which holds the secret, out of what comes next."""
    response["Referrer-Policy"] = "no-referrer"
    return response
