"""Inputs that look ahead: they offer a few that fit what was typed; without scripts one types on."""

from typing import Any, Final

from django import forms
from django.urls import reverse_lazy

__all__ = ["LONGEST", "MOST", "OFFERED", "LookAhead", "RolesField", "role_field"]

OFFERED: Final = 20
"""How many are offered at once."""
LONGEST: Final = 130
MOST: Final = 100
"""How many roles are named at once."""


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


class LookAheadMany(LookAhead):
    """Inputs of one name that look ahead, and an empty one more; without a script several stand in one, with commas."""

    template_name = "accounts/admin/look_ahead_many.html"
    use_fieldset = True

    def __init__(self, *, url: Any, each: str) -> None:
        super().__init__(url=url)
        self.each = each

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Take all inputs of the name apart."""
        texts = data.getlist(name) if hasattr(data, "getlist") else [data.get(name, "")]
        return [part.strip() for text in texts for part in text.split(",") if part.strip()]

    def format_value(self, value: Any) -> Any:
        """Leave the texts as they are."""
        return value or []

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Give one line to each text, and one to the next."""
        context = super().get_context(name, value, attrs)
        shared = {key: text for key, text in context["widget"]["attrs"].items() if key not in {"id", "list"}}
        identifier = (attrs or {}).get("id", f"id_{name}")
        context["widget"]["lines"] = [
            {
                "value": text,
                "attrs": {**shared, "id": f"{identifier}_{number}", "list": f"{identifier}_{number}_choices"},
                "choices_id": f"{identifier}_{number}_choices",
                "label": f"{self.each} {number}",
            }
            for number, text in enumerate([*self.format_value(value), ""], 1)
        ]
        context["widget"]["each"] = self.each
        return context

    def id_for_label(self, id_: str) -> str:
        """Name the group by its legend, each input by its own number."""
        return ""


class RolesField(forms.Field):
    """Several roles, each by its slug, ``application/slug`` or id."""

    def __init__(self, **options: Any) -> None:
        widget = LookAheadMany(url=reverse_lazy("admin:accounts_role_look-up"), each="Role")
        super().__init__(widget=widget, **options)

    def clean(self, value: Any) -> list[str]:
        """Refuse what is beyond all bounds; whether there are such roles is for the operation to say."""
        named: list[str] = super().clean(value) or []
        if len(named) > MOST:
            raise forms.ValidationError(f"At most {MOST} roles at once.")
        if any(len(text) > LONGEST for text in named):
            raise forms.ValidationError(f"A role has at most {LONGEST} characters.")
        return named
