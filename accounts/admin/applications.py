"""Applications: what people sign in to, and the permissions that each defines for itself."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts import policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, View, actor_of, answering, organization_choices, place_named
from accounts.admin.site import site
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, date
from accounts.admin.verbs import HouseForm, Verb, VersionedForm, called_on
from accounts.errors import Conflict, Invalid, VersionConflict
from accounts.models import Application, Organization, Role
from accounts.models.applications import ApplicationQuerySet
from accounts.operations.applications import app_create, app_delete, app_update
from accounts.versioned import overtaken_text

__all__ = ["ApplicationAdmin"]

QUIET = {"autocomplete": "off"}


class ApplicationForm(HouseForm):
    """What an application is called and which permissions it defines."""

    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs=QUIET))
    slug = forms.CharField(
        label="Short name",
        max_length=63,
        help_text="For commands and tokens: lower-case letters, digits and hyphens.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", **QUIET}),
    )
    description = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs=QUIET))
    permissions = forms.CharField(
        max_length=100_000,
        required=False,
        help_text="One a line, then what it means: billing.refund Refund an invoice. Its roles are made of these.",
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )
    reason = forms.CharField(
        max_length=500, required=False, help_text="Kept in the audit trail.", widget=forms.TextInput(attrs=QUIET)
    )

    def clean_permissions(self) -> dict[str, str]:
        """Read a word and its meaning from each line."""
        lines = [line.strip() for line in self.cleaned_data["permissions"].splitlines() if line.strip()]
        return {word: text.strip() for word, _, text in (line.partition(" ") for line in lines)}


class NewApplicationForm(ApplicationForm):
    """A new application."""

    field_order = ("organization", "name", "slug", "description", "permissions", "reason")
    organization = forms.ChoiceField()

    def __init__(self, data: Any = None, *, organizations: list[Organization], **options: Any) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)


class ChangedApplicationForm(VersionedForm, ApplicationForm):
    """What an application is to be called and to define."""


def application_values(row: Application) -> dict[str, Any]:
    """Give what the form begins with."""
    words: Mapping[str, str] = {entry.word: entry.description for entry in row.permissions.all()}
    return {
        "name": row.name,
        "slug": row.slug,
        "description": row.description,
        "permissions": "\n".join(f"{word} {text}".strip() for word, text in words.items()),
        "version": row.version,
    }


@admin.register(Application, site=site)
class ApplicationAdmin(HouseAdmin):
    """Applications."""

    reading = Action.APP_LIST
    plural = "Applications"
    lead = "What people sign in to. Each can define permissions of its own, and roles made of them."
    empty = "There is no application yet."
    columns = (("Application", ""), ("What it is for", ""), ("Permissions", ""), ("Created", "created_at"))
    default_order = "created_at"
    detail_template = "application.html"
    writes = {"add": Action.APP_CREATE, "change": Action.APP_UPDATE}
    verbs: ClassVar[dict[str, Verb]] = {
        "delete": Verb(
            action=Action.APP_DELETE,
            label="Delete",
            done="is no more",
            summary="Delete an application with its roles and claims, for everybody who has them.",
            call=called_on("application", app_delete),
            is_grave=True,
            takes_many=False,
        )
    }

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch the permissions along with each."""
        assert isinstance(rows, ApplicationQuerySet)
        return rows.with_shown()

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show an application."""
        return [
            Cell(row.name, url=self.url("change", row.public_id), note=row.slug, copy=row.public_id),
            Cell(row.description or "—"),
            Cell(str(len(row.permissions.all()))),
            date(row.created_at),
        ]

    def named(self, row: Any) -> Cell:
        """Call an application by its name."""
        return Cell(row.name, note=row.slug)

    def tools(self, actor: Actor) -> list[Link]:
        """Offer a new application."""
        may_add = organization_choices(actor, Action.APP_CREATE)
        return [Link("Add an application", self.url("add"))] if may_add else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new application."""
        return [("add/", self.create_view, "add")]

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make an application through the operation."""
        actor = actor_of(request)
        organizations = organization_choices(actor, Action.APP_CREATE)
        if not organizations:
            raise policy.missing(Action.APP_CREATE)
        initial = {"organization": place_named(organizations, actor, request.GET.get("org", "")).slug}
        form = NewApplicationForm(request.POST or None, organizations=organizations, initial=initial)
        if request.method == "POST" and form.is_valid():
            values = dict(form.cleaned_data)
            slug = values.pop("organization")
            place = next(entry for entry in organizations if entry.slug == slug)
            try:
                made = app_create(actor=actor, organization=place, **values)
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, f"{made.name} is there. Now add its roles.")
                return redirect(self.url("change", made.public_id))
        context = {
            "title": "Add an application",
            "lead": "Its roles are made of the permissions that it defines.",
            "form": form,
            "button": "Add the application",
            "back": self.url("changelist"),
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)

    @answering
    def detail_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw an application with its roles, and change it through the operation."""
        actor = actor_of(request)
        row: Application = self.found(actor, public_id)
        form = ChangedApplicationForm(request.POST or None, initial=application_values(row))
        can_edit = policy.may(actor, Action.APP_UPDATE, row)
        is_overtaken = False
        if request.method == "POST" and (form.is_valid() or not can_edit):
            version, why = form.cleaned_data.get("version"), form.cleaned_data.get("reason", "")
            try:
                changed = app_update(actor=actor, application=row, reason=why, expected_version=version, **form.changes)
            except VersionConflict:
                now = application_values(self.found(actor, public_id))
                data, meanwhile = form.overtaken(now)
                form = ChangedApplicationForm(data, initial=now)
                form.add_error(None, overtaken_text(meanwhile))
                is_overtaken = True
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                same = changed.version == version
                messages.success(request, "Nothing was changed." if same else "The application is saved.")
                return redirect(self.url("change", row.public_id))
        context = {
            "title": row.name,
            "row": row,
            "form": form if can_edit else None,
            "verbs": self.verb_links(actor, row),
            "table": self._roles(actor, row),
            "add_role": f"{reverse('admin:accounts_role_add')}?application={row.public_id}"
            if actor.holds(Action.ROLE_CREATE, row.organization_id)
            else "",
        }
        status = 409 if is_overtaken else 422 if form.errors and can_edit else 200
        return self.render(request, "application.html", context, status=status)

    def _roles(self, actor: Actor, row: Application) -> Table:
        """List the roles of the application: bounded, as those of an organization are."""
        roles = Role.objects.visible_to(actor).filter(application=row).with_shown().order_by("slug")
        rows = [
            TableRow(
                [
                    Cell(role.name, url=reverse("admin:accounts_role_change", args=[role.public_id]), note=role.slug),
                    Cell(", ".join(entry.permission for entry in role.permissions.all()) or "—"),
                ]
            )
            for role in roles
        ]
        return Table("Roles", [Column("Role"), Column("Permits")], rows, "It has no role yet.")
