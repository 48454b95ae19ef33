"""Organizations: theirs for most, every one for super-users."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language_info

from accounts import policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, View, actor_of, answering
from accounts.admin.site import site
from accounts.admin.tables import Cell, Link, badge, date
from accounts.admin.verbs import DurationField, HouseForm, Verb, VersionedForm, called_on
from accounts.errors import Conflict, Invalid, VersionConflict
from accounts.mail import LANGUAGES
from accounts.models import (
    APIKey,
    Application,
    AuditEvent,
    ClaimDefinition,
    Membership,
    Organization,
    Role,
    Session,
    User,
)
from accounts.models.organizations import MailCodes, SecondFactor
from accounts.operations.organizations import (
    ORGANIZATION_TRANSITIONS,
    org_activate,
    org_archive,
    org_create,
    org_suspend,
    org_update,
)
from accounts.times import duration_text
from accounts.versioned import overtaken_text

__all__ = ["INSIDE", "OrganizationAdmin"]

INSIDE: Final[list[Callable[[Actor, Organization], Link | None]]] = []
"""Where other rooms lead to from an organization; ``None`` to whom it is not shown. Filled at start."""


class OrganizationForm(HouseForm):
    """What an organization is called."""

    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    slug = forms.CharField(
        label="Short name",
        max_length=63,
        help_text="What people type at sign-in: lower-case letters, digits and hyphens.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
    )
    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Kept in the audit trail.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RenameForm(VersionedForm, OrganizationForm):
    """What an organization is to be called, its language, and how long its invites live."""

    language = forms.ChoiceField(
        label="Language",
        choices=[(code, get_language_info(code)["name"]) for code in LANGUAGES],
        help_text="Of letters to people of whom none is known.",
    )
    invite_days = forms.IntegerField(label="Invites live for days", min_value=1, max_value=90)
    second_factor = forms.ChoiceField(
        label="Second factor",
        choices=[
            (SecondFactor.OPTIONAL.value, "Optional"),
            (SecondFactor.ADMINS.value, "Required for owners and admins"),
            (SecondFactor.REQUIRED.value, "Required for everybody"),
        ],
        help_text="Who has none is asked to enrol one at the next sign-in.",
    )
    mail_codes = forms.ChoiceField(
        label="Codes by mail",
        choices=[
            (MailCodes.REFUSED.value, "Not as a second factor"),
            (MailCodes.ALLOWED.value, "As a second factor, though weaker"),
        ],
        help_text="Whoever reads the mailbox has them. Never for owners and admins.",
    )
    impersonation_max = DurationField(label="Acting as somebody lasts at most", help_text="1m to 24h.", required=True)
    field_order = (
        "name",
        "slug",
        "language",
        "invite_days",
        "second_factor",
        "mail_codes",
        "impersonation_max",
        "reason",
    )


def name_values(row: Organization) -> dict[str, Any]:
    """Give what the form begins with."""
    return {
        "name": row.name,
        "slug": row.slug,
        "language": row.language,
        "invite_days": row.invite_days,
        "second_factor": row.second_factor,
        "mail_codes": row.mail_codes,
        "impersonation_max": duration_text(row.impersonation_max),
        "version": row.version,
    }


def _verb(action: Action, label: str, done: str, summary: str, operation: Any) -> Verb:
    word = action.partition(".")[2]
    return Verb(
        action=action,
        label=label,
        done=done,
        summary=summary,
        call=called_on("organization", operation),
        is_grave=word != "activate",
        fits=lambda organization: organization.status in ORGANIZATION_TRANSITIONS[word][0],
    )


VERBS = (
    _verb(
        Action.ORG_SUSPEND,
        "Suspend",
        "is suspended",
        "Stop everybody of an organization, and its keys, until it is activated; sessions end for good.",
        org_suspend,
    ),
    _verb(
        Action.ORG_ACTIVATE, "Activate", "is active again", "Let an organization's people sign in again.", org_activate
    ),
    _verb(
        Action.ORG_ARCHIVE,
        "Archive",
        "is archived",
        "Put an organization away: nobody signs in, no key works, nothing is added.",
        org_archive,
    ),
)


@admin.register(Organization, site=site)
class OrganizationAdmin(HouseAdmin):
    """Organizations."""

    reading = Action.ORG_SHOW
    plural = "Organizations"
    lead = "Each owns its people, its keys and its part of the audit trail."
    columns = (("Name", ""), ("Status", ""), ("Created", "created_at"))
    of_one_organization = False
    default_order = "created_at"
    verbs: ClassVar[dict[str, Verb]] = {verb.word: verb for verb in VERBS}
    writes = {"add": Action.ORG_CREATE, "change": Action.ORG_UPDATE}
    detail_template = "organization.html"

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show an organization."""
        return [
            Cell(row.name, url=self.url("change", row.public_id), note=row.slug, copy=row.public_id),
            badge(row.status, note=row.status_reason),
            date(row.created_at),
        ]

    def named(self, row: Any) -> Cell:
        """Call an organization by its name."""
        return Cell(row.name, note=row.slug, url=self.url("change", row.public_id))

    def place(self, row: Any) -> str:
        """Go back to the organization."""
        return self.url("change", row.public_id)

    def tools(self, actor: Actor) -> list[Link]:
        """Offer a new organization to those above all of them."""
        return [Link("Add an organization", self.url("add"))] if actor.everything else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new organization."""
        return [("add/", self.create_view, "add")]

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make an organization through the operation."""
        actor = actor_of(request)
        policy.require_coarse(actor, Action.ORG_CREATE)
        form = OrganizationForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                made = org_create(actor=actor, **form.cleaned_data)
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, f"{made.name} is there. Now add its first owner.")
                return redirect(self.place(made))
        context = {
            "title": "Add an organization",
            "lead": "It starts empty: add its first owner next.",
            "form": form,
            "button": "Add the organization",
            "back": self.url("changelist"),
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)

    @answering
    def detail_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw an organization, and rename it through the operation."""
        actor = actor_of(request)
        row: Organization = self.found(actor, public_id)
        form = RenameForm(request.POST or None, initial=name_values(row))
        can_edit = policy.may(actor, Action.ORG_UPDATE, row)
        is_overtaken = False
        if request.method == "POST" and (form.is_valid() or not can_edit):
            version = form.cleaned_data.get("version")
            try:
                changed = org_update(
                    actor=actor,
                    organization=row,
                    reason=form.cleaned_data.get("reason", ""),
                    expected_version=version,
                    **form.changes,
                )
            except VersionConflict:
                now = name_values(self.found(actor, public_id))
                data, meanwhile = form.overtaken(now)
                form = RenameForm(data, initial=now)
                form.add_error(None, overtaken_text(meanwhile))
                is_overtaken = True
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                messages.success(
                    request, "Nothing was changed." if changed.version == version else "The organization is saved."
                )
                return redirect(self.place(row))
        context = {
            "title": row.name,
            "row": row,
            "status": badge(row.status, note=row.status_reason),
            "form": form if can_edit else None,
            "verbs": self.verb_links(actor, row),
            "inside": [
                Link(noun.plural, f"{noun.url('changelist')}?org={row.slug}")
                for model in (User, Membership, Role, Application, ClaimDefinition, Session, APIKey, AuditEvent)
                if isinstance(noun := self.admin_site.get_model_admin(model), HouseAdmin)
                and actor.holds(noun.reading, row.pk)
            ]
            + [link for lead in INSIDE if (link := lead(actor, row)) is not None],
            "add_person": f"{reverse('admin:accounts_user_add')}?organization={row.slug}"
            if actor.holds(Action.USER_CREATE, row.pk)
            else "",
        }
        status = 409 if is_overtaken else 422 if form.errors else 200
        return self.render(request, "organization.html", context, status=status)
