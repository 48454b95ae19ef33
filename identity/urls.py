"""Addresses."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from accounts.api import missing
from accounts.pages import (
    failures,
    health,
    impersonation,
    invites,
    keys,
    letters,
    links,
    passkeys,
    passwords,
    signing_in,
)
from gdpr.admin import site
from gdpr.pages import account_urls

handler400 = "accounts.pages.failures.bad_request"
handler403 = "accounts.pages.failures.forbidden"
handler404 = "accounts.pages.failures.not_found"
urlpatterns = [
    path("livez", health.livez, name="livez"),
    path(".well-known/jwks.json", keys.jwks, name="jwks"),
    path("readyz", health.readyz, name="readyz"),
    path("link/confirm/", links.confirm, name="link-confirm"),
    path("link/<str:token>/", links.link, name="link"),
    path("link/", links.set_password, name="link-set-password"),
    path("invite/<str:token>/", invites.invite, name="invite"),
    path("invite/", invites.accept, name="invite-accept-page"),
    path("letters/", letters.letters, name="letters"),
    path("letters/<str:name>/", letters.letter, name="letter"),
    path("letters/<str:name>/html/", letters.letter_html, name="letter-html"),
    path("impersonation/stop/", impersonation.stop, name="impersonation-stop"),
    path("password/reset/", passwords.reset_password, name="password-reset"),
    path("sign-in/", signing_in.sign_in, name="sign-in"),
    path("sign-in/<slug:slug>/", signing_in.sign_in, name="sign-in-at"),
    path("passkey/challenge/", passkeys.challenge, name="passkey-challenge"),
    path("sign-out/", signing_in.sign_out_page, name="sign-out"),
    path("account/", include(account_urls())),
    path("api/", include("gdpr.api.urls")),
    path("api/", include("accounts.api.urls")),
    path("admin/", site.urls),
]


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer a failure in the way of the door it came through."""
    return missing.failed(request) if request.path.startswith("/api/") else failures.server_error(request)
