"""The app, and its checks."""

from django.apps import AppConfig
from django.core.checks import register


class GDPRConfig(AppConfig):
    """The archive."""

    name = "gdpr"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let ``manage.py check`` compare the map of personal data with the models, which are all there by now."""
        from gdpr.checks import check_personal_data  # noqa: PLC0415 -- it imports models

        register(check_personal_data, "gdpr")
