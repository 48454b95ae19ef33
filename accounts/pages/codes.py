"""The second step wherever somebody shows who they are: the code of a second factor, after the right password."""

from collections.abc import Callable
from typing import Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.actors import Actor
from accounts.browser import fresh_key, next_address
from accounts.errors import AccountsError, NotAuthenticated, Throttled
from accounts.models import FactorKind, Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations.passkeys import CopiedPasskey
from accounts.operations.proofs import SecondFactorNeeded, mail_code_send, methods_of, proven
from accounts.pages.passkeys import answered, button_for_person, button_for_second
from accounts.pages.passwords import PageForm

__all__ = ["ask_code", "code_step", "passkey_step", "refused"]


PLACES: Final = {
    FactorKind.TOTP: "six digits from your authenticator app",
    FactorKind.EMAIL: "eight digits from the letter",
}
"""Where a code is found."""


class CodeForm(PageForm):
    """The code of a second factor, and the proof that the password was right."""

    proof = forms.CharField(max_length=500, widget=forms.HiddenInput)
    code = forms.CharField(
        label="Code",
        max_length=40,
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
    return _code_page(request, CodeForm(initial={"proof": needed.proof}), mailed_to=needed.mailed_to)


def code_step(
    request: HttpRequest,
    actor: Actor,
    check: Callable[..., Session],
    onward: Callable[[HttpRequest, Session, str], HttpResponse],
) -> HttpResponse:
    """Take the code that was asked for, or have one mailed.

    :param check: of ``actor``, ``proof``, ``code`` and ``key_hash``, gives the session
    :param onward: answers with the session and the browser's fresh key
    """
    if "send" in request.POST:
        return _send(request, actor)
    form, key = CodeForm(request.POST), fresh_key()
    refusal: AccountsError | None = None
    if form.is_valid():
        try:
            return onward(request, check(actor=actor, **form.cleaned_data, key_hash=session_key_hash(key)), key)
        except AccountsError as problem:
            refusal = problem
            form.refuse(problem)
    return refused(_code_page(request, form), refusal)


def passkey_step(
    request: HttpRequest,
    actor: Actor,
    check: Callable[..., Session],
    onward: Callable[[HttpRequest, Session, str], HttpResponse],
) -> HttpResponse:
    """Take the answer of a passkey in place of the code.

    :param check: of ``proof``, ``state``, ``answer`` and ``key_hash``, gives the session
    :param onward: answers with the session and the browser's fresh key
    """
    proof, key = request.POST["proof"], fresh_key()
    try:
        session = check(actor=actor, proof=proof, **answered(request), key_hash=session_key_hash(key))
    except AccountsError as problem:
        form = CodeForm(initial={"proof": proof})
        form.is_void = not isinstance(problem, SecondFactorNeeded | CopiedPasskey | Throttled)
        return refused(_code_page(request, form, problem=problem), problem)
    return onward(request, session, key)


def _send(request: HttpRequest, actor: Actor) -> HttpResponse:
    form = CodeForm(initial={"proof": request.POST["proof"]})
    try:
        mailed_to = mail_code_send(actor=actor, proof=request.POST["proof"])
    except AccountsError as problem:
        return refused(_code_page(request, form, problem=problem), problem)
    return _code_page(request, form, mailed_to=mailed_to)


def _code_page(
    request: HttpRequest, form: CodeForm, *, mailed_to: str = "", problem: AccountsError | None = None
) -> HttpResponse:
    methods: list[str] = []
    proof, passkey = str(form["proof"].value()), None
    try:
        methods = methods_of(proven(proof).user)
        passkey = button_for_person(request) if isinstance(request.user, User) else button_for_second(proof)
    except NotAuthenticated as late:
        form.is_void = True
        problem = problem if form.errors else late
    places = [words for kind, words in PLACES.items() if kind in methods]
    words = ", ".join([*places, "or a recovery code"]) if places else "a recovery code"
    form.fields["code"].help_text = f"{words}.".capitalize()
    context = {
        "form": form,
        "is_mailed": FactorKind.EMAIL in methods,
        "mailed_to": mailed_to,
        "problem": problem,
        "passkey": passkey,
        "next": next_address(request),
        "address": request.path,
    }
    return render(request, "accounts/pages/code.html", context)


def refused(response: HttpResponse, refusal: AccountsError | None) -> HttpResponse:
    """Say so where there were too many tries, and when the next is looked at."""
    if isinstance(refusal, Throttled):
        response.status_code = refusal.http_status
        response["Retry-After"] = str(refusal.retry_after)
    return response
