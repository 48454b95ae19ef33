"""Claims: what can be said of people in tokens; and the tab where it is said of a person."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts import policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, View, actor_of, answering, organization_choices
from accounts.admin.site import site
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, date, since
from accounts.admin.users import Tab, UserAdmin
from accounts.admin.verbs import HouseForm, Verb, VersionedForm, called_on
from accounts.cells import text_of
from accounts.claims import ClaimType, Place, read
from accounts.errors import Conflict, Invalid, VersionConflict
from accounts.models import Application, ClaimDefinition, ClaimValue, Organization, User
from accounts.operations.claims import (
    claim_create,
    claim_delete,
    claim_update,
    user_claims_remove,
    user_claims_set,
)
from accounts.versioned import overtaken_text

__all__ = ["CLAIMS", "ClaimAdmin"]

WORD: Final = "claims"
APPLICATIONS: Final = 100
TYPES: Final = {
    ClaimType.STRING: "Text",
    ClaimType.INTEGER: "Whole number",
    ClaimType.NUMBER: "Number",
    ClaimType.BOOLEAN: "Yes or no",
    ClaimType.DATE: "Date",
    ClaimType.STRINGS: "List of texts",
    ClaimType.JSON: "JSON",
}
PLACES: Final = {Place.ID_TOKEN: "ID token", Place.ACCESS_TOKEN: "Access token", Place.USERINFO: "Userinfo"}
QUIET: Final = {"autocomplete": "off", "spellcheck": "false"}


class LimitsForm(HouseForm):
    """What a claim allows, and where it appears."""

    schema = forms.CharField(
        label="Limits",
        max_length=10_000,
        required=False,
        help_text='A JSON Schema, such as {"enum": ["Sales", "Engineering"]}. Empty: every value of the type.',
        widget=forms.Textarea(attrs={"rows": 4, **QUIET}),
    )
    is_personal = forms.BooleanField(label="It says something about the person", required=False, initial=True)
    is_editable = forms.BooleanField(label="People set it of themselves", required=False)
    in_id_token = forms.BooleanField(label="It appears in ID tokens", required=False)
    in_access_token = forms.BooleanField(label="It appears in access tokens", required=False)
    in_userinfo = forms.BooleanField(label="It appears in userinfo", required=False)
    description = forms.CharField(
        max_length=500, required=False, help_text="What it is for.", widget=forms.TextInput(attrs=QUIET)
    )
    reason = forms.CharField(
        max_length=500, required=False, help_text="Kept in the audit trail.", widget=forms.TextInput(attrs=QUIET)
    )

    def clean_schema(self) -> Any:
        """Read the JSON."""
        try:
            return read(ClaimType.JSON, self.cleaned_data["schema"].strip() or "{}")
        except Invalid:
            raise forms.ValidationError("This is not JSON. Leave it empty for no limits.") from None

    @property
    def places(self) -> list[str]:
        """Where it is to appear."""
        return [str(place) for place in Place if self.cleaned_data.get(f"in_{place}")]


class DefineForm(LimitsForm):
    """A new claim."""

    field_order = ("organization", "application", "name", "type")
    organization = forms.ChoiceField()
    application = forms.ChoiceField(required=False, help_text="Whose tokens it is for. None: the organization's own.")
    name = forms.CharField(
        max_length=63,
        help_text="What it is called in tokens, such as department. It stays for good.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", **QUIET}),
    )
    type = forms.ChoiceField(
        choices=[(str(kind), label) for kind, label in TYPES.items()], help_text="It stays for good."
    )

    def __init__(
        self,
        data: Any = None,
        *,
        organizations: Sequence[Organization],
        applications: Sequence[Application],
        **options: Any,
    ) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)
        self.offer(
            "application",
            [
                ("", "None"),
                *((row.public_id, f"{row.name} ({row.organization.name})") for row in applications),
            ],
        )


class ChangeForm(VersionedForm, LimitsForm):
    """A change of a claim."""

    beside = VersionedForm.beside | {"invalid"}
    field_order = ("schema", "invalid")
    invalid = forms.ChoiceField(
        label="Values that no longer fit the limits",
        choices=(("refuse", "Change nothing, and list whose they are"), ("delete", "Delete them")),
        initial="refuse",
        widget=forms.RadioSelect,
    )

    @property
    def changes(self) -> dict[str, Any]:
        """What to change; the places are one thing."""
        changes = super().changes
        moved = [changes.pop(f"in_{place}", None) for place in Place]
        return {**changes, "appears_in": self.places} if any(place is not None for place in moved) else changes


class SayForm(HouseForm):
    """What a claim is to say of a person."""

    claim = forms.ChoiceField()
    value = forms.CharField(
        max_length=10_000,
        required=False,
        help_text='Texts and dates as they are; else JSON: 42, true, ["en", "de"].',
        widget=forms.Textarea(attrs={"rows": 2, **QUIET}),
    )
    reason = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs=QUIET))

    def __init__(self, data: Any = None, *, definitions: Sequence[ClaimDefinition], **options: Any) -> None:
        super().__init__(data, **options)
        self.offer(
            "claim",
            [(row.public_id, f"{row.word} ({TYPES[ClaimType(row.type)].lower()})") for row in definitions],
        )


def limits_values(row: ClaimDefinition) -> dict[str, Any]:
    """Give what the form begins with."""
    return {
        "schema": json.dumps(row.schema, ensure_ascii=False, indent=2) if row.schema else "",
        "is_personal": row.is_personal,
        "is_editable": row.is_editable,
        **{f"in_{place}": place in row.appears_in for place in Place},
        "description": row.description,
        "version": row.version,
    }


@admin.register(ClaimDefinition, site=site)
class ClaimAdmin(HouseAdmin):
    """Claims."""

    reading = Action.CLAIM_LIST
    plural = "Claims"
    lead = "What can be said of people beside their profile: a name, a type, limits, and where it appears."
    empty = "No claim is defined yet."
    columns = (("Claim", ""), ("Type", ""), ("Of", ""), ("Appears in", ""), ("Created", "created_at"))
    writes = {"add": Action.CLAIM_CREATE, "change": Action.CLAIM_UPDATE}
    detail_template = "claim.html"
    verbs: ClassVar[dict[str, Verb]] = {
        "delete": Verb(
            action=Action.CLAIM_DELETE,
            label="Delete",
            done="is deleted",
            summary="Delete a claim with all that it says of people, for good.",
            call=called_on("definition", claim_delete),
            is_grave=True,
            takes_many=False,
        )
    }

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch whose each is along with it."""
        return rows.select_related("organization", "application")

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a claim."""
        return [
            Cell(
                row.name,
                url=self.url("change", row.public_id),
                note=row.description,
                copy=row.public_id,
                tags=facts_of(row),
            ),
            Cell(TYPES[ClaimType(row.type)]),
            Cell(row.application.name if row.application else row.organization.name),
            Cell(", ".join(PLACES[Place(place)] for place in row.appears_in) or "—"),
            date(row.created_at),
        ]

    def named(self, row: Any) -> Cell:
        """Call a claim by its name."""
        return Cell(row.word, note=row.organization.name)

    def tools(self, actor: Actor) -> list[Link]:
        """Offer a new claim."""
        offered = organization_choices(actor, Action.CLAIM_CREATE)
        return [Link("Define a claim", self.url("add"))] if offered else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new claim."""
        return [("add/", self.create_view, "add")]

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Define a claim through the operation."""
        actor = actor_of(request)
        organizations = organization_choices(actor, Action.CLAIM_CREATE)
        if not organizations:
            raise policy.missing(Action.CLAIM_CREATE)
        rows = Application.objects.visible_to(actor).filter(organization__in=organizations)
        applications = list(rows.select_related("organization").order_by("organization", "created_at")[:APPLICATIONS])
        form = DefineForm(request.POST or None, organizations=organizations, applications=applications)
        if request.method == "POST" and form.is_valid():
            values = {name: value for name, value in form.cleaned_data.items() if not name.startswith("in_")}
            organization = next(entry for entry in organizations if entry.slug == values.pop("organization"))
            chosen = values.pop("application")
            application = next((row for row in applications if row.public_id == chosen), None)
            try:
                made = claim_create(
                    actor=actor,
                    organization=organization,
                    application=application,
                    appears_in=form.places,
                    **values,
                )
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, f"The claim {made.word} is defined.")
                return redirect(self.url("change", made.public_id))
        context = {
            "title": "Define a claim",
            "lead": "Name and type stay for good; the rest can be changed.",
            "form": form,
            "button": "Define the claim",
            "back": self.url("changelist"),
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)

    @answering
    def detail_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw a claim, and change it through the operation."""
        actor = actor_of(request)
        row: ClaimDefinition = self.found(actor, public_id)
        if not actor.holds(self.reading, row.organization_id):
            raise policy.missing(self.reading)
        form = ChangeForm(request.POST or None, initial=limits_values(row))
        can_edit = policy.may(actor, Action.CLAIM_UPDATE, row)
        unfit: Table | None = None
        is_overtaken = False
        if request.method == "POST" and (form.is_valid() or not can_edit):
            version = form.cleaned_data.get("version")
            try:
                changed = claim_update(
                    actor=actor,
                    definition=row,
                    changes=form.changes,
                    invalid=form.cleaned_data.get("invalid", "refuse"),
                    reason=form.cleaned_data.get("reason", ""),
                    expected_version=version,
                )
            except VersionConflict:
                now = limits_values(self.found(actor, public_id))
                data, meanwhile = form.overtaken(now)
                form = ChangeForm(data, initial=now)
                form.add_error(None, overtaken_text(meanwhile))
                is_overtaken = True
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
                unfit = unfit_table(refusal.more) if "unfit" in refusal.more else None
            else:
                same = changed.version == version
                messages.success(request, "Nothing was changed." if same else "The claim is saved.")
                return redirect(self.url("change", row.public_id))
        context = {
            "title": row.word,
            "row": row,
            "facts": [TYPES[ClaimType(row.type)], *facts_of(row)],
            "form": form if can_edit else None,
            "unfit": unfit,
            "verbs": self.verb_links(actor, row),
        }
        return self.render(request, "claim.html", context, status=409 if is_overtaken else 422 if form.errors else 200)


def facts_of(row: ClaimDefinition) -> list[str]:
    """Say in a word each what it is."""
    facts = {"personal": row.is_personal, "people set it": row.is_editable, "limited": bool(row.schema)}
    return [word for word, so in facts.items() if so]


def unfit_table(listed: Mapping[str, Any]) -> Table:
    """List whose values would no longer fit."""
    users, shown, total = admin_of_users(), listed["unfit"], listed["unfit_total"]
    rows = [
        TableRow([Cell(entry["user"], url=users.url("change", entry["user"])), Cell(entry["problem"])])
        for entry in shown
    ]
    values = "1 value" if total == 1 else f"{total:,} values"
    some = f"; {len(shown)} of them" if len(shown) < total else ""
    return Table(f"{values} would no longer fit{some}", [Column("Whose"), Column("Why")], rows)


def admin_of_users() -> UserAdmin:
    """Give the noun of people."""
    users = site.get_model_admin(User)
    assert isinstance(users, UserAdmin)
    return users


# --- the tab on a person's page ---------------------------------------------------------------
@answering
def claims_view(noun: UserAdmin, request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Draw what claims say of the person; set one, or take one away."""
    actor = actor_of(request)
    user, context = noun.person(request, public_id, WORD)
    noun.require_reading(actor, Action.USER_SHOW, user)
    visible = ClaimDefinition.objects.visible_to(actor).filter(organization=user.organization_id)
    definitions = [
        row
        for row in visible.select_related("application").order_by("name", "id")
        if row.is_editable or actor.holds(Action.USER_CLAIMS_SET, user.organization_id)
    ]
    may = policy.may(actor, Action.USER_CLAIMS_SET, user)
    if request.method == "POST" and not may:
        raise policy.missing(Action.USER_CLAIMS_SET)
    form = SayForm(request.POST or None, definitions=definitions)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        definition = next(row for row in definitions if row.public_id == values["claim"])
        try:
            if "remove" in request.POST:
                user_claims_remove(actor=actor, user=user, definition=definition, reason=values["reason"])
            else:
                user_claims_set(
                    actor=actor,
                    user=user,
                    definition=definition,
                    value=read(definition.type, values["value"]),
                    reason=values["reason"],
                )
        except (Invalid, Conflict) as refusal:
            form.refuse(refusal)
        else:
            done = "is not set" if "remove" in request.POST else "is set"
            messages.success(request, f"The claim {definition.word} {done}.")
            return redirect(noun.url(WORD, user.public_id))
    context |= {"table": said_table(actor, user), "form": form if may and definitions else None, "may": may}
    return noun.render(request, "person_claims.html", context, status=422 if form.errors else 200)


CLAIMS: Final = Tab(WORD, "Claims", Action.USER_SHOW, Action.USER_CLAIMS_SET, claims_view)


def said_table(actor: Actor, user: User) -> Table:
    """Show what claims say of a person."""
    values = ClaimValue.objects.visible_to(actor).filter(user=user).with_shown()
    rows = [
        TableRow(
            [
                Cell(value.definition.name, note=value.application.name if value.application else ""),
                Cell(TYPES[ClaimType(value.definition.type)]),
                Cell(text_of(value.value)),
                since(value.set_at),
            ]
        )
        for value in values
    ]
    columns = [Column("Claim"), Column("Type"), Column("Value"), Column("Set")]
    return Table("Claims", columns, rows, "No claim says anything of this person.")
