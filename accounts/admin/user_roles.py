"""The tab "Roles" of a person: what they have where, by application; giving another, taking one away."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from accounts import policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import actor_of, answering
from accounts.admin.look_ahead import role_field
from accounts.admin.tables import Cell, Column, Link, Table, TableRow
from accounts.admin.users import TAB, TABS, Tab, UserAdmin
from accounts.admin.verbs import HouseForm
from accounts.errors import AccountsError, Conflict, Invalid, NotFound
from accounts.models import Membership, Role, RoleAssignment, User
from accounts.operations.roles import role_assign, role_remove, roles_named
from accounts.times import as_end

__all__ = ["roles_tab"]

QUIET = {"autocomplete": "off"}
REASON = "Kept in the audit trail."


class GiveForm(HouseForm):
    """A role, where, and until when."""

    organization = forms.ChoiceField()
    role = role_field(help_text="Type a few letters of its name, or application/role.")
    until = forms.CharField(
        max_length=40,
        required=False,
        help_text="Empty: for good. Or 30d, or a day such as 2026-12-31 (through that day, UTC).",
        widget=forms.TextInput(attrs={"spellcheck": "false", **QUIET}),
    )
    reason = forms.CharField(max_length=500, required=False, help_text=REASON, widget=forms.TextInput(attrs=QUIET))

    def __init__(self, data: Any = None, *, memberships: list[Membership], **options: Any) -> None:
        super().__init__(data, **options)
        self.offer_organizations(entry.organization for entry in memberships)

    def clean_until(self) -> Any:
        """Read the end."""
        text = self.cleaned_data["until"].strip()
        try:
            return as_end(text, field="until") if text else None
        except AccountsError as refusal:
            raise forms.ValidationError(f"{refusal.message} {refusal.remedy}") from None

    def refuse(self, refusal: AccountsError) -> None:
        """Show why an operation refused, what it says of roles beside the one that was typed."""
        if "roles" in refusal.fields:
            self.add_error("role", f"{refusal.message} {refusal.remedy}")
        else:
            super().refuse(refusal)


class TakeForm(HouseForm):
    """Which role to take away, and why."""

    organization = forms.CharField(max_length=63, widget=forms.HiddenInput)
    take = forms.CharField(max_length=40, widget=forms.HiddenInput)
    reason = forms.CharField(max_length=500, required=False, help_text=REASON, widget=forms.TextInput(attrs=QUIET))


@answering
def roles_tab(people: UserAdmin, request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Draw the roles of a person; give one, or take one away after a question."""
    actor = actor_of(request)
    user, context = people.person(request, public_id, "roles")
    people.require_reading(actor, Action.MEMBERSHIP_LIST, user)
    theirs = Membership.objects.visible_to(actor).filter(user=user).with_shown().order_by("created_at", "id")
    memberships = sorted(theirs[:TAB], key=lambda entry: not entry.is_home)
    giving = [entry for entry in memberships if actor.holds(Action.ROLE_ASSIGN, entry.organization_id)]
    here = people.url("roles", user.public_id)
    source = request.POST if request.method == "POST" else request.GET
    give: GiveForm | None = GiveForm(memberships=giving) if giving else None
    take: TakeForm | None = None
    if "take" in source:
        taken = _assignment(memberships, source.get("organization", ""), source.get("take", ""))
        take = TakeForm(request.POST or None, initial={"organization": source["organization"], "take": source["take"]})
        context["taken"] = taken
        if request.method == "POST" and take.is_valid():
            try:
                role_remove(
                    actor=actor, membership=taken.membership, role=taken.role, reason=take.cleaned_data["reason"]
                )
            except (Invalid, Conflict) as refusal:
                take.refuse(refusal)
            else:
                messages.success(request, f"{context['title']} has the role {taken.role.full_slug} no more.")
                return redirect(here)
    elif request.method == "POST":
        if not giving:
            raise policy.missing(Action.ROLE_ASSIGN)
        give = GiveForm(request.POST, memberships=giving)
        if give.is_valid() and _given(actor, giving, give):
            messages.success(request, f"{context['title']} has the role {give.cleaned_data['role']}.")
            return redirect(here)
    context |= {"table": _table(actor, user, memberships, here), "form": give, "take": take, "here": here}
    wrong = (take.errors if take else {}) or (give.errors if give else {})
    return people.render(request, "person_roles.html", context, status=422 if wrong else 200)


def _given(actor: Actor, giving: list[Membership], form: GiveForm) -> bool:
    """Give the role; what is refused stands beside the input that it is about."""
    values = form.cleaned_data
    membership = next(entry for entry in giving if entry.organization.slug == values["organization"])
    try:
        (role,) = roles_named(membership.organization, [values["role"]])
        role_assign(actor=actor, membership=membership, role=role, until=values["until"], reason=values["reason"])
    except (Invalid, Conflict) as refusal:
        form.refuse(refusal)
        return False
    return True


def _assignment(memberships: list[Membership], slug: str, public_id: str) -> RoleAssignment:
    """Find what is to be taken away among what is shown.

    :raises NotFound: if it is not there
    """
    for membership in memberships:
        for entry in membership.assignments.all():
            if (membership.organization.slug, entry.role.public_id) == (slug, public_id) and entry.is_live:
                return entry
    raise NotFound("Role not found.")


def _table(actor: Actor, user: User, memberships: list[Membership], here: str) -> Table:
    rows = []
    for membership in memberships:
        live = [entry for entry in membership.assignments.all() if entry.is_live]
        for entry in sorted(live, key=lambda entry: _place(entry.role)):
            may_take = actor.holds(Action.ROLE_REMOVE, membership.organization_id) and entry.role.full_slug != "member"
            address = f"{here}?organization={membership.organization.slug}&take={entry.role.public_id}"
            rows.append(
                TableRow(
                    [
                        Cell(entry.role.name, note=entry.role.full_slug),
                        Cell(entry.role.application.name if entry.role.application else "—"),
                        Cell(membership.organization.name, note="home" if membership.is_home else "guest"),
                        Cell(f"{entry.created_at:%Y-%m-%d}", at=entry.created_at.isoformat()),
                        Cell(f"{entry.until:%Y-%m-%d %H:%M}", at=entry.until.isoformat())
                        if entry.until
                        else Cell("for good"),
                    ],
                    links=[Link("Take away", address, is_grave=True)] if may_take else [],
                )
            )
    columns = [Column(label) for label in ("Role", "Application", "Organization", "Since", "Until")]
    return Table("Roles", columns, rows, "Has no role that you can see.")


def _place(role: Role) -> tuple[str, str]:
    """Sort roles by application, those of none first."""
    return (role.application.slug if role.application else "", role.slug)


TABS.append(Tab("roles", "Roles", Action.MEMBERSHIP_LIST, Action.ROLE_ASSIGN, roles_tab))
