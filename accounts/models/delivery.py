"""What is told after a change, what was asked twice, and links that work once."""

from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.actions import Action
from accounts.errors import NotFound
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Organization

__all__ = ["EmailChange", "IdempotencyKey", "OneTimeLink", "Outbox", "Purpose", "ResetRequest"]


HOUR: Final = timedelta(hours=1)


class OutboxQuerySet(TenantQuerySet["Outbox"]):
    """Letters: on their way, sent, failed."""

    reading = Action.LETTER_LIST

    def due(self) -> Self:
        """Keep those to be tried now."""
        return self.filter(state=Outbox.QUEUED, next_attempt_at__lte=timezone.now())

    def in_state(self, state: str) -> Self:
        """Keep those of one state; that it is not ``sent`` is said in the words of the index of those few."""
        rows = self.filter(state=state)
        return rows if state == Outbox.SENT else rows.exclude(state=Outbox.SENT)

    def seconds_to_room(self, user: Any, kind: str, *, most: int) -> int:
        """Say in how many seconds a person may be sent another letter of a kind; 0 if now.

        :param most: how many an hour, whatever became of them
        """
        now = timezone.now()
        recent = self.filter(user=user, kind=kind, created_at__gt=now - HOUR).order_by("-created_at")
        first = recent.values_list("created_at", flat=True)[most - 1 : most].first()
        return max(1, int((first + HOUR - now).total_seconds())) if first is not None else 0

    def drop(self, why: str) -> int:
        """Take back those that still wait, because what they say is no longer so; says how many.

        :param why: without addresses
        """
        waiting = self.filter(state=Outbox.QUEUED)
        return waiting.update(state=Outbox.DROPPED, dead_at=timezone.now(), last_error=f"not sent: {why}"[:200])

    def locked(self, letter: "Outbox") -> "Outbox":
        """Hold a letter's row, after the person's.

        :raises NotFound: if it went with the person
        """
        rows = self.select_related("organization", "user").select_for_update(of=("self",))
        held = rows.filter(pk=letter.pk).first()
        if held is None:
            raise NotFound("Letter not found.")
        return held


class Outbox(Row):
    """A letter to be sent: written in the transaction that caused it, and the truth about its delivery.

    ``address`` is where it goes, the person's at the moment of the cause; ``last_error`` what the mail server
    said, or why nothing was sent, without addresses.
    """

    QUEUED: ClassVar[str] = "queued"
    SENT: ClassVar[str] = "sent"
    FAILED: ClassVar[str] = "failed"
    DROPPED: ClassVar[str] = "dropped"
    STATES: ClassVar[tuple[str, ...]] = (QUEUED, SENT, FAILED, DROPPED)

    id = PrefixedIDField(prefix="ltr")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    address = models.CharField(max_length=254)
    state = models.CharField(max_length=8, choices=[(state, state) for state in STATES], default=QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    delivered_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=200, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = "letter"
        constraints = [
            models.CheckConstraint(
                name="letter_state",
                condition=Q(state="queued", delivered_at=None, dead_at=None)
                | Q(state="sent", delivered_at__isnull=False, dead_at=None)
                | Q(state__in=["failed", "dropped"], delivered_at=None, dead_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=Q(state="queued"), name="letter_waiting"),
            models.Index(fields=["organization", "created_at", "id"], name="letter_by_created"),
            models.Index(fields=["created_at", "id"], name="letter_all_by_created"),
            models.Index(
                fields=["organization", "state", "created_at", "id"], condition=~Q(state="sent"), name="letter_by_state"
            ),
            models.Index(fields=["state", "created_at", "id"], condition=~Q(state="sent"), name="letter_all_by_state"),
        ]

    @property
    def subject(self) -> Any:
        """The person."""
        return self.user


class IdempotencyKey(models.Model):
    """A request that changed something, so that its repetition changes nothing more (24 hours)."""

    id = models.BigAutoField(primary_key=True)
    principal_id = models.UUIDField()
    key = models.CharField(max_length=128)
    request_digest = models.CharField(max_length=64)
    result_kind = models.CharField(max_length=20, blank=True)
    result_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["principal_id", "key"], name="idempotency_key_once")]
        indexes = [
            models.Index(fields=["expires_at"], name="idempotency_key_by_expiry"),
            models.Index(fields=["result_id"], name="idempotency_key_by_result"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"


class Purpose(StrEnum):
    """What a link is good for, and for nothing else."""

    SIGN_IN = "sign_in"
    """Set a password and be signed in: made by hand by whoever runs the service."""
    PASSWORD_RESET = "password_reset"  # noqa: S105 -- a word
    """Set a password in place of a lost one."""
    WELCOME = "welcome"
    """Set the first password of a new account."""
    EMAIL_CONFIRM = "email_confirm"
    """Show that the mailbox is theirs."""
    EMAIL_CHANGE = "email_change"
    """Show that the mailbox is theirs, and have it as their address from then on."""


class OneTimeLinkQuerySet(models.QuerySet["OneTimeLink"]):
    """Links."""

    def live(self) -> Self:
        """Keep those that can still be used."""
        return self.filter(used_at=None, expires_at__gt=timezone.now())

    def use(self, link: "OneTimeLink") -> bool:
        """Use a link up; of several at once, one is told yes."""
        return bool(self.live().filter(pk=link.pk).update(used_at=timezone.now()))

    def void(self) -> int:
        """Make all of these useless; says how many still were of use."""
        return self.live().update(used_at=timezone.now())


class OneTimeLink(Row):
    """A secret that lets one person do one thing, once.

    ``sent_to_key`` is the address (its ``email_key``) that the link was mailed to; none was handed out by hand.
    """

    id = PrefixedIDField(prefix="lnk")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="one_time_links")
    purpose = models.CharField(
        max_length=16, choices=[(word.value, word.value) for word in Purpose], db_default=Purpose.SIGN_IN.value
    )
    sent_to_key = models.CharField(max_length=320, null=True, editable=False)
    lookup = models.CharField(max_length=12, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, editable=False)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    objects = OneTimeLinkQuerySet.as_manager()


class EmailChangeQuerySet(models.QuerySet["EmailChange"]):
    """Addresses that are waited for."""

    def live(self) -> Self:
        """Keep those that can still be confirmed."""
        return self.filter(expires_at__gt=timezone.now())


class EmailChange(Row):
    """An address that a person wants to have: theirs once they open the link in the letter to it.

    Whether somebody else has it is looked at then.
    """

    id = PrefixedIDField(prefix="emc")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.OneToOneField("accounts.User", on_delete=models.CASCADE, related_name="email_change")
    email = models.CharField(max_length=254)
    email_key = models.CharField(max_length=320, editable=False)
    expires_at = models.DateTimeField()

    objects = EmailChangeQuerySet.as_manager()


class ResetRequest(models.Model):
    """Somebody asked for a link to set a new password: looked into by the worker, kept for an hour.

    ``person_id`` is whom they named, or an id of nobody: the row is the same for both, and what they
    typed is nowhere. ``network`` is where they asked from.
    """

    id = models.BigAutoField(primary_key=True)
    person_id = models.UUIDField()
    network = models.CharField(max_length=43)
    door = models.CharField(max_length=16)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], name="reset_request_by_created"),
            models.Index(fields=["person_id"], name="reset_request_by_person"),
        ]

    def __str__(self) -> str:
        return f"request for a reset {self.pk}"
