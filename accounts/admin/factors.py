"""The tab on a person's page that shows their second factors; never a secret."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts import policy
from accounts.actions import Action
from accounts.admin.base import actor_of, answering
from accounts.admin.tables import Cell, Column, Table, TableRow, date, since
from accounts.admin.users import Tab, UserAdmin
from accounts.admin.verbs import ReasonForm
from accounts.errors import Conflict, NotFound
from accounts.models import Factor, RecoveryCode
from accounts.operations.factors import factor_remove

__all__ = ["FACTORS"]

WORD: Final = "two-factor"
KINDS: Final = {"totp": "Authenticator app", "email": "Codes by mail (weaker)", "passkey": "Passkey"}


class RemoveForm(ReasonForm):
    """Which one, and why."""

    field_order = ("factor", "reason")
    factor = forms.ChoiceField(label="Second factor")

    def __init__(self, data: Any = None, *, factors: list[Factor]) -> None:
        super().__init__(data)
        field = self.fields["factor"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(factor.public_id, f"{factor.name} ({KINDS[factor.kind]})") for factor in factors]


@answering
def factors_view(noun: UserAdmin, request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Draw the second factors of the person; take one away."""
    actor = actor_of(request)
    user, context = noun.person(request, public_id, WORD)
    noun.require_reading(actor, Action.FACTOR_LIST, user)
    theirs = Factor.objects.visible_to(actor).enrolled().filter(user=user).order_by("created_at", "id")
    factors = list(theirs.select_related("user"))
    may = policy.may(actor, Action.FACTOR_REMOVE, user)
    if request.method == "POST" and not may:
        raise policy.missing(Action.FACTOR_REMOVE)
    form = RemoveForm(request.POST or None, factors=factors)
    if request.method == "POST" and form.is_valid():
        chosen = next(factor for factor in factors if factor.public_id == form.cleaned_data["factor"])
        try:
            factor_remove(actor=actor, factor=chosen, reason=form.cleaned_data["reason"])
        except (Conflict, NotFound) as refusal:
            form.refuse(refusal)
        else:
            messages.success(request, f"{chosen.name} is taken away.")
            return redirect(noun.url(WORD, user.public_id))
    rows = [
        TableRow(
            [
                Cell(factor.name, copy=factor.public_id),
                Cell(KINDS[factor.kind]),
                date(factor.created_at),
                since(factor.last_used_at),
            ]
        )
        for factor in factors
    ]
    columns = [Column("Name"), Column("Type"), Column("Enrolled"), Column("Last used")]
    context |= {
        "table": Table("Second factors", columns, rows, "No second factor is enrolled."),
        "form": form if may and factors else None,
        "codes_left": RecoveryCode.objects.left(user.pk),
        "is_required": policy.needs_second_factor(user),
    }
    return noun.render(request, "person_factors.html", context, status=422 if form.errors else 200)


FACTORS: Final = Tab(WORD, "Second factor", Action.FACTOR_LIST, Action.FACTOR_REMOVE, factors_view)
