"""The app, its checks, and where it joins the house."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register


class GDPRConfig(AppConfig):
    """The archive."""

    name = "gdpr"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let ``manage.py check`` compare the map of personal data with the models, and join the house."""
        from accounts.operations.installation import READINESS, SWEEPS  # noqa: PLC0415 -- once the models are there
        from gdpr.operations.erasure import erasures_finish  # noqa: PLC0415
        from gdpr.operations.replay import ledger_problem  # noqa: PLC0415
        from gdpr.operations.requests import remind  # noqa: PLC0415
        from gdpr.operations.retention import RetentionSweep  # noqa: PLC0415

        register(check_personal_data, "gdpr")
        READINESS["erasures"] = ledger_problem
        SWEEPS.update(erasures=erasures_finish, reminders=remind, retention=RetentionSweep())


def check_personal_data(**_: Any) -> list[CheckMessage]:
    """Say what is missing, stale or contradictory in the map."""
    from gdpr import checks  # noqa: PLC0415 -- commands that check nothing need not load the map

    return [*checks.shipped_errors()]
