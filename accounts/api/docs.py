"""The description of the API as it is served, and the page to read and try it."""

from functools import cache
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerSplitView

__all__ = ["DocsView", "described", "schema"]


@cache
def described() -> dict[str, Any]:
    """Give the description, made once: it costs a second, and anybody may ask."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return document


@require_safe
def schema(request: HttpRequest) -> JsonResponse:
    """Answer with the description; there is nothing secret in it."""
    return JsonResponse(described())


class DocsView(SpectacularSwaggerSplitView):
    """A page to read and try it, without outside assets and without inline scripts."""

    authentication_classes = []
    permission_classes = []
    url_name = "api-schema"
    template_name = "accounts/api_docs.html"
