"""Roles: what each permits; those of an organization or an application are made and changed here."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect

from accounts import policy
from accounts.actions import BUILT_IN_ROLES, Action
from accounts.actors import Actor
from accounts.admin.base import (
    HouseAdmin,
    Listing,
    Narrowing,
    Scope,
    View,
    actor_of,
    answering,
    organization_choices,
    place_named,
)
from accounts.admin.look_ahead import LONGEST, OFFERED
from accounts.admin.site import site
from accounts.admin.tables import Cell, Link
from accounts.admin.verbs import HouseForm, Verb, VersionedForm, called_on
from accounts.errors import Conflict, Invalid, NotAllowed, VersionConflict
from accounts.models import Application, Organization, Role
from accounts.models.roles import RoleQuerySet
from accounts.operations.roles import role_create, role_delete, role_update
from accounts.pagination import Order
from accounts.permissions import DESCRIPTIONS, GRANTABLE

__all__ = ["RoleAdmin"]

SUMMARIES = {
    "owner": "Everything in the organization; the only ones who appoint owners and archive it.",
    "admin": "People, roles, sessions, keys and the audit trail; not owners.",
    "moderator": "See people; suspend, lock, tag and sign out plain members.",
    "member": "Themselves.",
}
QUIET = {"autocomplete": "off"}
OVERTAKEN = "It was changed since you opened it. What it permits is shown as it is now. Look, then save again."


class RoleForm(HouseForm):
    """What a role is called and permits."""

    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs=QUIET))
    slug = forms.CharField(
        label="Short name",
        max_length=63,
        help_text="For commands and programs: lower-case letters, digits and hyphens.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none", **QUIET}),
    )
    description = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs=QUIET))
    permissions = forms.MultipleChoiceField(
        label="What it permits",
        required=False,
        help_text="You can put into it what you may do yourself.",
        widget=forms.CheckboxSelectMultiple,
    )
    reason = forms.CharField(
        max_length=500, required=False, help_text="Kept in the audit trail.", widget=forms.TextInput(attrs=QUIET)
    )

    def __init__(self, data: Any = None, *, words: Mapping[str, str], **options: Any) -> None:
        super().__init__(data, **options)
        labels = [(word, f"{word}: {text}" if text else word) for word, text in words.items()]
        self.offer("permissions", labels)


class NewRoleForm(RoleForm):
    """A new role of an organization."""

    field_order = ("organization", "name", "slug", "description", "permissions", "reason")
    organization = forms.ChoiceField()

    def __init__(self, data: Any = None, *, organizations: list[Organization], **options: Any) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)


class ChangedRoleForm(VersionedForm, RoleForm):
    """What a role is to be called and to permit."""

    beside = VersionedForm.beside | {"permissions"}


def role_values(role: Role) -> dict[str, Any]:
    """Give what the form begins with."""
    return {
        "name": role.name,
        "slug": role.slug,
        "description": role.description,
        "permissions": [entry.permission for entry in role.permissions.all()],
        "version": role.version,
    }


def words_for(actor: Actor, application: Application | None, places: Iterable[Organization]) -> dict[str, str]:
    """Give the words that the actor could put into a role, with their meanings."""
    if application is not None:
        return {entry.word: entry.description for entry in application.permissions.all()}
    held = frozenset[str]().union(*(actor.permissions_in(place.pk) for place in places))
    return {str(word): DESCRIPTIONS[word] for word in sorted(GRANTABLE) if actor.everything or word in held}


@admin.register(Role, site=site)
class RoleAdmin(HouseAdmin):
    """Roles."""

    reading = Action.USER_SHOW
    plural = "Roles"
    lead = "A role is a set of permissions. Four are in every organization; make others as you need them."
    columns = (("Role", ""), ("Of", ""), ("What it is for", ""), ("Permissions", ""))
    default_order = "created_at"
    detail_template = "role.html"
    writes = {"add": Action.ROLE_CREATE, "change": Action.ROLE_UPDATE}
    verbs: ClassVar[dict[str, Verb]] = {
        "delete": Verb(
            action=Action.ROLE_DELETE,
            label="Delete",
            done="is no more",
            summary="Delete a role, which ends it for everybody who has it.",
            call=called_on("role", role_delete),
            is_grave=True,
            takes_many=False,
            fits=lambda role: not role.is_built_in,
        )
    }

    def visible(self, actor: Actor) -> models.QuerySet[Any]:
        """Give the built-in roles, the same for everybody, and those that exist for the actor."""
        return Role.objects.visible_to(actor) | Role.objects.built_in()

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch application and permissions along with each."""
        assert isinstance(rows, RoleQuerySet)
        return rows.with_shown()

    def listing(self, actor: Actor, scope: Scope, asked: Narrowing) -> Listing:
        """Give the roles that there are in the organization."""
        base = super().listing(actor, Scope(None), asked)
        rows = base.rows.of(scope.organization.pk) if scope.organization else Role.objects.built_in()  # type: ignore[attr-defined]
        return Listing(rows, Order.parse(asked.order or self.default_order, self.orders), scope.name)

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a role."""
        return [
            Cell(row.name, url=self.url("change", row.public_id), note=row.full_slug),
            Cell("built in" if row.is_built_in else row.application.name if row.application else row.organization.name),
            Cell(SUMMARIES[row.slug] if row.is_built_in else row.description or "—"),
            Cell(str(len(row.permissions.all()))),
        ]

    def named(self, row: Any) -> Cell:
        """Call a role by its name."""
        return Cell(row.name, note=row.full_slug)

    def tools(self, actor: Actor) -> list[Link]:
        """Offer a new role."""
        return [Link("Add a role", self.url("add"))] if organization_choices(actor, Action.ROLE_CREATE) else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new role, and what the inputs that look ahead ask."""
        return [("add/", self.create_view, "add"), ("look-up/", self.look_up_view, "look-up")]

    @answering
    def look_up_view(self, request: HttpRequest) -> HttpResponseBase:
        """Offer the roles of an organization whose names hold what was typed."""
        actor, scope = actor_of(request), self.scope(request)
        roles = self.listing(actor, scope, Narrowing()).rows
        application, _, text = request.GET.get("q", "").strip()[:LONGEST].rpartition("/")
        if application:
            roles = roles.filter(application__slug__icontains=application)
        holds = Q(slug__icontains=text) | Q(name__icontains=text)
        found = roles.filter(holds if application else holds | Q(application__slug__icontains=text))
        rows = found.select_related("application").order_by("application__slug", "slug")[:OFFERED]
        return JsonResponse({"results": [{"value": row.full_slug, "label": row.name} for row in rows]})

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make a role through the operation: of an organization, or of the application that the address names."""
        actor = actor_of(request)
        organizations = organization_choices(actor, Action.ROLE_CREATE)
        if not organizations:
            raise policy.missing(Action.ROLE_CREATE)
        application = self._application(actor, request.GET.get("application", ""))
        words = words_for(actor, application, organizations)
        form: RoleForm
        if application is not None:
            form = RoleForm(request.POST or None, words=words)
        else:
            home = place_named(organizations, actor, request.GET.get("org", ""))
            initial = {"organization": home.slug}
            form = NewRoleForm(request.POST or None, words=words, organizations=organizations, initial=initial)
        if request.method == "POST" and form.is_valid():
            values = dict(form.cleaned_data)
            slug = values.pop("organization", "")
            place = application.organization if application else next(e for e in organizations if e.slug == slug)
            try:
                made = role_create(actor=actor, organization=place, application=application, **values)
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, f"The role {made.name} is there. Give it on a person's tab “Roles”.")
                return redirect(self.url("change", made.public_id))
        context = {
            "title": f"Add a role of {application.name}" if application else "Add a role",
            "lead": "It holds permissions that the application defines."
            if application
            else "A role of the organization. One of an application is added on that application's page.",
            "form": form,
            "button": "Add the role",
            "back": self.url("changelist"),
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)

    def _application(self, actor: Actor, public_id: str) -> Application | None:
        if not public_id:
            return None
        noun = self.admin_site.get_model_admin(Application)
        assert isinstance(noun, HouseAdmin)
        found: Application = noun.found(actor, public_id)
        return found

    @answering
    def detail_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw a role, and change it through the operation."""
        actor = actor_of(request)
        row: Role = self.found(actor, public_id)
        words = words_for(actor, row.application, [row.organization] if row.organization else [])
        form = ChangedRoleForm(request.POST or None, initial=role_values(row), words=words)
        can_edit = self._can_edit(actor, row)
        is_overtaken = False
        if request.method == "POST" and (form.is_valid() or not can_edit):
            sent = {"permissions": form.cleaned_data["permissions"], **form.changes} if form.is_valid() else {}
            version = form.cleaned_data.get("version")
            why = form.cleaned_data.get("reason", "")
            try:
                changed = role_update(actor=actor, role=row, reason=why, expected_version=version, **sent)
            except VersionConflict:
                row = self.found(actor, public_id)
                now = role_values(row)
                data, _ = form.overtaken(now)
                data.setlist("permissions", now["permissions"])
                form = ChangedRoleForm(data, initial=now, words=words)
                form.add_error(None, OVERTAKEN)
                is_overtaken = True
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                same = changed.version == version
                messages.success(request, "Nothing was changed." if same else "The role is saved.")
                return redirect(self.url("change", row.public_id))
        context = {
            "row": row,
            "title": row.name,
            "summary": SUMMARIES[row.slug] if row.is_built_in else row.description,
            "of": "built in" if row.is_built_in else (row.application or row.organization).name,  # type: ignore[union-attr]
            "verbs": self.verb_links(actor, row),
            "form": form if can_edit else None,
            "groups": [] if can_edit else self._groups(row),
        }
        status = 409 if is_overtaken else 422 if form.errors and can_edit else 200
        return self.render(request, "role.html", context, status=status)

    def _can_edit(self, actor: Actor, row: Role) -> bool:
        if row.organization_id is None or not policy.may(actor, Action.ROLE_UPDATE, row):
            return False
        try:
            policy.require_held(actor, row, row.organization_id, [entry.permission for entry in row.permissions.all()])
        except NotAllowed:
            return False
        return True

    def _groups(self, row: Role) -> list[tuple[str, list[tuple[str, bool]]]]:
        """List the permissions by what they are about, beside those that there are."""
        held = {entry.permission for entry in row.permissions.all()}
        if row.application is not None:
            words = sorted(entry.word for entry in row.application.permissions.all())
        else:
            words = sorted({str(word) for actions in BUILT_IN_ROLES.values() for word in actions})
        groups: dict[str, list[tuple[str, bool]]] = {}
        for word in words:
            groups.setdefault(word.partition(".")[0].replace("_", " "), []).append((word, word in held))
        return list(groups.items())
