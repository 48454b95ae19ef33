"""What the archive's pages share: naming a person, and asking for something about them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts import policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, View, actor_of, answering, organization_choices
from accounts.admin.tables import Cell, Link
from accounts.admin.verbs import HouseForm
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import Organization, User
from gdpr.models import LegalHold, SubjectRequest
from gdpr.operations.requests import request_named

__all__ = ["DutyAdmin", "PersonForm", "all_of", "answered", "line", "list_of"]


def list_of(row: LegalHold | SubjectRequest) -> str:
    """Give the address of the list that a row is in: that of its organization."""
    return f"{reverse(f'admin:gdpr_{row._meta.model_name}_changelist')}?org={row.organization.slug}"


def all_of(rows: Sequence[LegalHold | SubjectRequest]) -> dict[str, str]:
    """Lead from a panel of the start page to the whole list, of the organization whose row is the most urgent."""
    return {"url": list_of(rows[0]), "label": f"All of {rows[0].organization.name}"} if rows else {}


def answered(request: HttpRequest, actor: Actor, user: User) -> SubjectRequest | None:
    """Find the request of a person for which a page of theirs was opened.

    :raises NotFound: if it is none of theirs that the actor may see
    """
    source = request.POST if request.method == "POST" else request.GET
    found = request_named(actor=actor, named=source.get("request", ""))
    if found is not None and found.user_id != user.pk:
        raise NotFound("Subject request not found.")
    return found


def line(*, label: str | None = None, help_text: str = "", required: bool = False, **options: Any) -> forms.CharField:
    """Make an input of one line."""
    widget = forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"})
    return forms.CharField(label=label, help_text=help_text, required=required, widget=widget, **options)


class PersonForm(HouseForm):
    """Whose data it is about."""

    organization = forms.ChoiceField()
    person = line(label="Person", help_text="Their e-mail address, username or id.", max_length=254, required=True)

    def __init__(self, data: Any = None, *, organizations: Sequence[Organization], **options: Any) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)


class DutyAdmin(HouseAdmin):
    """Something that is owed to people, made for one person at a time."""

    making: ClassVar[Action]
    make_label: ClassVar[str]
    make_lead: ClassVar[str]
    making_form: ClassVar[type[PersonForm]]

    def make(self, actor: Actor, user: User, values: Mapping[str, Any]) -> Any:
        """Make the one call."""
        raise NotImplementedError

    def tools(self, actor: Actor) -> list[Link]:
        """Offer to make one."""
        return [Link(self.make_label, self.url("add"))] if organization_choices(actor, self.making) else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new one."""
        return [("add/", self.create_view, "add")]

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make one through the operation."""
        actor = actor_of(request)
        organizations = organization_choices(actor, self.making)
        if not organizations:
            raise policy.missing(self.making)
        named = {"person": request.GET.get("person", ""), "organization": request.GET.get("org", "")}
        form = self.making_form(request.POST or None, organizations=organizations, initial=named)
        if request.method == "POST" and form.is_valid():
            values = dict(form.cleaned_data)
            place = next(entry for entry in organizations if entry.slug == values.pop("organization"))
            try:
                self.make(actor, self.person(actor, place, values.pop("person")), values)
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, "It is noted.")
                return redirect(f"{self.url('changelist')}?org={place.slug}")
        context = {
            "title": self.make_label,
            "lead": self.make_lead,
            "form": form,
            "button": self.make_label,
            "back": self.url("changelist"),
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)

    def person(self, actor: Actor, place: Organization, text: str) -> User:
        """Find whom a form names.

        :raises NotFound: if there is nobody that the actor may see
        """
        found = User.objects.visible_to(actor).named(text.strip(), organization_id=place.pk).first()
        if found is None:
            raise NotFound("User not found.")
        return found

    def person_cells(self, actor: Actor, ids_: Sequence[UUID]) -> dict[UUID, Cell]:
        """Show people by name, in one query; who is gone is not among them."""
        people = User.objects.visible_to(actor).filter(pk__in=ids_)
        return {
            user.pk: Cell(
                user.display_name or user.email or user.public_id,
                url=reverse("admin:accounts_user_change", args=[user.public_id]),
                note=user.email or "",
            )
            for user in people
        }
