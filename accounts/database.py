"""What migrations cannot hold on to: triggers and the search index.

Installed after every migrate, because SQLite's table remake drops triggers silently; readiness
asks ``missing``.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["TRIGGERS", "install", "missing"]

IMMUTABLE = {
    "accounts_auditevent": ("UPDATE", "DELETE"),
    "accounts_auditpart": ("UPDATE",),
}
"""Which changes of which table are refused: headers stand, parts can only go."""

UNIQUE = {"accounts_auditevent": ("chain", "sequence"), "accounts_auditpart": ("event_id", "kind")}
"""What, beside the id, could be in the way of a row."""

TRIGGERS = tuple(f"{table}_no_{change.lower()}" for table, changes in IMMUTABLE.items() for change in changes)
TRUNCATE_TRIGGER = "accounts_auditevent_no_truncate"
REPLACE_TRIGGERS = tuple(f"{table}_no_replace" for table in IMMUTABLE)
SEARCH_TRIGGERS = tuple(f"accounts_usersearch_{change}" for change in ("insert", "update", "delete"))
SEARCH_INDEX = "accounts_usersearch_trigram"


def install(connection: BaseDatabaseWrapper) -> None:
    """Put the triggers and the search index in place; again changes nothing."""
    statements = _postgresql() if connection.vendor == "postgresql" else _sqlite()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def missing(connection: BaseDatabaseWrapper) -> set[str]:
    """Name what ``install`` would put in place and is not there."""
    if connection.vendor == "postgresql":
        query = """SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D' UNION SELECT indexname FROM pg_indexes"""
        wanted = {*TRIGGERS, TRUNCATE_TRIGGER, SEARCH_INDEX}
    else:
        query = "SELECT name FROM sqlite_master"
        wanted = {*TRIGGERS, *REPLACE_TRIGGERS, *SEARCH_TRIGGERS, SEARCH_INDEX}
    with connection.cursor() as cursor:
        cursor.execute(query)
        return wanted - {name for (name,) in cursor.fetchall()}


def _postgresql() -> list[str]:
    statements = [
        "CREATE EXTENSION IF NOT EXISTS pg_trgm",
        f"CREATE INDEX IF NOT EXISTS {SEARCH_INDEX} ON accounts_usersearch USING gin (text gin_trgm_ops)",
        """CREATE OR REPLACE FUNCTION accounts_refuse() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN RAISE EXCEPTION '% of % is refused', TG_OP, TG_TABLE_NAME; END $$""",
    ]
    for table, changes in IMMUTABLE.items():
        statements += [
            f"CREATE OR REPLACE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION accounts_refuse()"
            for change in changes
        ]
    statements.append(
        f"CREATE OR REPLACE TRIGGER {TRUNCATE_TRIGGER} BEFORE TRUNCATE ON accounts_auditevent "
        "FOR EACH STATEMENT EXECUTE FUNCTION accounts_refuse()"
    )
    return statements


def _sqlite() -> list[str]:
    options = "text, content='accounts_usersearch', content_rowid='id', tokenize='trigram'"
    statements = [f"CREATE VIRTUAL TABLE IF NOT EXISTS {SEARCH_INDEX} USING fts5({options})"]
    forget = f"INSERT INTO {SEARCH_INDEX}({SEARCH_INDEX}, rowid, text) VALUES ('delete', old.id, old.text);"
    learn = f"INSERT INTO {SEARCH_INDEX}(rowid, text) VALUES (new.id, new.text);"
    for change, steps in {"insert": learn, "update": forget + learn, "delete": forget}.items():
        statements.append(
            f"CREATE TRIGGER IF NOT EXISTS accounts_usersearch_{change} "
            f"AFTER {change.upper()} ON accounts_usersearch BEGIN {steps} END"
        )
    for table, changes in IMMUTABLE.items():
        statements += [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{change.lower()} BEFORE {change} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{change} of {table} is refused'); END"
            for change in changes
        ]
        # SECURITY: INSERT OR REPLACE deletes the row that is in its way without firing a DELETE trigger.
        one, other = UNIQUE[table]
        taken = f"id = new.id OR ({one}, {other}) = (new.{one}, new.{other})"
        in_the_way = f"EXISTS (SELECT 1 FROM {table} WHERE {taken})"
        statements.append(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN {in_the_way} BEGIN SELECT RAISE(ABORT, 'REPLACE of {table} is refused'); END"
        )
    return statements
