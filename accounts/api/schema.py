"""The description of the API (OpenAPI 3.1), made from the endpoints that the views obey."""

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    inline_serializer,
)
from rest_framework import serializers

from accounts.api.endpoints import PARAMETERS, Endpoint
from accounts.api.errors import ProblemRenderer

__all__ = ["BrowserScheme", "HeaderScheme", "HouseSchema", "ProblemOutput", "strict"]

JSON = "application/json"
FILE = "application/octet-stream"


class FieldProblemOutput(serializers.Serializer[Any]):
    """What is wrong with one input."""

    field = serializers.CharField()
    message = serializers.CharField()


class ProblemOutput(serializers.Serializer[Any]):
    """A refusal (RFC 9457): what happened, and what to do next."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    remedy = serializers.CharField()
    errors = FieldProblemOutput(many=True)  # type: ignore[assignment]
    request_id = serializers.CharField()


PROBLEMS: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "Nobody is signed in, or what they signed in with is dead",
    403: "The caller may not do this; the missing permission is named",
    404: "It does not exist, or not for this caller: both look the same",
    406: "The answer is JSON",
    409: "Not in the present state of things",
    412: "It was changed since the caller looked (If-Match)",
    413: "The body is larger than 1 MiB",
    414: "The address is longer than 4096 characters",
    415: "The body is not JSON",
    422: "An input is wrong; each is named",
    429: "Too many requests; Retry-After says in how many seconds there is room again",
    500: "A fault of ours; the request id finds it in the log",
    503: "The database does not answer; try again",
}


def _refusals(endpoint: Endpoint) -> list[int]:
    statuses = {400, 401, 403, 404, 406, 412, 414, 422, 500, 503}
    if endpoint.input is not None:
        statuses |= {409, 413, 415}
    if endpoint.is_file:
        statuses |= {409}
    if endpoint.is_bounded:
        statuses |= {429}
    return sorted(statuses)


class HouseSchema(AutoSchema):
    """Describes an endpoint by the same table that the view obeys."""

    @property
    def endpoint(self) -> Endpoint:
        """The row of the table."""
        endpoint: Endpoint = self.view.endpoint  # type: ignore[attr-defined]
        return endpoint

    def get_operation_id(self) -> str:
        """The action's name: ``user_suspend``."""
        return self.endpoint.name

    def get_tags(self) -> list[str]:
        """The resource."""
        return [self.path.split("/")[3]]

    def get_summary(self) -> str:
        """The first sentence of the view's documentation."""
        return self.get_description().partition("\n")[0]

    def get_filter_backends(self) -> list[Any]:
        """None: the filters are in the table."""
        return []

    def get_request_serializer(self) -> Any:
        """What the body may say."""
        return self.endpoint.input

    def get_response_serializers(self) -> Any:
        """What comes back, and every refusal."""
        endpoint = self.endpoint
        answers: dict[Any, Any] = {}
        if endpoint.is_file:
            answers[endpoint.status, FILE] = OpenApiResponse(OpenApiTypes.BINARY, "The file")
        elif endpoint.output is None:
            answers[endpoint.status] = OpenApiResponse(description=HTTPStatus(endpoint.status).phrase)
        else:
            shown = _page(endpoint.output, endpoint.also) if self._is_list() else _one(endpoint.output, endpoint.also)
            answers[endpoint.status, JSON] = OpenApiResponse(shown, HTTPStatus(endpoint.status).phrase)
            if endpoint.is_accepted:
                answers[202, JSON] = OpenApiResponse(endpoint.output, HTTPStatus.ACCEPTED.phrase)
        for status in _refusals(endpoint):
            said = (endpoint.conflict if status == 409 else None) or ProblemOutput
            answers[status, ProblemRenderer.media_type] = OpenApiResponse(said, PROBLEMS[status])
        return answers

    def _is_list_view(self, serializer: Any = None) -> bool:
        """No answer is a bare list: pages have the list in ``data``."""
        return False

    def _is_list(self) -> bool:
        return self.endpoint.paged or (self.endpoint.input is not None and "cursor" in self.endpoint.input().fields)

    def get_override_parameters(self) -> list[Any]:
        """The words of the query string, and the headers that are heeded."""
        endpoint = self.endpoint
        found = [self._word(word) for word in endpoint.words]
        if endpoint.versioned:
            found.append(_header("If-Match", "the ETag that was seen; another version now is 412"))
        if endpoint.repeatable:
            found.append(_header("Idempotency-Key", "the same request again changes nothing more (24 hours)"))
        if endpoint.status == 201:
            found.append(_header("Location", "where it is", answer=201))
        if endpoint.is_accepted:
            found.append(_header("Location", "where to look how far it is", answer=202))
        return found

    def _word(self, word: str) -> OpenApiParameter:
        parameter = PARAMETERS[word]
        described: dict[str, Any] = parameter.described
        if word == "order":
            described = {"type": "string", "enum": [f"{sign}{order}" for order in self._orders() for sign in ("", "-")]}
        return OpenApiParameter(word, described, OpenApiParameter.QUERY, description=parameter.meaning)

    def _orders(self) -> list[str]:
        view: Any = self.view
        return list(view.orders) if view.action == "list" else ["created_at"]


def _header(name: str, meaning: str, *, answer: int = 0) -> OpenApiParameter:
    return OpenApiParameter(
        name, str, OpenApiParameter.HEADER, description=meaning, response=[answer] if answer else False
    )


class HeaderScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A program's access token, or an API key."""

    target_class = "accounts.api.authentication.HeaderAuthentication"
    name = ["bearer", "apiKey"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """Say that one of the two is enough."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        """Say how each is sent."""
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "`Authorization: Bearer <access token>`, from `auth/token/`; what its person may do.",
            },
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Authorization: Api-Key <key>`; its scopes narrow what it may do.",
            },
        ]


class BrowserScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A browser's session."""

    target_class = "accounts.api.authentication.BrowserAuthentication"
    name = "browser"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Say how a browser is known."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of somebody signed in; changes want X-CSRFToken too.",
        }


Shown = type[serializers.Serializer[Any]]


def _one(output: Shown, also: Shown | None) -> Any:
    return output if also is None else _either(output, also, many=False)


@cache
def _page(output: Shown, also: Shown | None) -> Any:
    return inline_serializer(
        f"{_name(output, also)}Page",
        {
            "data": output(many=True) if also is None else _either(output, also, many=True),
            "next_cursor": serializers.CharField(required=False, allow_null=True),
            "previous_cursor": serializers.CharField(required=False, allow_null=True),
            "total": serializers.IntegerField(required=False),
            "limit": serializers.IntegerField(required=False, help_text="with page and offset"),
            "offset": serializers.IntegerField(required=False, help_text="with page and offset"),
        },
    )


def _name(output: Shown, also: Shown | None) -> str:
    return "Or".join(kind.__name__.removesuffix("Output") for kind in (output, also) if kind is not None)


def _either(output: Shown, also: Shown, *, many: bool) -> Any:
    return PolymorphicProxySerializer(
        component_name=_name(output, also), serializers=[output, also], resource_type_field_name=None, many=many
    )


def strict(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of every object that it has no other fields: in a request they are an error."""
    for component in result["components"]["schemas"].values():
        if "properties" in component:
            component["additionalProperties"] = False
    return result
