"""``manage.py user_suspend_matching``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.filters import USER_ORDERS, UserFilter
from accounts.management import parser as options
from accounts.management.base import UserChangeCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.bulk import matching
from accounts.operations.statuses import user_suspend
from accounts.pagination import walk

PREVIEW = 10


class Command(UserChangeCommand):
    """Suspend all that match."""

    help = "Suspend every active or locked user that matches all of the filters, after a preview."
    examples = (
        "user_suspend_matching --email-domain example.com --dry-run",
        "user_suspend_matching --org acme --tag contractor --inactive-since 90d --reason 'Offboarding' --yes",
    )
    takes_many = False
    verb = "Suspend"

    def add_who(self, parser: Parser) -> None:
        """Add the filters."""
        group = parser.add_argument_group("who")
        options.add_org(group)
        group.add_argument("--email-domain", metavar="D", help="whose address is in this domain")
        group.add_argument("--tag", metavar="T", help="who has this tag")
        group.add_argument("--inactive-since", metavar="TIME", help="who did not sign in since (2026-01-01, 90d)")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show who matches, ask, suspend each."""
        filters = {name: getattr(arguments, name) for name in ("email_domain", "tag", "inactive_since")}
        if arguments.org is None and not any(filters.values()):
            raise Invalid("Nothing says who is meant.", remedy="Use --email-domain, --tag, --inactive-since or --org.")
        organization = self.organization(actor, arguments)
        wanted = UserFilter.build({"status": "active,locked", **filters})
        users = matching(actor=actor, organization=organization, wanted=wanted)
        everybody = [(user.public_id, user) for user in walk(users, USER_ORDERS["created_at"])]
        if not arguments.dry_run:
            self.preview([user for _, user in everybody])
            if everybody:
                self.ask(f"Suspend these {len(everybody)} users of {organization.slug}?", arguments)
        return self.each(actor, arguments, everybody)

    def preview(self, users: list[User]) -> None:
        """Show who would be suspended."""
        self.note(f"{len(users)} users match:")
        for user in users[:PREVIEW]:
            self.note(f"  {user.public_id}  {user.email}")
        if len(users) > PREVIEW:
            self.note(f"  … and {len(users) - PREVIEW} more (--dry-run shows all)")

    def change(self, actor: Actor, arguments: Namespace, user: User) -> User:
        """Suspend one."""
        return user_suspend(actor=actor, user=user, reason=arguments.reason)
