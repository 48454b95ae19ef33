"""Asking once more who it is: before password, address, factors, a copy of everything, or the end of the account."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render

from accounts.browser import fresh_key, home_of, next_address, signed_in
from accounts.errors import AccountsError
from accounts.models import Session
from accounts.models.sessions import session_key_hash
from accounts.operations.confirmations import session_confirm, session_confirm_with_code
from accounts.operations.passkeys import session_confirm_with_passkey
from accounts.operations.proofs import SecondFactorNeeded
from accounts.pages.account.registry import account_page, actor_of, person_of
from accounts.pages.codes import ask_code, code_step, refused
from accounts.pages.passkeys import answered, button_for_person
from accounts.pages.passwords import PageForm, PasswordInput

__all__ = ["confirm"]


class ConfirmForm(PageForm):
    """The present password."""

    current_password = PasswordInput(label="Password", autocomplete="current-password", autofocus=True)


@account_page
def confirm(request: HttpRequest) -> HttpResponseBase:
    """Ask for the password, and for the code where a second factor is enrolled, or for a passkey; then lead back."""
    if "answer" in request.POST:
        return _by_passkey(request)
    if "proof" in request.POST:
        return code_step(request, actor_of(request), session_confirm_with_code, _back)
    form = ConfirmForm(request.POST or None)
    refusal: AccountsError | None = None
    if request.method == "POST" and form.is_valid():
        key = fresh_key()
        try:
            session = session_confirm(
                actor=actor_of(request), user=person_of(request), **form.cleaned_data, key_hash=session_key_hash(key)
            )
        except SecondFactorNeeded as needed:
            return ask_code(request, needed)
        except AccountsError as problem:
            refusal = problem
            form.refuse(problem)
        else:
            return _back(request, session, key)
    return _page(request, form, refusal)


def _by_passkey(request: HttpRequest) -> HttpResponse:
    key = fresh_key()
    try:
        session = session_confirm_with_passkey(
            actor=actor_of(request), user=person_of(request), **answered(request), key_hash=session_key_hash(key)
        )
    except AccountsError as refusal:
        return _page(request, ConfirmForm(), refusal, by_passkey=True)
    return _back(request, session, key)


def _page(
    request: HttpRequest, form: ConfirmForm, refusal: AccountsError | None, *, by_passkey: bool = False
) -> HttpResponse:
    context = {
        "form": form,
        "person": person_of(request),
        "next": next_address(request),
        "passkey": button_for_person(request, refusal if by_passkey else None),
    }
    return refused(render(request, "accounts/pages/confirm_account.html", context), refusal)


def _back(request: HttpRequest, session: Session, key: str) -> HttpResponse:
    signed_in(request, session, key)
    return HttpResponseRedirect(next_address(request) or home_of(session.user))
