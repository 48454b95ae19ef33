"""A real PostgreSQL for the tests: a cluster in a temporary directory, from the installed binaries.

It listens on loopback, on a free port, and stops with the block. PostgreSQL refuses to run as
root, so root starts it as another user.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["NotInstalledError", "running"]

SETTINGS = (
    "autovacuum=off",  # tests that look at files and samples say themselves when it happens
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=100",
    "shared_buffers=128MB",
    "timezone=UTC",
)
PATIENCE = 30.0


class NotInstalledError(Exception):
    """There are no PostgreSQL server binaries on this machine."""


def binaries() -> Path:
    """Find the newest installed server."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    candidates = [*(path.parent for path in reversed(found))]
    if on_path := shutil.which("initdb"):
        candidates.append(Path(on_path).parent)
    if not candidates:
        raise NotInstalledError
    return candidates[0]


def _unprivileged() -> str | None:
    """Name whom to start the server as: nobody else, unless this is root."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise NotInstalledError


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[str]:
    """Run a server and give its address as a DATABASE_URL.

    :raises NotInstalledError: if there are no binaries
    """
    bin_directory, user = binaries(), _unprivileged()
    directory = Path(tempfile.mkdtemp(prefix="identity-postgresql-"))
    if user:
        shutil.chown(directory, user)
    data, port = directory / "data", _free_port()
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(directory)}
    group = pwd.getpwnam(user).pw_gid if user else None
    identity: dict[str, Any] = {"user": user, "group": group, "extra_groups": []} if user else {}
    server: subprocess.Popen[bytes] | None = None
    try:
        subprocess.run(
            [bin_directory / "initdb", "-D", data, "-U", "identity", "-A", "trust", "-E", "UTF8", "--no-sync"],
            check=True,
            stdout=subprocess.DEVNULL,
            env=environment,
            cwd=directory,
            **identity,
        )
        options = [part for setting in SETTINGS for part in ("-c", setting)]
        with (directory / "log").open("wb") as log:
            server = subprocess.Popen(
                [bin_directory / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", directory, *options],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=directory,
                start_new_session=True,
                **identity,
            )
        _wait(server, port, directory)
        yield f"postgresql://identity@127.0.0.1:{port}/postgres"
    finally:
        if server is not None:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _wait(server: "subprocess.Popen[bytes]", port: int, directory: Path) -> None:
    import psycopg

    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            psycopg.connect(f"postgresql://identity@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{(directory / 'log').read_text(errors='replace')[-2000:]}")
