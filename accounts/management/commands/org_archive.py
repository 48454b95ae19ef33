"""``manage.py org_archive``."""

from accounts.management.organizations import organization_command
from accounts.operations.organizations import org_archive

Command = organization_command(
    "archive",
    "Put an organization away: nobody signs in, no key works, nothing is added.",
    org_archive,
)
