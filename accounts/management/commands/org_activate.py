"""``manage.py org_activate``."""

from accounts.management.organizations import organization_command
from accounts.operations.organizations import org_activate

Command = organization_command(
    "activate",
    "Let an organization's people sign in again.",
    org_activate,
)
