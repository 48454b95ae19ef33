"""The answers of the API to what never reaches a view: unknown addresses, and failures on the way."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.api.errors import ProblemRenderer, problem
from accounts.errors import AccountsError, Internal, NotFound, Unavailable

__all__ = ["failed", "missing"]


@csrf_exempt
def missing(request: HttpRequest, rest: str) -> HttpResponse:
    """Answer 404 as a problem, like everything else here."""
    return _answer(request, NotFound("Not found.", remedy="Paths end with a slash; /api/docs/ lists them."))


def failed(request: HttpRequest) -> HttpResponse:
    """Answer a failure outside of a view, before the caller was known."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return _answer(request, Unavailable("The database does not answer."))
    return _answer(request, Internal("Something went wrong inside."))


def _answer(request: HttpRequest, error: AccountsError) -> HttpResponse:
    body = problem(error, request.META.get("REQUEST_ID", ""))
    response = JsonResponse(body, status=error.http_status, content_type=ProblemRenderer.media_type)
    if isinstance(error, Unavailable):
        response["Retry-After"] = "1"
    return response
