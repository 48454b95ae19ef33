"""Rules that hold everywhere, read off the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accounts.pages.browsing import SHELL

ROOT = Path(__file__).resolve().parent.parent.parent
DOORS = (
    "accounts/management", "accounts/admin", "accounts/api", "accounts/pages",
    "accounts/middleware.py", "accounts/backends.py", "accounts/browser.py",
    "gdpr/management", "gdpr/admin", "gdpr/api", "gdpr/pages.py",
)  # fmt: skip
BELOW = ("accounts/operations", "accounts/models", "accounts/policy.py", "accounts/audit.py", "accounts/mail.py",
         "accounts/filters.py", "accounts/pagination.py", "accounts/ledger.py",
         "gdpr/operations", "gdpr/models.py")  # fmt: skip
WRITES = {"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}
ROWS = {"objects", "user", "session", "organization", "membership", "key", "row"}
SECRET = re.compile(r"(?:^|_)(token|hash|secret|code|signature|password|lookup)s?$")
WORDS_THAT_ARE_NO_SECRETS = {"exit_code", "status_code", "returncode", "error_code"}


def files(*places: str) -> Iterator[Path]:
    """Give the modules in these places."""
    for place in places:
        path = ROOT / place
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def our_files() -> list[Path]:
    """Give every module of ours but tests and migrations."""
    return [path for path in files("accounts", "gdpr", "identity") if "migrations" not in path.parts]


def tree(path: Path) -> ast.Module:
    """Read a module."""
    return ast.parse(path.read_text())


def name_of(node: ast.expr) -> str:
    """Give the last word of an expression."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def chain(node: ast.expr) -> set[str]:
    """Give all words of a chain of attributes and calls."""
    words = set()
    while True:
        if isinstance(node, ast.Attribute):
            words.add(node.attr)
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        elif isinstance(node, ast.Name):
            return {*words, node.id}
        else:
            return words


def test_doors_never_write_rows() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} .{node.func.attr}"
        for path in files(*DOORS)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in WRITES
        and chain(node.func.value) & ROWS
        and "request.session" not in ast.unparse(node.func)
    ]

    assert found == []


def test_nothing_below_a_door_knows_http() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {node.module}"
        for path in files(*BELOW)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("django.http", "django.shortcuts"))
    ]

    assert found == []


def test_no_remedy_but_those_of_commands_spells_a_command_line() -> None:
    """Backups are of commands alone."""
    places = [
        path for path in files("accounts", "gdpr") if "management" not in path.parts and path.name != "backups.py"
    ]
    told = [
        (path.name, ast.unparse(value))
        for path in places
        for node in ast.walk(tree(path))
        if isinstance(node, ast.keyword | ast.Assign | ast.AnnAssign)
        and (value := node.value) is not None
        and "remedy" in ast.unparse(node).partition("=")[0]
    ]

    assert len(told) > 50
    assert [(name, text) for name, text in told if SHELL.search(text)] == []


def test_only_audit_writes_the_trail_and_only_models_lock() -> None:
    for path in our_files():
        text = path.read_text()
        where = str(path.relative_to(ROOT))
        if where != "accounts/audit.py":
            assert not re.search(
                r"AuditEvent\(|AuditPart\(|AuditEvent\.objects\.create", text.replace("class Audit", "")
            ), where
        if not where.startswith("accounts/models/") and where != "accounts/audit.py":
            assert "select_for_update" not in text, where


def test_secrets_are_compared_in_constant_time() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in our_files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and any(
            SECRET.search(name_of(side)) and name_of(side) not in WORDS_THAT_ARE_NO_SECRETS
            for side in (node.left, *node.comparators)
        )
    ]

    assert found == [], "compare secrets with hmac.compare_digest"


def test_no_iexact_no_print_no_signals_of_our_own() -> None:
    for path in our_files():
        text = path.read_text()
        where = str(path.relative_to(ROOT))
        assert "iexact" not in text, where
        assert "dispatch import" not in text, where


@pytest.mark.parametrize("name", ["utils", "helpers", "common", "services", "signals", "misc"])
def test_no_room_for_everything(name: str) -> None:
    assert not [path for path in our_files() if name in {path.stem, path.parent.name}]


def test_the_top_level_holds_no_other_code() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and any(path.glob("**/*.py"))}

    assert folders - {".venv", "var"} == {"identity", "accounts", "gdpr", "tests"}
