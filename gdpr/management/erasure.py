"""Erasing people from the shell: the plan, the question, the receipt."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils import timezone

from accounts import ids
from accounts.actors import Actor
from accounts.errors import AccountsError, Invalid, NotFound
from accounts.management.base import UserChangeCommand, one_named
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from accounts.management.selection import find_user
from accounts.models import User
from accounts.serializers.base import output
from accounts.times import as_end
from gdpr.models import Erasure, SubjectRequest
from gdpr.operations.erasable import erasure_plan
from gdpr.operations.erasure import awaited, erase, erase_rows, erasure_cancel, erasure_of
from gdpr.operations.finish import Erased, finish
from gdpr.operations.requests import request_named
from gdpr.serializers.erasures import ErasureOutput

__all__ = ["ErasureCommand", "add_request", "request_given"]

PLAN = (
    Column("TABLE", "table"),
    Column("ACTION", "action"),
    Column("ROWS", "rows"),
    Column("COLUMNS", "columns"),
    Column("WHY", "why"),
    Column("UNTIL", "until"),
)
BATCH = 1_000


def add_request(parser: Parser) -> None:
    """Add for which subject request it is done."""
    parser.add_argument(
        "--request",
        metavar="REQUEST",
        default="",
        help="the subject request (dsr_…) that this answers; it is then done",
    )


def request_given(actor: Actor, arguments: Namespace, *, is_many: bool) -> SubjectRequest | None:
    """Find the subject request that it is done for; ``None`` for none.

    :raises NotFound: if it does not exist for the actor
    :raises Invalid: for many people: a request is one person's
    """
    if arguments.request and is_many:
        raise Invalid(
            "A request is one person's.",
            remedy="Do it for one person at a time, each with their own --request.",
            fields={"request": "not with many"},
        )
    return request_named(actor=actor, named=arguments.request)


class ErasureCommand(UserChangeCommand):
    """Erase one, many, later, or not after all."""

    how: ClassVar[str]
    verb = "Erase"

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add when."""
        when = parser.add_mutually_exclusive_group()
        when.add_argument(
            "--after", metavar="TIME", help="not before then: 14d, 2026-12-31 (default: as the organization settled)"
        )
        when.add_argument("--now", action="store_true", help="do not wait, whatever the organization settled")
        when.add_argument("--cancel", action="store_true", help="call off an erasure that still waits")
        add_request(parser)

    def prepare(self, actor: Actor, arguments: Namespace) -> None:
        """Read when."""
        self.at = as_end(arguments.after, field="after") if arguments.after else None
        self.at = timezone.now() if arguments.now else self.at
        self.request = request_given(actor, arguments, is_many=self._is_many(arguments))
        self.erased: list[Erased] = []
        self.refusal: AccountsError | None = None

    def _one(self, actor: Actor, arguments: Namespace) -> Any:
        named = one_named(arguments)
        try:
            user = find_user(actor, named, arguments.org)
        except NotFound:
            return output(ErasureOutput, self.done_before(actor, named))
        if arguments.cancel:
            return output(ErasureOutput, erasure_cancel(actor=actor, user=user, reason=arguments.reason))
        if arguments.dry_run:
            return self.planned(actor, user)
        self.ask_for_address(user, arguments)
        erasure = erase(actor=actor, user=user, how=self.how, reason=arguments.reason, at=self.at, request=self.request)
        return output(ErasureOutput, erasure)

    def done_before(self, actor: Actor, named: str) -> Erasure:
        """Find the receipt of somebody whose row is gone.

        :raises NotFound: if there never was such a person for this actor
        """
        identifier = ids.decode("usr", named) if ids.looks_like_id(named) else None
        if identifier is None:
            raise NotFound("User not found.", remedy="Check the spelling and the organization (--org).")
        return awaited(erasure_of(actor=actor, user_id=identifier, how=self.how))

    def planned(self, actor: Actor, user: User) -> Rows:
        """Show what would happen to which rows."""
        plan = erasure_plan(actor=actor, user=user, how=self.how, request=self.request)
        self.refusal = plan.refusal
        rows = [step for step in plan.steps if step["rows"]]
        rows += [
            {"table": table, "columns": [], "action": "take mentions out", "rows": number, "why": "", "until": ""}
            for table, number in sorted(plan.mentions.items())
        ]
        around = {"dry_run": True, "id": user.public_id, "how": plan.how, "rows": plan.rows}
        return Rows(rows, PLAN, around)

    def ask_for_address(self, user: User, arguments: Namespace) -> None:
        """Want the e-mail address typed.

        :raises Invalid: if it is not, and where nobody can be asked (exit 4); nothing was changed
        """
        if arguments.yes:
            return
        if not sys.stdin.isatty():
            raise Invalid("This must be confirmed.", remedy="Repeat it with --yes.")
        name = user.email or user.public_id
        self.note(f"{self.help}\nThis cannot be taken back. --dry-run shows what goes.")
        self.stderr.write(f"Type {name} to go on: ", ending="")
        if sys.stdin.readline().strip() != name:
            raise Invalid("Nothing was changed.", remedy="Type the address as it is shown, or use --yes.")

    def change(self, actor: Actor, arguments: Namespace, user: User) -> Any:
        """Erase one of many; what follows outside the database is done for all of them together."""
        if arguments.cancel:
            return erasure_cancel(actor=actor, user=user, reason=arguments.reason)
        erased = erase_rows(
            actor=actor, user=user, how=self.how, reason=arguments.reason, at=self.at, request=self.request
        )
        self.erased += [erased] if erased.is_fresh else []
        if len(self.erased) >= BATCH:
            self.finish_batch()
        return erased.erasure

    def each(self, actor: Actor, arguments: Namespace, everybody: Sequence[tuple[str, User | None]]) -> Rows:
        """Erase each; a dry run gives the number of rows of each."""
        if not arguments.dry_run or arguments.cancel:
            return super().each(actor, arguments, everybody)
        rows = [self.counted(actor, arguments, *row) for row in everybody]
        columns = (Column("ID", "id"), Column("RESULT", "result"), Column("ROWS", "rows"), Column("ERROR", "problem"))
        return Rows(rows, columns, {"dry_run": True})

    def counted(self, actor: Actor, arguments: Namespace, named: str, user: User | None) -> dict[str, Any]:
        """Say how many rows the erasure of one would touch, or why it is refused."""
        try:
            found = user or find_user(actor, named, arguments.org)
            plan = erasure_plan(actor=actor, user=found, how=self.how, request=self.request)
            rows, refusal = plan.rows, plan.refusal
        except AccountsError as problem:
            rows, refusal = 0, problem
        self.refusal = self.refusal or refusal
        told = {"error": refusal.as_dict(), "problem": f"{refusal.code}: {refusal.message}"} if refusal else {}
        return {"id": named, "result": "failed" if refusal else "ok", "rows": rows, **told}

    def finish_batch(self) -> None:
        """Do for those erased what is done outside the database, in one pass."""
        erased, self.erased = self.erased, []
        finish(erased)

    def finish(self) -> None:
        """Finish the last batch, and end with the exit code of the first failure."""
        if self.erased:
            self.finish_batch()
        if self.refusal is not None:
            raise self.refusal
        super().finish()
