"""One's own address: another one waits until the link in a letter to it is opened."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts.errors import AccountsError, Conflict, Invalid, Throttled
from accounts.models import EmailChange
from accounts.operations.addresses import email_change
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
    """Show the address and the one that waits; ask for another."""
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
