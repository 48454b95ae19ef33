"""``manage.py user_create``."""

from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, password_of
from accounts.management.claims import claims_of
from accounts.management.parser import Parser
from accounts.management.profile import add_profile, metadata_of, profile_of
from accounts.models import User
from accounts.operations.users import user_create
from accounts.serializers.base import output
from accounts.serializers.users import UserOutput


class Command(ChangeCommand):
    """Make a user."""

    help = "Make an account in an organization. Without a password option it asks on a terminal; else there is none."
    examples = (
        "user_create --email kim@example.com --name 'Kim Lee' --generate-password",
        "user_create --email ann@example.com --org acme --role admin --verified --tag vip",
        "user_create --email lee@example.com --claim department=Engineering",
        "user_create --email lee@example.com --name 'Lee Roe' --send-link",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what an account is made of."""
        parser.add_argument("--email", required=True, help="e-mail address")
        parser.add_argument("--username", help="username")
        add_profile(parser)
        options.add_org(parser)
        parser.add_argument("--verified", action="store_true", help="the e-mail address is confirmed already")
        parser.add_argument(
            "--role",
            action="append",
            default=[],
            metavar="ROLE",
            help="a role in the organization, by id, slug or application/slug (default: member)",
        )
        parser.add_argument("--tag", action="append", default=[], help="a tag; can be repeated")
        parser.add_argument("--metadata", action="append", default=[], metavar="KEY=VALUE", help="or one JSON object")
        parser.add_argument("--claim", action="append", default=[], metavar="NAME=VALUE", help="a claim, repeatable")
        options.add_flag(parser, "admin", "give the role admin")
        options.add_flag(parser, "moderator", "give the role moderator")
        parser.add_argument("--no-must-change", action="store_true", help="the password may stay")
        parser.add_argument(
            "--send-link",
            action="store_true",
            help="mail a link: to set a password if none is given here, else to confirm the address",
        )
        options.add_password(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it, with the generated password."""
        organization = self.organization(actor, arguments)
        password, shown_once = password_of(self, arguments, ask=not (arguments.dry_run or arguments.send_link))
        roles = [*arguments.role, *(word for word in ("admin", "moderator") if getattr(arguments, word))]
        claims = claims_of(actor, arguments.claim, organization)

        def shown(user: User) -> dict[str, Any]:
            result = output(UserOutput, User.objects.visible_to(actor).with_shown().get(pk=user.pk))
            return {**result, "password": shown_once} if shown_once else result

        return self.changed(
            arguments,
            lambda: user_create(
                actor=actor,
                organization=organization,
                email=arguments.email,
                username=arguments.username,
                profile=profile_of(arguments),
                password=password,
                must_change_password=not arguments.no_must_change,
                verified=arguments.verified,
                roles=roles,
                tags=arguments.tag,
                metadata=metadata_of(arguments.metadata),
                claims=claims,
                send_link=arguments.send_link,
                reason=arguments.reason,
            ),
            shown,
        )
