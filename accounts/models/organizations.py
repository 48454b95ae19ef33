"""Organizations, and who belongs to them."""

from datetime import timedelta
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from django.apps import apps
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import NotFound
from accounts.identifiers import text_refused
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.statuses import OrganizationStatus

__all__ = ["SLUG", "Membership", "Organization", "SecondFactor"]

SLUG = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z",
    "A slug has 1 to 63 lower-case letters, digits and hyphens, and begins and ends with a letter or digit.",
)


class SecondFactor(StrEnum):
    """Who of an organization's people is to have a second factor."""

    OPTIONAL = "optional"
    ADMINS = "admins"
    """Its owners and admins."""
    REQUIRED = "required"
    """Everybody, guests too."""


class MailCodes(StrEnum):
    """Whether people at home there may have codes mailed as their second factor: weaker than any other."""

    REFUSED = "refused"
    ALLOWED = "allowed"


class OrganizationQuerySet(models.QuerySet["Organization"]):
    """Organizations."""

    def visible_to(self, actor: Actor) -> Self:
        """Keep the organizations the actor belongs to."""
        return self.all() if actor.everything else self.filter(pk__in=list(actor.grants))

    def active(self) -> Self:
        """Keep those whose people may sign in."""
        return self.filter(status=OrganizationStatus.ACTIVE)

    def named(self, text: str) -> Self:
        """Keep the one with this id or slug."""
        if text_refused(text):
            return self.none()
        identifier = ids.decode("org", text)
        return self.filter(pk=identifier) if identifier else self.filter(slug=text)

    def locked(self, *organization_ids: UUID) -> list["Organization"]:
        """Hold these rows, always in the same order: after the installation, before any user.

        :raises NotFound: if one is gone
        """
        rows = list(self.filter(pk__in=organization_ids).order_by("pk").select_for_update(no_key=True))
        if len(rows) < len(set(organization_ids)):
            raise NotFound("Organization not found.")
        return rows


class Organization(Row):
    """The tenant: it owns user accounts, roles, keys and its part of the audit trail."""

    id = PrefixedIDField(prefix="org")
    slug = models.CharField(max_length=63, unique=True, validators=[SLUG])
    name = models.CharField(max_length=200)
    status = models.CharField(max_length=10, choices=[(s, s) for s in OrganizationStatus], default="active")
    status_reason = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=35, default="en", db_default="en")
    second_factor = models.CharField(
        max_length=8, choices=[(rule.value, rule.value) for rule in SecondFactor], default=SecondFactor.OPTIONAL
    )
    mail_codes = models.CharField(
        max_length=8, choices=[(rule.value, rule.value) for rule in MailCodes], default=MailCodes.REFUSED
    )
    invite_days = models.PositiveSmallIntegerField(default=7, db_default=7)
    impersonation_minutes = models.PositiveSmallIntegerField(default=60, db_default=60)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(null=True, editable=False)

    objects = OrganizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="organization_status", condition=Q(status__in=list(OrganizationStatus))),
            models.CheckConstraint(
                name="organization_second_factor", condition=Q(second_factor__in=list(SecondFactor))
            ),
            models.CheckConstraint(name="organization_mail_codes", condition=Q(mail_codes__in=list(MailCodes))),
            models.CheckConstraint(name="organization_slug_not_empty", condition=~Q(slug="")),
            models.CheckConstraint(
                name="organization_invite_days", condition=Q(invite_days__gte=1, invite_days__lte=90)
            ),
            models.CheckConstraint(
                name="organization_impersonation_minutes",
                condition=Q(impersonation_minutes__gte=1, impersonation_minutes__lte=24 * 60),
            ),
        ]
        indexes = [models.Index(fields=["created_at", "id"], name="organization_by_created")]

    @property
    def organization_id(self) -> UUID:
        """An organization belongs to itself, so that policy asks every row the same question."""
        return self.pk

    @property
    def impersonation_max(self) -> timedelta:
        """How long somebody may act as another person at a time."""
        return timedelta(minutes=self.impersonation_minutes)

    @property
    def is_active(self) -> bool:
        """Whether its people may sign in."""
        return self.status == OrganizationStatus.ACTIVE


def _assignments() -> models.QuerySet[Any]:
    """Give assignments with what is shown of each; roles.py stands on this file, so by name."""
    rows: models.QuerySet[Any] = apps.get_model("accounts", "RoleAssignment")._default_manager.with_shown()
    return rows


class MembershipQuerySet(TenantQuerySet["Membership"]):
    """Memberships."""

    reading = Action.MEMBERSHIP_LIST

    def with_shown(self) -> Self:
        """Fetch what a list shows of each along with it, in a fixed number of queries."""
        return self.select_related("user__organization", "organization").prefetch_related(
            models.Prefetch("assignments", _assignments())
        )

    def of_person(self, user_id: UUID, organization: Organization | None) -> Self:
        """Keep the one of a person in this organization; where none is named, at home."""
        theirs = self.filter(user_id=user_id)
        if organization is None:
            return theirs.filter(organization_id=models.F("user__organization_id"))
        return theirs.filter(organization=organization)

    def with_people(self) -> Self:
        """Fetch all that is shown of the people along with each, in a fixed number of queries."""
        return self.with_shown().prefetch_related(
            "user__tags",
            models.Prefetch("user__memberships__assignments", _assignments()),
            "user__memberships__organization",
        )


class Membership(Row):
    """A user in an organization: at home (always exists) or as a guest."""

    id = PrefixedIDField(prefix="mem")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="memberships")

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "organization"], name="membership_once")]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="membership_by_created")]

    @property
    def is_home(self) -> bool:
        """Whether this is the organization that owns the account."""
        return self.user.organization_id == self.organization_id

    @property
    def subject(self) -> Any:
        """The person."""
        return self.user
