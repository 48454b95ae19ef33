"""Invites: a secret that makes an account, for whoever reads one mailbox or whoever holds an open link."""

from enum import StrEnum
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts import ids
from accounts.actions import Action
from accounts.actors import PREFIX, ActorKind
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.claims import ClaimDefinition
from accounts.models.delivery import Outbox
from accounts.models.organizations import Organization
from accounts.models.roles import Role
from accounts.models.users import User
from accounts.statuses import OrganizationStatus, Status

__all__ = ["Invite", "InviteClaim", "InviteKind", "InviteRole", "InviteStatus"]


class InviteKind(StrEnum):
    """For whom it is."""

    EMAIL = "email"
    """Whoever reads one mailbox."""
    LINK = "link"
    """Whoever holds the link."""


class InviteStatus(StrEnum):
    """What became of it, judged when it is read."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REVOKED = "revoked"


class InviteQuerySet(TenantQuerySet["Invite"]):
    """Invites."""

    reading = Action.USER_INVITES

    def in_status(self, status: str) -> Self:
        """Keep those of one status, each along an index of its own."""
        if status == InviteStatus.ACCEPTED:
            return self.filter(accepted_at__isnull=False)
        if status == InviteStatus.REVOKED:
            return self.filter(revoked_at__isnull=False)
        open_ones = self.filter(accepted_at=None, revoked_at=None)
        now = timezone.now()
        if status == InviteStatus.EXPIRED:
            return open_ones.filter(expires_at__lte=now)
        return open_ones.filter(expires_at__gt=now)

    def pending(self) -> Self:
        """Keep those that can still be accepted, as far as they say it themselves."""
        return self.in_status(InviteStatus.PENDING)

    def of_person(self, user: User) -> Self:
        """Keep those, of other organizations, that were sent to an address which somebody has shown to be theirs."""
        if not user.email_verified:
            return self.none()
        waiting = self.pending().filter(email_key=user.email_key, kind=InviteKind.EMAIL)
        waiting = waiting.filter(user__status=Status.INVITED, user__email_key=F("email_key"))
        return waiting.exclude(organization_id=user.organization_id).filter(
            organization__status=OrganizationStatus.ACTIVE
        )

    def with_shown(self) -> Self:
        """Fetch what is shown of each along with it, in a fixed number of queries."""
        return self.select_related("organization", "user", "letter").prefetch_related(
            models.Prefetch("roles", InviteRole.objects.select_related("role__application").order_by("pk")),
            models.Prefetch("claims", InviteClaim.objects.select_related("definition__application").order_by("pk")),
        )

    def use(self, invite: "Invite") -> bool:
        """Count a use of a pending invite; of several at once on the last one, one is told yes.

        One that was asked for by an open link is a use of that too.
        """
        left = self.pending().filter(pk=invite.pk, lookup=invite.lookup, uses__lt=F("max_uses"))
        is_last = models.When(uses=F("max_uses") - 1, then=Now())
        # The open link before what was asked for by it, as in revoke().
        if invite.via is not None and not self.use(invite.via):
            return False
        used = left.update(uses=F("uses") + 1, accepted_at=models.Case(is_last, default=None))
        if invite.via is not None and self.filter(pk=invite.via.pk, accepted_at__isnull=False).exists():
            self.filter(via=invite.via).revoke()
        return bool(used)

    def revoke(self) -> int:
        """Make all of these useless that still were of use, and take back their letters; says how many.

        What was written in them, and to whom they went, goes with it; so do those that were asked for by them.
        """
        live = Invite.objects.filter(accepted_at=None, revoked_at=None)
        named = list(self.filter(accepted_at=None, revoked_at=None).values_list("pk", flat=True))
        asked = live.filter(via__in=named).values_list("pk", flat=True)
        # By id, so that two of these, and the last use of an open link, never wait for each other.
        rows = live.filter(pk__in=[*named, *asked]).order_by("pk").select_for_update(no_key=True)
        dying = Invite.objects.filter(pk__in=list(rows.values_list("pk", flat=True)))
        Outbox.objects.filter(pk__in=dying.values("letter_id")).drop("the invite was revoked")
        return dying.update(
            revoked_at=timezone.now(), lookup=None, secret_hash="", message="", email=None, email_key=None
        )


class Invite(Row):
    """A way into an organization.

    ``invited_by`` is who stands for it, by kind: a person, a key, or the operator, who has no id. Who was erased is
    no operator: such an invite opens nothing. ``user`` is the account that was made for the address, or the guest
    who accepted. Its profile, tags and claims are the account's from the first day; those of an open link wait here
    for whoever comes. Roles always wait. ``is_mailed`` says that the present secret went to the address, so that
    whoever has it reads that mailbox. ``via`` is the open link by which somebody asked for this one; accepting
    is a use of that too, and it dies with it. Its account is made by the worker.
    """

    id = PrefixedIDField(prefix="inv")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="invites")
    kind = models.CharField(max_length=5, choices=[(kind.value, kind.value) for kind in InviteKind])
    email = models.CharField(max_length=254, null=True)
    email_key = models.CharField(max_length=320, null=True, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="invites")
    invited_by = models.UUIDField(null=True, editable=False)
    invited_by_kind = models.CharField(max_length=10, editable=False)
    letter = models.ForeignKey(Outbox, on_delete=models.SET_NULL, null=True, related_name="+")
    via = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="asked")
    message = models.CharField(max_length=1000, blank=True)
    profile = models.JSONField(default=dict, blank=True)
    tags = models.JSONField(default=list, blank=True)
    lookup = models.CharField(max_length=12, unique=True, null=True, editable=False)
    secret_hash = models.CharField(max_length=64, blank=True, editable=False)
    is_mailed = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField(default=1)
    uses = models.PositiveIntegerField(default=0)
    accepted_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = InviteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="invite_kind", condition=Q(kind__in=[kind.value for kind in InviteKind])),
            models.CheckConstraint(name="invite_uses", condition=Q(uses__lte=F("max_uses"), max_uses__gte=1)),
            models.CheckConstraint(name="invite_ends_once", condition=Q(accepted_at=None) | Q(revoked_at=None)),
            models.CheckConstraint(
                name="invite_address_has_key",
                condition=Q(email=None, email_key=None)
                | Q(email__isnull=False, email_key__isnull=False, kind=InviteKind.EMAIL.value),
            ),
            models.CheckConstraint(
                name="invite_secret_is_whole",
                condition=Q(lookup=None, secret_hash="") | Q(lookup__isnull=False) & ~Q(secret_hash=""),
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="invite_by_created"),
            models.Index(
                fields=["organization", "created_at", "id"],
                condition=Q(accepted_at=None, revoked_at=None),
                name="invite_open",
            ),
            models.Index(
                fields=["organization", "created_at", "id"],
                condition=Q(accepted_at__isnull=False),
                name="invite_accepted",
            ),
            models.Index(
                fields=["organization", "created_at", "id"],
                condition=Q(revoked_at__isnull=False),
                name="invite_revoked",
            ),
            models.Index(
                fields=["created_at", "id"], condition=Q(accepted_at=None, revoked_at=None), name="invite_all_open"
            ),
            models.Index(fields=["email_key"], condition=Q(email_key__isnull=False), name="invite_by_address"),
            models.Index(fields=["invited_by"], condition=Q(invited_by__isnull=False), name="invite_by_inviter"),
            models.Index(fields=["expires_at"], name="invite_by_end"),
        ]

    @property
    def subject(self) -> Any:
        """The person whom it is for, if it is known."""
        return self.user

    @property
    def inviter_name(self) -> str:
        """How it shows who stands for it."""
        prefix = PREFIX.get(ActorKind(self.invited_by_kind))
        return ids.encode(prefix, self.invited_by) if self.invited_by and prefix else self.invited_by_kind

    @property
    def is_open(self) -> bool:
        """Whether it is for whoever holds the link."""
        return self.kind == InviteKind.LINK

    @property
    def status(self) -> InviteStatus:
        """The status as judged now."""
        if self.accepted_at is not None:
            return InviteStatus.ACCEPTED
        if self.revoked_at is not None:
            return InviteStatus.REVOKED
        return InviteStatus.EXPIRED if self.expires_at <= timezone.now() else InviteStatus.PENDING

    @property
    def delivery(self) -> str | None:
        """What became of its letter, in the words of the mail server; ``None`` if it has none."""
        if self.letter is None:
            return None
        return ": ".join(filter(None, (self.letter.state, self.letter.last_error)))


class InviteRole(models.Model):
    """A role that whoever accepts is given, if whoever invited still may give it. It goes with the role."""

    id = models.BigAutoField(primary_key=True)
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="roles")
    role = models.ForeignKey(Role, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invite", "role"], name="invite_role_once")]

    def __str__(self) -> str:
        return f"{self.role_id} by {self.invite_id}"


class InviteClaim(models.Model):
    """What a claim is to say of whoever comes by an open link. It goes with the claim."""

    id = models.BigAutoField(primary_key=True)
    invite = models.ForeignKey(Invite, on_delete=models.CASCADE, related_name="claims")
    definition = models.ForeignKey(ClaimDefinition, on_delete=models.CASCADE, related_name="+")
    value = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["invite", "definition"], name="invite_claim_once")]

    def __str__(self) -> str:
        return f"{self.definition_id} by {self.invite_id}"
