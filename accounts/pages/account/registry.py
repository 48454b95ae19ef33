"""What the pages under ``/account/`` share: the list that each joins by one line, who is let in, how they are drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor, Door
from accounts.browser import confirm_first, is_borrowed, next_address, request_actor, session_of
from accounts.errors import AccountsError, NotAuthenticated, NotRecent, Throttled
from accounts.models import User
from accounts.operations.credentials import is_recent

__all__ = [
    "NOTICES",
    "PAGES",
    "AccountPage",
    "Notice",
    "account_page",
    "account_urls",
    "actor_of",
    "draw",
    "person_of",
    "recently_authenticated",
]

View = Callable[..., HttpResponseBase]
BEFORE_ALL: Final = frozenset({"password-change", "account-confirm"})
"""What is open to somebody whose password was set by somebody else."""


@dataclass(frozen=True)
class AccountPage:
    """One page: its word in the address and its label in the navigation."""

    name: str
    word: str
    label: str
    view: View
    more: tuple[tuple[str, str, View], ...] = ()
    """Addresses behind it: name, path behind the word's, view."""


@dataclass(frozen=True)
class Notice:
    """What the overview begins with: something that waits for the person."""

    text: str
    url: str
    link: str


PAGES: Final[list[AccountPage]] = []
"""In the order of the navigation; other rooms join at start."""
NOTICES: Final[list[Callable[[User], Notice | None]]] = []
"""What other rooms have to say on the overview; filled at start."""


def account_urls() -> list[URLPattern]:
    """Give the addresses of all pages that have joined."""
    return [
        path(f"{page.word}{rest}", view, name=name)
        for page in PAGES
        for name, rest, view in ((page.name, "/" if page.word else "", page.view), *page.more)
    ]


def account_page(view: View) -> View:
    """Let in who is signed in with a password of their own, and make a page of every refusal."""

    @login_required
    @sensitive_post_parameters()
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def run(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        here = {"next": request.get_full_path()}
        must_change = person_of(request).must_change_password and not is_borrowed(request)
        if must_change and _page_of(request) not in BEFORE_ALL:
            return HttpResponseRedirect(f"{reverse('password-change')}?{urlencode(here)}")
        try:
            return view(request, *arguments, **named)
        except NotRecent:
            return confirm_first(request)
        except NotAuthenticated:  # the session was ended a moment ago by somebody else
            return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode(here)}")
        except AccountsError as refusal:
            return _refused(request, refusal)

    return cast("View", run)


def recently_authenticated(view: View) -> View:
    """Ask first who it is, where that was shown more than a short while ago; inside ``account_page``.

    The operations behind such a page refuse by themselves (``require_recent``); this asks before anything is typed.
    """

    @wraps(view)
    def run(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
        session = session_of(request)
        if session is None or not is_recent(session):
            return confirm_first(request)
        return view(request, *arguments, **named)

    return run


def _page_of(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def _refused(request: HttpRequest, refusal: AccountsError) -> HttpResponse:
    context = {"title": "This cannot be done", "refusal": refusal}
    response = draw(request, "accounts/account/refused.html", context, status=refusal.http_status)
    if isinstance(refusal, Throttled):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def person_of(request: HttpRequest) -> User:
    """Give the person whose account it is."""
    return cast("User", request.user)


def actor_of(request: HttpRequest) -> Actor:
    """Give the same as the principal of operations."""
    return request_actor(request, Door.PAGE)


def draw(request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200) -> HttpResponse:
    """Draw a page with the navigation beside it."""
    person = person_of(request)
    here = _page_of(request)
    navigation = [
        {
            "label": page.label,
            "url": reverse(page.name),
            "is_here": here in {page.name, *(name for name, _, _ in page.more)},
        }
        for page in PAGES
    ]
    around = {
        "navigation": navigation,
        "person": person,
        "may_administer": person.is_staff,
        "next": next_address(request),
    }
    return render(request, template, {**around, **context}, status=status)
