"""Erasing people by program: ``/users/{id}/purge/``, ``delete/``, …, and ``/personal-data/erasures/``."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import ids
from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Flag, ReasonInput, Text
from accounts.errors import NotFound
from gdpr.api.duties import AnswerInput
from gdpr.api.selections import when_of
from gdpr.models import Erasure
from gdpr.operations.background import erase_begin
from gdpr.operations.erasable import ErasurePlan, erasure_plan
from gdpr.operations.erasure import erasure_cancel, erasure_of, user_delete_activities
from gdpr.operations.requests import request_named
from gdpr.serializers.erasures import ErasureOutput

__all__ = ["ErasureViewSet", "UserErasureViewSet"]


class EraseInput(AnswerInput):
    """Why, when, or only what would happen."""

    after = Text(required=False, help_text="not before then: `14d`, `2026-12-31`; else as the organization settled")
    now = Flag(required=False, default=False, help_text="do not wait, whatever the organization settled")
    preview = Flag(required=False, default=False, help_text="say what would happen, and change nothing")


class StepOutput(serializers.Serializer[Any]):
    """What happens to the rows of one table."""

    table = serializers.CharField()
    what = serializers.CharField(help_text="what the table holds")
    columns = serializers.ListField(child=serializers.CharField())
    action = serializers.ChoiceField(["delete", "overwrite", "keep"])
    rows = serializers.IntegerField()
    why = serializers.CharField(help_text="why it is kept")
    until = serializers.CharField(help_text="until when it is kept")


class PlanOutput(serializers.Serializer[Any]):
    """What an erasure would do."""

    user = serializers.CharField()
    how = serializers.ChoiceField(["purge", "delete"])
    preview = serializers.BooleanField()
    rows = serializers.IntegerField(help_text="that go or change")
    steps = StepOutput(many=True)
    mentions = serializers.DictField(child=serializers.IntegerField(), help_text="rows of others that name the person")
    refusal = serializers.DictField(allow_null=True, help_text="`code`, `message`, `remedy`, `fields`")


class ActivitiesOutput(serializers.Serializer[Any]):
    """What went."""

    user = serializers.CharField()
    counts = serializers.ListField(child=serializers.DictField())


class ErasureViewSet(HouseViewSet):
    """Erasures."""

    prefix, thing, shown = "ers", "Erasure", ErasureOutput
    endpoints = {
        "list": Endpoint(
            name="erasure_list", reading=Action.ERASURE_LIST, output=ErasureOutput, paged=True, filters=("org",)
        ),
        "retrieve": Endpoint(name="erasure_show", reading=Action.ERASURE_LIST, output=ErasureOutput),
    }

    def rows(self) -> Any:
        """Give the erasures that exist for the actor."""
        return Erasure.objects.visible_to(self.actor).select_related("organization")

    def list(self, request: Request) -> Response:
        """List the erasures of an organization, oldest first."""
        rows, scope = self.within(self.rows(), self.asked, Action.ERASURE_LIST)
        return self.listed(rows, self.asked, scope=f"erasures {scope}")

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show an erasure, with its receipt once it is complete."""
        return self.answer(self.row(id))


class UserErasureViewSet(ErasureViewSet):
    """Erasing one person."""

    endpoints = {
        **{
            f"user_{how}": Endpoint(
                name=f"user_{how}",
                input=EraseInput,
                output=ErasureOutput,
                also=PlanOutput,
                is_accepted=True,
                repeatable=True,
            )
            for how in (Erasure.PURGE, Erasure.DELETE)
        },
        "cancel": Endpoint(name="erasure_cancel", input=ReasonInput, output=ErasureOutput, repeatable=True),
        "delete_activities": Endpoint(name="user_delete_activities", input=AnswerInput, output=ActivitiesOutput),
    }

    def user_purge(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Erase a user and keep an empty row: 202 and where to look, 200 with the receipt once it is there.

        Whatever is refused is refused at once, and the account is closed for good; a worker erases and searches.
        ``preview`` changes nothing.
        """
        return self._erased(id, Erasure.PURGE)

    def user_delete(self, request: Request, id: str) -> Response:  # noqa: A002
        """Erase a user, the row included: 202 and where to look, 200 with the receipt once it is there.

        Whatever is refused is refused at once, and the account is closed for good; a worker erases and searches.
        ``preview`` changes nothing.
        """
        return self._erased(id, Erasure.DELETE)

    def _erased(self, identifier: str, how: str) -> Response:
        given = self.read()
        at = when_of(given)
        try:
            user = self.person(identifier)
        except NotFound:
            decoded = ids.decode("usr", identifier)
            if decoded is None:
                raise
            return self._as_far(erasure_of(actor=self.actor, user_id=decoded, how=how))
        answers = request_named(actor=self.actor, named=given["request"])
        if given["preview"]:
            return Response(_described(erasure_plan(actor=self.actor, user=user, how=how, request=answers)))
        return self.once(
            lambda: erase_begin(
                actor=self.actor,
                user=user,
                how=how,
                reason=given["reason"],
                at=at,
                request=answers,
            ),
            self._as_far,
            lambda identifier: self._as_far(self._present(self.rows().filter(pk=identifier).first())),
        )

    def _as_far(self, erasure: Erasure) -> Response:
        return self.answer(erasure, status=200 if erasure.status == Erasure.COMPLETE else 202)

    def cancel(self, request: Request, id: str) -> Response:  # noqa: A002
        """Call off an erasure that still waits."""
        given = self.read()
        user = self.person(id)
        return self.once(
            lambda: erasure_cancel(actor=self.actor, user=user, reason=given["reason"]), self.answer, self.answered
        )

    def delete_activities(self, request: Request, id: str) -> Response:  # noqa: A002
        """Erase what a user did: sign-ins, sessions, devices, what the audit trail says. The account stays."""
        given = self.read()
        user = self.person(id)
        answers = request_named(actor=self.actor, named=given["request"])
        user, counts = user_delete_activities(actor=self.actor, user=user, reason=given["reason"], request=answers)
        return Response({"user": user.public_id, "counts": counts})


def _described(plan: ErasurePlan) -> dict[str, Any]:
    return {
        "user": plan.user.public_id,
        "how": plan.how,
        "preview": True,
        "rows": plan.rows,
        "steps": plan.steps,
        "mentions": plan.mentions,
        "refusal": plan.refusal.as_dict() if plan.refusal else None,
    }
