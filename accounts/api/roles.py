"""``/roles/`` and ``/permissions/``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.api.applications import DeletedOutput
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import ReasonInput, Text, Texts
from accounts.models import Permission, Role
from accounts.operations.roles import role_create, role_delete, role_update
from accounts.pagination import Order
from accounts.serializers.roles import PermissionOutput, RoleOutput, permissions_shown

__all__ = ["PermissionViewSet", "RoleViewSet"]

MOST = 500
"""How many permissions a role is given at once."""


class RoleCreateInput(ReasonInput):
    """A new role."""

    organization = Text(required=False, help_text="id or slug; the caller's own if left out")
    application = Text(required=False, help_text="id or slug; a role of the organization if left out")
    slug = Text(max_length=63)
    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=500)
    permissions = Texts(required=False, max_length=MOST, help_text="words like `user.show`, or the application's own")


class RoleUpdateInput(ReasonInput):
    """A change of a role: what is named, the rest stays."""

    slug = Text(required=False, max_length=63)
    name = Text(required=False, max_length=200)
    description = Text(required=False, allow_blank=True, max_length=500)
    permissions = Texts(required=False, max_length=MOST, help_text="replaces all")
    add_permissions = Texts(required=False, max_length=MOST, help_text="adds these, the others stay")
    remove_permissions = Texts(required=False, max_length=MOST, help_text="removes these")


class RoleViewSet(HouseViewSet):
    """Roles."""

    prefix, thing, shown = "rol", "Role", RoleOutput
    orders = {"created_at": Order("created_at"), "slug": Order("slug")}
    endpoints = {
        "list": Endpoint(
            name="role_list", reading=Action.ROLE_LIST, output=RoleOutput, paged=True, filters=("org", "app")
        ),
        "create": Endpoint(name="role_create", input=RoleCreateInput, output=RoleOutput, status=201, repeatable=True),
        "retrieve": Endpoint(name="role_show", reading=Action.ROLE_LIST, output=RoleOutput),
        "partial_update": Endpoint(name="role_update", input=RoleUpdateInput, output=RoleOutput, versioned=True),
        "destroy": Endpoint(name="role_delete", input=ReasonInput, output=DeletedOutput, versioned=True),
    }

    def rows(self) -> Any:
        """Give the roles that exist for the actor."""
        return Role.objects.visible_to(self.actor).with_shown()

    def list(self, request: Request) -> Response:
        """List the roles of an organization, oldest first: the four built-in ones, its own, its applications'."""
        organization = self.organization(self.asked.get("org", ""))
        self.require_in(organization.pk, Action.ROLE_LIST)
        application = self.application(organization, self.asked.get("app", ""))
        roles = Role.objects.visible_to(self.actor).of(organization.pk)
        scope = organization.public_id
        if application is not None:
            roles, scope = roles.filter(application=application), application.public_id
        return self.listed(roles, self.asked, scope=scope, fetched=lambda rows: rows.with_shown())

    def create(self, request: Request) -> Response:
        """Make a role of an organization or of an application."""
        given = self.read()
        organization = self.organization(given.pop("organization", ""))
        application = self.application(organization, given.pop("application", ""))
        return self.once(
            lambda: role_create(actor=self.actor, organization=organization, application=application, **given),
            lambda made: self.answered(made.pk, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show a role and what it permits."""
        return self.answer(self.row(id))

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change what is named; it counts at once, for everybody who has the role."""
        given = self.read()
        role = self.row(id)
        role_update(actor=self.actor, role=role, expected_version=self.expected_version(), **given)
        return self.answered(role.pk)

    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete a role, which ends it for everybody who has it."""
        given = self.read()
        role = self.row(id)
        identifier, version = role.public_id, self.expected_version()
        ended = role_delete(actor=self.actor, role=role, expected_version=version, **given)
        return Response({"id": identifier, "ended": ended})


class PermissionListOutput(serializers.Serializer[Any]):
    """Every word that a role of the organization can hold."""

    data = PermissionOutput(many=True)  # type: ignore[assignment]


class PermissionViewSet(HouseViewSet):
    """Permissions: read here, defined by applications."""

    endpoints = {
        "list": Endpoint(
            name="permission_list", reading=Action.ROLE_LIST, output=PermissionListOutput, filters=("org", "app")
        ),
    }

    def rows(self) -> Any:
        """Give the free words that exist for the actor."""
        return Permission.objects.visible_to(self.actor)

    def list(self, request: Request) -> Response:
        """List the service's own words and those that applications define; of one application its own alone."""
        organization = self.organization(self.asked.get("org", ""))
        self.require_in(organization.pk, Action.ROLE_LIST)
        application = self.application(organization, self.asked.get("app", ""))
        rows = Permission.objects.visible_to(self.actor).listed_of(organization, application)
        return Response({"data": permissions_shown(rows, own=application is None)})
