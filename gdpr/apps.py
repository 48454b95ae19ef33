"""The app, its checks, and where it joins the house."""

from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register


class GDPRConfig(AppConfig):
    """The archive."""

    name = "gdpr"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let ``manage.py check`` compare the map with the models, and take the places that the house keeps for us."""
        from accounts.mail import LETTERS  # noqa: PLC0415 -- needs the models
        from accounts.operations.installation import READINESS, SWEEPS  # noqa: PLC0415
        from gdpr.letters import DELETION_PLANNED  # noqa: PLC0415
        from gdpr.operations import exports, replay, requests, retention, sweeping  # noqa: PLC0415

        register(check_personal_data, "gdpr")
        LETTERS[DELETION_PLANNED.kind] = DELETION_PLANNED
        READINESS["erasures"] = replay.ledger_problem
        SWEEPS.update(
            erasures=sweeping.erasures_finish,
            exports=exports.sweep,
            reminders=requests.remind,
            retention=retention.RetentionSweep(),
        )


def check_personal_data(**_: Any) -> list[CheckMessage]:
    """Say what is missing, stale or contradictory in the map."""
    from gdpr import checks  # noqa: PLC0415 -- commands that check nothing need not load the map

    return [*checks.shipped_errors()]
