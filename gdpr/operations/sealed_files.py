"""Files that are of no use without their key: AES-256-GCM in pieces, so that neither side holds more than one.

The nonce of a piece is its number and whether it is the last (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015): pieces can be neither changed, swapped nor cut off unnoticed.
A key is for one file alone.
"""

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, Self, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["DamagedError", "SealedWriter", "Spool", "new_key", "unsealed"]

PIECE: Final = 65_536
TAG: Final = 16
NUMBER: Final = 11
KEY: Final = 32
SPOOL: Final = "spool"


class DamagedError(Exception):
    """The file was changed or cut, or the key is another one's."""


def new_key() -> str:
    """Make the key of one file."""
    return secrets.token_bytes(KEY).hex()


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(NUMBER, "big") + bytes([is_last])


class SealedWriter:
    """Takes what is written, and writes it encrypted; ``size`` counts what was taken."""

    def __init__(self, file: IO[bytes], key: str, about: str) -> None:
        self._file = file
        self._box = AESGCM(bytes.fromhex(key))
        self._about = about.encode()
        self._waiting = bytearray()
        self._number = 0
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take some more."""
        self._waiting += data
        self.size += len(data)
        while len(self._waiting) > PIECE:
            self._seal(bytes(self._waiting[:PIECE]), is_last=False)
            del self._waiting[:PIECE]
        return len(data)

    def flush(self) -> None:
        """Do nothing: a piece is written when it is full."""

    def finish(self) -> None:
        """Write the last piece, which says that it is."""
        self._seal(bytes(self._waiting), is_last=True)
        self._waiting.clear()

    def _seal(self, piece: bytes, *, is_last: bool) -> None:
        self._file.write(self._box.encrypt(_nonce(self._number, is_last), piece, self._about))
        self._number += 1


def unsealed(path: Path, key: str, about: str) -> Iterator[bytes]:
    """Read a sealed file piece by piece.

    :raises DamagedError: at the first piece that is not as it was written, and where the file ends too early
    """
    with path.open("rb") as file:
        yield from _opened(file, key, about, path.name)


def _opened(file: IO[bytes], key: str, about: str, name: str) -> Iterator[bytes]:
    box = AESGCM(bytes.fromhex(key))
    piece, number = file.read(PIECE + TAG), 0
    while True:
        following = file.read(PIECE + TAG)
        try:
            opened = box.decrypt(_nonce(number, not following), piece, about.encode())
        except InvalidTag:
            raise DamagedError(f"{name} is damaged at piece {number}.") from None
        yield opened
        if not following:
            return
        piece, number = following, number + 1


class Spool:
    """Text that waits for its turn: in memory while it is short, else on disk under a key that nobody else has."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=PIECE)  # noqa: SIM115 -- closed by __exit__
        self._key = new_key()
        self._writer = SealedWriter(cast("IO[bytes]", self._file), self._key, SPOOL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, text: str) -> None:
        """Take some more."""
        self._writer.write(text.encode())

    def pieces(self) -> Iterator[bytes]:
        """Give all of it back, once."""
        self._writer.finish()
        self._file.seek(0)
        yield from _opened(cast("IO[bytes]", self._file), self._key, SPOOL, SPOOL)
