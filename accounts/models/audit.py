"""The audit trail: headers that nobody changes, parts that can only be deleted (DESIGN section 6).

The header holds no personal data: subject, actor and organization as plain ids. Each part is
salted and committed to separately, and names the person it is about, so that erasing somebody
deletes their parts and salts and the chain still verifies.
"""

from typing import ClassVar, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.models.base import PrefixedIDField, TenantQuerySet

__all__ = ["INSTALLATION_CHAIN", "AuditChain", "AuditEvent", "AuditPart"]

INSTALLATION_CHAIN = UUID(int=0)
"""The chain of what belongs to no organization."""

PREFIX = {
    "user": "usr",
    "organization": "org",
    "api_key": "key",
    "session": "ses",
    "membership": "mem",
    "application": "app",
    "role": "rol",
    "claim": "clm",
    "letter": "ltr",
    "invite": "inv",
}


class AuditChainQuerySet(models.QuerySet["AuditChain"]):
    """Heads."""

    def moved(self) -> Self:
        """Keep those that have gone on since the last checkpoint."""
        return self.filter(sequence__gt=models.F("checkpointed"))


class AuditChain(models.Model):
    """The head of one organization's chain: the last lock that any operation takes.

    ``checkpointed`` spares the sweep from reading the ledger; what is true stands in the ledger.
    """

    id = models.UUIDField(primary_key=True)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="", blank=True)
    checkpointed = models.BigIntegerField(default=0)

    objects = AuditChainQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)


class AuditEventQuerySet(TenantQuerySet["AuditEvent"]):
    """Events."""

    reading = Action.AUDIT_LIST

    def visible_to(self, actor: Actor) -> Self:
        """Keep the trail of organizations one may audit."""
        if actor.everything:
            return self.all()
        return self.filter(organization_id__in=actor.organizations_where(self.reading))

    def about(self, subject_id: UUID) -> Self:
        """Keep what was done to somebody or something."""
        return self.filter(subject_id=subject_id)

    def by(self, actor_id: UUID) -> Self:
        """Keep what somebody did."""
        return self.filter(actor_id=actor_id)


class AuditEvent(models.Model):
    """Who did what to whom, when, through which door; never updated.

    The actor is whoever really acted; ``acting_as_id`` is the person they acted as (impersonation).
    """

    id = PrefixedIDField(prefix="evt")
    chain = models.UUIDField(editable=False)
    sequence = models.BigIntegerField(editable=False)
    layout = models.PositiveSmallIntegerField(default=1, editable=False)
    key_id = models.CharField(max_length=32, editable=False)
    action = models.CharField(max_length=60, editable=False)
    outcome = models.CharField(max_length=10, editable=False)
    actor_kind = models.CharField(max_length=12, editable=False)
    actor_id = models.UUIDField(null=True, editable=False)
    acting_as_id = models.UUIDField(null=True, editable=False)
    subject_kind = models.CharField(max_length=20, blank=True, editable=False)
    subject_id = models.UUIDField(null=True, editable=False)
    person_id = models.UUIDField(null=True, editable=False)
    organization_id = models.UUIDField(null=True, editable=False)
    door = models.CharField(max_length=8, editable=False)
    request_id = models.CharField(max_length=64, blank=True, editable=False)
    occurred_at = models.DateTimeField(editable=False)
    subject_commitment = models.CharField(max_length=64, blank=True, editable=False)
    actor_commitment = models.CharField(max_length=64, blank=True, editable=False)
    network_commitment = models.CharField(max_length=64, blank=True, editable=False)
    hash = models.CharField(max_length=64, editable=False)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "sequence"], name="audit_sequence_once")]
        indexes = [
            models.Index(fields=["occurred_at", "id"], name="audit_by_time"),
            models.Index(fields=["organization_id", "occurred_at", "id"], name="audit_of_organization"),
            models.Index(fields=["subject_id", "occurred_at", "id"], name="audit_of_subject"),
            models.Index(fields=["actor_id", "occurred_at", "id"], name="audit_of_actor"),
            models.Index(fields=["person_id"], name="audit_of_person"),
            models.Index(fields=["acting_as_id"], condition=Q(acting_as_id__isnull=False), name="audit_of_acting_as"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id as it is shown."""
        return ids.encode("evt", self.pk)

    @property
    def actor_name(self) -> str:
        """The actor's id as it is shown, or what kind of principal it was."""
        return ids.encode(PREFIX[self.actor_kind], self.actor_id) if self.actor_id else self.actor_kind

    @property
    def acting_as(self) -> str | None:
        """The id of the person that the actor acted as, as it is shown."""
        return ids.encode("usr", self.acting_as_id) if self.acting_as_id else None

    @property
    def subject_name(self) -> str:
        """The subject's id as it is shown."""
        return ids.encode(PREFIX[self.subject_kind], self.subject_id) if self.subject_id else self.subject_kind

    def part(self, kind: str) -> dict[str, object]:
        """Read a part, empty if there is none or it was erased (expects ``parts`` prefetched)."""
        return next((part.payload for part in self.parts.all() if part.kind == kind), {})


class AuditPart(models.Model):
    """What an event says about a person or a place; can be deleted, never changed.

    It repeats the event's organization, whose text erasure looks through: along a join, PostgreSQL reads
    the parts of everybody.
    """

    SUBJECT: ClassVar[str] = "subject"
    ACTOR: ClassVar[str] = "actor"
    NETWORK: ClassVar[str] = "network"

    id = models.BigAutoField(primary_key=True)
    event = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, related_name="parts", editable=False)
    kind = models.CharField(max_length=8, editable=False)
    person_id = models.UUIDField(null=True, editable=False)
    organization_id = models.UUIDField(null=True, editable=False)
    salt = models.CharField(max_length=64, editable=False)
    payload = models.JSONField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "kind"], name="audit_part_once"),
            models.CheckConstraint(name="audit_part_kind", condition=Q(kind__in=["subject", "actor", "network"])),
        ]
        indexes = [
            models.Index(fields=["person_id", "id"], name="audit_part_of_person"),
            models.Index(fields=["organization_id"], name="audit_part_of_organization"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.event_id}"
