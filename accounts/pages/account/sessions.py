"""Where one is signed in: ended one by one, everywhere else, or everywhere."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts import ids
from accounts.browser import session_of
from accounts.errors import NotFound
from accounts.models import Session
from accounts.operations.sessions import session_revoke
from accounts.operations.users import user_sign_out
from accounts.pages.account.registry import account_page, actor_of, draw, person_of

__all__ = ["sessions"]

METHODS: Final = {"pwd": "password", "otp": "code", "recovery": "recovery code"}


@account_page
def sessions(request: HttpRequest) -> HttpResponseBase:
    """List one's live sessions, those in use first, and end one, all others, or all."""
    actor, person, this = actor_of(request), person_of(request), session_of(request)
    mine = Session.objects.visible_to(actor).filter(user=person).live()
    if request.method == "POST":
        if "everywhere" in request.POST:
            user_sign_out(actor=actor, user=person)
            messages.success(request, "You are signed out everywhere.")
            return redirect("sign-in")
        if "elsewhere" in request.POST:
            user_sign_out(actor=actor, user=person, but_here=True)
            messages.success(request, "You are signed out everywhere else.")
            return redirect("account-sessions")
        key = ids.decode("ses", request.POST.get("end", ""))
        session = mine.filter(pk=key).first() if key else None
        if session is None:
            raise NotFound("Session not found.", remedy="It may have ended meanwhile.")
        session_revoke(actor=actor, session=session)
        messages.success(request, "The session is ended.")
        return redirect("account-sessions")
    rows = [
        {
            "row": row,
            "is_this": this is not None and row.pk == this.pk,
            "methods": ", ".join(METHODS.get(method, method) for method in row.methods),
        }
        for row in mine.order_by("-last_active_at", "-id")
    ]
    return draw(request, "accounts/account/sessions.html", {"title": "Sessions", "rows": rows})
