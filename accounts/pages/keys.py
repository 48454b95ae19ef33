"""The public halves of the keys that access tokens are signed with."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts import tokens

__all__ = ["jwks"]

KEPT = 300
"""For how many seconds programs may keep them: a new key is used from the moment on that it is there."""


@require_safe
def jwks(request: HttpRequest) -> HttpResponse:
    """Give the JSON Web Key Set (RFC 7517)."""
    answer = JsonResponse(tokens.jwks(), content_type="application/jwk-set+json")
    answer["Cache-Control"] = f"public, max-age={KEPT}"
    return answer
