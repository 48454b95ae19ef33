"""Addresses of the archive's part of the API."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from accounts.api.user_verbs import GRAVE_VERBS
from gdpr.api.duties import HoldViewSet, RequestViewSet, TermsViewSet
from gdpr.api.erasures import ErasureViewSet, UserErasureViewSet
from gdpr.api.exports import ExportViewSet, UserExportViewSet, schema
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
