"""API keys: made, shown once, revoked."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from accounts import policy
from accounts.actions import UMBRELLAS, Action, expand
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, View, actor_of, answering, organization_choices
from accounts.admin.site import site
from accounts.admin.tables import Cell, Link, badge, date, since
from accounts.admin.verbs import EndField, HouseForm, Verb, called_on
from accounts.errors import Conflict, Invalid
from accounts.models import APIKey, Organization
from accounts.operations.api_keys import SCOPES, api_key_create, api_key_revoke

__all__ = ["APIKeyAdmin"]


class KeyForm(HouseForm):
    """A new key."""

    organization = forms.ChoiceField()
    name = forms.CharField(
        max_length=100,
        help_text="What it is for, such as HR sync.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="What it may do",
        help_text="As little as it needs. admin:users covers everything about people.",
        widget=forms.CheckboxSelectMultiple,
    )
    expires_at = EndField(
        label="Until", help_text="90d, or a day such as 2026-12-31. Empty: 365 days, which is the most."
    )
    reason = forms.CharField(
        max_length=500,
        required=False,
        help_text="Kept in the audit trail.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self, data: Any = None, *, organizations: list[Organization], scopes: list[str], **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)
        self.offer("scopes", [(scope, scope) for scope in scopes])


def scopes_of(actor: Actor, organizations: list[Organization]) -> list[str]:
    """List what the actor could give a key somewhere, umbrellas first."""

    def holds(scope: str) -> bool:
        words = expand(frozenset({scope}))
        return any(all(actor.holds(Action(word), place.pk) for word in words) for place in organizations)

    return sorted((scope for scope in SCOPES if holds(scope)), key=lambda scope: (scope not in UMBRELLAS, scope))


@admin.register(APIKey, site=site)
class APIKeyAdmin(HouseAdmin):
    """API keys."""

    reading = Action.API_KEY_LIST
    plural = "API keys"
    lead = "A program's way in. A key that a person made dies when they leave."
    empty = "No program has a key yet."
    columns = (("Name", ""), ("State", ""), ("May", ""), ("Made by", ""), ("Last used", ""), ("Created", "created_at"))
    writes = {"add": Action.API_KEY_CREATE}
    verbs: ClassVar[dict[str, Verb]] = {
        "revoke": Verb(
            action=Action.API_KEY_REVOKE,
            label="Revoke",
            done="is revoked",
            summary="Revoke a key, at once and for good.",
            call=called_on("key", api_key_revoke),
            is_grave=True,
            fits=lambda key: key.revoked_at is None,
        )
    }

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch the makers along with each."""
        return rows.select_related("made_by", "organization")

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a key: never its secret."""
        maker = row.made_by
        visible = maker is not None and actor.holds(Action.USER_SHOW, maker.organization_id)
        state = "live" if row.is_live else "revoked" if row.revoked_at else "expired"
        return [
            Cell(row.name, copy=row.public_id),
            badge(state, note=row.revoke_reason or f"until {row.expires_at:%Y-%m-%d}"),
            Cell(", ".join(row.scopes)),
            Cell(
                (maker.display_name or maker.email or maker.public_id)
                if visible
                else maker.public_id
                if maker
                else "operator",
                url=reverse("admin:accounts_user_change", args=[maker.public_id]) if visible else "",
            ),
            since(row.last_used_at),
            date(row.created_at),
        ]

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer to revoke it."""
        if row.revoked_at is not None or not actor.holds(Action.API_KEY_REVOKE, row.organization_id):
            return []
        return [Link("Revoke", f"{self.url('verb', 'revoke')}?selected={row.public_id}", is_grave=True)]

    def named(self, row: Any) -> Cell:
        """Call a key by its name."""
        return Cell(row.name, note=row.organization.name)

    def tools(self, actor: Actor) -> list[Link]:
        """Offer a new key."""
        return [Link("Make a key", self.url("add"))] if organization_choices(actor, Action.API_KEY_CREATE) else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new key."""
        return [("add/", self.create_view, "add")]

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make a key through the operation, and show its secret once."""
        actor = actor_of(request)
        organizations = organization_choices(actor, Action.API_KEY_CREATE)
        if not organizations:
            raise policy.missing(Action.API_KEY_CREATE)
        form = KeyForm(request.POST or None, organizations=organizations, scopes=scopes_of(actor, organizations))
        if request.method == "POST" and form.is_valid():
            values = dict(form.cleaned_data)
            organization = next(entry for entry in organizations if entry.slug == values.pop("organization"))
            try:
                made = api_key_create(actor=actor, organization=organization, **values)
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                once = {"title": "Copy the key now", "secret": made.secret, "name": made.key.name}
                return self.render(request, "secret.html", {**once, "back": self.url("changelist")})
        context = {
            "title": "Make a key",
            "lead": "Its secret is shown once, on the next page.",
            "form": form,
            "button": "Make the key",
            "back": self.url("changelist"),
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)
