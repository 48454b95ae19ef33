"""Pages about passwords: the forms that ask for one, and what to do when it is lost."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts import policy
from accounts.actors import Door
from accounts.browser import where_of
from accounts.errors import AccountsError, Throttled
from accounts.models import Organization
from accounts.operations.recovery import password_reset_request
from accounts.passwords import LONGEST, SHORTEST

__all__ = ["USUAL_ORGANIZATION", "NewPasswordForm", "PageForm", "PasswordInput", "WhereForm", "reset_password"]

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

    def __init__(self, data: QueryDict | None = None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)

    def refuse(self, refusal: AccountsError) -> None:
        """Show why an operation refused, beside the input that it is about."""
        field = next((name for name in refusal.fields if name in self.fields), None)
        # The rules stand beside the input and say more than the remedy.
        self.add_error(field, refusal.message if field else f"{refusal.message} {refusal.remedy}")


class WhereForm(PageForm):
    """The organization, which is worth showing where it is not the usual one: most installations have that only."""

    organization = forms.CharField(
        max_length=63,
        initial=USUAL_ORGANIZATION,
        help_text="Its short name, such as acme. Ask whoever invited you.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is another one."""
        return str(self["organization"].value()) != USUAL_ORGANIZATION


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


class ResetForm(WhereForm):
    """Whose password is lost, and the organization where it is not the usual one."""

    field_order = ("login", "organization")
    login = forms.CharField(
        label="E-mail or username",
        max_length=254,
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )


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
