"""``manage.py org_suspend``."""

from accounts.management.organizations import organization_command
from accounts.operations.organizations import org_suspend

Command = organization_command(
    "suspend",
    "Stop everybody of an organization, and its keys, until it is activated; sessions end for good.",
    org_suspend,
)
