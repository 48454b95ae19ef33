"""A browser's session: the bridge between Django's own and ours."""

from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import rotate_token
from django.urls import reverse
from django.utils.crypto import get_random_string
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import NotAuthenticated, NotFound
from accounts.models import Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations.impersonation import impersonation_stop
from accounts.operations.sessions import session_end

__all__ = [
    "client_ip",
    "confirm_first",
    "device_of",
    "fresh_key",
    "home_of",
    "is_borrowed",
    "key_renewed",
    "left_behind",
    "next_address",
    "own_again",
    "request_actor",
    "session_of",
    "sign_out",
    "signed_in",
    "where_of",
]

BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def fresh_key() -> str:
    """Choose the key that a browser gets once somebody is signed in with it."""
    # SECURITY: a key that was there before sign-in may be known to somebody else (session fixation).
    return get_random_string(32, VALID_KEY_CHARS)


def signed_in(request: HttpRequest, session: Session, key: str) -> None:
    """Give the browser its fresh key, and remember under it who signed in, or showed anew who they are."""
    request.session.begin(key)  # type: ignore[attr-defined]
    request.session.set_expiry(session.expires_at)
    request.session[SESSION_KEY] = str(session.user_id)
    request.session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    request.session[HASH_SESSION_KEY] = session.user.get_session_auth_hash()
    request.user = session.user
    rotate_token(request)


def key_renewed(request: HttpRequest, key: str) -> None:
    """Let this browser go on under the fresh key that its session has now."""
    session = Session.objects.select_related("user__organization").get(key_hash=session_key_hash(key))
    signed_in(request, session, key)


def is_borrowed(request: HttpRequest) -> bool:
    """Say whether somebody acts as the person that the browser is signed in as (``LiveSessionMiddleware``)."""
    return getattr(request, "impersonation", None) is not None


def left_behind(request: HttpRequest) -> Session | None:
    """Find the impersonation that the browser's key opened, live or not, if that browser began it."""
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    if not key:
        return None
    rows = Session.objects.select_related("user").filter(key_hash=session_key_hash(key), kind=Session.IMPERSONATION)
    return rows.first()


def own_again(request: HttpRequest, impersonation: Session, door: Door) -> bool:
    """Bring the browser back to the session of whoever acted; says whether that one lives."""
    rows = Session.objects.select_related("user__organization")
    own = rows.filter(pk=impersonation.started_in).first() if impersonation.started_in else None
    if own is None:
        return False
    # SECURITY: the server knows whose session waits; the browser names nobody, and gets a key that nobody has seen.
    actor, key = policy.actor_for(own.user, door=door, session=own, **where_of(request)), fresh_key()
    try:
        own = impersonation_stop(actor=actor, session=impersonation, key_hash=session_key_hash(key))
    except (NotAuthenticated, NotFound):
        return False
    signed_in(request, own, key)
    return True


def sign_out(request: HttpRequest, door: Door) -> None:
    """End whatever session the browser has, that of who acts as somebody included, and take its key away."""
    impersonation = left_behind(request)
    if impersonation is not None:
        own_again(request, impersonation, door)
    session = session_of(request)
    if session is not None:
        with suppress(NotAuthenticated):  # it was ended a moment ago by somebody else
            session_end(actor=request_actor(request, door), session=session)
    request.session.flush()
    request.user = AnonymousUser()


def home_of(user: User) -> str:
    """Say where somebody begins: at what they administer, or at their own account."""
    return reverse("admin:index") if user.is_staff else reverse("account")


def next_address(request: HttpRequest) -> str:
    """Say where the browser wants to go afterwards: a page of ours, empty if it names none."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    # SECURITY: an address of somebody else's would make our sign-in page the bait of theirs (open redirect).
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else ""


def confirm_first(request: HttpRequest, back: str = "") -> HttpResponse:
    """Lead to the page that asks who one is, and from there back to this one, or where it is said."""
    back = back or request.get_full_path()
    return HttpResponseRedirect(f"{reverse('account-confirm')}?{urlencode({'next': back})}")


def where_of(request: HttpRequest) -> dict[str, Any]:
    """Say where a request comes from, for the trail."""
    return {
        "ip": client_ip(request),
        "device": device_of(request.headers.get("User-Agent", "")),
        "request_id": request.META.get("REQUEST_ID", ""),
    }


def request_actor(request: HttpRequest, door: Door) -> Actor:
    """Give the principal of a request: the person signed in, or nobody yet."""
    where = where_of(request)
    if isinstance(request.user, User):
        session = session_of(request)
        return policy.actor_for(request.user, door=door, session=session, **where)
    return policy.anonymous(door=door, **where)


def session_of(request: HttpRequest) -> Session | None:
    """Find the session that a browser's key opens, if it is the signed-in person's."""
    key = request.session.session_key
    if not key or not request.user.pk:
        return None
    return Session.objects.filter(key_hash=session_key_hash(key), user_id=request.user.pk).first()


def client_ip(request: HttpRequest) -> str | None:
    """Say where a request comes from: the address before the trusted proxies, the peer's if there are none."""
    # SECURITY: what stands left of the trusted proxies in X-Forwarded-For was written by anybody.
    claimed = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        claimed = hops[-settings.TRUSTED_PROXIES] if len(hops) >= settings.TRUSTED_PROXIES else claimed
    try:
        address = ip_address(claimed.partition("%")[0])
    except ValueError:
        return None
    return str((isinstance(address, IPv6Address) and address.ipv4_mapped) or address)


def device_of(user_agent: str) -> str:
    """Name browser and system of a user agent: ``Chrome/macOS``."""
    browser = next((name for word, name in BROWSERS if word in user_agent), "Browser")
    system = next((name for word, name in SYSTEMS if word in user_agent), "unknown")
    return f"{browser}/{system}" if user_agent else ""
