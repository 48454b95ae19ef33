"""The page behind a one-time link: set a password."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.actors import Door
from accounts.browser import fresh_key_hash, request_actor, signed_in
from accounts.errors import Invalid, NotAuthenticated
from accounts.operations.base import NewPassword
from accounts.operations.installation import link_find, link_redeem

__all__ = ["link", "set_password"]

TOKEN = "link_token"  # noqa: S105 -- the name of a place


class PasswordForm(forms.Form):
    """A new password, typed twice."""

    password = forms.CharField(
        max_length=128, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )
    again = forms.CharField(
        max_length=128,
        strip=False,
        label="Password, again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        values = super().clean() or {}
        if values.get("password") != values.get("again"):
            self.add_error("again", "The two passwords differ.")
        return values


@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the secret out of the address before anything is shown; looking uses nothing up."""
    # SECURITY: an address ends up in histories and Referer headers; the session does not.
    request.session[TOKEN] = token
    return redirect("link-set-password")


@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest) -> HttpResponse:
    """Ask for a password, set it, and sign in unless a second factor is to be shown first."""
    token = request.session.get(TOKEN, "")
    form = PasswordForm(request.POST or None)
    try:
        user = link_find(token).user
        if request.method == "POST" and form.is_valid():
            key_hash = fresh_key_hash(request)
            request.session[TOKEN] = token
            redeemed = link_redeem(
                actor=request_actor(request, Door.PAGE),
                token=token,
                password=NewPassword(form.cleaned_data["password"]),
                key_hash=key_hash,
            )
            del request.session[TOKEN]
            if redeemed.session is not None:
                signed_in(request, redeemed.user, redeemed.session)
            return redirect("admin:index")
    except Invalid as refusal:
        form.add_error("password", f"{refusal.message} {refusal.remedy}")
    except NotAuthenticated:
        request.session.pop(TOKEN, None)
        return render(request, "accounts/pages/link_dead.html", status=410)
    return render(request, "accounts/pages/set_password.html", {"form": form, "person": user})
