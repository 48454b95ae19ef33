"""People: the list, a person with tabs, a new account."""

from collections.abc import Callable
from dataclasses import dataclass
from types import MethodType
from typing import Any, ClassVar, Final, cast

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect

from accounts import policy
from accounts.actions import SELF_ACTIONS, Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, Listing, Narrowing, Scope, View, actor_of, answering, organization_choices
from accounts.admin.memberships import GiveRoleForm
from accounts.admin.sessions import device_cell, impersonators
from accounts.admin.site import site
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, badge, date, moment, since
from accounts.admin.user_forms import CreateForm, FilterForm, ProfileForm, profile_values
from accounts.admin.user_verbs import USER_VERBS
from accounts.admin.verbs import Verb
from accounts.errors import AccountsError, Conflict, Invalid, NotFound, VersionConflict
from accounts.filters import USER_ORDERS, AuditFilter, UserFilter
from accounts.models import AuditEvent, Membership, Organization, Role, Session, User
from accounts.models.factors import has_second_factor
from accounts.models.users import PROFILE_FIELDS, UserQuerySet
from accounts.operations.organizations import membership_add
from accounts.operations.users import user_create, user_update
from accounts.pagination import Order, page_of
from accounts.serializers.base import output
from accounts.serializers.users import UserOutput, roles_of

__all__ = ["TABS", "Tab", "UserAdmin"]

ALL_ORDERS = {"created_at": USER_ORDERS["created_at"]}
"""What runs along an index over every organization."""
TAB = 25
SHOWN = ("email", "username", *PROFILE_FIELDS, "tags", "metadata")


@dataclass(frozen=True)
class Tab:
    """A tab of the person's page that another room adds, what it wants to be read, and what its form does."""

    word: str
    label: str
    reading: Action
    writing: Action
    view: "Callable[[UserAdmin, HttpRequest, str], HttpResponseBase]"


TABS: Final[list[Tab]] = []
"""Filled at start."""


@admin.register(User, site=site)
class UserAdmin(HouseAdmin):
    """People."""

    reading = Action.USER_SHOW
    plural = "People"
    lead = "Everybody with an account, and what they may do."
    empty = "Nobody here yet. Make the first account."
    columns = (
        ("Person", "name"),
        ("Status", ""),
        ("Organization", ""),
        ("Roles", ""),
        ("Last seen", "last_sign_in_at"),
        ("Created", "created_at"),
    )
    orders = USER_ORDERS
    lists_all = True
    filter_form = FilterForm
    verbs: ClassVar[dict[str, Verb]] = USER_VERBS
    writes = {"add": Action.USER_CREATE, "change": Action.USER_UPDATE, "memberships": Action.MEMBERSHIP_ADD}
    detail_template = "person_profile.html"

    def visible(self, actor: Actor) -> UserQuerySet:
        """Give the accounts that exist for the actor."""
        return User.objects.visible_to(actor)

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch roles, tags and organization along with each."""
        return cast("UserQuerySet", rows).with_shown()

    def sortable(self, scope: Scope) -> dict[str, Order]:
        """Give the orders that run along an index."""
        return USER_ORDERS if scope.organization else ALL_ORDERS

    def listing(self, actor: Actor, scope: Scope, asked: Narrowing) -> Listing:
        """Give who is wanted, the best fit first where something is searched for."""
        wanted = UserFilter.build(asked.words)
        rows = self.visible(actor)
        if scope.organization:
            rows = rows.filter(organization_id=scope.organization.pk)
        rows = wanted.apply(rows)
        bound = f"{scope.name} {wanted.scope}"
        if wanted.search and not asked.order:
            return Listing(rows.ranked(wanted.search), Order("rank"), bound)
        order = Order.parse(asked.order or self.default_order, self.sortable(scope))
        return Listing(rows, order, bound)

    def matching(self, actor: Actor, source: QueryDict) -> models.QuerySet[Any]:
        """Give everybody who matches the filter of the list."""
        wanted = UserFilter.parse(source.get("matching", ""))
        rows = self.visible(actor)
        if named := source.get("org", ""):
            organization = Organization.objects.visible_to(actor).named(named).first()
            if organization is None:
                raise NotFound("Organization not found.")
            rows = rows.filter(organization=organization)
        return wanted.apply(rows)

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show a person."""
        facts = output(UserOutput, row)
        roles = [role for role in facts["roles"] if role != "member"] or ["member"]
        return [
            Cell(
                row.display_name or row.username or row.email or row.public_id,
                url=self.url("change", row.public_id),
                note=row.email or "",
                copy=row.public_id,
                tags=facts["tags"],
            ),
            status_cell(row),
            Cell(row.organization.name),
            Cell(", ".join([*(["super-user"] if row.is_superuser else []), *roles])),
            since(row.last_sign_in_at),
            date(row.created_at),
        ]

    def named(self, row: Any) -> Cell:
        """Call people by their name."""
        name = row.display_name or row.username or row.email or row.public_id
        return Cell(name, note=row.email or "", url=self.url("change", row.public_id))

    def place(self, row: Any) -> str:
        """Go back to the person."""
        return self.url("change", row.public_id)

    def tools(self, actor: Actor) -> list[Link]:
        """Offer a new account."""
        return [Link("Add a person", self.url("add"))] if organization_choices(actor, Action.USER_CREATE) else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new account, and the tabs."""
        return [
            ("add/", self.create_view, "add"),
            ("<str:public_id>/memberships/", self.memberships_view, "memberships"),
            ("<str:public_id>/sessions/", self.sessions_view, "sessions"),
            ("<str:public_id>/audit/", self.audit_view, "audit"),
            *((f"<str:public_id>/{tab.word}/", MethodType(tab.view, self), tab.word) for tab in TABS),
        ]

    def attempted(self, request: HttpRequest) -> Action | None:
        """Say what a request is to do, those to other rooms' tabs included."""
        match = request.resolver_match
        word = (match.url_name or "").rpartition("_")[2] if match and request.method == "POST" else ""
        return super().attempted(request) or next((tab.writing for tab in TABS if tab.word == word), None)

    # --- the person -----------------------------------------------------------------------

    def person(self, request: HttpRequest, public_id: str, tab: str) -> tuple[User, dict[str, Any]]:
        """Find a person, with what stands above every tab."""
        actor = actor_of(request)
        user: User = self.found(actor, public_id)
        verbs = self.verb_links(actor, user)
        tabs = [
            Link(label, self.url(name, user.public_id), is_here=name == tab)
            for name, label, action in (
                ("change", "Profile", Action.USER_SHOW),
                ("memberships", "Memberships", Action.MEMBERSHIP_LIST),
                ("sessions", "Sessions", Action.SESSION_LIST),
                ("audit", "Audit trail", Action.AUDIT_LIST),
                *((tab.word, tab.label, tab.reading) for tab in TABS),
            )
            if self.may_read(actor, action, user)
        ]
        context = {
            "title": self.named(user).text,
            "person": user,
            "facts": output(UserOutput, user),
            "status": status_cell(user),
            "last_seen": since(user.last_sign_in_at),
            "has_second_factor": has_second_factor(user),
            "tabs": tabs,
            "verbs": verbs,
        }
        return user, context

    def may_read(self, actor: Actor, action: Action, user: User) -> bool:
        """Say whether a tab is for this actor."""
        own = user.pk == actor.user_id and action in SELF_ACTIONS
        return own or actor.holds(action, user.organization_id)

    def require_reading(self, actor: Actor, action: Action, user: User) -> None:
        """Refuse a tab that is not for this actor.

        :raises NotAllowed: naming the missing permission
        """
        if not self.may_read(actor, action, user):
            raise policy.missing(action)

    @answering
    def detail_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw the profile, and change it through the operation."""
        actor = actor_of(request)
        user, context = self.person(request, public_id, "change")
        own_only = user.pk == actor.user_id and not actor.holds(Action.USER_UPDATE, user.organization_id)
        if request.method != "POST":
            form = ProfileForm(initial=profile_values(user), own_profile_only=own_only)
            if not policy.may(actor, Action.USER_UPDATE, user):
                context["profile"] = [(str(form[name].label), form[name].value() or "—") for name in SHOWN]
                return self.render(request, "person_profile.html", context)
            return self.render(request, "person_profile.html", {**context, "form": form})
        form = ProfileForm(request.POST, initial=profile_values(user), own_profile_only=own_only)
        meanwhile: list[tuple[str, str]] = []
        if form.is_valid():
            try:
                changed = user_update(
                    actor=actor,
                    user=user,
                    changes=form.changes,
                    skip_verification=form.cleaned_data.get("skip_verification", False),
                    reason=form.cleaned_data["reason"],
                    expected_version=form.cleaned_data["version"],
                )
            except VersionConflict:
                now = profile_values(self.found(actor, public_id))
                data, meanwhile = form.overtaken(now)
                form = ProfileForm(data, initial=now, own_profile_only=own_only)
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                same = changed.version == form.cleaned_data["version"]
                messages.success(request, "Nothing was changed." if same else "The profile is saved.")
                return redirect(self.place(user))
        return self.render(
            request,
            "person_profile.html",
            {**context, "form": form, "meanwhile": meanwhile},
            status=409 if meanwhile else 422,
        )

    @answering
    def memberships_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw where the person belongs and with which roles; give another."""
        actor = actor_of(request)
        user, context = self.person(request, public_id, "memberships")
        self.require_reading(actor, Action.MEMBERSHIP_LIST, user)
        organizations = organization_choices(actor, Action.MEMBERSHIP_ADD)
        roles = grantable_roles(actor, organizations)
        form = GiveRoleForm(request.POST or None, organizations=organizations, roles=roles)
        if request.method == "POST" and form.is_valid():
            organization = next(entry for entry in organizations if entry.slug == form.cleaned_data["organization"])
            try:
                membership_add(
                    actor=actor,
                    organization=organization,
                    user=user,
                    roles=["member", form.cleaned_data["role"]],
                    reason=form.cleaned_data["reason"],
                )
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                messages.success(request, f"{context['title']} is {form.cleaned_data['role']} of {organization.name}.")
                return redirect(self.url("memberships", user.public_id))
        elif request.method == "POST" and not organizations:
            raise policy.missing(Action.MEMBERSHIP_ADD)
        theirs = Membership.objects.visible_to(actor).filter(user=user).with_shown().order_by("created_at", "id")
        membership_admin = cast("HouseAdmin", self.admin_site.get_model_admin(Membership))
        rows = [
            TableRow(
                [
                    Cell(entry.organization.name, note="home" if entry.is_home else "guest", copy=entry.public_id),
                    Cell(", ".join(roles_of(entry))),
                    date(entry.created_at),
                ],
                links=membership_admin.verb_links(actor, entry),
            )
            for entry in theirs[:TAB]
        ]
        columns = [Column("Organization"), Column("Roles"), Column("Since")]
        table = Table("Memberships", columns, rows, "Belongs nowhere that you can see.")
        context |= {"table": table, "form": form if organizations else None}
        return self.render(request, "person_memberships.html", context, status=422 if form.errors else 200)

    @answering
    def sessions_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw where the person is signed in."""
        actor = actor_of(request)
        user, context = self.person(request, public_id, "sessions")
        self.require_reading(actor, Action.SESSION_LIST, user)
        session_admin = cast("HouseAdmin", self.admin_site.get_model_admin(Session))
        visible = Session.objects.visible_to(actor).filter(user=user).select_related("user")
        sessions = list(visible.order_by("-created_at", "-id")[:TAB])
        names = impersonators(actor, sessions)
        rows = [
            TableRow(
                [
                    device_cell(session, names),
                    badge("live" if session.is_live else "ended",
                          note="this one" if session.pk == actor.session_id else ""),
                    Cell(session.ip or "—"),
                    Cell(moment(session.created_at)),
                    since(session.last_active_at),
                ],
                links=session_admin.verb_links(actor, session),
            )
            for session in sessions
        ]  # fmt: skip
        columns = [Column("Device"), Column("State"), Column("Address"), Column("Since"), Column("Last active")]
        context["table"] = Table("Sessions", columns, rows, "Not signed in anywhere, and never was.")
        return self.render(request, "person_sessions.html", context)

    @answering
    def audit_view(self, request: HttpRequest, public_id: str) -> HttpResponseBase:
        """Draw what was done to the person."""
        actor = actor_of(request)
        user, context = self.person(request, public_id, "audit")
        self.require_reading(actor, Action.AUDIT_LIST, user)
        audit_admin = cast("HouseAdmin", self.admin_site.get_model_admin(AuditEvent))
        events = AuditFilter(subject_id=user.pk).apply(AuditEvent.objects.visible_to(actor))
        page = page_of(
            events.prefetch_related("parts"),
            Order("occurred_at", descending=True),
            limit=TAB,
            cursor=request.GET.get("cursor", ""),
            scope=user.public_id,
        )
        rows = [TableRow(cells) for cells in audit_admin.cells_of(actor, page.rows)]
        columns = [Column(label) for label, _ in audit_admin.columns]
        context |= {
            "table": Table("Audit trail", columns, rows, "Nothing was done to this account yet."),
            "next": f"?cursor={page.next_cursor}" if page.next_cursor else "",
            "previous": f"?cursor={page.previous_cursor}" if page.previous_cursor else "",
        }
        return self.render(request, "person_audit.html", context)

    # --- a new account --------------------------------------------------------------------

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Make an account through the operation."""
        actor = actor_of(request)
        organizations = organization_choices(actor, Action.USER_CREATE)
        if not organizations:
            raise policy.missing(Action.USER_CREATE)
        home_slug = next((entry.slug for entry in organizations if entry.pk == actor.organization_id), None)
        form = CreateForm(
            request.POST or None,
            organizations=organizations,
            roles=grantable_roles(actor, organizations),
            initial={"organization": home_slug},
        )
        if request.method == "POST" and form.is_valid():
            organization = next(entry for entry in organizations if entry.slug == form.cleaned_data["organization"])
            try:
                user = user_create(actor=actor, organization=organization, **form.arguments())
            except (Invalid, Conflict) as refusal:
                form.refuse(refusal)
            else:
                return self._created(request, user, form.secret)
        context = {
            "title": "Add a person",
            "form": form,
            "button": "Add the person",
            "back": self.url("changelist"),
            "lead": "An account in one organization. It can be a guest of others later.",
        }
        return self.render(request, "form.html", context, status=422 if form.errors else 200)

    def _created(self, request: HttpRequest, user: User, secret: str) -> HttpResponseBase:
        if not secret:
            messages.success(request, f"{self.named(user).text} has an account.")
            return redirect(self.place(user))
        context = {"title": "Copy the password now", "secret": secret, "name": self.named(user).text}
        return self.render(request, "secret.html", {**context, "back": self.place(user)})


def status_cell(user: User) -> Cell:
    """Show the status as judged now, with its end and why."""
    status = user.current_status
    until = user.status_until if status == user.status else None
    note = f"until {moment(until)}" if until else user.status_reason if status == user.status else ""
    return badge(str(status), note=note)


def grantable_roles(actor: Actor, organizations: list[Organization]) -> list[str]:
    """List the roles that the actor may give in one of the organizations, the weakest first."""

    def may_give(role: Role) -> bool:
        for organization in organizations[:1] if actor.everything else organizations:
            try:
                policy.require_grantable(actor, role, organization)
            except AccountsError:
                continue
            return True
        return False

    order = ("member", "moderator", "admin", "owner")
    roles = {role.slug: role for role in Role.objects.built_in()}
    return [slug for slug in order if slug == "member" or may_give(roles[slug])]
