"""``manage.py user_token``."""

import getpass
import sys
import uuid
from argparse import Namespace
from functools import partial
from typing import Any

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Invalid
from accounts.management import parser as options
from accounts.management.base import Command as BaseCommand
from accounts.management.definitions import application_named
from accounts.management.parser import Parser
from accounts.management.selection import find_organization
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.tokens import token_refresh, token_start, token_start_with_code
from accounts.serializers.tokens import token_answer


class Command(BaseCommand):
    """Sign in as a program does."""

    help = (
        "Get an access token, good for ten minutes, and a refresh token, which works once: with somebody's password "
        "(and the code of their second factor), or with the refresh token from before."
    )
    default_format = "json"
    examples = (
        "user_token --login bob@example.com --password-stdin < password.txt",
        "user_token --refresh - < refresh.txt",
    )

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add who signs in, or with what."""
        ways = parser.add_mutually_exclusive_group(required=True)
        ways.add_argument("--login", metavar="NAME", help="e-mail address, username or id")
        ways.add_argument("--refresh", metavar="TOKEN|-", help="the refresh token from before; - reads it")
        parser.add_argument(
            "--org", metavar="O", help="id or slug: where the person is at home, or what the token is for"
        )
        options.add_app(parser, "the application that the access token is for; this service if left out")
        parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
        parser.add_argument("--code", metavar="C", default="", help="of the second factor, where there is one")

    def run(self, actor: Actor, arguments: Namespace) -> Any:
        """Sign in. Whoever types the password does it, not the operator."""
        anybody = policy.anonymous(door=Door.CLI, device=f"user_token/{actor.os_user}", request_id=uuid.uuid4().hex)
        organization = find_organization(actor, arguments.org) if arguments.org or arguments.login else None
        if arguments.refresh:
            token = sys.stdin.readline().strip() if arguments.refresh == "-" else arguments.refresh
            issued = token_refresh(
                actor=anybody, token=token, organization=organization, application=arguments.app or ""
            )
            return token_answer(issued)
        start = partial(
            token_start,
            actor=anybody,
            organization=organization,
            login=arguments.login,
            password=self.password(arguments),
            application=application_named(actor, arguments, organization) if organization else None,
        )
        try:
            return token_answer(start(code=arguments.code))
        except SecondFactorNeeded as needed:
            if arguments.code or not sys.stdin.isatty():
                raise
            proof = needed.proof
            if needed.mailed_to:
                self.note(f"A code is on its way to {needed.mailed_to}.")
        code = getpass.getpass("Code: ")
        return token_answer(
            token_start_with_code(actor=anybody, proof=proof, code=code, application=arguments.app or "")
        )

    def password(self, arguments: Namespace) -> str:
        """Get the password, never from the command line.

        :raises Invalid: if nobody can be asked
        """
        if arguments.password_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        if sys.stdin.isatty():
            return getpass.getpass("Password: ")
        raise Invalid("There is no password.", remedy="Use --password-stdin.", fields={"password": "is missing"})
