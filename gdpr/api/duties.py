"""``/personal-data/holds/``, ``/personal-data/requests/``, ``/personal-data/terms/``."""

from typing import Any

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Input, Number, ReasonInput, Text
from accounts.models import Organization
from accounts.pagination import Order
from accounts.times import as_end, as_start
from gdpr.models import LegalHold, PrivacyTerms, SubjectRequest
from gdpr.operations.holds import hold_place, hold_release, hold_review
from gdpr.operations.requests import request_close, request_extend, request_open
from gdpr.operations.terms import terms_of, terms_update
from gdpr.serializers.duties import HoldOutput, RequestOutput, TermsOutput

__all__ = ["AnswerInput", "HoldViewSet", "RequestViewSet", "TermsViewSet"]

REVIEW = "`2026-12-31`, RFC 3339, or a duration like `60d`; within 90 days, which is what is taken if left out"


class HoldPlaceInput(ReasonInput):
    """A new hold."""

    user = Text(help_text="the id of the person")
    exemption = Text(max_length=10, help_text="the letter of Art. 17(3): `e` for legal claims")
    review_at = Text(required=False, help_text=REVIEW)


class HoldReviewInput(ReasonInput):
    """When to look at it again."""

    review_at = Text(required=False, help_text=REVIEW)


class HoldViewSet(HouseViewSet):
    """Legal holds."""

    prefix, thing, shown = "hld", "Legal hold", HoldOutput
    orders = {"created_at": Order("created_at")}
    endpoints = {
        "list": Endpoint(
            name="hold_list", reading=Action.HOLD_LIST, output=HoldOutput, paged=True, filters=("org", "released")
        ),
        "create": Endpoint(name="hold_place", input=HoldPlaceInput, output=HoldOutput, status=201, repeatable=True),
        "retrieve": Endpoint(name="hold_show", reading=Action.HOLD_LIST, output=HoldOutput),
        "review": Endpoint(name="hold_review", input=HoldReviewInput, output=HoldOutput, repeatable=True),
        "release": Endpoint(name="hold_release", input=ReasonInput, output=HoldOutput, repeatable=True),
    }

    def rows(self) -> Any:
        """Give the holds that exist for the actor."""
        return LegalHold.objects.visible_to(self.actor).select_related("user", "organization")

    def list(self, request: Request) -> Response:
        """List the holds of an organization, oldest first."""
        holds, scope = self.within(self.rows(), self.asked, Action.HOLD_LIST)
        released = self.asked.get("released", "false")
        return self.listed(holds if released == "true" else holds.active(), self.asked, scope=f"{scope} {released}")

    def create(self, request: Request) -> Response:
        """Keep a person's data from being erased."""
        given = self.read()
        user = self.person(given["user"])
        return self.once(
            lambda: hold_place(
                actor=self.actor,
                user=user,
                reason=given["reason"],
                exemption=given["exemption"],
                review_at=_end(given),
            ),
            lambda made: self.answer(made, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show a hold."""
        return self.answer(self.row(id))

    @action(detail=True, methods=["post"])
    def review(self, request: Request, id: str) -> Response:  # noqa: A002
        """Find that a hold is still needed, and say when it is looked at again."""
        given = self.read()
        hold, at = self.row(id), _end(given)
        return self.once(
            lambda: hold_review(actor=self.actor, hold=hold, review_at=at, reason=given["reason"]),
            self.answer,
            self.answered,
        )

    @action(detail=True, methods=["post"])
    def release(self, request: Request, id: str) -> Response:  # noqa: A002
        """Let a person's data be erased again."""
        given = self.read()
        hold = self.row(id)
        return self.once(
            lambda: hold_release(actor=self.actor, hold=hold, reason=given["reason"]), self.answer, self.answered
        )


def _end(given: dict[str, Any]) -> Any:
    return as_end(given["review_at"], field="review_at") if "review_at" in given else None


NOTE = "how it came in, or why it ends as it does; not about people who were erased"


class RequestOpenInput(Input):
    """What somebody asks for."""

    user = Text(help_text="the id of the person")
    kind = Text(max_length=16, help_text=", ".join(SubjectRequest.KINDS))
    received_at = Text(required=False, help_text="`2026-11-02` or RFC 3339; now if left out")
    note = Text(required=False, allow_blank=True, default="", max_length=500, help_text=NOTE)


class RequestExtendInput(Input):
    """Why it takes longer."""

    note = Text(max_length=500, help_text="why: the person is told")


class RequestCloseInput(Input):
    """How it ended."""

    outcome = Text(required=False, default="done", max_length=8, help_text="`done` or `refused`")
    note = Text(required=False, allow_blank=True, default="", max_length=500, help_text=NOTE)


class AnswerInput(ReasonInput):
    """What is done may answer a subject request."""

    request = Text(
        required=False, default="", max_length=40, help_text="`dsr_…`: the request that this answers: it is then done"
    )


class RequestViewSet(HouseViewSet):
    """Requests of people about their data."""

    prefix, thing, shown = "dsr", "Subject request", RequestOutput
    orders = {"created_at": Order("created_at")}
    endpoints = {
        "list": Endpoint(
            name="request_list",
            reading=Action.REQUEST_LIST,
            output=RequestOutput,
            paged=True,
            filters=("org", "closed"),
        ),
        "create": Endpoint(
            name="request_open", input=RequestOpenInput, output=RequestOutput, status=201, repeatable=True
        ),
        "retrieve": Endpoint(name="request_show", reading=Action.REQUEST_LIST, output=RequestOutput),
        "extend": Endpoint(name="request_extend", input=RequestExtendInput, output=RequestOutput, repeatable=True),
        "close": Endpoint(name="request_close", input=RequestCloseInput, output=RequestOutput, repeatable=True),
    }

    def rows(self) -> Any:
        """Give the requests that exist for the actor."""
        return SubjectRequest.objects.visible_to(self.actor).select_related("organization")

    def list(self, request: Request) -> Response:
        """List the requests of an organization, oldest first."""
        requests, scope = self.within(self.rows(), self.asked, Action.REQUEST_LIST)
        closed = self.asked.get("closed", "false")
        return self.listed(requests if closed == "true" else requests.open(), self.asked, scope=f"{scope} {closed}")

    def create(self, request: Request) -> Response:
        """Note that a person asked for something about their data."""
        given = self.read()
        user = self.person(given["user"])
        received_at = as_start(given["received_at"], field="received_at") if "received_at" in given else None
        return self.once(
            lambda: request_open(
                actor=self.actor, user=user, kind=given["kind"], received_at=received_at, note=given["note"]
            ),
            lambda made: self.answer(made, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show a request."""
        return self.answer(self.row(id))

    @action(detail=True, methods=["post"])
    def extend(self, request: Request, id: str) -> Response:  # noqa: A002
        """Take two months more, once, in the first month."""
        given = self.read()
        row = self.row(id)
        return self.once(
            lambda: request_extend(actor=self.actor, request=row, note=given["note"]), self.answer, self.answered
        )

    @action(detail=True, methods=["post"])
    def close(self, request: Request, id: str) -> Response:  # noqa: A002
        """Note that a request was answered, or refused and why."""
        given = self.read()
        row = self.row(id)
        return self.once(
            lambda: request_close(actor=self.actor, request=row, outcome=given["outcome"], note=given["note"]),
            self.answer,
            self.answered,
        )


class TermsUpdateInput(ReasonInput):
    """What is settled anew: what is named."""

    erasure_grace_days = Number(required=False, help_text="an erasure waits so long: 0 to 30")
    archived_days = Number(
        required=False, allow_null=True, help_text="people are erased so long after they were archived; null: never"
    )
    contact = Text(required=False, allow_blank=True, max_length=254, help_text="whom people ask about their data")


class TermsViewSet(HouseViewSet):
    """What an organization settled for its people's data."""

    prefix, thing = "org", "Organization"
    shown = TermsOutput  # type: ignore[assignment]
    endpoints = {
        "retrieve": Endpoint(name="terms_show", reading=Action.ORG_SHOW, output=TermsOutput),
        "partial_update": Endpoint(name="terms_update", input=TermsUpdateInput, output=TermsOutput),
    }

    def require(self, action: Action) -> None:
        """Let people see the terms of organizations that they belong to; a key needs the scope."""
        if self.actor.user_id is None:
            super().require(action)

    def rows(self) -> Any:
        """Give the organizations that exist for the actor."""
        return Organization.objects.visible_to(self.actor)

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show what an organization settled."""
        return self._answered(terms_of(self.row(id)))

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """Settle what is named."""
        given = self.read()
        reason = given.pop("reason")
        return self._answered(terms_update(actor=self.actor, organization=self.row(id), changes=given, reason=reason))

    def _answered(self, terms: PrivacyTerms) -> Response:
        return Response(TermsOutput().to_representation(terms))
