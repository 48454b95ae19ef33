"""Is the process alive, and is it ready to serve?"""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from accounts.operations.installation import readiness

__all__ = ["livez", "readyz"]


@require_safe
def livez(_: HttpRequest) -> JsonResponse:
    """Answer as long as the process does."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(_: HttpRequest) -> JsonResponse:
    """Answer 200 when everything that the service needs is there, 503 with what is missing otherwise."""
    checks = readiness()
    ready = all(check.is_good for check in checks)
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "checks": {check.name: check.problem or "ok" for check in checks}},
        status=200 if ready else 503,
    )
