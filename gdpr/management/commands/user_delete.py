"""``manage.py user_delete``."""

from gdpr.management.erasure import ErasureCommand
from gdpr.models import Erasure


class Command(ErasureCommand):
    """Erase a person, the row included."""

    help = "Erase everything about a person, the account's row included; its receipt remembers the id."
    examples = (
        "user_delete bob@example.com --dry-run",
        "user_delete --from-file user_ids.txt --now --yes",
    )
    how = Erasure.DELETE
