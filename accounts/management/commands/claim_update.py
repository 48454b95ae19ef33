"""``manage.py claim_update``."""

import sys
from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import AccountsError, Invalid
from accounts.management.base import ChangeCommand
from accounts.management.claims import add_claim, add_limits, claim_named, limits_of
from accounts.management.parser import Parser
from accounts.operations.bulk import tried
from accounts.operations.claims import INVALID_WORDS, claim_unfit, claim_update
from accounts.serializers.base import output
from accounts.serializers.claims import ClaimOutput


class Command(ChangeCommand):
    """Change a claim."""

    help = "Change what a claim allows and where it appears. Its name, type and application stay for good."
    examples = (
        "claim_update department --appears-in id_token,userinfo --description 'Where somebody works'",
        'claim_update department --schema \'{"enum": ["Sales"]}\' --dry-run --invalid delete',
        'claim_update department --schema \'{"enum": ["Sales"]}\' --invalid delete --yes',
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add which, and what can be changed."""
        add_claim(parser)
        add_limits(parser)
        parser.add_argument(
            "--invalid",
            choices=INVALID_WORDS,
            default="refuse",
            help="what becomes of values that would no longer fit; --dry-run lists them",
        )

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Change it and show it."""
        changes = limits_of(arguments)
        if not changes:
            raise Invalid("There is nothing to change.", remedy="Name a field: --schema, --description, …")
        definition = claim_named(actor, arguments)
        unfit = (
            claim_unfit(actor=actor, definition=definition, schema=changes["schema"]) if "schema" in changes else None
        )
        if unfit and unfit.ids and arguments.invalid == "delete":
            self.ask(f"Delete {unfit.counted} of {definition.word} that would no longer fit?", arguments)

        def call(_: object) -> Any:
            return claim_update(
                actor=actor,
                definition=definition,
                changes=changes,
                invalid=arguments.invalid,
                reason=arguments.reason,
            )

        if not arguments.dry_run:
            return output(ClaimOutput, call(None))
        (result,) = tried([None], call, key=lambda _: definition.public_id)
        self.failure = result.error
        return {"dry_run": True, **result.as_dict(), **(unfit.as_dict() if unfit else {})}

    failure: AccountsError | None = None

    def finish(self) -> None:
        """End a dry run with the exit code that the real run would give."""
        if self.failure is not None:
            sys.exit(self.failure.exit_code)
