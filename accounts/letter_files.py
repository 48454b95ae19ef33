"""Letters as files, where no mail server is configured: one ``.eml`` each, to be read while trying things out.

They are personal data in files: the name of each says whose it is (a plain id, no address), so that erasure finds
them without reading; there are never more than ``EMAIL_FILES_KEPT``.
"""

import os
import re
from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage as ReadMessage
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from accounts import ids

__all__ = ["EmailBackend", "are_files", "forget", "listed", "opened"]

NAME: Final = re.compile(r"eml_[0-7][0-9a-hjkmnp-tv-z]{25}\.usr_[0-7][0-9a-hjkmnp-tv-z]{25}\.eml")
NOBODY: Final = UUID(int=0)


class EmailBackend(BaseEmailBackend):
    """Writes each message into a file of its own, for nobody else to read; the oldest beyond the bound go."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write them; says how many."""
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for message in email_messages:
            person = getattr(message, "person_id", NOBODY)
            name = f"{ids.encode('eml', ids.new())}.{ids.encode('usr', person)}.eml"
            _write(folder / name, message.message().as_bytes())
        for path in listed()[settings.EMAIL_FILES_KEPT :]:
            path.unlink(missing_ok=True)
        return len(email_messages)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _folder() -> Path:
    return Path(settings.EMAIL_FILE_PATH)


def are_files() -> bool:
    """Say whether letters land as files here."""
    return bool(f"{__name__}.EmailBackend" == settings.EMAIL_BACKEND)


def listed() -> list[Path]:
    """Give the letters that there are, the newest first."""
    folder = _folder()
    found = [path for path in folder.iterdir() if NAME.fullmatch(path.name)] if folder.is_dir() else []
    return sorted(found, key=lambda path: path.name, reverse=True)


def opened(name: str) -> ReadMessage | None:
    """Read one of them by its name, ``None`` if there is none of that name."""
    if not NAME.fullmatch(name):
        return None
    try:
        content = (_folder() / name).read_bytes()
    except FileNotFoundError:
        return None
    reading: Any = policy.default
    return cast("ReadMessage", message_from_bytes(content, policy=reading))


def forget(user_id: UUID) -> int:
    """Delete the letters of a person that lie as files; says how many."""
    end = f".{ids.encode('usr', user_id)}.eml"
    theirs = [path for path in listed() if path.name.endswith(end)]
    for path in theirs:
        path.unlink(missing_ok=True)
    return len(theirs)
