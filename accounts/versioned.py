"""Forms about what somebody else may change while one types."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast

from django import forms
from django.http import QueryDict

__all__ = ["Versioned", "overtaken_text"]


class Versioned(forms.Form):
    """A change of something that others may change meanwhile; only what was typed is sent."""

    beside: ClassVar[frozenset[str]] = frozenset({"version", "reason"})
    """Inputs that are no part of the thing."""
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, **options)
        for name in set(self.fields) - self.beside:
            self.fields[name].show_hidden_initial = True

    @property
    def typed(self) -> list[str]:
        """The inputs that are not as they were when the form was opened."""
        return [name for name in self.changed_data if name not in self.beside]

    @property
    def changes(self) -> dict[str, Any]:
        """What to change."""
        return {name: self.cleaned_data[name] for name in self.typed if name in self.cleaned_data}

    def overtaken(self, now: Mapping[str, Any]) -> tuple[QueryDict, list[tuple[str, str]]]:
        """Give what to begin anew with, what was typed kept; and what changed meanwhile.

        :param now: the inputs as they are now, the version among them
        """
        kept = cast("QueryDict", self.data).copy()
        meanwhile = []
        for name in [name for name in self.fields if name not in self.beside]:
            opened = self.data.get(f"initial-{name}", "")
            if str(now[name]).strip() != opened.replace("\r\n", "\n").strip():
                meanwhile.append((str(self[name].label), str(now[name]) or "—"))
            if name not in self.typed:
                kept[name] = str(now[name])
            kept[f"initial-{name}"] = str(now[name])
        kept["version"] = str(now["version"])
        return kept, meanwhile


def overtaken_text(meanwhile: list[tuple[str, str]]) -> str:
    """Say what changed since the form was opened."""
    news = "".join(f" {label} is now: {value}." for label, value in meanwhile)
    return f"It was changed since you opened it.{news} What you typed is kept. Look, then save again."
