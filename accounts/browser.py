"""A browser's session: the bridge between Django's own and ours."""

from ipaddress import ip_address
from typing import Final

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from accounts import policy
from accounts.actors import Actor, Door
from accounts.models import Session, User
from accounts.models.sessions import session_key_hash

__all__ = ["SESSION_ID", "client_ip", "device_of", "fresh_key_hash", "request_actor", "session_of", "signed_in"]

SESSION_ID = "session_id"
BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
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


def fresh_key_hash(request: HttpRequest) -> str:
    """Give the browser a new key before anybody is signed in with it, and say its hash."""
    # SECURITY: a key that was there before sign-in may be known to somebody else (session fixation).
    request.session.flush()
    request.session.create()
    assert request.session.session_key is not None
    return session_key_hash(request.session.session_key)


def signed_in(request: HttpRequest, user: User, session: Session) -> None:
    """Remember in the browser's session who signed in."""
    request.session[SESSION_KEY] = str(user.pk)
    request.session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    request.session[SESSION_ID] = str(session.pk)
    request.user = user
    rotate_token(request)


def request_actor(request: HttpRequest, door: Door) -> Actor:
    """Give the principal of a request: the person signed in, or nobody yet."""
    where = {
        "ip": client_ip(request),
        "device": device_of(request.headers.get("User-Agent", "")),
        "request_id": request.META.get("REQUEST_ID", ""),
    }
    if isinstance(request.user, User):
        session = session_of(request)
        return policy.actor_for(request.user, door=door, session=session, **where)
    return policy.anonymous(door=door, **where)


def session_of(request: HttpRequest) -> Session | None:
    """Find the session that a browser's own names, if it is the signed-in person's."""
    named = request.session.get(SESSION_ID)
    return Session.objects.filter(pk=named, user_id=request.user.pk).first() if named and request.user.pk else None


def client_ip(request: HttpRequest) -> str | None:
    """Say where a request comes from: the address before the trusted proxies, the peer's if there are none."""
    # SECURITY: what stands left of the trusted proxies in X-Forwarded-For was written by anybody.
    claimed = request.META.get("REMOTE_ADDR", "")
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
        claimed = hops[-settings.TRUSTED_PROXIES] if len(hops) >= settings.TRUSTED_PROXIES else claimed
    try:
        return str(ip_address(claimed))
    except ValueError:
        return None


def device_of(user_agent: str) -> str:
    """Name browser and system of a user agent: ``Chrome/macOS``."""
    browser = next((name for word, name in BROWSERS if word in user_agent), "Browser")
    system = next((name for word, name in SYSTEMS if word in user_agent), "unknown")
    return f"{browser}/{system}" if user_agent else ""
