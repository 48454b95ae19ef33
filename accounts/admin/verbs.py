"""Verbs as the admin offers them: each as data, all through one confirmation page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponseBase

from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.tables import Cell, Column, Table, TableRow
from accounts.errors import AccountsError, NotFound
from accounts.models import Organization
from accounts.operations.bulk import RowResult
from accounts.times import as_duration, as_end
from accounts.versioned import Versioned

__all__ = [
    "DurationField",
    "EndField",
    "HouseForm",
    "Plan",
    "ReasonForm",
    "Verb",
    "VerbForm",
    "VersionedForm",
    "called_on",
    "difference_rows",
    "shown",
    "table_of",
]


class EndField(forms.CharField):
    """An end, typed: a day, a moment, or how long from now; nothing typed is ``None``."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        super().__init__(max_length=40, required=False, empty_value=None, widget=widget, **options)

    def clean(self, value: Any) -> Any:
        """Read it."""
        text = super().clean(value)
        try:
            return as_end(text, field="end") if text else None
        except AccountsError as refusal:
            raise forms.ValidationError(f"{refusal.message} {refusal.remedy}") from None


class DurationField(forms.CharField):
    """How long, typed: ``30m``; nothing typed is ``None``."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        super().__init__(**{"max_length": 10, "required": False, "empty_value": None, "widget": widget, **options})

    def clean(self, value: Any) -> Any:
        """Read it."""
        text = super().clean(value)
        try:
            return as_duration(text, field="duration") if text else None
        except AccountsError as refusal:
            raise forms.ValidationError(f"{refusal.message} {refusal.remedy}") from None


class HouseForm(forms.Form):
    """A form as the house draws it; what an operation refuses is shown beside the input that it is about."""

    def __init__(self, data: Any = None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)

    def offer(self, name: str, choices: Iterable[tuple[str, str]]) -> None:
        """Say what can be chosen, each with its label."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)

    def offer_organizations(self, organizations: Iterable[Organization]) -> None:
        """Say which organization it can be about."""
        self.offer("organization", ((entry.slug, entry.name) for entry in organizations))

    def refuse(self, refusal: AccountsError) -> None:
        """Show why an operation refused."""
        named = {name: problem for name, problem in refusal.fields.items() if name in self.fields}
        for name, problem in named.items():
            self.add_error(name, f"{problem[:1].upper()}{problem[1:]}.")
        if not named:
            self.add_error(None, refusal.message)


class VersionedForm(Versioned, HouseForm):
    """A change of something that others may change meanwhile."""


class VerbForm(HouseForm):
    """What a verb needs to know beside whom it is done to."""

    needs_input = False
    """Whether there is nothing to preview before something was typed."""
    previews = True
    secret = ""
    """What is shown once when it is done."""

    def arguments(self) -> dict[str, Any]:
        """Give the arguments of the operation; an unbound form gives those of a first preview."""
        return {}

    def onward(self, request: HttpRequest) -> HttpResponseBase | None:
        """Say where it leads once it is done, if not back to the row."""
        return None

    def ask(self, expected: str) -> None:
        """Want something typed, so that nobody does it by a slip."""
        self.fields["typed"] = forms.CharField(
            label=f"Type {expected} to go on",
            max_length=1_000,
            required=False,
            widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        )

    def refuse_typed(self, expected: str) -> None:
        """Refuse what was typed if it is not what was asked for."""
        if str(self.value("typed") or "").strip() != expected:
            self.add_error("typed", "This is not what stands there. Nothing was changed.")

    def value(self, name: str) -> Any:
        """Read an input, ``None`` before anything was sent."""
        return self.cleaned_data.get(name) if self.is_bound else None


class ReasonForm(VerbForm):
    """A reason, which the audit trail keeps."""

    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Kept in the audit trail, and shown to whoever looks at the account. A ticket number is enough.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def arguments(self) -> dict[str, Any]:
        """Give the reason."""
        return {"reason": self.value("reason") or ""}


@dataclass(frozen=True)
class Plan:
    """What would happen to each row, and what to all of them together."""

    results: Sequence[RowResult]
    tables: Sequence[Table] = ()


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One verb: its words, its inputs, its operation."""

    action: Action
    label: str
    done: str
    summary: str
    call: Callable[..., Any]
    form: type[VerbForm] = ReasonForm
    is_grave: bool = False
    takes_many: bool = True
    fits: Callable[[Any], bool] = lambda _: True
    subject: Callable[[Any], Any] = lambda row: row
    effect: Callable[[Any], str] = lambda _: ""
    """What it does to a row that the row does not show."""
    planned: "Callable[[Actor, Sequence[Any]], Plan] | None" = None
    """Says what would happen, where trying it out and undoing it is not how."""
    asks: Callable[[Sequence[Any]], str] | None = None
    """Gives what has to be typed before it is done, where it cannot be taken back."""
    most: int | None = None
    """How many at a time, where that is fewer than a page does."""

    @property
    def word(self) -> str:
        """The verb in an address: ``sign-out``."""
        return self.action.partition(".")[2].replace("_", "-")

    def bound(self, actor: Actor, arguments: Mapping[str, Any]) -> Callable[[Any], Any]:
        """Give the call for one row; one that does not exist for the actor is refused as the operation would."""

        def run(row: Any) -> Any:
            if isinstance(row, str):
                raise NotFound("Not found.")
            return self.call(actor, row, **arguments)

        return run


def called_on(noun: str, operation: Callable[..., Any]) -> Callable[..., Any]:
    """Give the call of an operation on one row, which it calls by its noun."""

    def call(actor: Actor, row: Any, **arguments: Any) -> Any:
        return operation(actor=actor, **{noun: row}, **arguments)

    return call


def shown(value: Any) -> str:
    """Show a value of before and after."""
    if value in (None, "", [], {}):
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {shown(entry)}" for key, entry in value.items())
    return str(value)


def difference_rows(detail: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Give what an event says as lines: field, before, after."""
    before, after = detail.get("before") or {}, detail.get("after") or {}
    rows = [
        (name.replace("_", " "), shown(before.get(name)), shown(after.get(name)))
        for name in dict.fromkeys([*before, *after])
    ]
    if "rows" in detail:
        rows.append(("rows that go or change", "", f"{detail['rows']:,}"))
    for kind, number in (detail.get("ended") or {}).items():
        rows.append((f"{kind.replace('_', ' ')} ended", "", str(number)))
    return rows


RESULTS = {"ok": "will change", "unchanged": "already so", "failed": "refused"}
DONE = {"ok": "done", "unchanged": "already so", "failed": "refused"}


def table_of(
    results: Iterable[RowResult],
    named: Callable[[str], Cell],
    *,
    caption: str,
    effects: Mapping[str, str] = MappingProxyType({}),
    is_done: bool = False,
) -> Table:
    """Draw the results of a verb, tried or done.

    :param effects: by key, what will happen beside what the row shows
    """
    words = DONE if is_done else RESULTS
    rows = []
    for result in results:
        lines = [line for change in result.changes for line in difference_rows(change)]
        what = "; ".join(
            f"{field}: {before} → {after}" if before else f"{field}: {after}" for field, before, after in lines
        )
        if result.result == "ok":
            what = "; ".join(filter(None, (what, effects.get(result.key, ""))))
        if result.error is not None:
            what = result.error.message
        rows.append(TableRow([named(result.key), Cell(words[result.result], badge=result.result), Cell(what)]))
    columns = [Column("Who or what"), Column("Result"), Column("Why" if is_done else "What changes")]
    return Table(caption, columns, rows)
