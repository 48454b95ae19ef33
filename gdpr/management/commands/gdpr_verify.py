"""``manage.py gdpr_verify``."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from accounts import ids
from accounts.actors import Actor
from accounts.errors import Exit, Invalid, NotFound
from accounts.management.base import Command as BaseCommand
from accounts.management.parser import Parser, add_org
from accounts.management.selection import find_user
from gdpr.models import Erasure
from gdpr.operations.receipts import as_html
from gdpr.operations.verify import LIVE, Verification, erasure_verify, person_verify, receipt_read

ERASURE: Final = "ers"
LINE: Final = 1_000


class Command(BaseCommand):
    """Prove an erasure."""

    help = (
        "Search the whole database and the files for a person, or check a receipt: its signature, and that what it "
        "says is still so. Of a live person it shows where they are found. Exit 4 if anything is left of an erased one "
        "or the signature is not good."
    )
    examples = (
        "gdpr_verify jane@example.com",
        "gdpr_verify usr_01h455vb4pex5vsknk084sn02q --json",
        "gdpr_verify receipt.json --identifiers-stdin < known-by.txt",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what is to be proved."""
        parser.add_argument(
            "what", metavar="USER|RECEIPT", help="an id, an e-mail address, a username, or a receipt's id or file"
        )
        add_org(parser)
        parser.add_argument(
            "--identifiers-stdin",
            action="store_true",
            help="read from standard input by what an erased person was known, one a line; it is stored nowhere",
        )
        parser.add_argument(
            "--trusted-key",
            metavar="KEY",
            action="append",
            help="a public key (base64) that may have signed the receipt; default: those of this installation",
        )
        parser.add_argument("--html", metavar="FILE", help="also write the receipt as a page to read and print")

    def run(self, actor: Actor, arguments: Namespace) -> dict[str, Any]:
        """Prove it, and say what was found."""
        known_by = list(_typed()) if arguments.identifiers_stdin else []
        document = self._receipt(actor, arguments)
        with _watched() as watch:
            if document is None:
                user_id = self._user_id(actor, arguments)
                self.result: Verification = person_verify(actor=actor, user_id=user_id, known_by=known_by, watch=watch)
            else:
                self.result = erasure_verify(
                    actor=actor, document=document, known_by=known_by, trusted=arguments.trusted_key, watch=watch
                )
        if document is not None and arguments.html:
            _write(arguments.html, as_html(document))
        return self.result.as_dict()

    def _receipt(self, actor: Actor, arguments: Namespace) -> dict[str, Any] | None:
        if ids.prefix_of(arguments.what) == ERASURE:
            key = ids.decode(ERASURE, arguments.what)
            erasure = Erasure.objects.visible_to(actor).filter(pk=key).first() if key else None
            if erasure is None or erasure.receipt is None:
                raise NotFound("Receipt not found.", remedy="Check the spelling; an erasure under way has none yet.")
            return dict(erasure.receipt)
        path = Path(arguments.what)
        if ids.looks_like_id(arguments.what) or not path.is_file():
            return None
        try:
            return receipt_read(path.read_bytes())
        except OSError as error:
            raise Invalid(f"{path} cannot be read: {error.strerror}.") from None

    def _user_id(self, actor: Actor, arguments: Namespace) -> Any:
        """Say who is meant; of somebody who was deleted only the id is left."""
        user_id = ids.decode("usr", arguments.what) if ids.looks_like_id(arguments.what) else None
        return user_id or find_user(actor, arguments.what, arguments.org).pk

    def finish(self) -> None:
        """End with an exit code if it is not proved."""
        if self.result.state == LIVE and self.result.verdict is None:
            return
        if not self.result.is_clean:
            sys.exit(Exit.INVALID)


def _typed() -> Iterator[str]:
    for line in sys.stdin:
        if len(line) > LINE:
            raise Invalid("A line of standard input is too long to name anybody.")
        if line.strip():
            yield line.strip()


def _write(name: str, text: str) -> None:
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise Invalid(f"{name} cannot be written: {error.strerror}.", fields={"html": "cannot be written"}) from None


@contextmanager
def _watched() -> Iterator[Callable[[str, int, int], None]]:
    """Show on a terminal how far the search has come."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console  # noqa: PLC0415 -- only a terminal needs it
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Searching")
        yield lambda name, place, of: progress.update(
            task, description="files" if name == "files" else "tables", completed=place, total=of
        )
