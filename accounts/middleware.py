"""What every request passes: an id, bounds on what it may hold, and the question whether its session lives."""

import re
import time
import uuid
from collections.abc import Callable
from functools import cached_property
from urllib.parse import unquote_to_bytes, urlencode, urlsplit

import structlog
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from accounts import policy
from accounts.actors import Door
from accounts.browser import is_borrowed, left_behind, own_again, session_of
from accounts.errors import NotAllowed, NotAuthenticated
from accounts.models import Session, User
from accounts.operations.sessions import session_seen

__all__ = ["BoundsMiddleware", "LiveSessionMiddleware", "RequestMiddleware"]

Answer = Callable[[HttpRequest], HttpResponseBase]

REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}")
LONGEST_ADDRESS = 4_096
CODES = {403: ("FORBIDDEN", "Not allowed"), 413: ("TOO_LARGE", "Too large")}
PROBES = frozenset({"/livez", "/readyz"})
log = structlog.get_logger("identity.request")


class RequestMiddleware:
    """Gives a request its id, and logs one line without what is personal."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        offered = request.headers.get("X-Request-ID", "") if settings.TRUSTED_PROXIES else ""
        request_id = offered if REQUEST_ID.fullmatch(offered) else uuid.uuid4().hex
        request.META["REQUEST_ID"] = request_id
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            if request.path in PROBES:
                # A probe comes by whatever address the machine has; no link is ever made from it.
                request.META["HTTP_HOST"] = urlsplit(settings.PUBLIC_URL).netloc
                response = self.get_response(request)
            else:
                response = self.get_response(request)
                if response.status_code >= 400 or not request.path.startswith(settings.STATIC_URL):
                    self._log(request, response, started)
        response["X-Request-ID"] = request_id
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response

    def _log(self, request: HttpRequest, response: HttpResponseBase, started: float) -> None:
        # SECURITY: the route's pattern, not the address: links carry secrets, queries carry people's addresses.
        match = request.resolver_match
        log.info(
            "request",
            method=request.method,
            route=match.route if match else "",
            status=response.status_code,
            milliseconds=round((time.monotonic() - started) * 1000),
        )


class BoundsMiddleware:
    """Refuses what no door can read, and what is too much of anything."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        return self._refusal(request) or self.get_response(request)

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        address = request.META.get("RAW_URI") or request.get_full_path()
        headers = [value for key, value in request.META.items() if key.startswith("HTTP_")]
        if len(address) > LONGEST_ADDRESS:
            return _problem(request, 414, "The address is too long.", "Send what is long in the body.")
        if not _is_text(unquote_to_bytes(address)) or any("\x00" in value for value in headers):
            return _problem(request, 400, "The request holds a NUL byte or text that is not UTF-8.", "Send UTF-8.")
        if _length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return _problem(request, 413, "The body is too large.", "Send at most 1 MiB; split what is larger.")
        return None


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0


def _is_text(raw: bytes) -> bool:
    try:
        return "\x00" not in raw.decode()
    except UnicodeDecodeError:
        return False


def _problem(request: HttpRequest, status: int, detail: str, remedy: str) -> HttpResponse:
    """Refuse before any door is reached, in the words of the API's problems."""
    code, title = CODES.get(status, ("VALIDATION", "Invalid input"))
    body = {
        "type": f"urn:identity:problem:{code.lower()}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "remedy": remedy,
        "errors": [],
        "request_id": request.META["REQUEST_ID"],
    }
    return JsonResponse(body, status=status, content_type="application/problem+json")


class LiveSessionMiddleware:
    """Signs a browser out whose session, account or organization is not live any more, at this very request.

    A browser in which somebody acted as another person goes back to its own session when that is over; what it asked
    for as that person is done by nobody.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        session: Session | None = None
        if isinstance(request.user, User):
            session = session_of(request)
            try:
                policy.assert_live(request.user, session=session, needs_session=True)
            except NotAuthenticated:
                request.session.flush()
                request.user = AnonymousUser()
                session = None
            else:
                assert session is not None
                session_seen(session)
        is_borrowed = session is not None and session.kind == Session.IMPERSONATION
        request.impersonation = session if is_borrowed else None  # type: ignore[attr-defined]
        if session is not None and session.must_enrol and not request.path.startswith(self.enrolment):
            return self._enrol_first(request)
        return self.get_response(request)

    @cached_property
    def enrolment(self) -> tuple[str, ...]:
        """The addresses that whoever must enrol a second factor may go to."""
        return tuple(map(reverse, ("account-two-factor", "account-confirm", "password-change", "sign-out")))

    def _enrol_first(self, request: HttpRequest) -> HttpResponseBase:
        # SECURITY: here, before any door: a session with half of what is asked for opens none (CVE-2026-9091).
        if request.path.startswith("/api/"):
            return _problem(request, 403, "A second factor is asked for first.", "Enrol one on your account page.")
        return redirect(f"{reverse('account-two-factor')}?{urlencode({'next': request.get_full_path()})}")

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponseBase | None:
        """Bring a browser back whose impersonation is over."""
        if isinstance(request.user, User):
            return None
        impersonation = left_behind(request)
        if impersonation is None or not own_again(request, impersonation, Door.PAGE):
            return None
        messages.info(request, "You are yourself again: the time was over, or it was ended.")
        if request.path.startswith("/api/"):
            request.user = AnonymousUser()
            return None
        response = redirect("admin:index")
        response.status_code = 303
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer for pages that nobody but the person themselves is refused at: those of links and invites."""
        if not (isinstance(exception, NotAllowed) and is_borrowed(request)):
            return None
        shown = {"title": "Refused", "text": f"{exception.message} {exception.remedy}"}
        return render(request, "accounts/pages/failure.html", shown, status=exception.http_status)
