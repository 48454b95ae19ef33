"""Sort keys by their bytes on PostgreSQL, as SQLite does, so that both give the same order."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

COLUMNS = (("email_key", 320), ("username_key", 128), ("name_key", 400))


def _collate(schema_editor: BaseDatabaseSchemaEditor, collation: str) -> None:
    if schema_editor.connection.vendor != "postgresql":
        return
    for column, length in COLUMNS:
        schema_editor.execute(
            f'ALTER TABLE accounts_user ALTER COLUMN {column} TYPE varchar({length}) COLLATE "{collation}"'
        )


def forwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Use the order of the bytes."""
    _collate(schema_editor, "C")


def backwards(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Use the database's own order."""
    _collate(schema_editor, "default")


class Migration(migrations.Migration):
    """Rows are not rewritten, three indexes are."""

    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
