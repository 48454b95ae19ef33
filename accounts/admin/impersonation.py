"""Acting as somebody, from their page: why, and for how long; then the browser goes on as that person."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts.admin.verbs import DurationField, VerbForm
from accounts.browser import fresh_key, signed_in
from accounts.models import Session
from accounts.models.sessions import session_key_hash

__all__ = ["ImpersonateForm"]


class ImpersonateForm(VerbForm):
    """Why, and for how long."""

    needs_input = True
    previews = False
    reason = forms.CharField(
        max_length=500,
        help_text="Kept in the audit trail, and shown to the person. A ticket number is enough.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    duration = DurationField(
        label="For how long",
        help_text="15m, 1h: up to what the organization allows. Empty: 30m.",
    )

    def arguments(self) -> dict[str, Any]:
        """Give reason and duration, and the key under which the browser goes on."""
        self.key = fresh_key()
        return {
            "reason": self.value("reason") or "",
            "duration": self.value("duration"),
            "key_hash": session_key_hash(self.key),
        }

    def onward(self, request: HttpRequest) -> HttpResponseBase | None:
        """Go on as the person."""
        rows = Session.objects.select_related("user__organization")
        signed_in(request, rows.get(key_hash=session_key_hash(self.key)), self.key)
        return redirect("admin:index")
