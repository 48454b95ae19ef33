"""``python -m tests.bench [lists|erasure|copies] [NUMBER …]``: on both databases, one run; no figure is asserted.

The numbers go to the benchmark's ``measure``, which says what they are.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import django
from django.core.management import call_command

from tests import postgresql

ROOT = Path(__file__).resolve().parents[2]


def main(arguments: list[str]) -> int:
    """Run on each database in a process of its own, so that each has its own settings."""
    if arguments[:1] == ["--here"]:
        return here(*arguments[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server stops with us
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="identity-bench-"))
        addresses = {"sqlite": f"sqlite:///{scratch}/bench.sqlite3"}
        try:
            addresses["postgresql"] = stack.enter_context(postgresql.running())
        except postgresql.NotInstalledError:
            print("PostgreSQL is not installed: SQLite only.")
        for name, address in addresses.items():
            print(f"\n=== {name} ===", flush=True)
            environment = {**os.environ, "DATABASE_URL": address, "IDENTITY_VAR": scratch, "LOG_LEVEL": "ERROR"}
            environment["DJANGO_SETTINGS_MODULE"] = "identity.settings"
            command = [sys.executable, "-m", "tests.bench", "--here", *(arguments or ["lists"])]
            subprocess.run(command, env=environment, cwd=ROOT, check=True)
    return 0


def here(name: str, *numbers: str) -> int:
    """Measure on the database of the environment."""
    django.setup()
    call_command("migrate", verbosity=0)
    import_module(f"tests.bench.{name}").measure(*map(int, numbers))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
