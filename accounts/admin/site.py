"""The admin site: its sign-in goes through the house's operation."""

from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters

from accounts.actors import Door
from accounts.browser import fresh_key_hash, request_actor, session_of, signed_in
from accounts.errors import NotAuthenticated
from accounts.models import Organization, Session
from accounts.operations.sessions import SecondFactorNeeded, session_end, session_start

__all__ = ["AdminSignInForm", "HouseAdminSite", "site"]


class AdminSignInForm(AuthenticationForm):
    """E-mail or username, password, and a code where a second factor is enrolled."""

    username = forms.CharField(
        label="E-mail or username",
        max_length=254,
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "username"}),
    )
    organization = forms.CharField(label="Organization", max_length=63, initial="default")
    code = forms.CharField(
        label="Code of your second factor",
        required=False,
        max_length=16,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        """Sign in."""
        values = self.cleaned_data
        if not {"username", "password", "organization"} <= set(values):
            return values
        assert self.request is not None
        organization = Organization.objects.active().named(values["organization"]).first()
        try:
            if organization is None:
                raise NotAuthenticated("E-mail, username or password is wrong.")
            self.session: Session = session_start(
                actor=request_actor(self.request, Door.ADMIN),
                organization=organization,
                login=values["username"],
                password=values["password"],
                key_hash=fresh_key_hash(self.request),
                code=values["code"],
            )
        except SecondFactorNeeded as refusal:
            self.wants_code = True
            raise ValidationError(refusal.message) from None
        except NotAuthenticated as refusal:
            raise ValidationError(refusal.message) from None
        return values


class HouseAdminSite(AdminSite):
    """The admin."""

    site_header = "Identity"
    site_title = "Identity"
    index_title = "Start"

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in whoever has something to administer; a second factor was asked for at sign-in."""
        return request.user.is_active and getattr(request.user, "is_staff", False)

    @method_decorator(sensitive_post_parameters("password", "code"))
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Sign in."""
        if self.has_permission(request):
            return redirect("admin:index")
        form = AdminSignInForm(request, request.POST or None)
        if request.method == "POST" and form.is_valid():
            signed_in(request, form.session.user, form.session)
            return HttpResponseRedirect(self._next(request))
        context = {**self.each_context(request), "title": "Sign in", "form": form, "next": self._next(request)}
        return TemplateResponse(request, "accounts/admin/sign_in.html", {**context, **(extra_context or {})})

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Sign out."""
        session = session_of(request)
        if session is not None:
            session_end(actor=request_actor(request, Door.ADMIN), session=session)
        request.session.flush()
        return redirect("admin:login")

    def _next(self, request: HttpRequest) -> str:
        wanted = request.POST.get("next") or request.GET.get("next") or ""
        safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
        return wanted if safe else reverse("admin:index")


site = HouseAdminSite(name="admin")
