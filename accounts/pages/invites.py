"""The pages behind the link of an invite: who asks whom, and the password that makes the account one's own."""

from datetime import timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Door
from accounts.browser import request_actor, sign_out
from accounts.errors import Conflict, Invalid, NotAuthenticated, Throttled
from accounts.models import Invite
from accounts.operations.acceptance import invite_accept, invite_find
from accounts.operations.base import NewPassword
from accounts.operations.open_links import invite_request
from accounts.pages.passwords import NewPasswordForm, PageForm

__all__ = ["accept", "invite"]

COOKIE: Final = "__Secure-invite" if settings.SESSION_COOKIE_SECURE else "invite"
COOKIE_LIFE: Final = timedelta(minutes=30)


class AskForm(PageForm):
    """The address that an open link's letter is to go to."""

    email = forms.CharField(
        label="Your e-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
    )


class AcceptForm(NewPasswordForm):
    """Name and password."""

    field_order = ("name", "password", "again")
    name = forms.CharField(
        label="Your name", max_length=200, required=False, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )

    def __init__(self, data: QueryDict | None = None, *, invite: Invite) -> None:
        super().__init__(data)
        self.fields["name"].initial = invite.user.display_name if invite.user else ""

    @property
    def profile(self) -> dict[str, str]:
        """What was typed as the name, if it is another one than was given in advance."""
        return {"name": self.cleaned_data["name"]} if "name" in self.changed_data else {}


@require_safe
def invite(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret out of the address before anything is shown; looking uses nothing up."""
    try:
        invite_find(actor=request_actor(request, Door.PAGE), token=token)
    except NotAuthenticated:
        return _unreferred(_dead(request))
    except Throttled as refusal:
        return _unreferred(_throttled(request, refusal))
    response = redirect("invite-accept-page")
    # SECURITY: as in links.py, the secret waits in a cookie of this page alone.
    response.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_LIFE,
        path=reverse("invite-accept-page"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return _unreferred(response)


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    """Ask for name and password, and accept; by an open link ask for the address that the letter is to go to."""
    token = request.COOKIES.get(COOKIE, "")
    try:
        found = invite_find(actor=request_actor(request, Door.PAGE), token=token)
        return _asked(request, token, found) if found.is_open else _accepted(request, token, found)
    except NotAuthenticated:
        return _dead(request)
    except Throttled as refusal:
        return _throttled(request, refusal)


def _asked(request: HttpRequest, token: str, found: Invite) -> HttpResponse:
    """Take the address; the same page whomever it names."""
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            invite_request(actor=request_actor(request, Door.PAGE), token=token, email=email)
        except (Invalid, Conflict) as refusal:
            form.refuse(refusal)
        else:
            return render(request, "accounts/pages/invite_sent.html", {"email": email})
    return _page(request, "ask_invite", found, form)


def _accepted(request: HttpRequest, token: str, found: Invite) -> HttpResponse:
    """Make the account theirs; the person signs in next."""
    form = AcceptForm(request.POST or None, invite=found)
    if request.method == "POST" and form.is_valid():
        try:
            user = invite_accept(
                actor=request_actor(request, Door.PAGE),
                token=token,
                password=NewPassword(form.cleaned_data["password"]),
                profile=form.profile,
            )
        except (Invalid, Conflict) as refusal:
            form.refuse(refusal)
        else:
            sign_out(request, Door.PAGE)
            messages.success(request, f"Welcome to {user.organization.name}. Sign in with your new password.")
            return _forgotten(redirect("sign-in"))
    return _page(request, "accept_invite", found, form)


def _page(request: HttpRequest, name: str, found: Invite, form: PageForm) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "invite": found, "organization": found.organization}
    return render(request, f"accounts/pages/{name}.html", context)


def _throttled(request: HttpRequest, refusal: Throttled) -> HttpResponse:
    response = render(request, "accounts/pages/invite_throttled.html", {"refusal": refusal}, status=refusal.http_status)
    response["Retry-After"] = str(refusal.retry_after)
    return response


def _dead(request: HttpRequest) -> HttpResponse:
    """Answer the same for an invite that is used up, has run out, was revoked or never was one."""
    return _forgotten(render(request, "accounts/pages/invite_dead.html", status=410))


def _forgotten(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(COOKIE, path=reverse("invite-accept-page"), samesite="Lax")
    return response


def _unreferred(response: HttpResponse) -> HttpResponse:
    """Keep the address that was asked for, which holds the secret, out of what comes next."""
    response["Referrer-Policy"] = "no-referrer"
    return response
