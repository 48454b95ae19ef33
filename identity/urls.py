"""Addresses."""

from django.urls import path

from accounts.admin.site import site
from accounts.pages import health, links, passwords

handler400 = "accounts.pages.failures.bad_request"
handler403 = "accounts.pages.failures.forbidden"
handler404 = "accounts.pages.failures.not_found"
handler500 = "accounts.pages.failures.server_error"
urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("link/<str:token>/", links.link, name="link"),
    path("link/", links.set_password, name="link-set-password"),
    path("password/", passwords.change_password, name="password-change"),
    path("admin/", site.urls),
]
