"""The record of processing activities (Art. 30), read off the map of personal data."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from accounts.models import ClaimValue, Organization
from gdpr.operations.terms import terms_of
from gdpr.personal_data import AUTOMATED_DECISIONS, RECIPIENTS, TABLES, TRANSFERS
from gdpr.registry import Purpose, Table

__all__ = ["as_markdown", "record_of_processing"]

CLAIMS: Final = ClaimValue._meta.db_table
PEOPLE: Final = "people with an account at the organization, its guests included, and those who were invited"
MEASURES: Final = (
    "passwords are hashed with Argon2id; secrets of keys, links and sessions are stored as hashes alone",
    "every access is judged by role, organization and rank; every change passes one place and is recorded",
    "the audit trail is chained and signed; changes of it are refused by the database and found out by verification",
    "erasure and retention follow the map of personal data, which the service does not start without",
    "logs hold no personal data; query strings are not logged",
    "traffic is encrypted (TLS, HSTS); backups and keys are kept apart from each other",
)


def record_of_processing(organization: Organization) -> dict[str, Any]:
    """Give the record as Art. 30(1) lists it: an activity for each purpose of the map.

    What the organization's own claims say of people stands beside the map's categories, if they are personal.
    """
    personal = organization.claims.filter(is_personal=True).select_related("application")
    claims = sorted(f"claim {definition.word}" for definition in personal)
    return {
        "controller": {"organization": organization.name, "contact": terms_of(organization).contact},
        "people": PEOPLE,
        "activities": [_activity(purpose, TABLES, claims) for purpose in _purposes(TABLES)],
        "recipients": [f"{recipient.who}: {recipient.what}" for recipient in RECIPIENTS],
        "transfers": TRANSFERS,
        "automated_decisions": AUTOMATED_DECISIONS,
        "security": list(MEASURES),
    }


def _purposes(tables: Iterable[Table]) -> list[Purpose]:
    columns = (column for table in tables for column in table.columns.values() if column.is_about_people)
    return list(dict.fromkeys(column.purpose for column in columns if column.purpose))


def _activity(purpose: Purpose, tables: Iterable[Table], claims: Sequence[str]) -> dict[str, Any]:
    held = [
        (table, column)
        for table in tables
        for column in table.columns.values()
        if column.is_about_people and column.purpose == purpose
    ]
    has_claims = CLAIMS in {table.name for table, column in held if column is table.columns.get("value")}
    return {
        "purpose": purpose.text,
        "basis": purpose.basis.value,
        "data": [*_once(column.category for _, column in held), *(claims if has_claims else ())],
        "sources": _once(column.source for _, column in held),
        "kept": _once(f"{table.what}: {period}" for table, column in held for period in column.retention or ()),
        "tables": _once(table.name for table, _ in held),
    }


def _once(words: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(str(word) for word in words if word))


def as_markdown(record: Mapping[str, Any]) -> str:
    """Write the record as a page."""
    controller = record["controller"]
    lines = [
        "# Record of processing activities (Art. 30 GDPR)",
        "",
        f"- **Controller:** {_plain(controller['organization'])}",
        f"- **Contact:** {_plain(controller['contact']) or 'not settled yet: manage.py gdpr_terms update --contact …'}",
        f"- **People:** {record['people']}",
    ]
    for activity in record["activities"]:
        lines += ["", f"## {activity['purpose']}", "", f"- **Basis:** {activity['basis']}"]
        lines += [f"- **Data:** {', '.join(activity['data'])}", f"- **From:** {', '.join(activity['sources'])}"]
        lines += ["- **Kept:**", *(f"  - {line}" for line in activity["kept"])]
        lines += [f"- **Where:** {', '.join(f'`{name}`' for name in activity['tables'])}"]
    lines += ["", "## Recipients", "", *(f"- {line}" for line in record["recipients"])]
    lines += ["", "## Transfers to third countries", "", record["transfers"]]
    lines += ["", "## Automated decisions", "", record["automated_decisions"]]
    lines += ["", "## Security", "", *(f"- {line}" for line in record["security"]), ""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Keep what somebody typed from being markup."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#|" else letter for letter in text)
