"""Addresses of the archive's part of the API."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from gdpr.api.duties import HoldViewSet, RequestViewSet, TermsViewSet

router = SimpleRouter()
router.register("holds", HoldViewSet, basename="hold")
router.register("requests", RequestViewSet, basename="subject-request")
router.register("terms", TermsViewSet, basename="terms")

urlpatterns = [
    path("v1/personal-data/", include(router.urls)),
]
