"""``manage.py user_profile``."""

import os
import sys
from argparse import Namespace
from typing import Any

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.management.base import Command as BaseCommand
from accounts.management.parser import Parser
from accounts.models import User
from accounts.operations.api_keys import api_key_authenticated
from accounts.operations.tokens import token_authenticated
from accounts.serializers.api_keys import APIKeyOutput
from accounts.serializers.base import output
from accounts.serializers.users import UserDetailOutput


class Command(BaseCommand):
    """Look at whose a token or key is."""

    help = "Show who a token or key stands for: the person with their memberships, or the key."
    examples = ("user_profile --token - --json < token.txt",)

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add the token."""
        parser.add_argument("--token", metavar="TOKEN|-", help="access token or key; - reads it (else IDENTITY_TOKEN)")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Show it."""
        given = arguments.token or os.environ.get("IDENTITY_TOKEN", "")
        token = sys.stdin.readline().strip() if given == "-" else given
        if not token:
            raise Invalid(
                "There is no token.", remedy="Use --token -, or IDENTITY_TOKEN.", fields={"token": "is missing"}
            )
        if token.startswith("idk_"):
            return output(APIKeyOutput, api_key_authenticated(token))
        session = token_authenticated(token)
        return output(UserDetailOutput, User.objects.filter(pk=session.user_id).with_shown().get())
