"""Addresses of the archive's part of the API."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from accounts.api.user_verbs import GRAVE_VERBS
from gdpr.api.duties import HoldViewSet, RequestViewSet, TermsViewSet
from gdpr.api.erasures import ErasureViewSet, UserErasureViewSet
from gdpr.api.exports import ExportViewSet, UserExportViewSet, schema
from gdpr.api.own import MyErasureViewSet, MyExportViewSet
from gdpr.api.selections import SELECTION_VERBS

GRAVE_VERBS.update(SELECTION_VERBS)
router = SimpleRouter()
router.register("erasures", ErasureViewSet, basename="erasure")
router.register("exports", ExportViewSet, basename="export")
router.register("holds", HoldViewSet, basename="hold")
router.register("requests", RequestViewSet, basename="subject-request")
router.register("terms", TermsViewSet, basename="terms")

export = UserExportViewSet.as_view({"post": "export"}, basename="export")
purge = UserErasureViewSet.as_view({"post": "user_purge"}, basename="erasure")
delete = UserErasureViewSet.as_view({"post": "user_delete"}, basename="erasure")

urlpatterns = [
    path("schema/personal-data-export.json", schema, name="export-schema"),
    path("v1/personal-data/", include(router.urls)),
    path(
        "v1/me/export/", MyExportViewSet.as_view({"get": "list", "post": "ask"}, basename="me-export"), name="me-export"
    ),
    path("v1/me/export/<str:id>/", MyExportViewSet.as_view({"get": "retrieve"}), name="me-export-detail"),
    path("v1/me/export/<str:id>/download/", MyExportViewSet.as_view({"get": "download"}), name="me-export-download"),
    path("v1/me/delete/", MyErasureViewSet.as_view({"post": "ask"}), name="me-delete"),
    path("v1/me/cancel-delete/", MyErasureViewSet.as_view({"post": "cancel"}), name="me-cancel-delete"),
    path("v1/users/<str:id>/export/", export, name="user-export"),
    path("v1/users/<str:id>/purge/", purge, name="user-purge"),
    path("v1/users/<str:id>/delete/", delete, name="user-delete"),
    path("v1/users/<str:id>/cancel-erasure/", UserErasureViewSet.as_view({"post": "cancel"}), name="erasure-cancel"),
    path(
        "v1/users/<str:id>/delete-activities/",
        UserErasureViewSet.as_view({"post": "delete_activities"}),
        name="user-delete-activities",
    ),
]
