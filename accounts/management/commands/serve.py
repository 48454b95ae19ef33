"""``manage.py serve``."""

import errno
import os
import shlex
import socket
import sys
from argparse import Namespace
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from accounts import policy
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, Unavailable
from accounts.management.base import Command as HouseCommand
from accounts.management.parser import Parser
from accounts.management.supervisor import Program, Supervisor
from accounts.models import User
from accounts.operations.demo import make_demo
from accounts.operations.installation import installation_start, locked_out_superuser, readiness
from accounts.operations.recovery import admin_link

REPEATED: Final = ("IDENTITY_VAR", "DATABASE_URL", "PUBLIC_URL", "PORT")
"""What a command in another shell needs to mean the same installation."""


class Command(HouseCommand):
    """Run the service."""

    help = "Run the web server, the worker and the periodic sweep until Ctrl-C (see docs/operating.md)."
    examples = ("serve --first-start", "serve")

    def add_arguments(self, parser: Parser) -> None:  # type: ignore[override]
        """Add what is done before."""
        parser.add_argument(
            "--first-start",
            action="store_true",
            help="before, migrate, and make the organization default and a super-user where there are none",
        )
        parser.add_argument("--demo", action="store_true", help="before, make two organizations with people to try on")

    def run(self, actor: Actor, arguments: Namespace) -> None:
        """Prepare, then run everything until told to stop."""
        os.umask(0o077)
        if settings.PRODUCTION and settings.SECURE_SSL_REDIRECT and not settings.TRUSTED_PROXIES:
            raise Invalid(
                "Every request would be sent to https for ever: the server speaks http behind a proxy.",
                remedy="Say with TRUSTED_PROXIES=1 that one reverse proxy ends TLS in front.",
            )
        listener = listening(settings.BIND, settings.PORT)
        self.check()
        if arguments.first_start:
            call_command("migrate", interactive=False, verbosity=0)
            installation_start(actor=policy.system(request_id=actor.request_id))
        call_command("collectstatic", interactive=False, verbosity=0)
        refuse_unready()
        if arguments.demo:
            make_demo(actor=actor)
        banner = self._banner(actor)
        connections.close_all()

        def is_up() -> bool:
            if up := answers():
                self.stdout.write(banner)
                self.stdout.flush()
            return up

        if code := Supervisor(programs(listener)).run(is_up):
            sys.exit(code)

    def _banner(self, actor: Actor) -> str:
        """Say where it is, how to sign in and what to try."""
        where = f"listens on {settings.BIND}:{settings.PORT}; BIND=0.0.0.0 opens it to the network"
        lines = [f"Identity is up: {settings.PUBLIC_URL}/admin/  ({where})", ""]
        user = None if settings.PRODUCTION else locked_out_superuser()
        if user is not None:
            lines += ["Sign in with this link, once, within 15 minutes:", f"  {admin_link(actor=actor, user=user)}"]
        else:
            lines += ["For a sign-in link:", f"  {shell_command('admin_link')}"]
        lines += ["", "Try, in another shell:", *(f"  {shell_command(words)}" for words in to_try())]
        return "\n".join([*lines, "", "Ctrl-C stops everything; the data stays."])


def listening(host: str, port: int) -> socket.socket:
    """Open the socket that the web server is given.

    :raises Conflict: if somebody else listens there
    :raises Invalid: if this machine has no such address, or the port is not for us
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"Port {port} is in use.", remedy=f"Stop what listens there, or choose another: PORT={port + 1}."
            ) from None
        raise Invalid(
            f"Nothing can listen on {host}:{port}: {error.strerror}.", remedy="Correct BIND or PORT."
        ) from None
    return listener


def refuse_unready() -> None:
    """Refuse to start without what every request needs; the sweep is about to run.

    :raises Unavailable: naming what is missing
    """
    problems = [
        f"{check.name}: {check.problem}" for check in readiness() if not check.is_good and check.name != "sweep"
    ]
    if problems:
        raise Unavailable("; ".join(problems), remedy="manage.py serve --first-start migrates first.")


def programs(listener: socket.socket) -> list[Program]:
    """List what runs."""
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    server = (python, "-m", "gunicorn", "--config", "python:identity.server", "--chdir", str(settings.BASE_DIR))
    descriptor = listener.fileno()
    return [
        Program("server", (*server, "--bind", f"fd://{descriptor}", "identity.wsgi"), True, (descriptor,)),
        Program("worker", (python, manage, "db_worker")),
        Program("sweep", (python, manage, "sweep")),
    ]


def answers() -> bool:
    """Say whether the web server is up."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.BIND, settings.BIND)  # noqa: S104 -- compared, not bound
    connection = HTTPConnection(host, settings.PORT, timeout=1)
    try:
        connection.request("GET", "/livez")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def to_try() -> list[str]:
    """Give three commands that work as they stand, in this order."""
    addresses = (f"jane{number or ''}@example.com" for number in count())
    email = next(address for address in addresses if not User.objects.filter(email_key=address).exists())
    return [
        "user_list",
        f"user_create --email {email} --name 'Jane Doe' --generate-password",
        f"user_suspend {email} --reason 'trying it out'",
    ]


def shell_command(words: str) -> str:
    """Write a command as it is typed here, for the same installation as this one."""
    here = Path.cwd() == settings.BASE_DIR
    manage = "./manage.py" if here else str(settings.BASE_DIR / "manage.py")
    ours = Path(sys.executable).is_relative_to(settings.BASE_DIR / ".venv")  # manage.py finds it by itself
    given = [(name, os.environ[name]) for name in REPEATED if os.environ.get(name)]
    # SECURITY: an address with a password is not repeated on the screen.
    settings_here = [
        f'{name}="${name}"' if urlsplit(value).password else f"{name}={shlex.quote(value)}" for name, value in given
    ]
    return " ".join([*settings_here, *([] if ours else [sys.executable]), manage, words])
