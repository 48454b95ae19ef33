"""``make test``: the suite on SQLite, then on a real PostgreSQL; then, on SQLite again, in a real browser.

``TEST_DATABASE_URL`` names a server to use instead; ``REQUIRE_POSTGRES=1`` makes a missing one a
failure. Arguments go to pytest, twice. The tests of the doors and their matrices run in full on SQLite and as a sample
on PostgreSQL, without the few files that ask no database anything; ``TEST_LONG=1`` (``make test-long``) runs everything
in full, and more rounds of what is random.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack

from tests import postgresql

NOTICE = """
NOT TESTED ON POSTGRESQL: no server is installed here.
Install one (Debian: apt-get install postgresql), or name one with TEST_DATABASE_URL=postgresql://…
"""


def suite(name: str, database_url: str, arguments: list[str], *, sample: bool = False) -> int:
    """Run everything on one database, or of the tests of the doors a sample."""
    print(f"\n=== {name} ===", flush=True)
    sampled = {"SAMPLE_DOORS": "1"} if sample else {}
    environment = {**os.environ, **sampled, "DATABASE_URL": database_url, "IDENTITY_TESTED_ON": name}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes read the same modules
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


def main(arguments: list[str]) -> int:
    """Run the suites; gives the first exit code that is not 0."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server stops with us
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="identity-tests-", dir=_fast_directory()))
        os.environ["IDENTITY_VAR"] = f"{scratch}/var"
        url = os.environ.get("TEST_DATABASE_URL")
        if not url:
            try:
                url = stack.enter_context(postgresql.running())
            except postgresql.NotInstalledError:
                if os.environ.get("REQUIRE_POSTGRES") == "1":
                    print(NOTICE, file=sys.stderr)
                    return 1
        sqlite = f"sqlite:///{scratch}/main.sqlite3"
        chosen = arguments or ["--ignore=tests/e2e"]
        codes = [suite("sqlite", sqlite, chosen)]
        if url:
            is_short = not arguments and os.environ.get("TEST_LONG") != "1"
            codes.append(suite("postgresql", url, chosen, sample=is_short))
        else:
            print(NOTICE, file=sys.stderr)
        if not arguments:
            codes.append(suite("browser", sqlite, ["tests/e2e"]))
        return next((code for code in codes if code), 0)


def _fast_directory() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 -- only a parent, mkdtemp makes it safe


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
