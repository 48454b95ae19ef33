"""``/me/export/`` and ``/me/delete/``: what people have done with their own data."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Input, NoInput, Text
from accounts.errors import NotAllowed
from accounts.models import User
from accounts.times import as_end
from gdpr.api.exports import ExportInput, ExportViewSet
from gdpr.models import Erasure, Export
from gdpr.operations.exports import user_export_request
from gdpr.operations.own import account_delete, account_keep
from gdpr.serializers.erasures import ErasureOutput
from gdpr.serializers.exports import ExportOutput

__all__ = ["MyErasureViewSet", "MyExportViewSet"]


class DeleteInput(Input):
    """The address of one's own account, typed, and when."""

    email = Text(max_length=320, help_text="the address of the account, so that nobody does it by a slip")
    after = Text(required=False, help_text="not before then: `14d`, `2026-12-31`; at most 30 days away")


def _oneself(view: HouseViewSet) -> User:
    if view.actor.user_id is None:
        raise NotAllowed("A key is nobody whose data is held.", remedy="Sign in as a person.")
    return User.objects.select_related("organization").get(pk=view.actor.user_id)


class MyExportViewSet(ExportViewSet):
    """Copies of everything that is held about oneself."""

    endpoints = {
        "list": Endpoint(name="me_exports", output=ExportOutput, paged=True),
        "ask": Endpoint(name="me_export", input=ExportInput, output=ExportOutput, status=202, repeatable=True),
        "retrieve": Endpoint(name="me_export_show", output=ExportOutput),
        "download": Endpoint(name="me_export_fetch", is_file=True),
    }

    def rows(self) -> Any:
        """Give those that one asked for of oneself; a key has none."""
        return Export.objects.of_oneself(self.actor).select_related("organization", "user")

    def list(self, request: Request) -> Response:
        """List the copies that one asked for, oldest first."""
        return self.listed(self.rows(), self.asked, scope=f"own {self.actor.id}")

    def ask(self, request: Request) -> Response:
        """Have everything that is held about oneself made into a file, to be fetched for 72 hours."""
        given, person = self.read(), _oneself(self)
        return self.once(
            lambda: user_export_request(
                actor=self.actor, user=person, scope=given["scope"], form=given["format"], reason=given["reason"]
            ),
            lambda made: self.answer(made, status=202),
            lambda identifier: self.answered(identifier, status=202),
        )


class MyErasureViewSet(HouseViewSet):
    """The end of one's own account."""

    prefix, thing, shown = "ers", "Erasure", ErasureOutput
    endpoints = {
        "ask": Endpoint(name="account_delete", input=DeleteInput, output=ErasureOutput, status=202, repeatable=True),
        "cancel": Endpoint(name="account_keep", input=NoInput, output=ErasureOutput, repeatable=True),
    }

    def rows(self) -> Any:
        """Give those of oneself that one asked for."""
        return Erasure.objects.asked_by_oneself(self.actor).select_related("organization")

    def ask(self, request: Request) -> Response:
        """Have one's own account deleted; until it happens it can be called off, and signing in anew does so too."""
        given, person = self.read(), _oneself(self)
        at = as_end(given["after"], field="after") if "after" in given else None
        return self.once(
            lambda: account_delete(actor=self.actor, user=person, email=given["email"], at=at),
            lambda made: self.answer(made, status=202),
            lambda identifier: self.answered(identifier, status=202),
        )

    def cancel(self, request: Request) -> Response:
        """Call off the deletion of one's own account."""
        self.read()
        person = _oneself(self)
        return self.once(lambda: account_keep(actor=self.actor, user=person), self.answer, self.answered)
