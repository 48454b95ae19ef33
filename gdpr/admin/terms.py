"""What each organization settled for its people's data: one line and one form for each organization."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts import ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, actor_of, answering
from accounts.admin.site import site
from accounts.admin.tables import Cell, Link
from accounts.admin.verbs import HouseForm
from accounts.errors import Invalid, NotFound
from accounts.models import Organization
from gdpr.admin.base import line
from gdpr.models import PrivacyTerms
from gdpr.operations.terms import terms_of, terms_update

__all__ = ["TermsAdmin", "terms_link"]


class TermsForm(HouseForm):
    """What can be settled."""

    erasure_grace_days = forms.IntegerField(
        label="Days an erasure waits", help_text="So long it can be called off: 0 to 30.", min_value=0, max_value=30
    )
    archived_days = forms.IntegerField(
        label="Days until archived people are erased",
        help_text="1 to 3650, counted from their last change. Empty: never.",
        required=False,
        min_value=1,
        max_value=3_650,
    )
    contact = line(label="Contact", help_text="Whom people ask about their data.", max_length=254)
    reason = line(help_text="Kept in the audit trail.", max_length=500)


@admin.register(PrivacyTerms, site=site)
class TermsAdmin(HouseAdmin):
    """The terms of organizations."""

    reading = Action.TERMS_UPDATE
    writes: ClassVar[Mapping[str, Action]] = {"change": Action.TERMS_UPDATE}
    plural = "Privacy terms"
    lead = "What each organization settled for its people's data; where it settled nothing, these are the defaults."
    columns = (("Organization", ""), ("An erasure waits", ""), ("Archived people", ""), ("Contact", ""))
    of_one_organization = False
    default_order = "created_at"
    detail_template = "form.html"

    def visible(self, actor: Actor) -> Any:
        """Give the organizations whose terms the actor may settle: each has terms, written down or not."""
        visible = Organization.objects.visible_to(actor)
        return visible if actor.everything else visible.filter(pk__in=actor.organizations_where(self.reading))

    def found(self, actor: Actor, public_id: str) -> Organization:
        """Find an organization.

        :raises NotFound: if it does not exist for the actor
        """
        decoded = ids.decode("org", public_id)
        row = Organization.objects.visible_to(actor).filter(pk=decoded).first() if decoded else None
        if row is None:
            raise NotFound("Organization not found.")
        return row

    def cells_of(self, actor: Actor, rows: Sequence[Any]) -> list[list[Cell]]:
        """Show the terms of a page of organizations."""
        settled = {terms.organization_id: terms for terms in PrivacyTerms.objects.filter(organization__in=rows)}
        return [self._cells(row, settled.get(row.pk) or PrivacyTerms(organization=row)) for row in rows]

    def _cells(self, row: Organization, terms: PrivacyTerms) -> list[Cell]:
        archived = f"erased after {terms.archived_days} days" if terms.archived_days else "kept"
        return [
            Cell(row.name, url=self.url("change", row.public_id), note=row.slug),
            Cell(f"{terms.erasure_grace_days} days" if terms.erasure_grace_days else "not at all"),
            Cell(archived),
            Cell(terms.contact or "—"),
        ]

    @answering
    def detail_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw the terms, and settle them through the operation."""
        actor = actor_of(request)
        row = self.found(actor, public_id)
        if request.method != "POST":
            policy.require(actor, Action.TERMS_UPDATE, row)
        terms = terms_of(row)
        names = ("erasure_grace_days", "archived_days", "contact")
        form = TermsForm(request.POST or None, initial={name: getattr(terms, name) for name in names})
        if request.method == "POST" and (form.is_valid() or not policy.may(actor, Action.TERMS_UPDATE, row)):
            changes = {name: form.cleaned_data[name] for name in names if name in form.cleaned_data}
            try:
                reason = form.cleaned_data.get("reason", "")
                terms_update(actor=actor, organization=row, changes=changes, reason=reason)
            except Invalid as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, "The terms are settled.")
                return redirect(self.url("change", row.public_id))
        context = {
            "title": f"Privacy terms of {row.name}",
            "lead": "They hold for everybody whose home is this organization.",
            "form": form,
            "button": "Save",
            "back": self.url("changelist"),
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)


def terms_link(actor: Actor, organization: Organization) -> Link | None:
    """Lead from an organization to its terms, for those who may settle them."""
    if not actor.holds(Action.TERMS_UPDATE, organization.pk):
        return None
    return Link("Privacy terms", reverse("admin:gdpr_privacyterms_change", args=[organization.public_id]))
