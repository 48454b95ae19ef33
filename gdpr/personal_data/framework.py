"""Tables of Django and of libraries that are about nobody."""

from gdpr.registry import nobody, table

__all__ = ["FRAMEWORK"]

FRAMEWORK = (
    table(
        "auth_group",
        "Django's groups: not used",
        columns={
            "id": nobody(),
            "name": nobody(),
        },
    ),
    table(
        "auth_group_permissions",
        "Django's groups: not used",
        columns={
            "id": nobody(),
            "group_id": nobody(),
            "permission_id": nobody(),
        },
    ),
    table(
        "auth_permission",
        "Django's permissions: not used",
        columns={
            "id": nobody(),
            "name": nobody(),
            "content_type_id": nobody(),
            "codename": nobody(),
        },
    ),
    table(
        "django_content_type",
        "The kinds of rows",
        columns={
            "id": nobody(),
            "app_label": nobody(),
            "model": nobody(),
        },
    ),
    table(
        "django_migrations",
        "Which migrations were applied",
        raw_on=("sqlite", "postgresql"),
        columns={
            "id": nobody(),
            "app": nobody(),
            "name": nobody(),
            "applied": nobody(),
        },
    ),
    table(
        "sqlite_sequence",
        "SQLite's counters",
        raw_on=("sqlite",),
        columns={
            "name": nobody(),
            "seq": nobody(),
        },
    ),
)
