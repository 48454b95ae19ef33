"""The second step wherever somebody shows who they are: the code of a second factor, after the right password."""

from collections.abc import Callable

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.browser import fresh_key, next_address
from accounts.errors import AccountsError, Throttled
from accounts.models import Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations.passkeys import CopiedPasskey
from accounts.operations.sessions import SecondFactorNeeded
from accounts.pages.passkeys import answered, button_for_person, button_for_second
from accounts.pages.passwords import PageForm

__all__ = ["ask_code", "code_step", "passkey_step", "refused"]


class CodeForm(PageForm):
    """The code of a second factor, and the proof that the password was right."""

    proof = forms.CharField(max_length=500, widget=forms.HiddenInput)
    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Six digits from your authenticator app, or a recovery code.",
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    is_void = False
    """Whether the proof opens nothing any more: everything begins anew."""

    def clean_code(self) -> str:
        """Take it however it was spaced."""
        return "".join(str(self.cleaned_data["code"]).split())

    def refuse(self, refusal: AccountsError) -> None:
        """Let a wrong code be typed again; nobody should have to delete it first."""
        self.is_void = not isinstance(refusal, SecondFactorNeeded)
        self.add_error(None if self.is_void else "code", f"{refusal.message} {refusal.remedy}")
        self.data = {"proof": self.cleaned_data["proof"], "code": ""}


def ask_code(request: HttpRequest, needed: SecondFactorNeeded) -> HttpResponse:
    """Ask for the code, where the password was asked for."""
    return _code_page(request, CodeForm(initial={"proof": needed.proof}))


def code_step(
    request: HttpRequest, check: Callable[..., Session], onward: Callable[[HttpRequest, Session, str], HttpResponse]
) -> HttpResponse:
    """Take the code that was asked for.

    :param check: of ``proof``, ``code`` and ``key_hash``, gives the session
    :param onward: answers with the session and the browser's fresh key
    """
    form, key = CodeForm(request.POST), fresh_key()
    refusal: AccountsError | None = None
    if form.is_valid():
        try:
            return onward(request, check(**form.cleaned_data, key_hash=session_key_hash(key)), key)
        except AccountsError as problem:
            refusal = problem
            form.refuse(problem)
    return refused(_code_page(request, form), refusal)


def passkey_step(
    request: HttpRequest, check: Callable[..., Session], onward: Callable[[HttpRequest, Session, str], HttpResponse]
) -> HttpResponse:
    """Take the answer of a passkey in place of the code.

    :param check: of ``proof``, ``state``, ``answer`` and ``key_hash``, gives the session
    :param onward: answers with the session and the browser's fresh key
    """
    proof, key = request.POST["proof"], fresh_key()
    try:
        return onward(request, check(proof=proof, **answered(request), key_hash=session_key_hash(key)), key)
    except AccountsError as refusal:
        form = CodeForm(initial={"proof": proof})
        form.is_void = not isinstance(refusal, SecondFactorNeeded | CopiedPasskey | Throttled)
        return refused(_code_page(request, form, refusal), refusal)


def _code_page(request: HttpRequest, form: CodeForm, refusal: AccountsError | None = None) -> HttpResponse:
    """Draw the page.

    :param refusal: of a passkey; that of a code stands beside its input
    """
    if isinstance(request.user, User):
        passkey = button_for_person(request, refusal)
    else:
        passkey = button_for_second(str(form["proof"].value()), refusal)
    context = {
        "form": form,
        "next": next_address(request),
        "address": request.path,
        "passkey": passkey,
        "refusal": refusal if form.is_void else None,
    }
    return render(request, "accounts/pages/code.html", context)


def refused(response: HttpResponse, refusal: AccountsError | None) -> HttpResponse:
    """Say so where there were too many tries, and when the next is looked at."""
    if isinstance(refusal, Throttled):
        response.status_code = refusal.http_status
        response["Retry-After"] = str(refusal.retry_after)
    return response
