"""``manage.py org_update``."""

from argparse import Namespace
from typing import Any, Final

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.mail import LANGUAGES
from accounts.management.base import ChangeCommand
from accounts.management.organizations import add_named, named, shown
from accounts.management.parser import Parser
from accounts.models.organizations import MailCodes, SecondFactor
from accounts.operations.organizations import org_update
from accounts.times import as_duration

CHANGES: Final = ("name", "slug", "language", "invite_days", "second_factor", "mail_codes", "impersonation_max")


class Command(ChangeCommand):
    """Change an organization."""

    help = (
        "Rename an organization, give it another slug, or settle its language, how long its invites live, who is to "
        "have a second factor, and how long somebody may act as another person."
    )
    examples = (
        "org_update acme --name 'Acme International'",
        "org_update acme --language de",
        "org_update acme --invite-days 14",
        "org_update acme --second-factor admins",
        "org_update acme --mail-codes allowed",
        "org_update acme --impersonation-max 2h",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what can be changed."""
        add_named(parser)
        parser.add_argument("--slug", help="new short name")
        parser.add_argument("--name", help="new name")
        parser.add_argument("--language", choices=LANGUAGES, help="of letters to people of whom no language is known")
        parser.add_argument("--invite-days", type=int, metavar="N", help="how long invites live, 1 to 90 days")
        parser.add_argument(
            "--second-factor",
            choices=[rule.value for rule in SecondFactor],
            help="who is to have one: nobody must, owners and admins, or everybody",
        )
        parser.add_argument(
            "--mail-codes",
            choices=[rule.value for rule in MailCodes],
            help="whether people may have codes mailed as second factor: weaker, and never for administrators",
        )
        parser.add_argument(
            "--impersonation-max", metavar="DURATION", help="how long somebody may act as another person: 1m to 24h"
        )

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Change it and show it."""
        changes = {word: value for word in CHANGES if (value := getattr(arguments, word)) is not None}
        if not changes:
            words = ", ".join(f"--{word.replace('_', '-')}" for word in CHANGES)
            raise Invalid("There is nothing to change.", remedy=f"Name a field: {words}.")
        if "impersonation_max" in changes:
            changes["impersonation_max"] = as_duration(arguments.impersonation_max, field="impersonation_max")
        organization = named(actor, arguments)
        return self.changed(
            arguments,
            lambda: org_update(actor=actor, organization=organization, reason=arguments.reason, **changes),
            shown,
        )
