"""Sessions: one for each signed-in browser or client; everything issued in it dies with it."""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar, Final, Self
from uuid import UUID

from django.contrib.sessions.models import Session as BrowserSession
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts import ids
from accounts.actions import Action
from accounts.actors import PREFIX, Actor, ActorKind
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Organization

__all__ = ["RECENT", "RefreshToken", "Session", "session_key_hash"]

RECENT: Final = timedelta(minutes=5)
"""How long it counts that somebody showed who they are, for what a borrowed browser should not do."""


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

    def own(self) -> Self:
        """Keep those that people opened themselves: no impersonations."""
        return self.exclude(kind=Session.IMPERSONATION)

    def by(self, kind: ActorKind, ids: Iterable[UUID | None]) -> Self:
        """Keep the impersonations in which one of these acts; the operator is one, without an id."""
        theirs = self.filter(kind=Session.IMPERSONATION, impersonator_kind=kind)
        return theirs if kind is ActorKind.OPERATOR else theirs.filter(impersonator_id__in=list(ids))

    def end(self, reason: str) -> int:
        """End all of these that have not ended, and what was begun in them, with the browsers' own rows.

        Says how many.
        """
        found = dict(self.filter(ended_at=None).values_list("pk", "key_hash"))
        begun = Session.objects.filter(started_in__in=list(found), ended_at=None)
        found |= dict(begun.values_list("pk", "key_hash"))
        BrowserSession.objects.filter(session_key__in=list(found.values())).delete()
        return Session.objects.filter(pk__in=list(found), ended_at=None).update(
            ended_at=timezone.now(), end_reason=reason
        )


class Session(Row):
    """One signed-in browser, one sign-in of a program, or one impersonation.

    ``key_hash`` is of the browser's key; of a program's, of its first refresh token. ``methods`` are how the person
    showed who they are (``amr``, RFC 8176): ``pwd``, ``otp``, ``recovery``; ``authenticated_at`` says when they did
    that last. It is over at ``expires_at``, and at ``idle_at`` unless it is used before. One that ``must_enrol`` opens
    nothing but the page where a second factor is enrolled. An impersonation is a session of the person
    that somebody else acts as: ``impersonator_kind`` and ``impersonator_id`` say who acts, ``started_in`` in which
    session of theirs, with which it dies. They are plain ids, as in the trail: a person, a key, or the operator.
    """

    BROWSER: ClassVar[str] = "browser"
    API: ClassVar[str] = "api"
    IMPERSONATION: ClassVar[str] = "impersonation"
    KINDS: ClassVar[tuple[str, ...]] = (BROWSER, API, IMPERSONATION)

    id = PrefixedIDField(prefix="ses")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="sessions")
    kind = models.CharField(max_length=16, choices=[(kind, kind) for kind in KINDS], default=BROWSER)
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
    impersonator_kind = models.CharField(max_length=12, blank=True)
    impersonator_id = models.UUIDField(null=True)
    started_in = models.UUIDField(null=True)
    reason = models.CharField(max_length=500, blank=True)

    objects = SessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="session_end_has_reason",
                condition=Q(ended_at=None, end_reason="") | Q(ended_at__isnull=False) & ~Q(end_reason=""),
            ),
            models.CheckConstraint(
                name="session_impersonation_says_by_whom",
                condition=Q(kind="impersonation") & ~Q(impersonator_kind="") & ~Q(reason="")
                | ~Q(kind="impersonation") & Q(impersonator_kind="", impersonator_id=None, started_in=None, reason=""),
            ),
            # Of each pair one, the operator being one of those who act.
            models.UniqueConstraint(
                fields=["user", "impersonator_kind", "impersonator_id"],
                condition=Q(kind="impersonation", ended_at=None),
                name="session_impersonation_once",
            ),
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(kind="impersonation", ended_at=None, impersonator_kind="operator"),
                name="session_impersonation_once_by_operator",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "ended_at", "expires_at"], name="session_live_of_user"),
            models.Index(fields=["organization", "created_at", "id"], name="session_by_created"),
            models.Index(
                fields=["impersonator_id"], condition=Q(impersonator_id__isnull=False), name="session_by_impersonator"
            ),
            models.Index(fields=["started_in"], condition=Q(started_in__isnull=False), name="session_by_started_in"),
        ]

    @property
    def is_live(self) -> bool:
        """Whether it still opens a door."""
        return self.ended_at is None and min(self.expires_at, self.idle_at) > timezone.now()

    @property
    def subject(self) -> Any:
        """The person."""
        return self.user

    @property
    def impersonator(self) -> str | None:
        """Who acts in an impersonation, as ids are shown; ``None`` in a session of the person's own."""
        if self.kind != self.IMPERSONATION:
            return None
        prefix = PREFIX.get(ActorKind(self.impersonator_kind))
        return ids.encode(prefix, self.impersonator_id) if prefix and self.impersonator_id else self.impersonator_kind


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
