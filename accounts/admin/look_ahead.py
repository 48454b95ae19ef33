"""Inputs that look ahead: they offer a few that fit what was typed; without scripts one types on."""

from typing import Any, Final

from django import forms
from django.urls import reverse_lazy

__all__ = ["LONGEST", "OFFERED", "LookAhead", "role_field"]

OFFERED: Final = 20
"""How many are offered at once."""
LONGEST: Final = 130


class LookAhead(forms.TextInput):
    """A text input with a list of its own, which the page's script fills while one types."""

    template_name = "accounts/admin/look_ahead.html"

    def __init__(self, *, url: Any) -> None:
        super().__init__({"data-look-up": url, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"})

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Bind input and list together."""
        context = super().get_context(name, value, attrs)
        identifier = context["widget"]["attrs"].get("id", f"id_{name}")
        context["widget"]["attrs"]["list"] = context["widget"]["choices_id"] = f"{identifier}_choices"
        return context


def role_field(**options: Any) -> forms.CharField:
    """Make an input of a role: its slug, ``application/slug`` or id."""
    widget = LookAhead(url=reverse_lazy("admin:accounts_role_look-up"))
    return forms.CharField(max_length=LONGEST, widget=widget, **options)
