"""``/users/{id}/export/``, ``/personal-data/exports/``."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.views.decorators.http import require_safe
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.models import User
from gdpr.api.duties import AnswerInput
from gdpr.models import Export
from gdpr.operations.copies import Scope
from gdpr.operations.exports import export_file_name, export_read, user_export_fetch, user_export_request
from gdpr.operations.renderings import FORMATS, export_schema
from gdpr.operations.requests import request_named
from gdpr.serializers.exports import ExportOutput

__all__ = ["ExportViewSet", "UserExportViewSet", "schema"]


@cache
def _schema() -> dict[str, Any]:
    return export_schema()


@require_safe
def schema(request: HttpRequest) -> JsonResponse:
    """Answer with what describes the JSON of an export; there is nothing secret in it."""
    return JsonResponse(_schema())


class ExportInput(AnswerInput):
    """How much, and as what."""

    scope = serializers.ChoiceField(
        list(Scope), required=False, default=str(Scope.ACCESS), help_text="everything, or what the person provided"
    )
    format = serializers.ChoiceField(FORMATS, required=False, default="zip")


class UserExportViewSet(HouseViewSet):
    """The verb ``export`` on a user."""

    prefix, thing, shown = "usr", "User", ExportOutput
    endpoints = {
        "export": Endpoint(
            name="user_export_request",
            input=ExportInput,
            output=ExportOutput,
            status=202,
            is_accepted=True,
            repeatable=True,
        ),
    }

    def rows(self) -> Any:
        """Give the accounts that exist for the actor."""
        return User.objects.visible_to(self.actor)

    def export(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Have everything that is held about a person made into a file, to be fetched for 72 hours."""
        given = self.read()
        user = self.row(id)
        answers = request_named(actor=self.actor, named=given["request"])
        exports = Export.objects.visible_to(self.actor).select_related("organization", "user")
        return self.once(
            lambda: user_export_request(
                actor=self.actor,
                user=user,
                scope=given["scope"],
                form=given["format"],
                reason=given["reason"],
                request=answers,
            ),
            lambda made: self.answer(made, status=202),
            lambda identifier: self.answer(self._present(exports.filter(pk=identifier).first()), status=202),
        )


class FileRenderer(JSONRenderer):
    """Lets a client ask for the file; what is rendered is a refusal."""

    media_type = "application/octet-stream"


class ExportViewSet(HouseViewSet):
    """Exports."""

    prefix, thing, shown = "exp", "Export", ExportOutput
    endpoints = {
        "list": Endpoint(
            name="export_list", reading=Action.USER_EXPORT, output=ExportOutput, paged=True, filters=("org",)
        ),
        "retrieve": Endpoint(name="export_show", reading=Action.USER_EXPORT, output=ExportOutput),
        "download": Endpoint(name="user_export_fetch", reading=Action.USER_EXPORT, is_file=True),
    }

    def rows(self) -> Any:
        """Give the exports that exist for the actor."""
        return Export.objects.visible_to(self.actor).select_related("organization", "user")

    def get_renderers(self) -> list[BaseRenderer]:
        """Offer the file too, where there is one."""
        return [*super().get_renderers(), *([FileRenderer()] if self.action == "download" else [])]

    def list(self, request: Request) -> Response:
        """List the exports of an organization's people, oldest first."""
        exports, scope = self.within(self.rows(), self.asked, Action.USER_EXPORT)
        return self.listed(exports, self.asked, scope=scope)

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002
        """Show an export: how far it is, and until when it can be fetched."""
        return self.answer(self.row(id))

    @action(detail=True, methods=["get"])
    def download(self, request: Request, id: str) -> HttpResponseBase:  # noqa: A002
        """Fetch the file of an export that one asked for oneself; recorded each time."""
        row = self.row(id)
        export = user_export_fetch(actor=self.actor, user=row.user, export=row)
        return StreamingHttpResponse(
            export_read(export),
            content_type=FileRenderer.media_type,
            headers={
                "Content-Length": str(export.size),
                "Content-Disposition": f'attachment; filename="{export_file_name(export)}"',
                "Cache-Control": "no-store",
            },
        )
