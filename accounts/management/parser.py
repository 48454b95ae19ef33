"""What commands share on their command line (INTERFACE section 3)."""

import argparse
import os
from collections.abc import Sequence
from typing import NoReturn

from django.core.management.base import CommandParser

from accounts.errors import Invalid
from accounts.management.output import FORMATS

__all__ = [
    "Parser",
    "add_app",
    "add_change",
    "add_flag",
    "add_identifiers",
    "add_many",
    "add_org",
    "add_output",
    "add_password",
    "add_user",
    "wants_json",
]


class Parser(CommandParser):
    """A parser whose complaints are errors like all others: code ``VALIDATION``, exit 4."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise Invalid(f"{message[:1].upper()}{message[1:]}.", remedy=f"{self.prog} --help shows how it is called.")


def wants_json(argv: list[str]) -> bool:
    """Say whether errors are to be JSON too, even those of a command line that cannot be read."""
    words = iter(argv)
    for word in words:
        if word == "--json" or word in {"--format=json", "--format=jsonl"}:
            return True
        if word == "--format" and next(words, "") in {"json", "jsonl"}:
            return True
    return False


def add_output(parser: Parser, default: str = "table", formats: Sequence[str] = FORMATS) -> None:
    """Add how and where to print."""
    group = parser.add_argument_group("output")
    group.add_argument(
        "--format", choices=formats, default=default, help=f"how to print the result (default: {default})"
    )
    group.add_argument("--json", action="store_const", const="json", dest="format", help="short for --format json")
    group.add_argument("--output", metavar="FILE", help="write to a file instead, whole or not at all, mode 0600")
    group.add_argument(
        "-y",
        "--yes",
        "--force",
        "--assume-yes",
        action="store_true",
        dest="yes",
        help="do not ask",
    )
    group.add_argument("--no-assume-yes", action="store_false", dest="yes", help="ask (the default)")


def add_org(parser: argparse._ActionsContainer) -> None:
    """Add which organization is meant."""
    parser.add_argument(
        "--org",
        "--org-id",
        dest="org",
        metavar="SLUG|ID",
        default=os.environ.get("IDENTITY_ORG"),
        help="the organization (default: environment IDENTITY_ORG, else 'default')",
    )


def add_app(parser: argparse._ActionsContainer, text: str) -> None:
    """Add which application is meant."""
    parser.add_argument("--app", "--app-id", dest="app", metavar="SLUG|ID", help=text)


def add_change(parser: Parser) -> None:
    """Add what every change takes."""
    group = parser.add_argument_group("change")
    group.add_argument("--reason", metavar="TEXT", default="", help="why; kept in the audit trail")
    group.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")


def add_user(parser: Parser, *, many: bool) -> None:
    """Add who is meant."""
    group = parser.add_argument_group("who")
    if many:
        group.add_argument("user", nargs="*", metavar="USER", help="an id (usr_…), an e-mail address or a username")
    else:
        group.add_argument("user", nargs="?", metavar="USER", help="an id (usr_…), an e-mail address or a username")
    group.add_argument("--user-id", metavar="ID", action="append" if many else "store", help="the same, as an option")
    add_org(group)


def add_identifiers(parser: Parser, *, many: bool) -> None:
    """Add ``--email`` and ``--username`` as ways to say who is meant."""
    for name in ("email", "username"):
        parser.add_argument(
            f"--{name}",
            dest=f"who_{name}",
            metavar=name.upper(),
            action="append" if many else "store",
            help=f"who is meant, by {name}",
        )


def add_many(parser: Parser) -> None:
    """Add the ways to name many users at once."""
    group = parser.add_argument_group("many users at once")
    group.add_argument(
        "--from-file", metavar="FILE|-", help="one USER a line, or CSV or JSONL with a column id, email or username"
    )
    group.add_argument("--query", metavar="FILTERS", help="all whom user_list would list: 'status=active&tag=x'")
    group.add_argument("--resume", metavar="FILE", help="note here who is done, and leave out who is noted")


def add_password(parser: Parser) -> None:
    """Add the ways to give a password without putting it on the command line."""
    group = parser.add_argument_group("password")
    ways = group.add_mutually_exclusive_group()
    ways.add_argument("--password-stdin", action="store_true", help="read it from standard input")
    ways.add_argument("--generate-password", action="store_true", help="make one and print it once")
    ways.add_argument("--password", metavar="VALUE", help="unsafe: others on this machine can see it")


def add_flag(parser: Parser, name: str, text: str) -> None:
    """Add ``--name`` and ``--no-name``; neither leaves it as it is."""
    parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=text)
