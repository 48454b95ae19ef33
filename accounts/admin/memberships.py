"""Who belongs to an organization: at home there, or as a guest."""

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin
from django.db import models
from django.urls import reverse

from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin
from accounts.admin.site import site
from accounts.admin.tables import Cell, Link, badge, date
from accounts.admin.verbs import HouseForm, Verb, called_on
from accounts.models import Membership, Organization
from accounts.models.organizations import MembershipQuerySet
from accounts.operations.organizations import membership_remove
from accounts.serializers.users import roles_of

__all__ = ["GiveRoleForm", "MembershipAdmin"]


class GiveRoleForm(HouseForm):
    """A role for somebody, in an organization of theirs or as its guest."""

    organization = forms.ChoiceField()
    role = forms.ChoiceField()
    reason = forms.CharField(max_length=500, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(
        self, data: Any = None, *, organizations: list[Organization], roles: list[str], **options: Any
    ) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)
        self.offer("role", [(role, role.capitalize()) for role in roles])


@admin.register(Membership, site=site)
class MembershipAdmin(HouseAdmin):
    """Memberships."""

    reading = Action.MEMBERSHIP_LIST
    plural = "Memberships"
    lead = "Who belongs to the organization: people at home in it, and guests from others."
    empty = "Nobody belongs here yet. Add a person first."
    columns = (("Person", ""), ("Belongs", ""), ("Roles", ""), ("Since", "created_at"))
    verbs: ClassVar[dict[str, Verb]] = {
        "remove": Verb(
            action=Action.MEMBERSHIP_REMOVE,
            label="Remove",
            done="does not belong there any more",
            summary="End a guest's membership with its roles. The account stays in its home.",
            call=called_on("membership", membership_remove),
            is_grave=True,
            fits=lambda membership: not membership.is_home,
        )
    }

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch people and roles along with each."""
        return cast("MembershipQuerySet", rows).with_shown()

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a membership: of a guest no more than e-mail, name and roles."""
        may_open = actor.holds(Action.USER_SHOW, row.user.organization_id)
        url = reverse("admin:accounts_user_change", args=[row.user.public_id]) if may_open else ""
        name = row.user.display_name or row.user.email or row.user.public_id
        return [
            Cell(name, url=url, note=row.user.email or "", copy=row.user.public_id),
            badge("home" if row.is_home else "guest"),
            Cell(", ".join(roles_of(row)) or "—"),
            date(row.created_at),
        ]

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer to remove a guest."""
        return [] if row.is_home else self.verb_links(actor, row)

    def named(self, row: Any) -> Cell:
        """Call a membership by the person and the organization."""
        name = row.user.display_name or row.user.email or row.user.public_id
        return Cell(name, note=f"in {row.organization.name}")
