"""One's own password."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from accounts.browser import fresh_key, home_of, key_renewed, next_address
from accounts.errors import AccountsError, NotAuthenticated
from accounts.models.sessions import session_key_hash
from accounts.operations.base import NewPassword
from accounts.operations.users import user_change_password
from accounts.pages.account.registry import account_page, actor_of, draw, person_of, recently_authenticated
from accounts.pages.codes import refused
from accounts.pages.passwords import NewPasswordForm, PasswordInput

__all__ = ["change_password"]


class ChangePasswordForm(NewPasswordForm):
    """The present password, and a new one typed twice."""

    field_order = ("current_password", "password", "again")
    current_password = PasswordInput(label="Present password", autocomplete="current-password", autofocus=True)


@account_page
@recently_authenticated
def change_password(request: HttpRequest) -> HttpResponseBase:
    """Change one's own password; who was given one by somebody else is led here after signing in."""
    person, form = person_of(request), ChangePasswordForm(request.POST or None)
    refusal: AccountsError | None = None
    if request.method == "POST" and form.is_valid():
        key = fresh_key()
        try:
            changed = user_change_password(
                actor=actor_of(request),
                user=person,
                current_password=form.cleaned_data["current_password"],
                password=NewPassword(form.cleaned_data["password"]),
                key_hash=session_key_hash(key),
            )
        except NotAuthenticated:
            raise
        except AccountsError as problem:
            refusal = problem
            form.refuse(problem)
        else:
            key_renewed(request, key)
            messages.success(request, "Your password is changed. You are signed out everywhere else.")
            return redirect(next_address(request) or home_of(changed))
    context = {"title": "Password", "form": form, "person": person, "next": next_address(request)}
    if person.must_change_password:  # nothing else is open to them yet
        return refused(render(request, "accounts/pages/change_password.html", context), refusal)
    return refused(draw(request, "accounts/account/password.html", context), refusal)
