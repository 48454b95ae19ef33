"""Making a passkey, on the page of one's second factors."""

import json

from django import forms
from django.http import HttpRequest, HttpResponse

from accounts.browser import fresh_key, key_renewed
from accounts.errors import Invalid
from accounts.models.sessions import session_key_hash
from accounts.operations.factors import NAME_LENGTH, Enrolled
from accounts.operations.passkey_enrolment import (
    PasskeyEnrolment,
    passkey_enrol_finish,
    passkey_enrol_start,
    passkey_enrolment_of,
)
from accounts.pages.account.registry import actor_of, draw, person_of
from accounts.pages.passkeys import answered
from accounts.pages.passwords import PageForm
from accounts.passkeys import home

__all__ = ["passkey_begun", "passkey_made"]


class PasskeyForm(PageForm):
    """What the passkey is to be called."""

    name = forms.CharField(
        label="Name",
        max_length=NAME_LENGTH,
        required=False,
        help_text="Where it is kept: “Phone”, “Blue key”. Only you and your administrators see it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


def passkey_begun(request: HttpRequest) -> HttpResponse:
    """Begin, and ask the browser to make one."""
    return _making(request, passkey_enrol_start(actor=actor_of(request), user=person_of(request)), PasskeyForm())


def passkey_made(request: HttpRequest) -> HttpResponse | Enrolled:
    """Enrol the one that was made; the page again, if it is none."""
    person, actor, form = person_of(request), actor_of(request), PasskeyForm(request.POST)
    if form.is_valid():
        key = fresh_key()
        try:
            done = passkey_enrol_finish(
                actor=actor,
                user=person,
                answer=answered(request)["answer"],
                name=form.cleaned_data["name"],
                key_hash=session_key_hash(key),
            )
        except Invalid as refusal:
            form.add_error("name" if "name" in refusal.fields else None, f"{refusal.message} {refusal.remedy}")
        else:
            key_renewed(request, key)
            return done
    return _making(request, passkey_enrolment_of(actor, person), form)


def _making(request: HttpRequest, begun: PasskeyEnrolment, form: PasskeyForm) -> HttpResponse:
    at = home()
    context = {
        "title": "Add a passkey",
        "form": form,
        "options": json.dumps(begun.options),
        "origin": at.origin if at else "",
    }
    return draw(request, "accounts/account/enrol_passkey.html", context)
