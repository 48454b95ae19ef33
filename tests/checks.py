"""``manage.py`` checks of ``make check``: production settings, migrations, the description of the API."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from accounts.keys import create

PRODUCTION = {
    "IDENTITY_ENV": "production",
    "PUBLIC_URL": "https://id.example.com",
    "TRUSTED_PROXIES": "1",
    "DATABASE_URL": "postgresql://identity@localhost/identity",
    "LEDGER_URL": "postgresql://identity@localhost/ledger",
}


def manage(*arguments: str, environment: dict[str, str]) -> int:
    """Run a command."""
    print(f"manage.py {' '.join(arguments)}", flush=True)
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def main() -> int:
    """Run all; gives the first exit code that is not 0."""
    with tempfile.TemporaryDirectory(prefix="identity-checks-") as scratch:
        development = {"IDENTITY_VAR": scratch}
        keys = Path(scratch) / "production.json"
        create(keys)
        codes = [
            manage("check", environment=development),
            manage(
                "check",
                "--deploy",
                "--fail-level",
                "WARNING",
                environment={**development, **PRODUCTION, "IDENTITY_KEYS_FILE": str(keys)},
            ),
            manage("makemigrations", "--check", "--dry-run", environment=development),
            manage(
                "spectacular",
                "--validate",
                "--fail-on-warn",
                "--format",
                "openapi-json",
                "--file",
                str(Path(scratch) / "openapi.json"),
                environment=development,
            ),
            manage(
                "lintmigrations",
                "--include-apps",
                "accounts",
                "gdpr",
                "--no-cache",
                "--quiet",
                "ignore",
                "ok",
                "--ignore-name",
                "0001_initial",  # makes the tables, so none of them is large
                environment={**development, "DJANGO_SETTINGS_MODULE": "tests.lint_settings"},
            ),
        ]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
