"""What is answered when a request cannot be: a page of ours, without a trace of the inside."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

__all__ = ["bad_request", "csrf_failure", "forbidden", "not_found", "server_error"]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what cannot be read."""
    return _page(request, 400, "Bad request", "The request cannot be read. Check the address and try again.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what is not allowed."""
    return _page(request, 403, "Not allowed", "You may not do this. Ask an administrator of your organization.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form that did not come from a page of ours."""
    text = "The form has run out, or cookies are switched off. Open the page again and repeat what you did."
    return _page(request, 403, "Not allowed", text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere."""
    return _page(request, 404, "Not found", "There is nothing at this address. Check the spelling.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours."""
    text = "Something went wrong inside. Try again; if it stays, report it with the number below."
    return _page(request, 500, "Something went wrong", text)


def _page(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    # Rendered without the request: a page about a failure must not need what may have failed.
    shown = {"title": title, "text": text, "request_id": request.META.get("REQUEST_ID", "")}
    return HttpResponse(render_to_string("accounts/pages/failure.html", shown), status=status)
