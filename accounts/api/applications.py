"""``/applications/``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import ReasonInput, Text, Texts, TextsByWord
from accounts.models import Application
from accounts.operations.applications import app_create, app_delete, app_update
from accounts.pagination import Order
from accounts.serializers.applications import ApplicationOutput

__all__ = ["ApplicationViewSet", "DeletedOutput"]


class ApplicationCreateInput(ReasonInput):
    """A new application."""

    organization = Text(required=False, help_text="id or slug; the caller's own if left out")
    slug = Text(max_length=63)
    name = Text(max_length=200)
    description = Text(required=False, allow_blank=True, max_length=500)
    permissions = TextsByWord(required=False, help_text='free words by their meanings: `{"billing.refund": "Refund"}`')


class ApplicationUpdateInput(ReasonInput):
    """A change of an application: what is named, the rest stays."""

    slug = Text(required=False, max_length=63)
    name = Text(required=False, max_length=200)
    description = Text(required=False, allow_blank=True, max_length=500)
    permissions = TextsByWord(required=False, help_text="replaces all")
    add_permissions = TextsByWord(required=False, help_text="adds these, the others stay")
    remove_permissions = Texts(required=False, max_length=500, help_text="removes these")


class DeletedOutput(serializers.Serializer[Any]):
    """What is no more, and what ended with it."""

    id = serializers.CharField()
    ended = serializers.DictField(child=serializers.IntegerField(), help_text="how many of each kind")


class ApplicationViewSet(HouseViewSet):
    """Applications."""

    prefix, thing, shown = "app", "Application", ApplicationOutput
    orders = {"created_at": Order("created_at"), "slug": Order("slug")}
    endpoints = {
        "list": Endpoint(
            name="app_list", reading=Action.APP_LIST, output=ApplicationOutput, paged=True, filters=("org",)
        ),
        "create": Endpoint(
            name="app_create", input=ApplicationCreateInput, output=ApplicationOutput, status=201, repeatable=True
        ),
        "retrieve": Endpoint(name="app_show", reading=Action.APP_LIST, output=ApplicationOutput),
        "partial_update": Endpoint(
            name="app_update", input=ApplicationUpdateInput, output=ApplicationOutput, versioned=True
        ),
        "destroy": Endpoint(name="app_delete", input=ReasonInput, output=DeletedOutput, versioned=True),
    }

    def rows(self) -> Any:
        """Give the applications that exist for the actor."""
        return Application.objects.visible_to(self.actor).with_shown()

    def list(self, request: Request) -> Response:
        """List the applications of an organization, oldest first."""
        applications, scope = self.within(Application.objects.visible_to(self.actor), self.asked, Action.APP_LIST)
        return self.listed(applications, self.asked, scope=scope, fetched=lambda rows: rows.with_shown())

    def create(self, request: Request) -> Response:
        """Make an application."""
        given = self.read()
        organization = self.organization(given.pop("organization", ""))
        return self.once(
            lambda: app_create(actor=self.actor, organization=organization, **given),
            lambda made: self.answered(made.pk, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show an application."""
        return self.answer(self.row(id))

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change what is named."""
        given = self.read()
        application = self.row(id)
        app_update(actor=self.actor, application=application, expected_version=self.expected_version(), **given)
        return self.answered(application.pk)

    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete an application with its roles and claims, for everybody who has them."""
        given = self.read()
        application = self.row(id)
        identifier, version = application.public_id, self.expected_version()
        ended = app_delete(actor=self.actor, application=application, expected_version=version, **given)
        return Response({"id": identifier, "ended": ended})
