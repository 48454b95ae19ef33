"""One small supervisor: starts the processes of the service, restarts what dies, stops all together.

Each program runs in a process group of its own, so that Ctrl-C at a terminal reaches the supervisor alone,
which then stops them in order. Should the supervisor itself be killed, Linux ends its programs
(``PR_SET_PDEATHSIG``).
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from typing import Final

import structlog

__all__ = ["Program", "Supervisor"]

TICK: Final = 0.1
GRACE: Final = 8.0
LONGEST_BACK_OFF: Final = 60.0
STABLE: Final = 60.0
PR_SET_PDEATHSIG: Final = 1
LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None
log = structlog.get_logger("identity.supervisor")


@dataclass(frozen=True)
class Program:
    """What to run; if an essential one ends, all end."""

    name: str
    command: Sequence[str]
    is_essential: bool = False
    descriptors: tuple[int, ...] = ()


class Running:
    """A program with its process, and when to start it again."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.start_at = 0.0
        self.failures = 0

    def start(self) -> None:
        """Start the process."""
        parent = os.getpid()

        def tied() -> None:
            if LIBC is not None:
                LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:
                os._exit(1)

        self.started_at = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 -- our own programs
            self.program.command,
            stdin=subprocess.DEVNULL,
            pass_fds=self.program.descriptors,
            process_group=0,
            preexec_fn=tied,  # noqa: PLW1509 -- this process has one thread
        )

    def ended(self) -> int | None:
        """Give the exit code if the process has ended, and plan the next start."""
        code = self.process.poll() if self.process else None
        if self.process is None or code is None:
            return None
        clear_group(self.process)
        self.process = None
        now = time.monotonic()
        self.failures = 1 if now - self.started_at > STABLE else self.failures + 1
        self.start_at = now + min(2.0 ** (self.failures - 1), LONGEST_BACK_OFF)
        return code


class Supervisor:
    """Runs programs until it is told to stop or an essential one ends."""

    def __init__(self, programs: Sequence[Program]) -> None:
        self.running = [Running(program) for program in programs]
        self.stopping = Event()

    def run(self, is_up: Callable[[], bool]) -> int:
        """Run everything; gives 0 if it was told to stop, 1 if an essential program ended.

        :param is_up: asked again and again until it says yes
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())
        up = False
        try:
            while not self.stopping.is_set():
                if not self._tended():
                    return 1
                up = up or is_up()
                self.stopping.wait(TICK)
            return 0
        finally:
            self._stop()

    def _tended(self) -> bool:
        """Start what is due; ``False`` if an essential program has ended."""
        for running in self.running:
            code = running.ended()
            if code is not None:
                name = running.program.name
                if running.program.is_essential:
                    log.error("ended, so everything ends", program=name, code=code)
                    return False
                again_in = round(running.start_at - time.monotonic())
                log.warning("ended", program=name, code=code, again_in_seconds=again_in)
            if running.process is None and time.monotonic() >= running.start_at:
                running.start()
        return True

    def _stop(self) -> None:
        """Ask every process to end, wait a little, then leave nothing of their groups."""
        processes = [running.process for running in self.running if running.process]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + GRACE
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - time.monotonic(), 0))
            clear_group(process)
            process.wait()


def clear_group(process: "subprocess.Popen[bytes]") -> None:
    """Leave nothing of what a process has started: a web server's workers outlive it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
