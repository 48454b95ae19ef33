"""Letters get an id of their own, the address they go to, and a state to look them up by.

A key cannot change its type in place: the table is made anew and what is in it (90 days of letters at most) is
carried over in batches, forwards and backwards.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Q

import accounts.ids
import accounts.models.base

BATCH = 1_000
CARRIED = (
    "organization_id",
    "user_id",
    "kind",
    "created_at",
    "attempts",
    "next_attempt_at",
    "delivered_at",
    "dead_at",
    "last_error",
)


def _batches(rows: Any) -> Iterator[list[Any]]:
    found = rows.iterator(chunk_size=BATCH)
    while batch := list(islice(found, BATCH)):
        yield batch


def forwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Carry the letters over; where they went to is taken to be where their person can be reached now."""
    old, new = apps.get_model("accounts", "Outbox"), apps.get_model("accounts", "OutboxAnew")
    using = schema_editor.connection.alias
    for batch in _batches(old._base_manager.using(using).order_by("pk").select_related("user")):
        new._base_manager.using(using).bulk_create(
            new(
                address=row.user.email or "",
                state="sent" if row.delivered_at else "failed" if row.dead_at else "queued",
                **{name: getattr(row, name) for name in CARRIED},
            )
            for row in batch
        )


def backwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Carry the letters back."""
    old, new = apps.get_model("accounts", "Outbox"), apps.get_model("accounts", "OutboxAnew")
    using = schema_editor.connection.alias
    for batch in _batches(new._base_manager.using(using).order_by("pk")):
        old._base_manager.using(using).bulk_create(
            old(**{name: getattr(row, name) for name in CARRIED}) for row in batch
        )


class Migration(migrations.Migration):
    """A new table is made beside the old one and filled from it, and takes its name."""

    dependencies = [("accounts", "0005_claims"), ("contenttypes", "0002_remove_content_type_name")]

    operations = [
        migrations.CreateModel(
            name="OutboxAnew",
            fields=[
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "id",
                    accounts.models.base.PrefixedIDField(
                        default=accounts.ids.new, editable=False, prefix="ltr", primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("address", models.CharField(max_length=254)),
                (
                    "state",
                    models.CharField(
                        choices=[("queued", "queued"), ("sent", "sent"), ("failed", "failed"), ("dropped", "dropped")],
                        default="queued",
                        max_length=8,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("delivered_at", models.DateTimeField(null=True)),
                ("dead_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=200)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.user"
                    ),
                ),
            ],
            options={
                "verbose_name": "letter",
                "constraints": [
                    models.CheckConstraint(
                        name="letter_state",
                        condition=Q(state="queued", delivered_at=None, dead_at=None)
                        | Q(state="sent", delivered_at__isnull=False, dead_at=None)
                        | Q(state__in=["failed", "dropped"], delivered_at=None, dead_at__isnull=False),
                    )
                ],
                "indexes": [
                    models.Index(fields=["next_attempt_at"], condition=Q(state="queued"), name="letter_waiting"),
                    models.Index(fields=["organization", "created_at", "id"], name="letter_by_created"),
                    models.Index(fields=["created_at", "id"], name="letter_all_by_created"),
                    models.Index(
                        fields=["organization", "state", "created_at", "id"],
                        condition=~Q(state="sent"),
                        name="letter_by_state",
                    ),
                    models.Index(
                        fields=["state", "created_at", "id"], condition=~Q(state="sent"), name="letter_all_by_state"
                    ),
                ],
            },
        ),
        migrations.RunPython(forwards, backwards),
        migrations.DeleteModel("Outbox"),
        migrations.RenameModel("OutboxAnew", "Outbox"),
    ]
