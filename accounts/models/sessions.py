"""Sessions: one for each signed-in browser or client; everything issued in it dies with it."""

import hashlib
from typing import Any, ClassVar, Self

from django.contrib.sessions.models import Session as BrowserSession
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.actions import Action
from accounts.actors import Actor
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Organization

__all__ = ["RefreshToken", "Session", "session_key_hash"]


def session_key_hash(session_key: str) -> str:
    """Hash a browser's key as it is stored, here and in Django's own table (160 bits, 40 digits)."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionQuerySet(TenantQuerySet["Session"]):
    """Sessions."""

    reading = Action.SESSION_LIST

    def visible_to(self, actor: Actor) -> Self:
        """Keep one's own, and those of people whose sessions one may list."""
        if actor.everything:
            return self.all()
        return self.filter(
            Q(organization_id__in=actor.organizations_where(self.reading)) | Q(user_id=actor.user_id or None)
        )

    def live(self) -> Self:
        """Keep those that still open a door."""
        now = timezone.now()
        return self.filter(ended_at=None, expires_at__gt=now, idle_at__gt=now)

    def end(self, reason: str) -> int:
        """End all of these that have not ended, with the browsers' own rows; says how many."""
        hashes = list(self.filter(ended_at=None).values_list("key_hash", flat=True))
        BrowserSession.objects.filter(session_key__in=hashes).delete()
        return self.filter(ended_at=None).update(ended_at=timezone.now(), end_reason=reason)


class Session(Row):
    """One signed-in browser, or one sign-in of a program.

    ``key_hash`` is of the browser's key; of a program's, of its first refresh token. ``methods`` are how the person
    showed who they are (``amr``, RFC 8176): ``pwd``, ``otp``, ``recovery``; ``authenticated_at`` says when they did
    that last. It is over at ``expires_at``, and at ``idle_at`` unless it is used before. One that ``must_enrol`` opens
    nothing but the page where a second factor is enrolled.
    """

    BROWSER: ClassVar[str] = "browser"
    API: ClassVar[str] = "api"

    id = PrefixedIDField(prefix="ses")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=16, choices=[(BROWSER, BROWSER), (API, API)], default=BROWSER)
    methods = models.JSONField(default=list)
    must_enrol = models.BooleanField(default=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    last_active_at = models.DateTimeField(default=timezone.now)
    authenticated_at = models.DateTimeField(default=timezone.now)
    idle_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=40, blank=True)
    ip = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=100, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="session_end_has_reason",
                condition=Q(ended_at=None, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["user", "ended_at", "expires_at"], name="session_live_of_user"),
            models.Index(fields=["organization", "created_at", "id"], name="session_by_created"),
        ]

    @property
    def is_live(self) -> bool:
        """Whether it still opens a door."""
        return self.ended_at is None and min(self.expires_at, self.idle_at) > timezone.now()

    @property
    def subject(self) -> Any:
        """The person."""
        return self.user


class RefreshTokenQuerySet(models.QuerySet["RefreshToken"]):
    """Refresh tokens."""

    def use(self, token: "RefreshToken") -> bool:
        """Use one up; of several at once, one is told yes."""
        return bool(self.filter(pk=token.pk, used_at=None).update(used_at=timezone.now()))


class RefreshToken(models.Model):
    """What a program gets the next access token with, once; used ones stay, so that a second use is noticed."""

    id = models.BigAutoField(primary_key=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="refresh_tokens")
    lookup = models.CharField(max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)

    objects = RefreshTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"refresh token {self.pk}"
