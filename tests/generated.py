"""The pages of docs/ that are made from the code: ``python -m tests.generated`` writes them, a test compares."""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import django

DOCS = Path(__file__).resolve().parent.parent / "docs"

REFERENCE = """# Commands

Made from the parsers by `make docs`; a test runs every example.

- **Who.** `USER` is an id (`usr_…` or a UUID), an e-mail address or a username. `--org SLUG|ID` says in which organization
  (environment `IDENTITY_ORG`, default `default`); an id needs none.
- **Many.** Several `USER`s, `--from-file FILE|-` (one a line; CSV or JSONL with a column `id`, `email` or `username`; empty lines
  and `#` are skipped) or `--query 'status=active&tag=x'`. Each row has its own transaction and its own result
  (`ok`, `unchanged`, `failed`); the exit code is that of the first failure. `--resume FILE` notes who is done and leaves them out next time.
- **Output.** stdout carries the result and nothing else. `--format table|json|jsonl|csv`; `--output FILE` is written whole or not at
  all, mode 0600. With JSON an error is one line on stderr: `{"error": {"code", "message", "remedy", "fields"}}`.
- **Dry run.** `--dry-run` runs the same operation and rolls it back: what it shows is what the audit trail would say, and it ends with
  the exit code that the real run would have.
- **Questions.** More than one user, and everything with `--all`, is asked about first; `--yes` (`-y`, `--force`, `--assume-yes`) answers.
  Without a terminal and without `--yes` the command refuses, exit 4.
- **Times.** A day (`2026-12-31`; as an end: through that day, UTC), a moment (`2026-12-31T18:00:00Z`) or a duration (`15m`, `2h`, `7d`).
- **Secrets** are read from a prompt or standard input, or made (`--generate-password`); one on the command line works, with a warning.

| exit code | meaning | error codes |
|---|---|---|
{exits}

## Objects

{objects}
"""


def reference() -> str:
    """Write down every command."""
    from tests.shell import COMMANDS

    top = REFERENCE.replace("{exits}", "\n".join(_exits())).replace("{objects}", "\n".join(_objects()))
    return top + "".join(_command(name) for name in COMMANDS)


def _exits() -> Iterator[str]:
    from accounts.errors import AccountsError, Exit

    meanings = {
        Exit.DONE: "done",
        Exit.GENERIC: "generic",
        Exit.NOT_ALLOWED: "not authenticated or not allowed",
        Exit.NOT_FOUND: "not found, or not for you",
        Exit.INVALID: "invalid: usage, validation, conflict, refused",
        Exit.SERVER: "on the server's side",
    }
    for code, meaning in meanings.items():
        kinds = [f"`{kind.code}`" for kind in AccountsError.__subclasses__() if kind.exit_code is code]
        yield f"| {int(code)} | {meaning} | {' '.join(kinds)} |"


def _objects() -> Iterator[str]:
    from accounts.serializers import (
        api_keys,
        applications,
        audit,
        claims,
        letters,
        organizations,
        roles,
        sessions,
        users,
    )
    from gdpr.serializers import duties

    shown: dict[str, Any] = {
        "User": users.UserOutput,
        "User, alone (`user_show`)": users.UserDetailOutput,
        "Organization": organizations.OrganizationOutput,
        "Membership": organizations.MembershipOutput,
        "Application": applications.ApplicationOutput,
        "Role": roles.RoleOutput,
        "Session": sessions.SessionOutput,
        "Claim": claims.ClaimOutput,
        "What a claim says (`user_claims`, and `claims` of a user alone)": claims.ClaimValueOutput,
        "API key": api_keys.APIKeyOutput,
        "Letter": letters.LetterOutput,
        "Audit event": audit.AuditEventOutput,
        "Legal hold": duties.HoldOutput,
        "Subject request": duties.RequestOutput,
        "Privacy terms": duties.TermsOutput,
    }
    for name, serializer in shown.items():
        yield f"- **{name}**: {' '.join(f'`{field}`' for field in serializer.Meta.fields)}"


def _command(name: str) -> str:
    from django.core.management import load_command_class

    from tests.shell import COMMANDS

    command = load_command_class(COMMANDS[name], name)
    parser = command.create_parser("manage.py", name)
    examples = "\n".join(f"manage.py {example}" for example in command.examples)  # type: ignore[attr-defined]
    rows = "\n".join(_option(action) for action in parser._actions if not isinstance(action, argparse._HelpAction))
    return f"\n## {name}\n\n{command.help}\n\n```sh\n{examples}\n```\n\n| option | meaning |\n|---|---|\n{rows}\n"


def _option(action: argparse.Action) -> str:
    words = ", ".join(f"`{option}`" for option in action.option_strings) or f"`{action.metavar or action.dest}`"
    if action.option_strings and action.metavar:
        words += f" `{action.metavar}`"
    elif action.choices and action.metavar is None:
        words += " " + "|".join(map(str, action.choices))
    meaning = (action.help or "") + (" (required)" if action.required else "")
    bar = "\\|"
    return f"| {words.replace('|', bar)} | {meaning.replace('|', bar)} |"


def statuses() -> str:
    """Draw the life of a user."""
    from accounts.statuses import TRANSITIONS, Status

    arrows = "\n".join(
        f"    {source} --> {target}: {verb}"
        for verb, (sources, target) in TRANSITIONS.items()
        for source in sources
        if target != "return"
    )
    sources = TRANSITIONS["restrict"][0]
    back = "\n".join(f"    restricted --> {source}: unrestrict" for source in sources)
    verbs = "\n".join(
        f"| `{verb}` | {', '.join(sources)} | {'the status before' if target == 'return' else target} |"
        for verb, (sources, target) in TRANSITIONS.items()
    )
    cells = "\n".join(
        f"| {status} | " + " | ".join("✓" if status in sources else "" for sources, _ in TRANSITIONS.values()) + " |"
        for status in Status
    )
    return f"""# The life of a user

Drawn from `accounts/statuses.py` by `make docs`. What is not drawn is a `CONFLICT`, the same again included.
Leaving `active` ends every session, one-time link, API key and open invite of the person in the same transaction.

```mermaid
stateDiagram-v2
    [*] --> active: create
{arrows}
{back}
```

| verb | from | to |
|---|---|---|
{verbs}

| from | {" | ".join(TRANSITIONS)} |
|---|{"---|" * len(TRANSITIONS)}
{cells}

`invited` comes with an invite, and accepting it leads to `active`; `purging` and `purged` come with erasure. A lock with an end is judged when it is read: after it the person
is `active` again, in lists and filters too.
"""


def _cell(action: Any, actions: Any) -> str:
    from accounts.actions import SELF_ACTIONS

    if action in actions:
        return "✓"
    return "self" if action in SELF_ACTIONS else ""


def permissions() -> str:
    """Write down what the built-in roles may."""
    from accounts.actions import BUILT_IN_ROLES, INSTALLATION_ACTIONS, SYSTEM_ACTIONS, Action

    rows = "\n".join(
        f"| `{action}` | " + " | ".join(_cell(action, actions) for actions in BUILT_IN_ROLES.values()) + " |"
        for action in sorted(Action)
        if action not in INSTALLATION_ACTIONS | SYSTEM_ACTIONS
    )
    above = ", ".join(f"`{action}`" for action in sorted(INSTALLATION_ACTIONS))
    return f"""# Who may do what

Made from `accounts/actions.py` by `make docs`. The word is the same in a role, a key's scopes and the audit trail.
`admin:users` as a key's scope stands for every `user.*` and `session.*`.

| permission | {" | ".join(BUILT_IN_ROLES)} |
|---|{"---|" * len(BUILT_IN_ROLES)}
{rows}

Above every organization, for the operator at the command line and super-users alone: {above}.

What each means, and what applications define for themselves, `permission_list` says. A role of your own holds what you choose of these; a
role of an application holds that application's own words and nothing of these.

- `self`: one's own account (of `user.update` the profile fields only, of claims the editable ones).
- Nobody gives what they do not have, nor for longer: granting, taking, changing or deleting a role needs every permission in it.
- Nobody acts on somebody more powerful; who cannot give roles (a moderator) acts on the less powerful only.
- The last owner of an organization and the last super-user cannot be suspended, demoted, archived or removed.
"""


def openapi() -> str:
    """Describe the API."""
    from accounts.api.docs import described

    return json.dumps(described(), indent=1, ensure_ascii=False) + "\n"


def export_description() -> str:
    """Describe the JSON of an export."""
    from gdpr.operations.renderings import export_schema

    return json.dumps(export_schema(), indent=1) + "\n"


def known_attacks() -> str:
    """Write down what was found elsewhere, and what tries it here."""
    from tests.attacks.known import page

    return page()


PAGES: dict[str, Callable[[], str]] = {
    "openapi.json": openapi,
    "commands.md": reference,
    "statuses.md": statuses,
    "permissions.md": permissions,
    "personal-data-export.schema.json": export_description,
    "attacks.md": known_attacks,
}


def main() -> None:
    """Write the pages."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    for name, page in PAGES.items():
        (DOCS / name).write_text(page())


if __name__ == "__main__":
    main()
