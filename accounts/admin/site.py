"""The admin site: its sign-in goes through the house's operations."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Door
from accounts.admin.base import actor_of
from accounts.admin.start import start_context
from accounts.admin.tables import Link
from accounts.browser import fresh_key, is_borrowed, next_address, request_actor, sign_out, signed_in
from accounts.errors import AccountsError
from accounts.models import Organization, Session, User
from accounts.models.sessions import session_key_hash
from accounts.operations.sessions import SecondFactorNeeded, session_start, session_start_with_code

__all__ = ["CodeForm", "HouseAdminSite", "SignInForm", "site"]

USUAL_ORGANIZATION = "default"
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


class SignInForm(forms.Form):
    """E-mail or username, password, and the organization where it is not the usual one."""

    username = forms.CharField(
        label="E-mail or username",
        max_length=254,
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    password = forms.CharField(
        max_length=1_024, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    organization = forms.CharField(
        max_length=63,
        initial=USUAL_ORGANIZATION,
        help_text="Its short name, such as acme. Ask whoever invited you.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, request: HttpRequest, data: QueryDict | None = None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)
        self.request = request
        self.proof = ""
        if self.is_bound:  # the name stays after an error, the password is to be typed again
            del self.fields["username"].widget.attrs["autofocus"]
            self.fields["password"].widget.attrs["autofocus"] = True

    @property
    def is_elsewhere(self) -> bool:
        """Whether the organization is worth showing: most installations have the usual one only."""
        return str(self["organization"].value()) != USUAL_ORGANIZATION

    def clean(self) -> dict[str, Any]:
        """Sign in, or find out that a code is needed first."""
        values = self.cleaned_data
        if not {"username", "password", "organization"} <= set(values):
            return values
        self.key = fresh_key()
        try:
            self.session: Session | None = session_start(
                actor=request_actor(self.request, Door.ADMIN),
                organization=Organization.objects.named(values["organization"].lower()).first(),
                login=values["username"],
                password=values["password"],
                key_hash=session_key_hash(self.key),
            )
        except SecondFactorNeeded as refusal:
            self.session, self.proof = None, refusal.proof
        except AccountsError as refusal:
            raise ValidationError(f"{refusal.message} {refusal.remedy}") from None
        return values


class CodeForm(forms.Form):
    """The code of a second factor, and the proof that the password was right."""

    proof = forms.CharField(max_length=500, widget=forms.HiddenInput)
    code = forms.CharField(
        label="Code",
        max_length=16,
        help_text="Six digits, from your authenticator app.",
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        ),
    )

    def __init__(self, request: HttpRequest, data: QueryDict | None = None, **options: Any) -> None:
        super().__init__(data, label_suffix="", **options)
        self.request = request
        self.is_void = False

    def clean(self) -> dict[str, Any]:
        """Sign in."""
        values = self.cleaned_data
        if not {"proof", "code"} <= set(values):
            return values
        self.key = fresh_key()
        try:
            self.session = session_start_with_code(
                actor=request_actor(self.request, Door.ADMIN),
                proof=values["proof"],
                code="".join(values["code"].split()),
                key_hash=session_key_hash(self.key),
            )
        except SecondFactorNeeded as refusal:
            self.data = {"proof": values["proof"], "code": ""}  # nobody should have to delete the wrong one
            self.add_error("code", f"{refusal.message} {refusal.remedy}")
        except AccountsError as refusal:
            self.is_void = True
            self.add_error(None, f"{refusal.message} {refusal.remedy}")
        return values


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

    @method_decorator(sensitive_post_parameters("password", "code", "proof"))
    @method_decorator(require_http_methods(["GET", "HEAD", "POST"]))
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign in: password first, then a code where a second factor is enrolled."""
        if isinstance(request.user, User):
            return self._onward(request, request.user)
        form: SignInForm | CodeForm
        if "proof" in request.POST:
            form = CodeForm(request, request.POST)
        else:
            form = SignInForm(request, request.POST or None, initial={"organization": USUAL_ORGANIZATION})
        if request.method == "POST" and form.is_valid():
            if form.session is None:
                form = CodeForm(request, initial={"proof": form.proof})
            else:
                signed_in(request, form.session, form.key)
                return self._onward(request, form.session.user)
        context = {
            **self.each_context(request),
            "title": "Sign in",
            "form": form,
            "wants_code": isinstance(form, CodeForm),
            "next": next_address(request),
        }
        return TemplateResponse(request, "accounts/admin/sign_in.html", {**context, **(extra_context or {})})

    def _onward(self, request: HttpRequest, user: User) -> HttpResponse:
        """Lead on whoever is signed in: to a password of their own, to where they wanted, or nowhere."""
        if user.must_change_password and not is_borrowed(request):
            return HttpResponseRedirect(f"{reverse('password-change')}?{urlencode({'next': next_address(request)})}")
        wanted = next_address(request)
        if self.has_permission(request) or not wanted.startswith(reverse("admin:index")):
            return HttpResponseRedirect(wanted)
        if request.method == "POST":
            return redirect("admin:login")
        context = {**self.each_context(request), "title": "Nothing to administer", "person": user}
        return TemplateResponse(request, "accounts/admin/nothing.html", context, status=403)

    @method_decorator(require_POST)
    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out; for everybody who is signed in, staff or not."""
        sign_out(request, Door.ADMIN)
        return redirect("admin:login")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the page on which everybody changes their password; Django's own saves past the operations."""
        return redirect("password-change")


site = HouseAdminSite(name="admin")
