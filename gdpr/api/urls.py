"""Addresses of the archive's part of the API."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from gdpr.api.exports import ExportViewSet, UserExportViewSet, schema

router = SimpleRouter()
router.register("exports", ExportViewSet, basename="export")

urlpatterns = [
    path("schema/personal-data-export.json", schema, name="export-schema"),
    path("v1/personal-data/", include(router.urls)),
    path("v1/users/<str:id>/export/", UserExportViewSet.as_view({"post": "export"}), name="user-export"),
]
