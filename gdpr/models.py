"""What the archive remembers: erasures and their receipts, exports, requests, legal holds, an organization's terms.

People are named by plain id where the row outlives them, by foreign key where it dies with them.
"""

from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.actions import Action
from accounts.actors import Actor
from accounts.models import Organization, User
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet

__all__ = ["Erasure", "Export", "LegalHold", "PrivacyTerms", "SubjectRequest"]


class ErasureQuerySet(TenantQuerySet["Erasure"]):
    """Erasures."""

    reading = Action.ERASURE_LIST

    def standing(self) -> Self:
        """Leave out those that were called off."""
        return self.exclude(status=Erasure.CANCELLED)

    def of(self, user_id: UUID, how: str) -> "Erasure | None":
        """Find a person's erasure of a kind, whether planned, under way or done."""
        return self.standing().filter(user_id=user_id, how=how).first()

    def unfinished(self) -> Self:
        """Keep those whose grace period has run out, and those that something stopped half way."""
        due = Q(status=Erasure.SCHEDULED, due_at__lte=timezone.now())
        return self.filter(due | Q(status__in=[Erasure.FENCED, Erasure.ERASED]))

    def asked_by_oneself(self, actor: Actor) -> Self:
        """Keep those that the actor asked for of themselves."""
        return self.filter(user_id=actor.user_id, requested_by=actor.user_id) if actor.user_id else self.none()

    def unfinished_of(self, user_id: UUID) -> Self:
        """Keep those of one person that have not erased yet."""
        return self.filter(user_id=user_id, status__in=[Erasure.SCHEDULED, Erasure.FENCED])

    def cancel(self) -> int:
        """Call all of these off; says how many."""
        return self.update(status=Erasure.CANCELLED, cancelled_at=timezone.now())


class Erasure(Row):
    """The erasure of one person: the plan, how far it has come, and in the end its receipt.

    ``purge`` leaves the account's row without personal data, ``delete`` removes it; then this row is
    what remembers that the id was given away.
    """

    PURGE: ClassVar[str] = "purge"
    DELETE: ClassVar[str] = "delete"

    SCHEDULED: ClassVar[str] = "scheduled"
    FENCED: ClassVar[str] = "fenced"
    ERASED: ClassVar[str] = "erased"
    COMPLETE: ClassVar[str] = "complete"
    CANCELLED: ClassVar[str] = "cancelled"

    id = PrefixedIDField(prefix="ers")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    how = models.CharField(max_length=8)
    status = models.CharField(max_length=10)
    reason = models.CharField(max_length=500, blank=True)
    requested_by_kind = models.CharField(max_length=12)
    requested_by = models.UUIDField(null=True)
    request_id = models.UUIDField(null=True)
    due_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)
    event_id = models.UUIDField(null=True)
    receipt = models.JSONField(null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "how"], condition=~Q(status="cancelled"), name="erasure_once_of_each"
            ),
            models.CheckConstraint(name="erasure_how", condition=Q(how__in=["purge", "delete"])),
            models.CheckConstraint(
                name="erasure_status",
                condition=Q(status__in=["scheduled", "fenced", "erased", "complete", "cancelled"]),
            ),
            models.CheckConstraint(
                name="erasure_receipt_when_complete",
                condition=Q(status="complete", receipt__isnull=False) | (~Q(status="complete") & Q(receipt=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="erasure_by_created"),
            models.Index(fields=["requested_by"], name="erasure_by_requester"),
            models.Index(fields=["user_id"], name="erasure_of_person"),
            models.Index(
                fields=["due_at"], condition=Q(status__in=["scheduled", "fenced", "erased"]), name="erasure_unfinished"
            ),
        ]


class ExportQuerySet(TenantQuerySet["Export"]):
    """Exports."""

    reading = Action.USER_EXPORT

    def visible_to(self, actor: Actor) -> Self:
        """Keep those of people whom one may export, and those that one asked for of oneself."""
        if actor.everything:
            return self.all()
        homes = Q(organization_id__in=actor.organizations_where(self.reading))
        return self.filter(homes | self._own(actor)) if actor.user_id else self.filter(homes)

    def of_oneself(self, actor: Actor) -> Self:
        """Keep those that the actor asked for of themselves."""
        return self.filter(self._own(actor)) if actor.user_id else self.none()

    @staticmethod
    def _own(actor: Actor) -> Q:
        return Q(user_id=actor.user_id, requested_by_kind=actor.kind, requested_by=actor.user_id)

    def asked_by(self, actor: Actor) -> Self:
        """Keep those that the actor asked for."""
        return self.filter(requested_by_kind=actor.kind, requested_by=actor.id)

    def due(self) -> Self:
        """Keep those to be made now: they wait, or whoever makes them is gone."""
        return self.filter(Q(status=Export.QUEUED) | Q(status=Export.RUNNING, leased_until__lte=timezone.now()))


class Export(Row):
    """A copy of everything about one person, made in the background, to be fetched for a while."""

    QUEUED: ClassVar[str] = "queued"
    RUNNING: ClassVar[str] = "running"
    READY: ClassVar[str] = "ready"
    FAILED: ClassVar[str] = "failed"
    EXPIRED: ClassVar[str] = "expired"

    id = PrefixedIDField(prefix="exp")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    requested_by_kind = models.CharField(max_length=12)
    requested_by = models.UUIDField(null=True)
    request_id = models.UUIDField(null=True)
    scope = models.CharField(max_length=12)
    format = models.CharField(max_length=8)
    status = models.CharField(max_length=8)
    rows_done = models.PositiveIntegerField(default=0)
    rows_total = models.PositiveIntegerField(default=0)
    file_key = models.CharField(max_length=200, blank=True, editable=False)
    size = models.PositiveBigIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="export_status", condition=Q(status__in=["queued", "running", "ready", "failed", "expired"])
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="export_by_created"),
            models.Index(fields=["expires_at"], name="export_by_expiry"),
            models.Index(fields=["user", "created_at", "id"], name="export_of_person"),
            models.Index(fields=["requested_by"], name="export_by_requester"),
        ]

    @property
    def is_fetchable(self) -> bool:
        """Whether the file can still be had."""
        return self.status == self.READY and self.expires_at is not None and self.expires_at > timezone.now()


class SubjectRequestQuerySet(TenantQuerySet["SubjectRequest"]):
    """Requests of people about their data."""

    reading = Action.REQUEST_LIST

    def open(self) -> Self:
        """Keep those that wait for an answer."""
        return self.filter(status=SubjectRequest.OPEN)


class SubjectRequest(Row):
    """What somebody asked for about their own data, and by when it has to be answered (Art. 12(3))."""

    OPEN: ClassVar[str] = "open"
    DONE: ClassVar[str] = "done"
    REFUSED: ClassVar[str] = "refused"

    KINDS: ClassVar[tuple[str, ...]] = (
        "access",
        "portability",
        "rectification",
        "erasure",
        "restriction",
        "objection",
    )
    ARTICLES: ClassVar[dict[str, str]] = dict(zip(KINDS, ("15", "20", "16", "17", "18", "21"), strict=True))
    """Of the GDPR."""

    id = PrefixedIDField(prefix="dsr")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user_id = models.UUIDField()
    kind = models.CharField(max_length=16)
    status = models.CharField(max_length=8, default="open")
    note = models.CharField(max_length=500, blank=True)
    received_at = models.DateTimeField()
    due_at = models.DateTimeField()
    extended_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    objects = SubjectRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="request_status", condition=Q(status__in=["open", "done", "refused"])),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="request_by_created"),
            models.Index(fields=["organization", "due_at", "id"], condition=Q(status="open"), name="request_due"),
            models.Index(fields=["user_id"], name="request_of_person"),
        ]


class LegalHoldQuerySet(TenantQuerySet["LegalHold"]):
    """Legal holds."""

    reading = Action.HOLD_LIST

    def active(self) -> Self:
        """Keep those that still hold."""
        return self.filter(released_at=None)


class LegalHold(Row):
    """Why somebody's data may not be erased for now (Art. 17(3)), and when that is looked at again."""

    id = PrefixedIDField(prefix="hld")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=500)
    exemption = models.CharField(max_length=10)
    review_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(released_at=None), name="hold_once"),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="hold_by_created"),
            models.Index(
                fields=["organization", "review_at", "id"], condition=Q(released_at=None), name="hold_by_review"
            ),
        ]


class PrivacyTerms(models.Model):
    """What an organization settled for its people's data; where it settled nothing, the defaults hold."""

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, primary_key=True, related_name="+")
    erasure_grace_days = models.PositiveSmallIntegerField(default=0)
    archived_days = models.PositiveSmallIntegerField(null=True)
    contact = models.CharField(max_length=254, blank=True)

    def __str__(self) -> str:
        return f"terms of {self.organization_id}"
