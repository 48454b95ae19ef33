"""The button on the banner: back to oneself."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.actors import Door
from accounts.browser import left_behind, own_again, sign_out

__all__ = ["stop"]


@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    """Stop acting as somebody, and go on as oneself on that person's page; who is nobody any more signs in."""
    impersonation = left_behind(request)
    if impersonation is None:
        return redirect("admin:index")
    if not own_again(request, impersonation, Door.PAGE):
        sign_out(request, Door.PAGE)
        return redirect("admin:login")
    person = impersonation.user
    name = person.display_name or person.email or person.public_id
    messages.success(request, f"You are yourself again, and no longer {name}.")
    return redirect(reverse("admin:accounts_user_change", args=[person.public_id]))
