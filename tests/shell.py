"""Running our commands as a shell would, in this process."""

import io
import json
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management import load_command_class

__all__ = ["COMMANDS", "Result", "Terminal", "app_of", "run", "typed"]

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = {
    path.stem: app
    for app in ("accounts", "gdpr")
    for path in sorted((ROOT / app / "management" / "commands").glob("[a-z]*.py"))
}
"""Every command of ours, with its app."""


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The result, read."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error of a run with ``--json``, read."""
        error: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return error


class Terminal(io.StringIO):
    """Somebody at a keyboard who types this."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def app_of(name: str) -> str:
    """Say where a command lives."""
    return COMMANDS[name]


def run(name: str, *words: str, stdin: io.StringIO | None = None) -> Result:
    """Run a command with these words."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.stdin = sys.stdin, stdin or io.StringIO()
    code = 0
    try:
        with redirect_stdout(out), redirect_stderr(err):
            load_command_class(app_of(name), name).run_from_argv(["manage.py", name, *words])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdin = before
    return Result(code, out.getvalue(), err.getvalue())


def typed(line: str, *, stdin: io.StringIO | None = None) -> Result:
    """Run a command as it stands in an example."""
    name, *words = shlex.split(line)
    return run(name, *words, stdin=stdin)
