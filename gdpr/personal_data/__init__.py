"""The map of personal data: every column of every table, what it is, whose, why, and what becomes of it.

For whoever answers for privacy to read, and for whoever adds a column to extend: docs/personal-data.md
says what the words mean. What a table says holds for each of its columns that says nothing else itself.
``manage.py gdpr_coverage`` prints it; ``manage.py check`` compares it with the models.
"""

from typing import Final

from gdpr.personal_data.archive import ARCHIVE
from gdpr.personal_data.framework import FRAMEWORK
from gdpr.personal_data.organizations import ORGANIZATIONS
from gdpr.personal_data.people import PEOPLE
from gdpr.personal_data.signing_in import SIGNING_IN
from gdpr.personal_data.trail import TRAIL_AND_LETTERS
from gdpr.personal_data.words import (
    ACCESS,
    ACCOUNT,
    ADDRESS,
    ANSWERED,
    AUDIT,
    AUTOMATED_DECISIONS,
    COPY,
    LETTERS,
    MENTION,
    OPERATION,
    PROOF,
    RECIPIENTS,
    RIGHTS,
    SECURITY,
    SIGN_IN,
    TECHNICAL,
    TOMBSTONE,
    TRAIL,
    TRANSFERS,
)
from gdpr.registry import Table

__all__ = [
    "ACCESS",
    "ACCOUNT",
    "ADDRESS",
    "ANSWERED",
    "AUDIT",
    "AUTOMATED_DECISIONS",
    "COPY",
    "LETTERS",
    "MENTION",
    "OPERATION",
    "PROOF",
    "RECIPIENTS",
    "RIGHTS",
    "SECURITY",
    "SIGN_IN",
    "TABLES",
    "TECHNICAL",
    "TOMBSTONE",
    "TRAIL",
    "TRANSFERS",
]

TABLES: Final[tuple[Table, ...]] = (*ORGANIZATIONS, *PEOPLE, *SIGNING_IN, *TRAIL_AND_LETTERS, *ARCHIVE, *FRAMEWORK)
