"""The one sign-in page, for everybody: a password first, then a code where a second factor is enrolled."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Door
from accounts.browser import fresh_key, home_of, is_borrowed, next_address, request_actor, sign_out, signed_in
from accounts.errors import AccountsError
from accounts.models import Organization, Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations.passkeys import session_start_with_passkey, session_start_with_second_passkey
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.sessions import session_start, session_start_with_code
from accounts.pages.codes import ask_code, code_step, passkey_step, refused
from accounts.pages.passkeys import answered, browser_of, button_for_anybody
from accounts.pages.passwords import USUAL_ORGANIZATION, PasswordInput, WhereForm

__all__ = ["sign_in", "sign_out_page"]


class SignInForm(WhereForm):
    """E-mail or username, password, and the organization where it is not the usual one."""

    field_order = ("username", "password", "organization")
    username = forms.CharField(
        label="E-mail or username",
        max_length=254,
        widget=forms.TextInput(
            attrs={
                "autofocus": True,
                "autocomplete": "username webauthn",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )
    password = PasswordInput(label="Password", autocomplete="current-password")

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        if self.is_bound:  # the name stays after an error, the password is to be typed again
            del self.fields["username"].widget.attrs["autofocus"]
            self.fields["password"].widget.attrs["autofocus"] = True


@sensitive_post_parameters("password", "code", "proof", "state", "answer")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest, slug: str = USUAL_ORGANIZATION) -> HttpResponse:
    """Sign in: the same answer whatever was wrong."""
    if isinstance(request.user, User):
        return _onward(request, request.user)
    if "proof" in request.POST:
        return _second_step(request)
    if "answer" in request.POST:
        return _by_passkey(request, slug)
    form = SignInForm(request.POST or None, initial={"organization": slug})
    refusal: AccountsError | None = None
    if request.method == "POST" and form.is_valid():
        values, key = form.cleaned_data, fresh_key()
        try:
            session = session_start(
                actor=request_actor(request, Door.PAGE),
                organization=Organization.objects.named(values["organization"].lower()).first(),
                login=values["username"],
                password=values["password"],
                key_hash=session_key_hash(key),
            )
        except SecondFactorNeeded as needed:
            return ask_code(request, needed)
        except AccountsError as problem:
            refusal = problem
            form.add_error(None, f"{problem.message} {problem.remedy}")
        else:
            return _signed_in(request, session, key)
    return _page(request, form, refusal)


def _second_step(request: HttpRequest) -> HttpResponse:
    """Take what comes after the right password: a passkey's answer, or a code."""
    actor = request_actor(request, Door.PAGE)
    if "answer" in request.POST:
        return passkey_step(request, actor, session_start_with_second_passkey, _signed_in)
    return code_step(request, actor, session_start_with_code, _signed_in)


def _by_passkey(request: HttpRequest, slug: str) -> HttpResponse:
    """Sign in with a passkey alone; it says whose it is, and an organization counts only where the address names it."""
    is_named = request.resolver_match is not None and "slug" in request.resolver_match.kwargs
    key = fresh_key()
    try:
        session = session_start_with_passkey(
            actor=request_actor(request, Door.PAGE),
            organization=slug if is_named else "",
            browser=browser_of(request),
            **answered(request),
            key_hash=session_key_hash(key),
        )
    except AccountsError as refusal:
        return _page(request, SignInForm(initial={"organization": slug}), refusal, by_passkey=True)
    return _signed_in(request, session, key)


def _page(
    request: HttpRequest, form: SignInForm, refusal: AccountsError | None, *, by_passkey: bool = False
) -> HttpResponse:
    context = {
        "form": form,
        "next": next_address(request),
        "passkey": button_for_anybody(refusal if by_passkey else None),
    }
    return refused(render(request, "accounts/pages/sign_in.html", context), refusal)


def _signed_in(request: HttpRequest, session: Session, key: str) -> HttpResponse:
    signed_in(request, session, key)
    return _onward(request, session.user)


def _onward(request: HttpRequest, user: User) -> HttpResponse:
    """Lead on whoever is signed in: to a password of their own, or to where they wanted."""
    wanted = next_address(request) or home_of(user)
    if user.must_change_password and not is_borrowed(request):
        return HttpResponseRedirect(f"{reverse('password-change')}?{urlencode({'next': wanted})}")
    return HttpResponseRedirect(wanted)


@require_POST
def sign_out_page(request: HttpRequest) -> HttpResponse:
    """Sign out; by nobody it is no error."""
    sign_out(request, Door.PAGE)
    return redirect("sign-in")
