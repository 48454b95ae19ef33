"""Addresses of the API; paths end with a slash."""

from django.urls import include, path, re_path
from rest_framework.routers import SimpleRouter

from accounts.api.api_keys import APIKeyViewSet
from accounts.api.applications import ApplicationViewSet
from accounts.api.audit import AuditEventViewSet
from accounts.api.auth import AuthViewSet
from accounts.api.claims import ClaimViewSet
from accounts.api.docs import DocsView, schema
from accounts.api.invites import InviteAcceptViewSet, InviteViewSet, MyInviteViewSet
from accounts.api.letters import LetterViewSet
from accounts.api.me import MeViewSet
from accounts.api.missing import missing
from accounts.api.organizations import MembershipViewSet, OrganizationViewSet
from accounts.api.passkeys import PasskeyViewSet
from accounts.api.roles import PermissionViewSet, RoleViewSet
from accounts.api.sessions import SessionViewSet
from accounts.api.users import UserViewSet

router = SimpleRouter()
router.register("organizations", OrganizationViewSet, basename="organization")
router.register("users", UserViewSet, basename="user")
router.register("memberships", MembershipViewSet, basename="membership")
router.register("applications", ApplicationViewSet, basename="application")
router.register("roles", RoleViewSet, basename="role")
router.register("permissions", PermissionViewSet, basename="permission")
router.register("api-keys", APIKeyViewSet, basename="api-key")
router.register("claims", ClaimViewSet, basename="claim")
router.register("sessions", SessionViewSet, basename="session")
router.register("invites", InviteViewSet, basename="invite")
router.register("letters", LetterViewSet, basename="letter")
router.register("audit-events", AuditEventViewSet, basename="audit-event")

urlpatterns = [
    path("schema/", schema, name="api-schema"),
    path("docs/", DocsView.as_view(), name="api-docs"),
    path("v1/me/", MeViewSet.as_view({"get": "list", "patch": "partial_update"}), name="me"),
    path("v1/me/email/", MeViewSet.as_view({"get": "email", "post": "change_email"}), name="me-email"),
    path("v1/me/email/send-confirmation/", MeViewSet.as_view({"post": "confirm_email"}), name="me-email-confirm"),
    path("v1/me/set-password/", MeViewSet.as_view({"post": "set_password"}), name="me-set-password"),
    path("v1/me/two-factor/", MeViewSet.as_view({"get": "two_factor"}), name="me-two-factor"),
    path("v1/me/two-factor/enrol/", MeViewSet.as_view({"post": "enrol"}), name="me-two-factor-enrol"),
    path("v1/me/two-factor/confirm/", MeViewSet.as_view({"post": "confirm"}), name="me-two-factor-confirm"),
    path("v1/me/two-factor/passkeys/", PasskeyViewSet.as_view({"post": "begin"}), name="me-passkeys"),
    path("v1/me/two-factor/passkeys/confirm/", PasskeyViewSet.as_view({"post": "finish"}), name="me-passkeys-confirm"),
    path("v1/me/two-factor/recovery-codes/", MeViewSet.as_view({"post": "renew_codes"}), name="me-recovery-codes"),
    path(
        "v1/me/stop-impersonation/",
        MeViewSet.as_view({"post": "stop_impersonation"}),
        name="me-stop-impersonation",
    ),
    path("v1/auth/token/", AuthViewSet.as_view({"post": "token"}), name="auth-token"),
    path("v1/auth/two-factor/", AuthViewSet.as_view({"post": "second_factor"}), name="auth-two-factor"),
    path("v1/auth/two-factor/send-code/", AuthViewSet.as_view({"post": "send_code"}), name="auth-send-code"),
    path("v1/auth/refresh/", AuthViewSet.as_view({"post": "refresh"}), name="auth-refresh"),
    path(
        "v1/auth/password/reset-request/",
        AuthViewSet.as_view({"post": "reset_request"}),
        name="auth-password-reset-request",
    ),
    path("v1/auth/password/reset/", AuthViewSet.as_view({"post": "reset"}), name="auth-password-reset"),
    path("v1/auth/email/confirm/", AuthViewSet.as_view({"post": "confirm"}), name="auth-email-confirm"),
    path("v1/invites/accept/", InviteAcceptViewSet.as_view({"post": "accept"}), name="invite-accept"),
    path("v1/invites/request/", InviteAcceptViewSet.as_view({"post": "ask"}), name="invite-request"),
    path("v1/me/invites/", MyInviteViewSet.as_view({"get": "list"}), name="me-invites"),
    path("v1/me/invites/<str:id>/accept/", MyInviteViewSet.as_view({"post": "accept"}), name="me-invite-accept"),
    path("v1/me/invites/<str:id>/decline/", MyInviteViewSet.as_view({"post": "decline"}), name="me-invite-decline"),
    path("v1/", include(router.urls)),
    re_path(r"^(?P<rest>.*)$", missing),
]
