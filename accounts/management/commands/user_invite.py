"""``manage.py user_invite``."""

from argparse import Namespace
from typing import Any

from accounts import mail
from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.base import ChangeCommand
from accounts.management.claims import claims_of
from accounts.management.invites import made_shown
from accounts.management.parser import Parser
from accounts.management.profile import add_profile, profile_of
from accounts.operations.invites import Invited, user_invite
from accounts.times import as_end


class Command(ChangeCommand):
    """Invite somebody."""

    help = (
        "Invite somebody by letter, which makes their account as invited; without --email make an open link. "
        "It lives 7 days unless the organization or --expires-at says otherwise."
    )
    examples = (
        "user_invite --email kim@example.com --name 'Kim Lee' --role admin",
        "user_invite --email ann@example.com --org acme --tag vip --message 'Welcome to the team.'",
        "user_invite --email lee@example.com --print-link",
        "user_invite --max-uses 20 --expires-at 30d --role moderator",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add whom, and what they are given."""
        parser.add_argument("--email", help="whom; without it an open link is made")
        add_profile(parser)
        options.add_org(parser)
        parser.add_argument(
            "--role",
            action="append",
            default=[],
            metavar="ROLE",
            help="a role by id, slug or application/slug, repeatable (default: member)",
        )
        parser.add_argument(
            "--app-role", action="append", default=[], metavar="APP/ROLE", help="a role of an application, repeatable"
        )
        parser.add_argument("--claim", action="append", default=[], metavar="NAME=VALUE", help="a claim, repeatable")
        parser.add_argument("--tag", action="append", default=[], help="a tag; can be repeated")
        parser.add_argument("--message", default="", metavar="TEXT", help="stands in the letter")
        parser.add_argument("--expires-at", metavar="TIME", help="2026-12-31, 7d (at most: 90d)")
        parser.add_argument(
            "--max-uses", "--max-use", dest="max_uses", type=int, metavar="N", help="of an open link (default: 1)"
        )
        parser.add_argument("--print-link", action="store_true", help="print the link, and send no letter")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it; a dry run shows the letter."""
        organization = self.organization(actor, arguments)
        claims = claims_of(actor, arguments.claim, organization)
        expires_at = as_end(arguments.expires_at, field="expires_at") if arguments.expires_at else None
        letters: list[mail.Rendered] = []

        def call() -> Invited:
            made = user_invite(
                actor=actor,
                organization=organization,
                email=arguments.email,
                profile=profile_of(arguments),
                roles=[*arguments.role, *arguments.app_role],
                tags=arguments.tag,
                claims=claims,
                message=arguments.message,
                expires_at=expires_at,
                max_uses=arguments.max_uses,
                print_link=arguments.print_link,
                reason=arguments.reason,
            )
            if arguments.dry_run and made.invite.user is not None:
                letters.append(mail.preview(mail.LETTERS["invite"], made.invite.user))
            return made

        answer = self.changed(arguments, call, lambda made: made_shown(actor, made))
        if letters and not arguments.print_link:
            answer["letter"] = {"subject": letters[0].subject, "text": letters[0].text}
        return answer
