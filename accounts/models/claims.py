"""Custom claims: what may be said of people in tokens, and what is."""

from typing import Self

from django.db import models
from django.db.models import Q

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.claims import ClaimType
from accounts.identifiers import text_refused
from accounts.models.applications import Application
from accounts.models.base import PrefixedIDField, Row, TenantQuerySet
from accounts.models.organizations import Organization
from accounts.models.users import User

__all__ = ["ClaimDefinition", "ClaimKey", "ClaimValue"]


class ClaimDefinitionQuerySet(TenantQuerySet["ClaimDefinition"]):
    """Definitions."""

    reading = Action.CLAIM_LIST

    def visible_to(self, actor: Actor) -> Self:
        """Keep those of organizations whose claims one may list or set, and those that one may set of oneself."""
        if actor.everything:
            return self.all()
        where = {*actor.organizations_where(self.reading), *actor.organizations_where(Action.USER_CLAIMS_SET)}
        listed = Q(organization_id__in=where)
        own = Q(organization_id=actor.organization_id, is_editable=True)
        return self.filter(listed | own) if actor.user_id else self.filter(listed)

    def named(self, text: str, *, application: str = "") -> Self:
        """Keep the one that ``--claim`` names: by id, or by name among the organization's own or an application's.

        :param application: id or slug of the application; also in front of the name, ``crm/tier``
        """
        if text_refused(text):
            return self.none()
        if (identifier := ids.decode("clm", text)) is not None and not application:
            return self.filter(pk=identifier)
        before, _, name = text.rpartition("/")
        if before and application and before != application:
            return self.none()
        found, where = self.filter(name=name), application or before
        return found.of_application(where) if where else found.filter(application=None)

    def of_application(self, text: str) -> Self:
        """Keep those of the application with this id or slug."""
        if text_refused(text):
            return self.none()
        identifier = ids.decode("app", text)
        return self.filter(application_id=identifier) if identifier else self.filter(application__slug=text)


class ClaimDefinition(Row):
    """What a claim is called, what a value of it may be, and where it appears."""

    id = PrefixedIDField(prefix="clm")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="claims")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, null=True, related_name="claims")
    name = models.CharField(max_length=63)
    type = models.CharField(max_length=10, choices=[(kind, kind) for kind in ClaimType])
    schema = models.JSONField(default=dict, blank=True)
    is_personal = models.BooleanField(default=True)
    is_editable = models.BooleanField(default=False)
    appears_in = models.JSONField(default=list, blank=True)
    description = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(null=True, editable=False)

    objects = ClaimDefinitionQuerySet.as_manager()

    class Meta:
        verbose_name = "claim"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=Q(application=None), name="claim_of_organization_once"
            ),
            models.UniqueConstraint(
                fields=["application", "name"], condition=Q(application__isnull=False), name="claim_of_application_once"
            ),
            models.CheckConstraint(name="claim_type", condition=Q(type__in=list(ClaimType))),
            models.CheckConstraint(name="claim_name_not_empty", condition=~Q(name="")),
            models.CheckConstraint(
                name="claim_editable_is_personal", condition=Q(is_editable=False) | Q(is_personal=True)
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "created_at", "id"], name="claim_by_created"),
            models.Index(fields=["name", "organization"], name="claim_by_name"),
        ]

    @property
    def word(self) -> str:
        """The name, with the application's before it: ``crm/tier``."""
        return f"{self.application.slug}/{self.name}" if self.application else self.name


class ClaimValueQuerySet(TenantQuerySet["ClaimValue"]):
    """Values."""

    reading = Action.USER_SHOW

    def visible_to(self, actor: Actor) -> Self:
        """Keep those of the people whose accounts exist for the actor."""
        if actor.everything:
            return self.all()
        homes = Q(organization_id__in=actor.organizations_where(self.reading))
        return self.filter(homes | Q(user_id=actor.user_id)) if actor.user_id else self.filter(homes)

    def with_shown(self) -> Self:
        """Fetch what is shown of each along with it, in the order of names."""
        return self.select_related("definition", "application").order_by(
            models.F("application__slug").asc(nulls_first=True), "definition__name"
        )


class ClaimValue(models.Model):
    """What a claim says of a person: who set it, and when."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="claim_values")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, null=True, related_name="+")
    definition = models.ForeignKey(ClaimDefinition, on_delete=models.PROTECT, related_name="values")
    value = models.JSONField()
    set_by = models.UUIDField(null=True, editable=False)
    set_at = models.DateTimeField(editable=False)

    objects = ClaimValueQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "definition"], name="claim_value_once")]
        indexes = [
            models.Index(fields=["organization"], name="claim_value_of_organization"),
            models.Index(fields=["set_by"], name="claim_value_by_setter"),
        ]

    def __str__(self) -> str:
        return f"claim {self.definition_id} of {self.user_id}"


class ClaimKeyQuerySet(models.QuerySet["ClaimKey"]):
    """Look-up words."""

    def put(self, value: ClaimValue, keys: list[str]) -> None:
        """Give a value these words and no other."""
        self.filter(value=value).exclude(key__in=keys).delete()
        present = set(self.filter(value=value).values_list("key", flat=True))
        self.bulk_create(
            ClaimKey(value=value, definition_id=value.definition_id, user_id=value.user_id, key=key)
            for key in keys
            if key not in present
        )

    def holding(self, *, application: str, name: str, keys: list[str]) -> Self:
        """Keep those of a claim by its name that are one of these words."""
        definitions = ClaimDefinition.objects.named(name, application=application)
        return self.filter(definition__in=definitions.values("pk"), key__in=keys)


class ClaimKey(models.Model):
    """A word by which a person is found by a claim: the value as text, or each one of a list."""

    id = models.BigAutoField(primary_key=True)
    value = models.ForeignKey(ClaimValue, on_delete=models.CASCADE, related_name="keys")
    definition = models.ForeignKey(ClaimDefinition, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=210)

    objects = ClaimKeyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["value", "key"], name="claim_key_once")]
        indexes = [models.Index(fields=["definition", "key", "user"], name="claim_key_by_word")]

    def __str__(self) -> str:
        return f"word of {self.value_id}"
