"""``manage.py createsuperuser``: in place of Django's, through the operation."""

import sys
from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import ChangeCommand, password_of
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.installation import superuser_create
from accounts.serializers.base import output
from accounts.serializers.users import UserOutput


class Command(ChangeCommand):
    """Make a super-user."""

    help = "Make a super-user: everything, everywhere. Asks on a terminal for what is not given, unless --noinput."
    examples = (
        "createsuperuser --email root@example.com --generate-password",
        "createsuperuser --email root@example.com --org acme --noinput",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what an account is made of."""
        parser.add_argument("--email", help="e-mail address")
        parser.add_argument("--username", help="username")
        options.add_org(parser)
        parser.add_argument("--noinput", "--no-input", action="store_true", help="ask nothing")
        options.add_password(parser)

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Make it and show it, with the generated password."""
        ask = not (arguments.noinput or arguments.dry_run)
        email = arguments.email or (self._asked() if ask and sys.stdin.isatty() else None)
        if not email:
            raise Invalid("There is no e-mail address.", remedy="Use --email.", fields={"email": "is missing"})
        organization = self.organization(actor, arguments)
        password, shown_once = password_of(self, arguments, ask=ask)

        def shown(user: User) -> dict[str, Any]:
            if password is None:
                self.note(f"The account has no password: manage.py admin_link {user.public_id}")
            result = output(UserOutput, User.objects.visible_to(actor).with_shown().get(pk=user.pk))
            return {**result, "password": shown_once} if shown_once else result

        return self.changed(
            arguments,
            lambda: superuser_create(
                actor=actor,
                organization=organization,
                email=email,
                username=arguments.username,
                password=password,
                reason=arguments.reason,
            ),
            shown,
        )

    def _asked(self) -> str:
        self.stderr.write("E-mail address: ", ending="")
        return sys.stdin.readline().strip()
