"""``manage.py serve`` as a process of its own, for tests that talk to it."""

import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.identity.conftest import ROOT, Installation

__all__ = ["PATIENCE", "Service", "serving", "wait_until"]

PATIENCE = 120.0


class Service:
    """A running service."""

    def __init__(self, installation: Installation, *words: str, **settings: str) -> None:
        self.installation = installation
        self.log = installation.var.parent / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *words],
                env={**installation.environment, **settings},
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.port = int({**installation.environment, **settings}["PORT"])
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    @property
    def said(self) -> str:
        return self.log.read_text()

    def up(self) -> str:
        wait_until(lambda: "Ctrl-C stops everything" in self.said or self.process.poll() is not None)
        assert self.process.poll() is None, self.said
        return self.said

    @property
    def link(self) -> str:
        """The path of the sign-in link that it printed."""
        found = re.search(r"http://localhost:\d+(/link/\S+)", self.said)
        assert found, self.said
        return found[1]

    def get(self, path: str) -> tuple[int, Any]:
        try:
            with self.browser.open(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read()

    def children(self) -> dict[str, int]:
        """The processes that the supervisor started, by name."""
        found = {}
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        for line in listed.stdout.splitlines():
            pid, _, words = line.strip().partition(" ")
            name = next((word for word in ("gunicorn", "db_worker", "sweep") if word in words), None)
            if name:
                found[name] = int(pid)
        return found

    def stop(self, number: int = signal.SIGTERM) -> float:
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        return time.monotonic() - began


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)


@contextmanager
def serving(installation: Installation, *words: str, **settings: str) -> Iterator[Service]:
    service = Service(installation, *words, **settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.stop()
