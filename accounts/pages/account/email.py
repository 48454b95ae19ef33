"""One's own address: another one waits until the link in a letter to it is opened."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts.errors import AccountsError, Conflict, Invalid, Throttled
from accounts.models import EmailChange
from accounts.operations.addresses import email_change, email_confirm_request
from accounts.pages.account.registry import account_page, actor_of, draw, person_of, recently_authenticated
from accounts.pages.codes import refused
from accounts.pages.passwords import PageForm, PasswordInput

__all__ = ["email"]


class EmailForm(PageForm):
    """The address that one wants to have, and the present password."""

    email = forms.CharField(
        label="New e-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}),
    )
    current_password = PasswordInput(label="Present password", autocomplete="current-password")


@account_page
@recently_authenticated
def email(request: HttpRequest) -> HttpResponseBase:
    """Show the address and the one that waits; ask for another, or for the letter that confirms it."""
    if "confirm" in request.POST:
        return _send_confirmation(request)
    person, form = person_of(request), EmailForm(request.POST or None)
    refusal: AccountsError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            change = email_change(actor=actor_of(request), user=person, **form.cleaned_data)
        except (Invalid, Conflict, Throttled) as problem:
            refusal = problem
            form.refuse(problem)
        else:
            text = f"A letter is on its way to {change.email}. Until its link is opened everything stays as it is."
            messages.success(request, text)
            return redirect("account-email")
    waiting = EmailChange.objects.live().filter(user=person).first()
    context = {"title": "E-mail", "form": form, "waiting": waiting}
    response = draw(request, "accounts/account/email.html", context, status=422 if form.errors else 200)
    return refused(response, refusal)


def _send_confirmation(request: HttpRequest) -> HttpResponseBase:
    person = person_of(request)
    try:
        email_confirm_request(actor=actor_of(request), user=person)
    except (Conflict, Throttled) as problem:
        messages.error(request, f"{problem.message} {problem.remedy}")
    else:
        messages.success(request, f"A letter is on its way to {person.email}. Its link confirms the address.")
    return redirect("account-email")
