"""``manage.py user_purge``."""

from gdpr.management.erasure import ErasureCommand
from gdpr.models import Erasure


class Command(ErasureCommand):
    """Erase a person and keep an empty row."""

    help = "Erase everything about a person but an empty row that keeps the id from being given away again."
    examples = (
        "user_purge bob@example.com --dry-run",
        "user_purge bob@example.com --request dsr_01h455vb4pex5vsknk084sn02q --yes",
        "user_purge --from-file user_ids.txt --after 14d --yes",
    )
    how = Erasure.PURGE
