"""Who is meant: ``USER``s on the command line, in a file, or by the filters of ``user_list``."""

import csv
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from itertools import chain
from pathlib import Path
from typing import IO, Any, Final

from accounts import ids
from accounts.actors import Actor
from accounts.errors import Invalid, NotFound
from accounts.filters import USER_ORDERS, UserFilter
from accounts.identifiers import text_refused
from accounts.models import Organization, User
from accounts.pagination import walk

__all__ = ["Progress", "find_organization", "find_user", "named_users", "texts_of"]

LINE: Final = 1_000
DEFAULT: Final = "default"
COLUMNS: Final = ("id", "user", "user_id", "email", "username")


def find_organization(actor: Actor, text: str | None) -> Organization:
    """Find the organization that ``--org`` names.

    :raises NotFound: if there is none that the actor may see
    """
    organization = None if text_refused(text or "") else _organization(actor, text or DEFAULT)
    if organization is None:
        raise NotFound("Organization not found.", remedy="manage.py org_list shows them.")
    return organization


def _organization(actor: Actor, text: str) -> Organization | None:
    return Organization.objects.visible_to(actor).named(text).first()


def find_user(actor: Actor, text: str, org: str | None) -> User:
    """Find whom ``USER`` names. An id needs no ``--org``; one outside the ``--org`` given is nobody.

    :raises NotFound: if there is nobody that the actor may see
    :raises Invalid: if the text cannot name anybody
    """
    if problem := text_refused(text):
        raise Invalid(f"The user {problem}.", fields={"user": problem})
    visible = User.objects.visible_to(actor).select_related("organization")
    if org is None and ids.looks_like_id(text):
        identifier = ids.decode("usr", text)
        found = visible.filter(pk=identifier).first() if identifier else None
    else:
        found = visible.named(text, organization_id=find_organization(actor, org).pk).first()
    if found is None:
        raise NotFound("User not found.", remedy="Check the spelling and the organization (--org).")
    return found


def texts_of(arguments: Namespace) -> Iterator[str]:
    """Give everybody named by argument, option and file, each once."""
    seen: set[str] = set()
    for text in _texts(arguments):
        if text not in seen:
            seen.add(text)
            yield text


def _texts(arguments: Namespace) -> Iterator[str]:
    for name in ("user", "user_id", "who_email", "who_username"):
        given = getattr(arguments, name, None) or []
        yield from [given] if isinstance(given, str) else given
    if getattr(arguments, "from_file", None):
        yield from _read(arguments.from_file)


def _read(path: str) -> Iterator[str]:
    """Read a file of people: a list, CSV with a header, or JSON lines; what it is shows in its first line."""
    try:
        with nullcontext(sys.stdin) if path == "-" else Path(path).open(encoding="utf-8", newline="") as file:
            yield from _people(file)
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.", fields={"from_file": "cannot be read"}) from None
    except (UnicodeDecodeError, csv.Error, json.JSONDecodeError):
        raise Invalid(f"{path} is not UTF-8 text, CSV or JSON lines.", fields={"from_file": "unreadable"}) from None


def _people(file: IO[str]) -> Iterator[str]:
    first = file.readline().lstrip("\ufeff").strip()
    columns = [cell.strip().lower() for cell in first.split(",")]
    if first.startswith("{"):
        for line in _lines(file, first):
            yield _of_row(json.loads(line))
    elif any(column in COLUMNS for column in columns):
        for row in csv.DictReader(file, fieldnames=columns):
            yield _of_row(row)
    else:
        yield from _lines(file, first)


def _lines(file: IO[str], first: str) -> Iterator[str]:
    for raw in chain([first], file):
        line = raw.strip()
        if len(line) > LINE:
            raise Invalid("A line of the file is too long to name anybody.", fields={"from_file": "line too long"})
        if line and not line.startswith("#"):
            yield line


def _of_row(row: Any) -> str:
    found = next((row[name] for name in COLUMNS if isinstance(row, dict) and row.get(name)), None)
    if not isinstance(found, str):
        raise Invalid("A row of the file names nobody.", fields={"from_file": f"needs one of {', '.join(COLUMNS)}"})
    return found


def named_users(actor: Actor, arguments: Namespace) -> Iterator[tuple[str, User | None]]:
    """Give everybody meant: what names them, and who it is (``None``: to be looked up by the caller)."""
    for text in texts_of(arguments):
        yield text, None
    if getattr(arguments, "query", None) is not None:
        organization = find_organization(actor, arguments.org)
        users = UserFilter.parse(arguments.query).apply(
            User.objects.visible_to(actor).filter(organization=organization).select_related("organization")
        )
        for user in walk(users, USER_ORDERS["created_at"]):
            yield user.public_id, user


class Progress:
    """Who is done, noted in a file, so that a stopped run can go on (``--resume``)."""

    def __init__(self, path: str | None) -> None:
        self.done: set[str] = set()
        self.file: IO[str] | None = None
        if path is None:
            return
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            self.file = os.fdopen(descriptor, "r+", encoding="utf-8")
            self.done = {line.strip() for line in self.file}
        except (OSError, UnicodeDecodeError):
            raise Invalid(f"{path} cannot be used to resume.", fields={"resume": "cannot be read or written"}) from None

    def note(self, key: str) -> None:
        """Note that somebody is done, at once."""
        if self.file is not None:
            self.file.write(f"{key}\n")
            self.file.flush()

    def close(self) -> None:
        """Close the file."""
        if self.file is not None:
            with suppress(OSError):
                self.file.close()
