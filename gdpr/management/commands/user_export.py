"""``manage.py user_export``."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import UserCommand
from accounts.management.output import whole_file
from accounts.management.parser import Parser
from gdpr.management.erasure import add_request
from gdpr.operations.copies import Scope
from gdpr.operations.exports import export_write
from gdpr.operations.renderings import FORMATS
from gdpr.operations.requests import request_named


class Command(UserCommand):
    """Hand over what is held about a person."""

    help = (
        "Write down everything that is held about one person: JSON, a page to read, or a ZIP with both, tables for "
        "spreadsheets and a signature. What is left out stands in it, with the reason."
    )
    examples = (
        "user_export bob@example.com",
        "user_export bob@example.com --format zip --output bob.zip --reason 'Asked for it by letter'",
        "user_export bob@example.com --scope portability --output bob.json",
    )
    default_format = "json"
    formats = FORMATS

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add how much."""
        parser.add_argument(
            "--scope",
            choices=tuple(Scope),
            default=Scope.ACCESS,
            help="everything (access, the default), or what the person provided (portability)",
        )
        add_request(parser)
        parser.add_argument("--reason", metavar="TEXT", default="", help="why; kept in the audit trail")

    def run(self, actor: Actor, arguments: Namespace) -> None:
        """Write it."""
        form = arguments.format
        if form != "json" and arguments.output is None and sys.stdout.isatty():
            raise Invalid(
                f"{form.upper()} is not for a terminal.",
                remedy=f"Name a file with --output, or lead it on: … --format {form} > FILE",
                fields={"output": "is missing"},
            )
        user = self.user(actor, arguments)
        request = request_named(actor=actor, named=arguments.request)
        with self.target(arguments.output, form) as file:
            export_write(
                actor=actor,
                user=user,
                scope=str(arguments.scope),
                form=form,
                reason=arguments.reason,
                request=request,
                file=file,
            )

    @contextmanager
    def target(self, path: str | None, form: str) -> Iterator[IO[bytes]]:
        """Give where to write: a file, whole or not at all, or standard output."""
        if path is not None:
            with whole_file(path, self.formats) as file:
                yield file
        elif form == "zip":
            yield sys.stdout.buffer
        else:
            yield cast("IO[bytes]", _Text(self.stdout))


class _Text:
    """Standard output that takes the bytes of whole characters."""

    def __init__(self, stdout: Any) -> None:
        self.stdout = stdout

    def write(self, data: bytes) -> int:
        """Write them as text."""
        self.stdout.write(data.decode(), ending="")
        return len(data)
