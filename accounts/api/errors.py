"""Every refusal as ``application/problem+json`` (RFC 9457), with the code and the remedy of the commands."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from accounts.errors import (
    AccountsError,
    Internal,
    Invalid,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Throttled,
    Unavailable,
)

__all__ = ["LengthUnknown", "ProblemRenderer", "TooLarge", "answer", "problem"]

log = structlog.get_logger("identity.api")


class ProblemRenderer(JSONRenderer):
    """JSON under the name of a problem."""

    media_type = "application/problem+json"


class Unreadable(Invalid):
    """The body is not JSON."""

    http_status = 400
    default_remedy = "Send one JSON object in UTF-8."


class LengthUnknown(Unreadable):
    """The body came without its length."""

    default_remedy = "Send Content-Length instead of Transfer-Encoding."

    def __init__(self) -> None:
        super().__init__("The length of the body is not said.")


class NoSuchMethod(Invalid):
    """The address takes other methods."""

    code = "METHOD_NOT_ALLOWED"
    http_status = 405
    default_remedy = "The Allow header names them."


class NoSuchFormat(Invalid):
    """The answer cannot be had in that format."""

    code = "NOT_ACCEPTABLE"
    http_status = 406
    default_remedy = "Accept application/json."


class TooLarge(Invalid):
    """The body is larger than is read."""

    code = "TOO_LARGE"
    http_status = 413
    default_remedy = "Send at most 1 MiB; split what is larger."

    def __init__(self) -> None:
        super().__init__("The body is too large.")


class WrongMediaType(Invalid):
    """The body is of a kind that is not read."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    http_status = 415
    default_remedy = "Send application/json."


TITLES: Final[Mapping[str, str]] = {
    "UNAUTHENTICATED": "Not signed in",
    "FORBIDDEN": "Not allowed",
    "NOT_FOUND": "Not found",
    "VALIDATION": "Invalid input",
    "CONFLICT": "Conflict",
    "THROTTLED": "Too many requests",
    "UNAVAILABLE": "Unavailable",
    "INTERNAL": "Internal error",
    "METHOD_NOT_ALLOWED": "Method not allowed",
    "NOT_ACCEPTABLE": "Not acceptable",
    "TOO_LARGE": "Too large",
    "UNSUPPORTED_MEDIA_TYPE": "Unsupported media type",
}


def problem(error: AccountsError, request_id: str) -> dict[str, Any]:
    """Write an error down as a problem."""
    return {
        "type": f"urn:identity:problem:{error.code.lower()}",
        "title": TITLES[error.code],
        "status": error.http_status,
        "detail": error.message,
        "code": error.code,
        "remedy": error.remedy,
        "errors": [{"field": field, "message": message} for field, message in error.fields.items()],
        "request_id": request_id,
        **error.more,
    }


def answer(failure: Exception, context: Mapping[str, Any]) -> Response:
    """Answer any failure of a view; DRF's exception handler."""
    request: HttpRequest = context["request"]
    error = _translated(failure)
    if isinstance(error, Internal):
        log.error("fault", exc_info=failure)
    headers = {}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = "Bearer, Api-Key"
    if isinstance(error, Unavailable):
        headers["Retry-After"] = "1"
    if isinstance(error, Throttled):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(failure, exceptions.MethodNotAllowed):
        headers["Allow"] = ", ".join(context["view"].allowed_methods)
    response = Response(
        problem(error, request.META.get("REQUEST_ID", "")),
        status=error.http_status,
        headers=headers,
        content_type=ProblemRenderer.media_type,
    )
    response.exception = True
    return response


def _translated(failure: Exception) -> AccountsError:
    for kinds, translate in TRANSLATIONS:
        if isinstance(failure, kinds):
            error: AccountsError = translate(failure)
            return error
    return Internal("Something went wrong inside.")


def _of_input(failure: Any) -> AccountsError:
    """Name every input that is wrong."""
    return Invalid("The input is wrong.", fields=dict(_flattened(failure.detail)))


def _flattened(detail: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(detail, dict):
        return [entry for key, part in detail.items() for entry in _flattened(part, f"{path}.{key}".strip("."))]
    if isinstance(detail, list) and any(isinstance(part, dict | list) for part in detail):
        return [entry for index, part in enumerate(detail) for entry in _flattened(part, f"{path}.{index}".strip("."))]
    return [(path or "body", " ".join(map(str, detail)) if isinstance(detail, list) else str(detail))]


TRANSLATIONS: Final[tuple[tuple[Any, Any], ...]] = (
    (AccountsError, lambda failure: failure),
    (exceptions.ValidationError, _of_input),
    (exceptions.ParseError, lambda _: Unreadable("The body is not JSON.")),
    (exceptions.MethodNotAllowed, lambda _: NoSuchMethod("The method is not allowed here.")),
    (exceptions.NotAcceptable, lambda _: NoSuchFormat("The answer is JSON.")),
    (exceptions.UnsupportedMediaType, lambda _: WrongMediaType("The body is not JSON.")),
    (
        (exceptions.NotAuthenticated, exceptions.AuthenticationFailed),
        lambda _: NotAuthenticated("You are not signed in."),
    ),
    (
        (exceptions.PermissionDenied, PermissionDenied),
        lambda _: NotAllowed("The request carries no good CSRF token.", remedy="Send X-CSRFToken, or use an API key."),
    ),
    ((exceptions.NotFound, Http404), lambda _: NotFound("Not found.")),
    (RequestDataTooBig, lambda _: TooLarge()),
    ((OperationalError, InterfaceError), lambda _: Unavailable("The database does not answer.")),
)
