"""``manage.py gdpr_terms``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import ChangeCommand
from accounts.management.parser import Parser
from gdpr.models import PrivacyTerms
from gdpr.operations.terms import terms_of, terms_update
from gdpr.serializers.duties import TermsOutput

NEVER = "never"


class Command(ChangeCommand):
    """Settle what holds for people's data."""

    help = (
        "Show or settle what holds for the data of an organization's people: how long an erasure can be called off, "
        "when archived people are erased, whom people ask."
    )
    examples = (
        "gdpr_terms show --org acme",
        "gdpr_terms update --org acme --erasure-grace-days 7 --archived-days 90 --contact privacy@acme.example",
        "gdpr_terms update --org acme --archived-days never",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what can be settled."""
        parser.add_argument("verb", choices=("show", "update"), help="what to do")
        options.add_org(parser)
        parser.add_argument("--erasure-grace-days", type=int, metavar="N", help="an erasure waits so long (0 to 30)")
        parser.add_argument("--archived-days", metavar="N|never", help="erase people so long after they were archived")
        parser.add_argument("--contact", metavar="TEXT", help="whom people ask about their data")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Do it."""
        organization = self.organization(actor, arguments)
        if arguments.verb == "show":
            return shown(terms_of(organization))
        given = {
            "erasure_grace_days": arguments.erasure_grace_days,
            "archived_days": _days(arguments.archived_days),
            "contact": arguments.contact,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        if arguments.archived_days == NEVER:
            changes["archived_days"] = None
        if not changes:
            raise Invalid("There is nothing to change.", remedy="Name a term: --archived-days, --contact, …")
        return self.changed(
            arguments,
            lambda: terms_update(actor=actor, organization=organization, changes=changes, reason=arguments.reason),
            shown,
        )


def _days(text: str | None) -> int | None:
    if text is None or text == NEVER:
        return None
    if not text.isdecimal():
        raise Invalid(f"{text!r} is no number of days.", fields={"archived_days": "is a number, or never"})
    return int(text)


def shown(terms: PrivacyTerms) -> dict[str, Any]:
    """Show the terms."""
    return dict(TermsOutput().to_representation(terms))
