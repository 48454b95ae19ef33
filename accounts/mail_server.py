"""How letters reach the mail server: Django's way, with an end to the whole conversation.

``EMAIL_TIMEOUT`` bounds each answer. A server that drips a byte now and then would hold a letter for as long as it
likes, and longer than the worker's lease on it, so that another worker would send it once more.
"""

import smtplib
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from django.core.mail.backends import smtp

__all__ = ["WHOLE", "EmailBackend"]

WHOLE: Final = timedelta(minutes=4)
"""How long one conversation may last, from the look-up of the server's name to the last answer."""


class Conversation(smtplib.SMTP):
    """A conversation that is cut off when its time is over."""

    _line: socket.socket | None = None
    _clock: threading.Timer | None = None
    _is_cut = False

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Connect to the first of the server's addresses that answers; from then on the clock can cut the line."""
        over = time.monotonic() + WHOLE.total_seconds()
        connected = _connected(host, port, timeout, over)
        # A duplicate: TLS takes the socket itself over.
        self._line = connected.dup()
        self._clock = threading.Timer(max(0.0, over - time.monotonic()), self._cut)
        self._clock.daemon = True
        self._clock.start()
        return connected

    def _cut(self) -> None:
        self._is_cut = True
        if self._line is not None:
            with suppress(OSError):  # hung up at this moment
                self._line.shutdown(socket.SHUT_RDWR)

    def getreply(self) -> tuple[int, bytes]:
        """Wait for an answer.

        :raises TimeoutError: if the conversation was cut off, whatever part of an answer came before
        """
        try:
            return super().getreply()
        finally:
            if self._is_cut:
                self.close()
                raise TimeoutError

    def quit(self) -> tuple[int, bytes]:
        """Say goodbye. Whatever the server answers, what it took before it has taken."""
        try:
            return super().quit()
        except OSError:
            self.close()
            return 221, b""

    def close(self) -> None:
        """Hang up."""
        if self._clock is not None:
            self._clock.cancel()
        if self._line is not None:
            self._line.close()
        super().close()


class EncryptedConversation(smtplib.SMTP_SSL, Conversation):
    """The same, encrypted from the first byte."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        try:
            return super()._get_socket(host, port, timeout)
        except OSError as error:
            self.close()
            raise (TimeoutError() if self._is_cut else error) from None


def _connected(host: str, port: int, timeout: float, over: float) -> socket.socket:
    failure: OSError = TimeoutError()
    for *_, found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        address: Any = found[:2]
        left = over - time.monotonic()
        if left <= 0:
            break
        try:
            line = socket.create_connection(address, min(timeout, left))
        except OSError as error:
            failure = error
        else:
            line.settimeout(timeout)
            return line
    raise failure


class EmailBackend(smtp.EmailBackend):
    """Django's, with an end to each conversation."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """Say which kind of conversation is meant."""
        return EncryptedConversation if self.use_ssl else Conversation
