#!/usr/bin/env python3
"""The operator's door: ``./manage.py user_list``, whichever Python the shell finds."""

import os
import sys
from pathlib import Path

INSTALLED = Path(__file__).resolve().parent / ".venv" / "bin" / "python"


def main() -> None:
    """Run a command, with the Python that ``make setup`` installed for unless another one is in use."""
    if sys.prefix == sys.base_prefix and INSTALLED.exists():
        os.execv(INSTALLED, [str(INSTALLED), *sys.argv])  # noqa: S606 -- no shell is wanted
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "identity.settings")
    from django.conf import settings  # noqa: PLC0415 -- the environment first
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        _ = settings.PRODUCTION
    except ImproperlyConfigured as refusal:
        sys.stderr.write(f"Error: {refusal}\n")
        sys.exit(4)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
