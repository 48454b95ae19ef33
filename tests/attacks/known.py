"""The list of known attacks (``known.toml``): read, checked, drawn as docs/attacks.md, and run."""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.__main__ import main as run_suites

__all__ = ["GROUPS", "Attack", "Group", "attacks", "missing", "page"]

TESTS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Attack:
    """What happened to others, and what tries it here."""

    id: str
    what: str
    elsewhere: str
    paths: str = ""
    tests: tuple[str, ...] = ()
    not_here: str = ""
    open: str = ""

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> "Attack":
        """Make one of a row of the file."""
        return cls(**{**row, "tests": tuple(row.get("tests", ()))})


@dataclass(frozen=True)
class Group:
    """Attacks of a kind."""

    title: str
    attacks: tuple[Attack, ...]


def _read() -> tuple[Group, ...]:
    groups = tomllib.loads((Path(__file__).parent / "known.toml").read_text())["group"]
    return tuple(Group(group["title"], tuple(map(Attack.read, group["attack"]))) for group in groups)


GROUPS = _read()


def attacks() -> Iterator[Attack]:
    """Give all of them."""
    for group in GROUPS:
        yield from group.attacks


@cache
def collected(file: str) -> frozenset[str]:
    """Read which tests a file has: its own name, its classes, its functions."""
    path = TESTS / file
    if not path.is_file():
        return frozenset()
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found.add(f"{file}::{node.name}")
        elif isinstance(node, ast.ClassDef):
            methods = [entry.name for entry in node.body if isinstance(entry, ast.FunctionDef)]
            theirs = {f"{file}::{node.name}::{name}" for name in methods if name.startswith("test_")}
            found |= theirs | ({f"{file}::{node.name}"} if theirs else set())
    return frozenset(found | ({file} if found else set()))


def missing(node: str) -> bool:
    """Say whether a node id below tests/ names nothing that pytest would run."""
    return node not in collected(node.partition("::")[0])


def nodes() -> list[str]:
    """Give what is to be run, each once: nothing beside a file or class that has it already."""
    named = {node for attack in attacks() for node in attack.tests}
    inside = {node for node in named if any(f"{'::'.join(node.split('::')[:parts])}" in named for parts in (1, 2)
                                            if parts < len(node.split("::")))}  # fmt: skip
    return [f"tests/{node}" for node in sorted(named - inside)]


INTRODUCTION = """# Known attacks

Made from `tests/attacks/known.toml` by `make docs`; a test reads that each test named here is there.

What was found elsewhere, and what tries it here: on every path that leads to the same thing (page, API, admin,
command), because most new advisories are an old one on a path that somebody forgot. `make attacks` runs all of it on
both databases. {counts}

Test names are below `tests/`; a class or a file stands for all it has.
"""


def page() -> str:
    """Write docs/attacks.md."""
    all_of_them = list(attacks())
    tried, absent, owed = (
        [attack for attack in all_of_them if attack.tests],
        [attack for attack in all_of_them if attack.not_here],
        [attack for attack in all_of_them if attack.open],
    )
    counts = f"Of {len(all_of_them)}, {len(tried)} are tried, {len(absent)} cannot happen here, {len(owed)} are open."
    parts = [INTRODUCTION.replace("{counts}", counts)]
    for group in GROUPS:
        parts.append(f"\n## {group.title}\n")
        parts += [_drawn(attack) for attack in group.attacks]
    return "".join(parts)


def _drawn(attack: Attack) -> str:
    lines = [f"\n**{attack.id}** {attack.what} ({attack.elsewhere})"]
    if attack.not_here:
        return f"{lines[0]}\n\nDoes not apply: {attack.not_here}\n"
    if attack.open:
        return f"{lines[0]}\n\nOpen: {attack.open}.\n"
    lines.append(f"\nHere: {attack.paths}.\n")
    lines += [f"- `{node}`" for node in attack.tests]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(run_suites([*nodes(), *sys.argv[1:]]))
