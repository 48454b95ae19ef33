"""Letters for tests."""

from django.utils import timezone

from accounts.models import Outbox, User

__all__ = ["make_failed_letter"]


def make_failed_letter(user: User, *, kind: str = "password_changed") -> Outbox:
    """Make a letter that was given up."""
    return Outbox.objects.create(
        organization=user.organization,
        user=user,
        kind=kind,
        address=user.email or "",
        state=Outbox.FAILED,
        attempts=8,
        dead_at=timezone.now(),
        last_error="the mail server did not answer in time",
    )
