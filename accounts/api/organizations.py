"""``/organizations/`` and ``/memberships/``."""

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import ids
from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Duration, Number, ReasonInput, Text, Texts
from accounts.errors import NotFound
from accounts.mail import LANGUAGES
from accounts.models import Membership, Organization, User
from accounts.operations.organizations import (
    ORGANIZATION_TRANSITIONS,
    membership_add,
    membership_remove,
    org_activate,
    org_archive,
    org_create,
    org_suspend,
    org_update,
)
from accounts.pagination import Order
from accounts.serializers.organizations import MembershipOutput, OrganizationOutput

__all__ = ["MembershipViewSet", "OrganizationViewSet"]


CHOICES = ", ".join(f"`{language}`" for language in LANGUAGES)


class OrganizationCreateInput(ReasonInput):
    """A new organization."""

    slug = Text(max_length=63)
    name = Text(max_length=200)


class OrganizationUpdateInput(ReasonInput):
    """A change of an organization: what is named."""

    slug = Text(required=False, max_length=63)
    name = Text(required=False, max_length=200)
    language = Text(required=False, max_length=35, help_text=f"of letters, where a person has none: {CHOICES}")
    invite_days = Number(required=False, help_text="how long invites live: 1 to 90 days")
    second_factor = Text(
        required=False, max_length=8, help_text="who is to have one: `optional`, `admins` or `required` (everybody)"
    )
    mail_codes = Text(
        required=False, max_length=8, help_text="codes by mail as a second factor: `refused` or `allowed`"
    )
    impersonation_max = Duration(required=False, help_text="how long somebody may act as another person: `1m` to `24h`")


class OrganizationViewSet(HouseViewSet):
    """Organizations."""

    prefix, thing, shown = "org", "Organization", OrganizationOutput
    orders = {"created_at": Order("created_at"), "slug": Order("slug")}
    endpoints = {
        "list": Endpoint(name="org_list", reading=Action.ORG_LIST, output=OrganizationOutput, paged=True),
        "create": Endpoint(
            name="org_create", input=OrganizationCreateInput, output=OrganizationOutput, status=201, repeatable=True
        ),
        "retrieve": Endpoint(name="org_show", reading=Action.ORG_SHOW, output=OrganizationOutput),
        "partial_update": Endpoint(
            name="org_update", input=OrganizationUpdateInput, output=OrganizationOutput, versioned=True
        ),
        **{
            word: Endpoint(
                name=f"org_{word}", input=ReasonInput, output=OrganizationOutput, versioned=True, repeatable=True
            )
            for word in ORGANIZATION_TRANSITIONS
        },
    }

    def require(self, action: Action) -> None:
        """Let people see the organizations that they belong to; a key needs the scope."""
        if self.actor.user_id is None:
            super().require(action)

    def rows(self) -> Any:
        """Give the organizations that exist for the actor."""
        return Organization.objects.visible_to(self.actor)

    def list(self, request: Request) -> Response:
        """List the organizations that one belongs to, oldest first; super-users see all."""
        return self.listed(self.rows(), self.asked, scope="")

    def create(self, request: Request) -> Response:
        """Make an organization."""
        given = self.read()
        return self.once(
            lambda: org_create(actor=self.actor, **given),
            lambda made: self.answer(made, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show an organization."""
        return self.answer(self.row(id))

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change what is named."""
        given = self.read()
        expected = self.expected_version()
        return self.answer(org_update(actor=self.actor, organization=self.row(id), expected_version=expected, **given))

    @action(detail=True, methods=["post"])
    def suspend(self, request: Request, id: str) -> Response:  # noqa: A002
        """Stop everybody of an organization, and its keys, until it is activated."""
        return self._status(id, org_suspend)

    @action(detail=True, methods=["post"])
    def activate(self, request: Request, id: str) -> Response:  # noqa: A002
        """Let an organization's people sign in again."""
        return self._status(id, org_activate)

    @action(detail=True, methods=["post"])
    def archive(self, request: Request, id: str) -> Response:  # noqa: A002
        """Put an organization away."""
        return self._status(id, org_archive)

    def _status(self, identifier: str, operation: Any) -> Response:
        given = self.read()
        organization = self.row(identifier)
        return self.once(
            lambda: operation(
                actor=self.actor,
                organization=organization,
                reason=given["reason"],
                expected_version=self.expected_version(),
            ),
            self.answer,
            self.answered,
        )


class MembershipCreateInput(ReasonInput):
    """A guest, or more roles for a member."""

    organization = Text(required=False, help_text="id or slug; the caller's own if left out")
    user = Text(help_text="the user's id")
    roles = Texts(required=False, max_length=20)


class MembershipViewSet(HouseViewSet):
    """Memberships."""

    prefix, thing, shown = "mem", "Membership", MembershipOutput
    endpoints = {
        "list": Endpoint(
            name="membership_list",
            reading=Action.MEMBERSHIP_LIST,
            output=MembershipOutput,
            paged=True,
            filters=("org",),
        ),
        "create": Endpoint(
            name="membership_add", input=MembershipCreateInput, output=MembershipOutput, status=201, repeatable=True
        ),
        "retrieve": Endpoint(name="membership_show", reading=Action.MEMBERSHIP_LIST, output=MembershipOutput),
        "destroy": Endpoint(name="membership_remove", input=ReasonInput, status=204),
    }

    def rows(self) -> Any:
        """Give the memberships that exist for the actor."""
        return Membership.objects.visible_to(self.actor).with_shown()

    def list(self, request: Request) -> Response:
        """List the members of an organization, guests too."""
        members, scope = self.within(Membership.objects.visible_to(self.actor), self.asked, Action.MEMBERSHIP_LIST)
        return self.listed(members, self.asked, scope=scope, fetched=lambda rows: rows.with_shown())

    def create(self, request: Request) -> Response:
        """Make somebody a guest, or give a member more roles."""
        given = self.read()
        organization = self.organization(given.get("organization", ""))
        user = self._user(given["user"])
        return self.once(
            lambda: membership_add(
                actor=self.actor,
                organization=organization,
                user=user,
                roles=given.get("roles", ["member"]),
                reason=given["reason"],
            ),
            lambda made: self.answered(made.pk, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def _user(self, text: str) -> User:
        identifier = ids.decode("usr", text)
        found = User.objects.visible_to(self.actor).filter(pk=identifier).first() if identifier else None
        if found is None:
            raise NotFound("User not found.")
        return found

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002
        """Show a membership."""
        return self.answer(self.row(id))

    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        """End a guest's membership."""
        given = self.read()
        membership_remove(actor=self.actor, membership=self.row(id), reason=given["reason"])
        return Response(status=204)
