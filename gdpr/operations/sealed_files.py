"""Files that are of no use without their key: AES-256-GCM in pieces, so that neither side holds more than one.

The nonce of a piece is its number and whether it is the last (the STREAM construction of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015): pieces can be neither changed, swapped nor cut off unnoticed.
A key is for one file alone.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["DamagedError", "SealedWriter", "new_key", "unsealed"]

PIECE: Final = 65_536
TAG: Final = 16
NUMBER: Final = 11
KEY: Final = 32


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
    box = AESGCM(bytes.fromhex(key))
    with path.open("rb") as file:
        piece, number = file.read(PIECE + TAG), 0
        while True:
            following = file.read(PIECE + TAG)
            try:
                opened = box.decrypt(_nonce(number, not following), piece, about.encode())
            except InvalidTag:
                raise DamagedError(f"{path.name} is damaged at piece {number}.") from None
            yield opened
            if not following:
                return
            piece, number = following, number + 1
