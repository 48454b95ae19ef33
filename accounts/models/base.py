"""What every row of the house has: a prefixed sortable id, and the one tenancy filter."""

from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from accounts import ids
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import NotFound

__all__ = ["PrefixedIDField", "Row", "TenantQuerySet"]

ModelType = TypeVar("ModelType", bound=models.Model)

if TYPE_CHECKING:
    UUIDBase = models.UUIDField[UUID | str, UUID]
else:
    UUIDBase = models.UUIDField


class PrefixedIDField(UUIDBase):
    """A UUIDv7 primary key that also understands its shown form, ``usr_…``."""

    def __init__(self, *, prefix: str, **options: Any) -> None:
        self.prefix = prefix
        super().__init__(**{"primary_key": True, "default": ids.new, "editable": False, **options})

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """Keep the prefix in migrations."""
        name, path, arguments, options = super().deconstruct()
        return str(name), path, list(arguments), {**options, "prefix": self.prefix}

    def to_python(self, value: Any) -> UUID | None:
        """Read a UUID or the shown form.

        :raises ValidationError: for anything else, an id of another kind included
        """
        if value is None or isinstance(value, UUID):
            return value
        if isinstance(value, int):  # django-otp names devices by number
            return UUID(int=value)
        identifier = ids.decode(self.prefix, str(value))
        if identifier is None:
            raise ValidationError(f"This is not an id of the form {self.prefix}_….", code="invalid")
        return identifier

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:  # noqa: FBT002 -- the signature of Django
        """Store the plain UUID."""
        return super().get_db_prep_value(self.to_python(value), connection, prepared)


class Row(models.Model):
    """A row with an id of its own and the time it was made."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id as it is shown everywhere."""
        field = self._meta.pk
        assert isinstance(field, PrefixedIDField)
        return ids.encode(field.prefix, self.pk)


class TenantQuerySet(models.QuerySet[ModelType]):
    """Rows that belong to an organization."""

    reading: ClassVar[Action]

    def visible_to(self, actor: Actor) -> Self:
        """Keep the rows that exist for this actor. THE tenancy filter: every read of a door begins here."""
        if actor.everything:
            return self.all()
        return self.filter(organization_id__in=actor.organizations_where(self.reading))

    def held(self, row: ModelType) -> ModelType:
        """Read a row again and hold it; whatever comes before it in the lock order is held already.

        :raises NotFound: if it is gone
        """
        found = self.select_for_update(no_key=True).filter(pk=row.pk).first()
        if found is None:
            name = str(self.model._meta.verbose_name)
            raise NotFound(f"{name[0].upper()}{name[1:]} not found.")
        return found
