"""One's own second factors: enrol an authenticator app, take one away, get recovery codes."""

from collections.abc import Sequence
from typing import Any, cast

import segno
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import ids
from accounts.actors import Door
from accounts.browser import next_address, request_actor
from accounts.errors import AccountsError, Throttled
from accounts.models import Factor, RecoveryCode, User
from accounts.operations.factors import (
    Enrolment,
    enrolment_of,
    factor_enrol_finish,
    factor_enrol_start,
    factor_remove,
    recovery_codes_renew,
)
from accounts.pages.passwords import PageForm
from accounts.policy import needs_second_factor

__all__ = ["two_factor"]


class CodeForm(PageForm):
    """The code that the app shows."""

    code = forms.CharField(
        label="Code",
        max_length=16,
        help_text="The six digits that the app shows now.",
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        ),
    )


@login_required
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def two_factor(request: HttpRequest) -> HttpResponse:
    """Show one's second factors; begin, finish, remove, renew."""
    asked = request.POST.get("do", "")
    if asked not in DOINGS:
        return _drawn(request)
    try:
        return DOINGS[asked](request)
    except AccountsError as refusal:
        messages.error(request, f"{refusal.message} {refusal.remedy}")
        return redirect("account-two-factor")


def _begin(request: HttpRequest) -> HttpResponse:
    begun = factor_enrol_start(actor=request_actor(request, Door.PAGE), user=_person(request))
    return _enrolling(request, begun, CodeForm())


def _finish(request: HttpRequest) -> HttpResponse:
    person, form = _person(request), CodeForm(request.POST)
    throttled: Throttled | None = None
    if form.is_valid():
        try:
            done = factor_enrol_finish(
                actor=request_actor(request, Door.PAGE),
                user=person,
                code="".join(form.cleaned_data["code"].split()),
            )
        except AccountsError as refusal:
            if "code" not in refusal.fields and not isinstance(refusal, Throttled):
                raise
            throttled = refusal if isinstance(refusal, Throttled) else None
            form.refuse(refusal)
        else:
            messages.success(request, "The second factor is enrolled. It is asked for at your next sign-in.")
            return _drawn(request, codes=done.codes)
    response = _enrolling(request, enrolment_of(person), form, status=429 if throttled else 200)
    if throttled:
        response["Retry-After"] = str(throttled.retry_after)
    return response


def _remove(request: HttpRequest) -> HttpResponse:
    factor_id = ids.decode("fct", request.POST.get("factor", ""))
    theirs = Factor.objects.filter(user=_person(request)).select_related("user")
    factor = theirs.filter(pk=factor_id).first() if factor_id else None
    if factor is not None:
        factor_remove(actor=request_actor(request, Door.PAGE), factor=factor)
        messages.success(request, f"{factor.name} is taken away.")
    return redirect("account-two-factor")


def _renew(request: HttpRequest) -> HttpResponse:
    codes = recovery_codes_renew(actor=request_actor(request, Door.PAGE), user=_person(request))
    return _drawn(request, codes=codes)


DOINGS = {"begin": _begin, "finish": _finish, "remove": _remove, "renew": _renew}


def _person(request: HttpRequest) -> User:
    return cast("User", request.user)


def _enrolling(request: HttpRequest, begun: Enrolment, form: CodeForm, *, status: int = 200) -> HttpResponse:
    groups = [begun.key[start : start + 4] for start in range(0, len(begun.key), 4)]
    context: dict[str, Any] = {
        "form": form,
        "key": " ".join(groups),
        "picture": segno.make(begun.address, error="m").svg_inline(omitsize=True, border=3, light="#fff", dark="#000"),
        "next": next_address(request),
    }
    return render(request, "accounts/pages/enrol_factor.html", context, status=status)


def _drawn(request: HttpRequest, *, codes: Sequence[str] = ()) -> HttpResponse:
    person = _person(request)
    factors = list(Factor.objects.enrolled().filter(user=person).order_by("created_at", "pk"))
    context = {
        "person": person,
        "factors": factors,
        "codes": codes,
        "codes_left": RecoveryCode.objects.left(person.pk),
        "is_required": needs_second_factor(person),
        "next": next_address(request),
    }
    return render(request, "accounts/pages/two_factor.html", context)
