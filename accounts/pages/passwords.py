"""Pages about passwords: the form that asks for a new one, the change of one's own, and what to do when it is lost."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.actors import Door
from accounts.browser import next_address, password_changed, request_actor, where_of
from accounts.errors import AccountsError, Throttled
from accounts.models import Organization, User
from accounts.operations.base import NewPassword
from accounts.operations.recovery import password_reset_request
from accounts.operations.users import user_change_password
from accounts.passwords import LONGEST, SHORTEST

__all__ = ["NewPasswordForm", "PageForm", "PasswordInput", "change_password", "reset_password"]

USUAL_ORGANIZATION = "default"

RULES = (
    f"{SHORTEST} to {LONGEST} characters: letters, spaces, anything.",
    "Not one that many people use, and not made from your name or address.",
    "A sentence that only you would write is easy to remember and hard to guess.",
)


class PasswordInput(forms.CharField):
    """A password, taken exactly as it is typed.

    No ``maxlength``: a browser would cut a longer one off without a word.
    """

    def __init__(self, *, label: str, autocomplete: str, autofocus: bool = False, **options: Any) -> None:
        attributes = {"autocomplete": autocomplete, **({"autofocus": True} if autofocus else {})}
        super().__init__(label=label, strip=False, widget=forms.PasswordInput(attrs=attributes), **options)


class PageForm(forms.Form):
    """A form of a page."""

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, label_suffix="")

    def refuse(self, refusal: AccountsError) -> None:
        """Show why an operation refused, beside the input that it is about."""
        field = next((name for name in refusal.fields if name in self.fields), None)
        # The rules stand beside the input and say more than the remedy.
        self.add_error(field, refusal.message if field else f"{refusal.message} {refusal.remedy}")


class NewPasswordForm(PageForm):
    """A new password, typed twice."""

    password = PasswordInput(label="New password", autocomplete="new-password")
    again = PasswordInput(label="New password, once more", autocomplete="new-password")
    rules = RULES

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        values = self.cleaned_data
        if "password" in values and "again" in values and values["password"] != values["again"]:
            self.add_error("again", "This is not the same as above. Type both again.")
        return values


class ChangePasswordForm(NewPasswordForm):
    """The present password, and a new one typed twice."""

    field_order = ("current_password", "password", "again")
    current_password = PasswordInput(label="Present password", autocomplete="current-password", autofocus=True)


@login_required
@sensitive_post_parameters("current_password", "password", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; who was given one by somebody else is led here after signing in."""
    user = cast("User", request.user)
    form = ChangePasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            changed = user_change_password(
                actor=request_actor(request, Door.PAGE),
                user=user,
                current_password=form.cleaned_data["current_password"],
                password=NewPassword(form.cleaned_data["password"]),
            )
        except AccountsError as refusal:
            form.refuse(refusal)
        else:
            password_changed(request, changed)
            messages.success(request, "Your password is changed. You are signed out everywhere else.")
            return redirect(next_address(request))
    context = {"form": form, "person": user, "next": next_address(request)}
    return render(request, "accounts/pages/change_password.html", context)


class ResetForm(forms.Form):
    """Whose password is lost, and the organization where it is not the usual one."""

    login = forms.CharField(
        label="E-mail or username",
        max_length=254,
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    organization = forms.CharField(
        max_length=63,
        initial=USUAL_ORGANIZATION,
        help_text="Its short name, such as acme. Ask whoever invited you.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, data: QueryDict | None = None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the organization is worth showing: most installations have the usual one only."""
        return str(self["organization"].value()) != USUAL_ORGANIZATION


@require_http_methods(["GET", "HEAD", "POST"])
def reset_password(request: HttpRequest) -> HttpResponse:
    """Ask for a link to set a new password; the same page whomever it names."""
    form = ResetForm(request.POST or None, initial={"organization": request.GET.get("org", USUAL_ORGANIZATION)})
    throttled: Throttled | None = None
    if request.method == "POST" and form.is_valid():
        try:
            password_reset_request(
                actor=policy.anonymous(door=Door.PAGE, **where_of(request)),
                organization=Organization.objects.named(form.cleaned_data["organization"].lower()).first(),
                login=form.cleaned_data["login"],
            )
        except Throttled as refusal:
            throttled = refusal
            form.add_error(None, f"{refusal.message} {refusal.remedy}")
        else:
            return render(request, "accounts/pages/reset_sent.html")
    response = render(request, "accounts/pages/reset_password.html", {"form": form}, status=429 if throttled else 200)
    if throttled:
        response["Retry-After"] = str(throttled.retry_after)
    return response
