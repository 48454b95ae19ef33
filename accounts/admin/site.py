"""The admin site: its navigation, and who is let in."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import Door
from accounts.admin.base import actor_of
from accounts.admin.start import start_context
from accounts.admin.tables import Link
from accounts.browser import is_borrowed, next_address, sign_out
from accounts.models import User

__all__ = ["HouseAdminSite", "site"]

UNUSED = frozenset({"view_on_site", "autocomplete", "app_list", "jsi18n"})
NAVIGATION = (
    "People",
    "Invites",
    "Organizations",
    "Memberships",
    "Roles",
    "Applications",
    "Claims",
    "Sessions",
    "API keys",
    "Letters",
    "Audit trail",
)
"""In which order; what other rooms add comes last."""


class HouseAdminSite(AdminSite):
    """The admin."""

    site_header = "Identity"
    site_title = "Identity"
    index_title = "Start"
    index_template = "accounts/admin/start.html"
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whoever has something to administer and a password of their own.

        A second factor was asked for at sign-in.
        """
        user = request.user
        is_ready = isinstance(user, User) and (is_borrowed(request) or not user.must_change_password)
        return is_ready and user.is_active and user.is_staff

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Put our sign-out before Django's, which is for staff only, and leave out what the house does not use.

        SECURITY: Django's ``r/…`` tells a row that is absent from one that is somebody else's.
        """
        kept = [entry for entry in super().get_urls() if getattr(entry, "name", None) not in UNUSED]
        return [path("logout/", self.logout, name="logout"), *kept]

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Give no list of applications: the navigation is ours."""
        return []

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Add the navigation: the nouns that whoever asks may read."""
        links: list[Link] = []
        if self.has_permission(request):
            nouns = {str(getattr(noun, "plural", "")): noun for noun in self._registry.values()}
            for label in (*NAVIGATION, *(noun for noun in nouns if noun not in NAVIGATION)):
                url = reverse(f"admin:{nouns[label].opts.app_label}_{nouns[label].opts.model_name}_changelist")
                if nouns[label].has_view_permission(request):
                    links.append(Link(label, url, is_here=request.path.startswith(url)))
        return {**super().each_context(request), "navigation": links}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Draw the start page."""
        return super().index(request, {**start_context(actor_of(request)), **(extra_context or {})})

    @method_decorator(require_safe)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the one sign-in page; who is signed in and may not enter is told so."""
        wanted = next_address(request) or reverse("admin:index")
        if not isinstance(request.user, User):
            return HttpResponseRedirect(f"{reverse('sign-in')}?{urlencode({'next': wanted})}")
        if request.user.must_change_password and not is_borrowed(request):
            return HttpResponseRedirect(f"{reverse('password-change')}?{urlencode({'next': wanted})}")
        if self.has_permission(request):
            return HttpResponseRedirect(wanted)
        context = {**self.each_context(request), "title": "Nothing to administer", "person": request.user}
        return TemplateResponse(request, "accounts/admin/nothing.html", context, status=403)

    @method_decorator(require_POST)
    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out; for everybody who is signed in, staff or not."""
        sign_out(request, Door.ADMIN)
        return redirect("sign-in")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the page on which everybody changes their password; Django's own saves past the operations."""
        return redirect("password-change")


site = HouseAdminSite(name="admin")
