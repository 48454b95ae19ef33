"""The plumbing of every command: who acts, how it ends, what is asked, what is printed.

A command is a parser and ``run(actor, arguments)`` that makes the one call to an operation.
"""

import getpass
import json
import os
import pwd
import sys
import traceback
import uuid
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError, OperationalError

from accounts import policy
from accounts.actors import Actor
from accounts.errors import AccountsError, Exit, Internal, Invalid, Unavailable
from accounts.management import parser as options
from accounts.management.output import FORMATS, Column, Rows, opened, write
from accounts.management.parser import Parser
from accounts.management.selection import Progress, find_organization, find_user, named_users
from accounts.models import Organization, User
from accounts.operations.base import NewPassword
from accounts.operations.bulk import DRY_RUN_ROWS, RowResult, each, tried
from accounts.secrets import generate_password
from accounts.serializers.base import output
from accounts.serializers.users import UserOutput

__all__ = ["WHO", "ChangeCommand", "Command", "UserChangeCommand", "UserCommand", "one_named", "password_of"]

RESULT_COLUMNS = (Column("ID", "id"), Column("RESULT", "result"), Column("ERROR", "problem"))


class Command(BaseCommand):
    """A command of ours: explicit actor, one table of exit codes, stdout for the result alone."""

    examples: ClassVar[tuple[str, ...]] = ()
    default_format: ClassVar[str] = "table"
    formats: ClassVar[tuple[str, ...]] = FORMATS
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **_: Any) -> Parser:
        """Make the parser, with the examples below the options."""
        shown = "\n".join(f"  {prog_name} {example}" for example in self.examples)
        parser = Parser(
            prog=f"{prog_name} {subcommand}",
            description=self.help,
            epilog=f"examples:\n{shown}",
            formatter_class=RawDescriptionHelpFormatter,
            called_from_command_line=True,
        )
        self.add_base_options(parser)
        self.add_arguments(parser)
        return parser

    def add_base_options(self, parser: Parser) -> None:
        """Add what every command takes; of Django's own options only ``--traceback`` makes sense here."""
        options.add_output(parser, self.default_format, self.formats)
        parser.add_argument("--traceback", action="store_true", help="show where an internal fault happened")
        parser.set_defaults(verbosity=1, no_color=True, force_color=False, settings=None, pythonpath=None)

    def run_from_argv(self, argv: list[str]) -> None:
        """Run from the shell: every end has its exit code, every error its place on stderr."""
        try:
            self._run(argv)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(Exit.GENERIC)
        except KeyboardInterrupt:
            self.stderr.write("Interrupted.")
            sys.exit(130)

    def _run(self, argv: list[str]) -> None:
        parser = self.create_parser("manage.py", argv[1])
        try:
            arguments = parser.parse_args(argv[2:])
            self.execute(**vars(arguments))
        except CommandError as failure:
            self._complain(_as_error(failure), as_json=options.wants_json(argv[2:]))
            sys.exit(failure.returncode)
        except (AccountsError, DatabaseError, InterfaceError, ImproperlyConfigured) as failure:
            error = _as_error(failure)
            self._complain(error, as_json=options.wants_json(argv[2:]))
            sys.exit(error.exit_code)
        except BrokenPipeError:
            raise
        except Exception as failure:  # noqa: BLE001 -- the last word on anything unexpected
            structlog.get_logger("identity.command").exception("fault", command=argv[1])
            if "--traceback" in argv:
                traceback.print_exc()
            error = _as_error(failure)
            self._complain(error, as_json=options.wants_json(argv[2:]))
            sys.exit(error.exit_code)

    def _complain(self, error: AccountsError, *, as_json: bool) -> None:
        if as_json:
            self.stderr.write(json.dumps({"error": error.as_dict()}, ensure_ascii=False))
            return
        lines = [f"Error: {error.message}", *(f"  {name}: {problem}" for name, problem in error.fields.items())]
        self.stderr.write("\n".join([*lines, error.remedy]))

    def handle(self, *_: Any, **values: Any) -> None:
        """Run and print."""
        arguments = Namespace(**values)
        result = self.run(self.actor(), arguments)
        if result is not None:
            with opened(arguments.output, self.stdout) as file:
                write(result, arguments.format, file)
        self.finish()

    def actor(self) -> Actor:
        """Say who acts: the operator, known by the operating system's user."""
        try:
            os_user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            os_user = str(os.getuid())
        return policy.operator(os_user=os_user, request_id=uuid.uuid4().hex)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make the one call and give the result."""
        raise NotImplementedError

    def finish(self) -> None:
        """End with an exit code when some of many rows failed."""

    def note(self, text: str) -> None:
        """Tell the person at the terminal something that is not the result."""
        self.stderr.write(text)

    def ask(self, question: str, arguments: Namespace) -> None:
        """Ask before something that cannot be taken back lightly.

        :raises Invalid: on "no", and where nobody can be asked (exit 4); nothing was changed
        """
        if arguments.yes or getattr(arguments, "dry_run", False):
            return
        if not sys.stdin.isatty():
            raise Invalid("This must be confirmed.", remedy="Repeat it with --yes.")
        self.stderr.write(f"{question} [y/N] ", ending="")
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise Invalid("Nothing was changed.", remedy="Answer yes, or use --yes.")

    def organization(self, actor: Actor, arguments: Namespace) -> Organization:
        """Find the organization meant."""
        return find_organization(actor, arguments.org)


class ChangeCommand(Command):
    """A command that changes one thing which is no user."""

    def add_base_options(self, parser: Parser) -> None:
        """Add what every change takes."""
        super().add_base_options(parser)
        options.add_change(parser)

    def changed(self, arguments: Namespace, call: Callable[[], Any], shown: Callable[[Any], Any]) -> Any:
        """Make the change and show what it answers, or try it out."""
        if not arguments.dry_run:
            return shown(call())
        (result,) = tried([None], lambda _: call(), key=lambda _: "")
        if result.error:
            raise result.error
        return {"dry_run": True, "result": result.result, "changes": result.changes}


class UserCommand(Command):
    """A command about one user."""

    def add_base_options(self, parser: Parser) -> None:
        """Add who is meant."""
        super().add_base_options(parser)
        options.add_user(parser, many=False)
        options.add_identifiers(parser, many=False)

    def user(self, actor: Actor, arguments: Namespace) -> User:
        """Find the one user meant.

        :raises Invalid: if nobody or more than one is named
        """
        return find_user(actor, one_named(arguments), arguments.org)


class UserChangeCommand(Command):
    """A change of one user, or the same of many: several ``USER``s, ``--from-file``, ``--query``."""

    takes_many: ClassVar[bool] = True
    identifies: ClassVar[bool] = True
    verb: ClassVar[str] = "Change"

    def add_base_options(self, parser: Parser) -> None:
        """Add who is meant and what every change takes."""
        super().add_base_options(parser)
        self.add_who(parser)
        options.add_change(parser)

    def add_who(self, parser: Parser) -> None:
        """Add the ways to name whom."""
        options.add_user(parser, many=self.takes_many)
        if self.identifies:
            options.add_identifiers(parser, many=self.takes_many)
        if self.takes_many:
            options.add_many(parser)

    def change(self, actor: Actor, arguments: Namespace, user: User) -> Any:
        """Make the one call for one user."""
        raise NotImplementedError

    def prepare(self, actor: Actor, arguments: Namespace) -> None:
        """Read what is needed once, before any user."""

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Change one and show it, or each of many with its own result."""
        self.prepare(actor, arguments)
        if not self._is_many(arguments):
            return self._one(actor, arguments)
        return self._many(actor, arguments)

    def _is_many(self, arguments: Namespace) -> bool:
        if not self.takes_many:
            return False
        named = sum(len(getattr(arguments, name, None) or []) for name in WHO)
        return named > 1 or bool(arguments.from_file or arguments.query is not None or arguments.resume)

    def _one(self, actor: Actor, arguments: Namespace) -> Any:
        user = find_user(actor, one_named(arguments), arguments.org)
        if arguments.dry_run:
            (result,) = tried([user], lambda row: self.change(actor, arguments, row), key=lambda row: row.public_id)
            if result.error:
                raise result.error
            return {"dry_run": True, **result.as_dict()}
        return self.shown(actor, self.change(actor, arguments, user))

    def shown(self, actor: Actor, user: User) -> Mapping[str, Any]:
        """Show a user as they are now."""
        return output(UserOutput, User.objects.visible_to(actor).with_shown().get(pk=user.pk))

    def _many(self, actor: Actor, arguments: Namespace) -> Rows:
        everybody = list(named_users(actor, arguments))
        if len(everybody) > 1:
            self.ask(f"{self.verb} {len(everybody)} users?", arguments)
        return self.each(actor, arguments, everybody)

    def each(self, actor: Actor, arguments: Namespace, everybody: Sequence[tuple[str, User | None]]) -> Rows:
        """Change each in its own transaction and give each its result; a dry run tries them out."""
        self.counts_are_in_the_result = arguments.format == "json"

        def call(row: tuple[str, User | None]) -> None:
            self.change(actor, arguments, row[1] or find_user(actor, row[0], arguments.org))

        if arguments.dry_run:
            return self._plan(actor, arguments, everybody, call)
        progress = Progress(getattr(arguments, "resume", None))
        waiting = [row for row in everybody if row[0] not in progress.done]
        counts = {"ok": 0, "unchanged": 0, "failed": 0}
        return Rows(
            self._results(each(self._shown_progress(waiting), call, key=lambda row: row[0]), counts, progress),
            RESULT_COLUMNS,
            {"counts": counts},
        )

    def _plan(
        self,
        actor: Actor,
        arguments: Namespace,
        everybody: Sequence[tuple[str, User | None]],
        call: Callable[[tuple[str, User | None]], None],
    ) -> Rows:
        def about(row: tuple[str, User | None]) -> User | None:
            with suppress(AccountsError):  # whoever is not found is so again when it is tried
                return row[1] or find_user(actor, row[0], arguments.org)
            return None

        results = tried(everybody[:DRY_RUN_ROWS], call, key=lambda row: row[0], about=about)
        counts = {"ok": 0, "unchanged": 0, "failed": 0}
        rows = list(self._results(iter(results), counts, Progress(None)))
        around: dict[str, Any] = {"dry_run": True, "counts": counts}
        if len(everybody) > len(results):
            around["estimated_from"] = len(results)
            around["rows"] = len(everybody)
            self.note(f"Tried the first {len(results)} of {len(everybody)}; the counts are of those.")
        columns = (*RESULT_COLUMNS[:2], Column("CHANGES", "changes"), RESULT_COLUMNS[2])
        return Rows(rows, columns, around)

    def _results(
        self, results: Iterator[RowResult], counts: dict[str, int], progress: Progress
    ) -> Iterator[dict[str, Any]]:
        self.first_failure: AccountsError | None = None
        for result in results:
            counts[result.result] += 1
            if result.error is None:
                progress.note(result.key)
            elif self.first_failure is None:
                self.first_failure = result.error
            shown = result.as_dict()
            if result.error is not None:
                shown["problem"] = f"{result.error.code}: {result.error.message}"
            yield shown
        progress.close()
        if not self.counts_are_in_the_result:
            self.note(f"{counts['ok']} changed, {counts['unchanged']} were so already, {counts['failed']} failed.")

    def _shown_progress(self, rows: list[Any]) -> Iterable[Any]:
        if not sys.stderr.isatty():
            return rows
        from rich.console import Console  # noqa: PLC0415 -- only a terminal needs it
        from rich.progress import track  # noqa: PLC0415

        return track(rows, description=self.verb, console=Console(stderr=True), transient=True)

    def finish(self) -> None:
        """End with the exit code of the first failure."""
        failure: AccountsError | None = getattr(self, "first_failure", None)
        if failure is not None:
            sys.exit(failure.exit_code)


WHO = ("user", "user_id", "who_email", "who_username")


def one_named(arguments: Namespace) -> str:
    """Give the one USER named.

    :raises Invalid: if nobody or more than one is
    """
    named = [text for name in WHO for text in _listed(getattr(arguments, name, None))]
    if len(named) != 1:
        raise Invalid("Name one USER." if not named else "Only one USER can be named here.")
    return named[0]


def _listed(given: Any) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def password_of(command: Command, arguments: Namespace, *, ask: bool) -> tuple[NewPassword | None, str]:
    """Get a new password by the way chosen; a generated one comes with its text, to be shown once.

    :param ask: ask on a terminal where no way was chosen
    :raises Invalid: if two typed ones differ, or none was given on standard input
    """
    if arguments.generate_password:
        text = generate_password()
        return NewPassword(text), text
    if arguments.password is not None:
        command.note("Warning: others on this machine can see a password on the command line; use --password-stdin.")
        return NewPassword(arguments.password), ""
    if arguments.password_stdin:
        text = sys.stdin.readline().rstrip("\r\n")
        if not text:
            raise Invalid("There is no password on standard input.", fields={"password": "is empty"})
        return NewPassword(text), ""
    if ask and sys.stdin.isatty():
        text = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != text:
            raise Invalid("The two passwords differ.", fields={"password": "typed differently"})
        return NewPassword(text), ""
    return None, ""


def _as_error(failure: Exception) -> AccountsError:
    """Give any failure its place in the table."""
    if isinstance(failure, AccountsError):
        return failure
    if isinstance(failure, CommandError):
        return Invalid(str(failure))
    if isinstance(failure, ImproperlyConfigured):
        return Invalid(str(failure), remedy="Correct the setting; docs/settings.md lists them.")
    if isinstance(failure, OperationalError | InterfaceError):
        return Unavailable("The database does not answer.", remedy="Is it running, and migrated? manage.py migrate")
    return Internal("Something went wrong inside.")
