"""``manage.py gdpr_record``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.base import Command as BaseCommand
from accounts.management.output import Column, Rows
from accounts.management.parser import Parser
from gdpr.operations.records import as_markdown, record_of_processing


class Command(BaseCommand):
    """Print the record of processing activities."""

    help = (
        "Write the record of processing activities (Art. 30) of an organization, made from the map of personal data: "
        "purposes, bases, people, data, recipients, transfers, retention, security."
    )
    examples = (
        "gdpr_record --org acme",
        "gdpr_record --org acme --json",
        "gdpr_record --org acme --format csv --output record.csv",
    )
    default_format = "md"
    formats = ("md", "json", "csv")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whose record."""
        options.add_org(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Give the record in the form asked for."""
        record = record_of_processing(self.organization(actor, arguments))
        if arguments.format == "md":
            return as_markdown(record)
        if arguments.format == "json":
            return record
        around = {"controller": record["controller"]["organization"], "contact": record["controller"]["contact"]}
        rest = {"people": record["people"], "recipients": record["recipients"], "transfers": record["transfers"]}
        rows = [{**around, **activity, **rest, "security": record["security"]} for activity in record["activities"]]
        return Rows(rows, [Column(key.upper(), key) for key in rows[0]], {})
