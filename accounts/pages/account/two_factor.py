"""One's own second factors: enrol an app, a passkey or codes by mail, take one away, get recovery codes."""

from collections.abc import Sequence
from typing import Any, Final

import segno
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from accounts import ids
from accounts.browser import fresh_key, home_of, key_renewed, next_address
from accounts.errors import AccountsError, Conflict, NotFound, Throttled
from accounts.models import Factor, FactorKind, RecoveryCode
from accounts.models.sessions import session_key_hash
from accounts.operations.factors import (
    Enrolment,
    enrolment_of,
    factor_enrol_finish,
    factor_enrol_start,
    factor_remove,
    recovery_codes_renew,
)
from accounts.pages.account.passkeys import passkey_begun, passkey_made
from accounts.pages.account.registry import account_page, actor_of, draw, person_of, recently_authenticated
from accounts.pages.codes import refused
from accounts.pages.passwords import PageForm
from accounts.policy import may_have_mail_codes, needs_second_factor

__all__ = ["two_factor"]


HELP: Final[dict[str, str]] = {
    FactorKind.TOTP: "The six digits that the app shows now.",
    FactorKind.EMAIL: "The eight digits of the letter.",
}


class CodeForm(PageForm):
    """The code that the app shows, or that was mailed."""

    code = forms.CharField(
        label="Code",
        max_length=16,
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        ),
    )


@account_page
@recently_authenticated
def two_factor(request: HttpRequest) -> HttpResponseBase:
    """Show one's second factors; begin, finish, remove, renew."""
    asked = request.POST.get("do", "")
    if asked not in DOINGS:
        return _drawn(request)
    try:
        return DOINGS[asked](request)
    except (Conflict, NotFound) as refusal:
        messages.error(request, f"{refusal.message} {refusal.remedy}")
        return redirect("account-two-factor")


def _begin(request: HttpRequest) -> HttpResponse:
    begun = factor_enrol_start(
        actor=actor_of(request), user=person_of(request), kind=request.POST.get("kind", FactorKind.TOTP)
    )
    return _enrolling(request, begun, CodeForm())


def _finish(request: HttpRequest) -> HttpResponse:
    person, form = person_of(request), CodeForm(request.POST)
    problem: AccountsError | None = None
    if form.is_valid():
        key = fresh_key()
        try:
            done = factor_enrol_finish(
                actor=actor_of(request),
                user=person,
                code="".join(form.cleaned_data["code"].split()),
                key_hash=session_key_hash(key),
            )
        except AccountsError as refusal:
            if "code" not in refusal.fields and not isinstance(refusal, Throttled):
                raise
            problem = refusal
            form.refuse(refusal)
        else:
            key_renewed(request, key)
            messages.success(request, "The second factor is enrolled. It is asked for at your next sign-in.")
            return _drawn(request, codes=done.codes)
    return refused(_enrolling(request, enrolment_of(person), form), problem)


def _finish_passkey(request: HttpRequest) -> HttpResponse:
    done = passkey_made(request)
    if isinstance(done, HttpResponse):
        return done
    messages.success(request, "The passkey is enrolled. From now on it signs you in.")
    return _drawn(request, codes=done.codes)


def _remove(request: HttpRequest) -> HttpResponse:
    factor_id = ids.decode("fct", request.POST.get("factor", ""))
    theirs = Factor.objects.filter(user=person_of(request)).select_related("user")
    factor = theirs.filter(pk=factor_id).first() if factor_id else None
    if factor is not None:
        factor_remove(actor=actor_of(request), factor=factor)
        messages.success(request, f"{factor.name} is taken away.")
    return redirect("account-two-factor")


def _renew(request: HttpRequest) -> HttpResponse:
    codes = recovery_codes_renew(actor=actor_of(request), user=person_of(request))
    return _drawn(request, codes=codes)


DOINGS = {
    "begin": _begin,
    "finish": _finish,
    "passkey": passkey_begun,
    "passkey-finish": _finish_passkey,
    "remove": _remove,
    "renew": _renew,
}


def _enrolling(request: HttpRequest, begun: Enrolment, form: CodeForm) -> HttpResponse:
    context: dict[str, Any]
    form.fields["code"].help_text = HELP[begun.factor.kind]
    if begun.factor.is_mailed:
        context = {"title": "Have codes mailed", "form": form, "address": begun.factor.user.email}
        return draw(request, "accounts/account/enrol_mail.html", context)
    groups = [begun.key[start : start + 4] for start in range(0, len(begun.key), 4)]
    context = {
        "title": "Add an authenticator app",
        "form": form,
        "key": " ".join(groups),
        "picture": segno.make(begun.address, error="m").svg_inline(omitsize=True, border=3, light="#fff", dark="#000"),
    }
    return draw(request, "accounts/account/enrol_factor.html", context)


def _drawn(request: HttpRequest, *, codes: Sequence[str] = ()) -> HttpResponse:
    person = person_of(request)
    factors = list(Factor.objects.enrolled().filter(user=person).order_by("created_at", "pk"))
    context = {
        "title": "Second factor",
        "factors": factors,
        "codes": codes,
        "codes_left": RecoveryCode.objects.left(person.pk),
        "is_required": needs_second_factor(person),
        "has_app": any(factor.kind == FactorKind.TOTP for factor in factors),
        "may_have_mail": may_have_mail_codes(person) and not any(factor.is_mailed for factor in factors),
        "onward": next_address(request) or home_of(person),
    }
    return draw(request, "accounts/account/two_factor.html", context)
