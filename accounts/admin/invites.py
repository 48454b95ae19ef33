"""Invites: made with a look at the letter first, listed with what became of them, sent again, revoked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, cast

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from accounts import mail, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.admin.base import HouseAdmin, Listing, Narrowing, Scope, View, actor_of, answering, organization_choices
from accounts.admin.look_ahead import RolesField
from accounts.admin.site import site
from accounts.admin.start import PANELS
from accounts.admin.tables import Cell, Column, Link, Table, TableRow, badge, date, moment
from accounts.admin.users import Tab, UserAdmin
from accounts.admin.verbs import EndField, HouseForm, ReasonForm, Verb, called_on
from accounts.claims import read
from accounts.errors import AccountsError, Conflict, Invalid, NotFound
from accounts.models import ClaimDefinition, Invite, InviteStatus, Organization
from accounts.models.invites import InviteQuerySet
from accounts.operations.base import rolled_back
from accounts.operations.invites import user_invite, user_resend_invite, user_revoke_invite
from accounts.pagination import Order

__all__ = ["INVITES", "InviteAdmin", "invites_panel"]

SHOWN: Final = 5
TAB: Final = 50
QUIET: Final = {"autocomplete": "off", "spellcheck": "false"}
PROFILE: Final = ("name", "locale", "zoneinfo")


class InviteFilterForm(forms.Form):
    """What became of them."""

    status = forms.ChoiceField(
        required=False, choices=(("", "Any"), *((str(status), status.capitalize()) for status in InviteStatus))
    )


class InviteForm(HouseForm):
    """Whom, and what they are given."""

    organization = forms.ChoiceField()
    email = forms.CharField(
        label="E-mail",
        max_length=254,
        required=False,
        help_text="They get a letter, and their account waits for them. Empty: an open link, shown once.",
        widget=forms.TextInput(attrs=QUIET),
    )
    name = forms.CharField(max_length=200, required=False, widget=forms.TextInput(attrs=QUIET))
    locale = forms.CharField(
        label="Language",
        max_length=35,
        required=False,
        help_text="Such as en or de: the letter is in it too.",
        widget=forms.TextInput(attrs=QUIET),
    )
    zoneinfo = forms.CharField(
        label="Time zone",
        max_length=64,
        required=False,
        help_text="Such as Europe/Berlin.",
        widget=forms.TextInput(attrs=QUIET),
    )
    roles = RolesField(
        required=False,
        help_text="Everybody is a member. Type a few letters of a name, or application/role; you can give what you "
        "may do yourself.",
    )
    claims = forms.CharField(
        max_length=10_000,
        required=False,
        help_text="One a line, such as department=Sales.",
        widget=forms.Textarea(attrs={"rows": 3, **QUIET}),
    )
    tags = forms.CharField(
        max_length=7_000, required=False, help_text="Separated by commas.", widget=forms.TextInput(attrs=QUIET)
    )
    message = forms.CharField(
        max_length=1_000,
        required=False,
        help_text="Stands in the letter, as you write it.",
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    expires_at = EndField(
        label="Until", help_text="7d, or a day such as 2026-12-31; at most 90 days. Empty: as the organization has it."
    )
    max_uses = forms.IntegerField(
        label="How many may use an open link", min_value=1, max_value=10_000, required=False, help_text="Empty: one."
    )
    print_link = forms.BooleanField(label="Show the link here and send no letter", required=False)
    reason = forms.CharField(
        max_length=500, required=False, help_text="Kept in the audit trail.", widget=forms.TextInput(attrs=QUIET)
    )

    def __init__(self, data: Any = None, *, organizations: Sequence[Organization], **options: Any) -> None:
        super().__init__(data, **options)
        self.offer_organizations(organizations)

    def refuse(self, refusal: AccountsError) -> None:
        """Show why an operation refused, what it says of roles with what to do about it."""
        if "roles" in refusal.fields:
            self.add_error("roles", f"{refusal.message} {refusal.remedy}")
        else:
            super().refuse(refusal)

    def arguments(self, actor: Actor, organization: Organization) -> dict[str, Any]:
        """Give the arguments of the operation.

        :raises Invalid: if a claim is not written as one
        :raises NotFound: if there is no such claim
        """
        values = self.cleaned_data
        return {
            "organization": organization,
            "email": values["email"] or None,
            "profile": {field: values[field] for field in PROFILE if values[field]},
            "roles": values["roles"],
            "claims": [_claim(actor, organization, line) for line in _parts(values["claims"], "\n")],
            "tags": _parts(values["tags"], ","),
            **{name: values[name] for name in ("message", "expires_at", "max_uses", "print_link", "reason")},
        }


def _parts(text: str, separator: str) -> list[str]:
    return [part.strip() for part in text.split(separator) if part.strip()]


def _claim(actor: Actor, organization: Organization, line: str) -> tuple[ClaimDefinition, Any]:
    name, equals, value = line.partition("=")
    if not (name.strip() and equals):
        raise Invalid("A claim is not NAME=VALUE.", fields={"claims": "each line is NAME=VALUE"})
    visible = ClaimDefinition.objects.visible_to(actor).filter(organization=organization)
    definition = visible.named(name.strip()).first()
    if definition is None:
        raise Invalid("A claim does not exist.", fields={"claims": f"there is no claim {name.strip()[:100]!r}"})
    try:
        return definition, read(definition.type, value.strip())
    except Invalid as refusal:
        raise Invalid(refusal.message, fields={"claims": f"the value of {definition.word} is not JSON"}) from None


class LinkForm(ReasonForm):
    """A reason, and the link that comes of it."""

    def arguments(self) -> dict[str, Any]:
        """Take the link, to be shown once."""
        return {**super().arguments(), "taken": self._take}

    def _take(self, link: str) -> None:
        self.secret = link


def _new_link(actor: Actor, invite: Invite, *, taken: Callable[[str], None], reason: str) -> None:
    taken(user_resend_invite(actor=actor, invite=invite, print_link=True, reason=reason).link)


@admin.register(Invite, site=site)
class InviteAdmin(HouseAdmin):
    """Invites."""

    reading = Action.USER_INVITES
    plural = "Invites"
    lead = "How people come in: a letter to one address, or an open link for whoever holds it."
    empty = "Nobody was invited yet."
    columns = (("For", ""), ("Status", ""), ("Letter", ""), ("Roles", ""), ("Uses", ""), ("By", ""),
               ("Made", "created_at"))  # fmt: skip
    filter_form = InviteFilterForm
    writes = {"add": Action.USER_INVITE}
    verbs: ClassVar[dict[str, Verb]] = {
        "resend": Verb(
            action=Action.USER_RESEND_INVITE,
            label="Send again",
            done="is sent again",
            summary="Send the letter again with a new link, for the usual time from now. The old link dies.",
            call=called_on("invite", user_resend_invite),
            fits=lambda invite: not invite.is_open and invite.status in {InviteStatus.PENDING, InviteStatus.EXPIRED},
        ),
        "link": Verb(
            action=Action.USER_RESEND_INVITE,
            label="New link",
            done="has a new link",
            summary="Show a new link, once, for the usual time from now, and send no letter. The old link dies.",
            call=_new_link,
            form=LinkForm,
            takes_many=False,
            fits=lambda invite: invite.is_open and invite.status in {InviteStatus.PENDING, InviteStatus.EXPIRED},
        ),
        "revoke": Verb(
            action=Action.USER_REVOKE_INVITE,
            label="Revoke",
            done="is revoked",
            summary="Revoke an invite, at once and for good. The account that waits for it is archived.",
            call=called_on("invite", user_revoke_invite),
            is_grave=True,
            fits=lambda invite: invite.status in {InviteStatus.PENDING, InviteStatus.EXPIRED},
        ),
    }

    def listing(self, actor: Actor, scope: Scope, asked: Narrowing) -> Listing:
        """Give the invites of one status, or all."""
        words = dict(asked.words)
        status = words.pop("status", "")
        if status and status not in set(InviteStatus):
            raise Invalid(f"An invite is never {status!r}.", remedy=f"One of: {', '.join(InviteStatus)}.")
        listing = super().listing(actor, scope, Narrowing(words, asked.order, asked.cursor))
        rows = cast("InviteQuerySet", listing.rows)
        order = Order.parse(asked.order or self.default_order, self.orders)
        return Listing(rows.in_status(status) if status else rows, order, f"{scope.name} {status}")

    def fetched(self, rows: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Fetch roles, account and letter along with each."""
        return cast("InviteQuerySet", rows).with_shown()

    def cells(self, actor: Actor, row: Any) -> list[Cell]:
        """Show an invite: never its secret."""
        roles = sorted(entry.role.full_slug for entry in row.roles.all())
        return [
            whom(actor, row),
            badge(row.status, note=f"until {moment(row.expires_at)}" if row.status == InviteStatus.PENDING else ""),
            badge(row.letter.state, note=row.letter.last_error) if row.letter else Cell("—"),
            Cell(", ".join(role for role in roles if role != "member") or "member"),
            Cell(f"{row.uses} of {row.max_uses}"),
            Cell(row.inviter_name),
            date(row.created_at),
        ]

    def links(self, actor: Actor, row: Any) -> list[Link]:
        """Offer what leads on from here."""
        return [
            Link(verb.label, f"{self.url('verb', word)}?selected={row.public_id}", is_grave=verb.is_grave)
            for word, verb in self.verbs.items()
            if verb.fits(row) and actor.holds(verb.action, row.organization_id)
        ]

    def named(self, row: Any) -> Cell:
        """Call an invite by whom it is for."""
        return Cell(row.email or ("Open link" if row.is_open else row.public_id), note=row.organization.name)

    def tools(self, actor: Actor) -> list[Link]:
        """Offer a new invite."""
        return [Link("Invite somebody", self.url("add"))] if organization_choices(actor, Action.USER_INVITE) else []

    def more_routes(self) -> list[tuple[str, View, str]]:
        """Add the form of a new invite."""
        return [("add/", self.create_view, "add")]

    @answering
    def create_view(self, request: HttpRequest) -> HttpResponseBase:
        """Invite through the operation, or show the letter that it would send; an open link is shown once."""
        actor = actor_of(request)
        organizations = organization_choices(actor, Action.USER_INVITE)
        if not organizations:
            raise policy.missing(Action.USER_INVITE)
        home = next((entry.slug for entry in organizations if entry.pk == actor.organization_id), None)
        form = InviteForm(
            request.POST or None,
            organizations=organizations,
            initial={"organization": home},
        )
        letter: mail.Rendered | None = None
        if request.method == "POST" and form.is_valid():
            organization = next(entry for entry in organizations if entry.slug == form.cleaned_data["organization"])
            try:
                arguments = form.arguments(actor, organization)
                if request.POST.get("step") != "look":
                    return self._made(request, user_invite(actor=actor, **arguments))
                letter = _letter(actor, arguments)
                if letter is None:
                    form.add_error(None, "No letter is sent: the link is shown here.")
            except (Invalid, Conflict, NotFound) as refusal:
                form.refuse(refusal)
        context = {
            "title": "Invite somebody",
            "lead": "What you give here is theirs when they accept.",
            "form": form,
            "letter": letter,
            "back": self.url("changelist"),
        }
        return self.render(request, "invite_form.html", context, status=422 if form.errors else 200)

    def _made(self, request: HttpRequest, made: Any) -> HttpResponseBase:
        if not made.link:
            messages.success(request, f"{made.invite.email} is invited. The letter is on its way.")
            return redirect(self.url("changelist"))
        name = made.invite.email or f"whoever you give it to, {made.invite.max_uses} at most"
        context = {"title": "Copy the link now", "secret": made.link, "name": name, "back": self.url("changelist")}
        return self.render(request, "secret.html", context)


def _letter(actor: Actor, arguments: Mapping[str, Any]) -> mail.Rendered | None:
    """Draw the letter as it would be sent; ``None`` if none would be."""
    with rolled_back():
        made = user_invite(actor=actor, **arguments)
        if made.link or made.invite.user is None:
            return None
        return mail.preview(mail.LETTERS["invite"], made.invite.user)


def whom(actor: Actor, invite: Invite) -> Cell:
    """Show whom an invite is for."""
    user = invite.user
    if user is None:
        asked = invite.email or "Asked by an open link"  # the worker is about to answer
        return Cell("Open link" if invite.is_open else asked, copy=invite.public_id)
    may_open = actor.holds(Action.USER_SHOW, user.organization_id)
    url = reverse("admin:accounts_user_change", args=[user.public_id]) if may_open else ""
    return Cell(invite.email or user.public_id, url=url, note=user.display_name, copy=invite.public_id)


def invites_view(users: UserAdmin, request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Draw the invites that a person was sent."""
    actor = actor_of(request)
    user, context = users.person(request, public_id, "invites")
    users.require_reading(actor, Action.USER_INVITES, user)
    if request.method == "POST":
        raise NotFound("There is nothing to send here.")
    invites = cast("InviteAdmin", users.admin_site.get_model_admin(Invite))
    sent = Invite.objects.visible_to(actor).filter(user=user).with_shown().order_by("-created_at", "-id")[:TAB]
    rows = [TableRow(invites.cells(actor, row), links=invites.links(actor, row)) for row in sent]
    columns = [Column(label) for label, _ in invites.columns]
    table = Table("Invites", columns, rows, "Was never invited: the account was made otherwise.")
    return users.render(request, "person_invites.html", {**context, "table": table})


INVITES: Final = Tab(
    "invites", "Invites", Action.USER_INVITES, Action.USER_INVITE, answering(cast("Any", invites_view))
)


def invites_panel(actor: Actor) -> Table | None:
    """Say which invites wait for an answer, the newest first."""
    if not (actor.everything or actor.organizations_where(Action.USER_INVITES)):
        return None
    pending = Invite.objects.visible_to(actor).pending().select_related("user", "letter")
    rows = [
        TableRow([whom(actor, row), Cell(f"until {moment(row.expires_at)}", note=row.delivery or "")])
        for row in pending.order_by("-created_at", "-id")[:SHOWN]
    ]
    url = f"{reverse('admin:accounts_invite_changelist')}?status=pending"
    return Table("Pending invites", [Column("For"), Column("Until")], rows, "No invite is open.", extra={"url": url})


PANELS.append(invites_panel)
