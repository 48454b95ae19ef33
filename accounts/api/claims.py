"""``/claims/``: what claims are defined."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions import Action
from accounts.actors import Actor
from accounts.api.base import HouseViewSet
from accounts.api.endpoints import Endpoint
from accounts.api.inputs import Flag, JSONObject, JSONValue, ReasonInput, Text, Texts
from accounts.api.schema import ProblemOutput
from accounts.claims import ClaimType, Place
from accounts.errors import Invalid, NotFound
from accounts.models import ClaimDefinition, Organization
from accounts.operations.claims import INVALID_WORDS, MOST, claim_create, claim_delete, claim_update
from accounts.serializers.claims import ClaimOutput, ClaimValueOutput

__all__ = ["ClaimInput", "ClaimSetInput", "ClaimViewSet", "ClaimsOutput", "claim_named", "claims_named"]


class ClaimLimitsInput(ReasonInput):
    """What a claim allows, and where it appears."""

    schema = JSONObject(required=False, help_text="limits of values: JSON Schema (Draft 2020-12) without references")
    is_personal = Flag(required=False, help_text="it says something about the person")
    is_editable = Flag(required=False, help_text="people set it of themselves; only personal ones can be")
    appears_in = Texts(required=False, max_length=3, help_text=f"any of {', '.join(Place)}")
    description = Text(required=False, allow_blank=True, max_length=500)


class ClaimCreateInput(ClaimLimitsInput):
    """A new claim."""

    organization = Text(required=False, help_text="id or slug; the caller's own if left out")
    application = Text(required=False, help_text="id or slug; the organization's own claim if left out")
    name = Text(max_length=63, help_text="what it is called in tokens; stays for good")
    type = Text(max_length=10, help_text=f"one of {', '.join(ClaimType)}; stays for good")


class ClaimUpdateInput(ClaimLimitsInput):
    """A change of a claim: what is named, the rest stays."""

    invalid = serializers.ChoiceField(
        list(INVALID_WORDS), required=False, default="refuse", help_text="what becomes of values that no longer fit"
    )


class ClaimInput(ReasonInput):
    """Which claim."""

    claim = Text(max_length=130, help_text="name, `application/name` or id")


class ClaimSetInput(ClaimInput):
    """What a claim is to say."""

    value = JSONValue(help_text="as the claim's type has it")


class ClaimsOutput(serializers.Serializer[Any]):
    """What claims say of a user."""

    data = ClaimValueOutput(many=True)  # type: ignore[assignment]


class UnfitOutput(serializers.Serializer[Any]):
    """A value that would no longer fit."""

    user = serializers.CharField()
    problem = serializers.CharField()


class UnfitProblemOutput(ProblemOutput):
    """A refusal to narrow a claim: whose values would no longer fit, and why."""

    unfit = UnfitOutput(many=True, required=False, help_text="the first hundred of people whom the caller may see")
    unfit_total = serializers.IntegerField(required=False, help_text="how many there are in all")


LIMITS = ("schema", "is_personal", "is_editable", "appears_in", "description")


class ClaimViewSet(HouseViewSet):
    """Claims."""

    prefix, thing, shown = "clm", "Claim", ClaimOutput
    endpoints = {
        "list": Endpoint(
            name="claim_list",
            reading=Action.CLAIM_LIST,
            output=ClaimOutput,
            paged=True,
            filters=("org", "app"),
        ),
        "create": Endpoint(
            name="claim_create", input=ClaimCreateInput, output=ClaimOutput, status=201, repeatable=True
        ),
        "retrieve": Endpoint(name="claim_show", reading=Action.CLAIM_LIST, output=ClaimOutput),
        "partial_update": Endpoint(
            name="claim_update",
            input=ClaimUpdateInput,
            output=ClaimOutput,
            versioned=True,
            conflict=UnfitProblemOutput,
        ),
        "destroy": Endpoint(name="claim_delete", input=ReasonInput, status=204),
    }

    def rows(self) -> Any:
        """Give the claims that exist for the actor."""
        return ClaimDefinition.objects.visible_to(self.actor).select_related("organization", "application")

    def list(self, request: Request) -> Response:
        """List the claims of an organization and its applications, oldest first."""
        organization = self.organization(self.asked.get("org", ""))
        self.require_in(organization.pk, Action.CLAIM_LIST)
        application = self.application(organization, self.asked.get("app", ""))
        claims = self.rows().filter(organization=organization)
        scope = organization.public_id
        if application is not None:
            claims, scope = claims.filter(application=application), application.public_id
        return self.listed(claims, self.asked, scope=scope)

    def create(self, request: Request) -> Response:
        """Define a claim."""
        given = self.read()
        organization = self.organization(given.get("organization", ""))
        application = self.application(organization, given.get("application", ""))
        return self.once(
            lambda: claim_create(
                actor=self.actor,
                organization=organization,
                application=application,
                name=given["name"],
                type=given["type"],
                reason=given["reason"],
                **{word: given[word] for word in LIMITS if word in given},
            ),
            lambda made: self.answer(made, status=201),
            lambda identifier: self.answered(identifier, status=201),
        )

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 -- the name in the address
        """Show what a claim is."""
        return self.answer(self.row(id))

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """Change what is named; where values would no longer fit, ``invalid`` says what becomes of them."""
        given = self.read()
        changed = claim_update(
            actor=self.actor,
            definition=self.row(id),
            changes={word: given[word] for word in LIMITS if word in given},
            invalid=given["invalid"],
            reason=given["reason"],
            expected_version=self.expected_version(),
        )
        return self.answered(changed.pk)

    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        """Delete a claim with all of its values, for good."""
        given = self.read()
        claim_delete(actor=self.actor, definition=self.row(id), reason=given["reason"])
        return Response(status=204)


def claim_named(actor: Actor, text: str, organization: Organization) -> ClaimDefinition:
    """Find a claim of an organization by id, by name, or as ``application/name``.

    :raises NotFound: if it does not exist for the actor
    """
    rows = ClaimDefinition.objects.visible_to(actor).filter(organization=organization)
    found = rows.select_related("application").named(text).first()
    if found is None:
        raise NotFound("Claim not found.")
    return found


def claims_named(actor: Actor, claims: Any, organization: Organization) -> list[tuple[ClaimDefinition, Any]]:
    """Find the claims that an object names, each with its value.

    :raises NotFound: if one does not exist for the actor
    :raises Invalid: for no object, or more claims than can be defined
    """
    if not isinstance(claims, dict) or len(claims) > MOST:
        raise Invalid(f"Claims are an object of at most {MOST}.", fields={"claims": f"an object of at most {MOST}"})
    return [(claim_named(actor, word, organization), value) for word, value in claims.items()]
