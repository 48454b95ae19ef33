"""The app."""

from django.apps import AppConfig


class GDPRConfig(AppConfig):
    """The archive."""

    name = "gdpr"
    default_auto_field = "django.db.models.BigAutoField"
