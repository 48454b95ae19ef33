"""What a person does in a browser, and what their authenticator app shows."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from threading import Barrier
from typing import Any

from django.db import connections
from django.http import HttpResponseBase
from django.test import Client

from accounts.models import User
from tests.factories.users import PASSWORD

__all__ = [
    "CHROME",
    "SHELL",
    "SIGN_IN",
    "Browser",
    "at_once",
    "proof_in",
    "sign_in",
    "text_of",
]

SIGN_IN = "/sign-in/"
SHELL = re.compile(r"manage\.py|(?<![\w-])--[a-z]")
"""A command line, of which no door but the commands speaks."""
CHROME = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0 Safari/537.36"


class Browser(Client):
    """A browser; a copy of it is another one in which the same person is signed in."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Browser":
        other = Browser()
        other.defaults = dict(self.defaults)
        other.cookies = deepcopy(self.cookies, memo)
        return other


def sign_in(client: Client, user: User, *, password: str = PASSWORD, **more: str) -> Any:
    """Fill in the sign-in page and send it."""
    values = {"username": user.email or "", "password": password, "organization": user.organization.slug, **more}
    return client.post(SIGN_IN, values)


def proof_in(response: HttpResponseBase) -> str:
    """Read the hidden field that says that the password was right."""
    found = re.search(r'name="proof" value="([^"]+)"', getattr(response, "content", b"").decode())
    assert found is not None
    return found[1]


def text_of(response: HttpResponseBase, *masked: str) -> str:
    """Give a page without what differs each time."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", getattr(response, "content", b"").decode())
    for word in masked:
        text = text.replace(word, "…")
    return text


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Make calls from as many threads, all beginning at the same moment; gives what each returned or raised."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        barrier.wait(timeout=30)
        try:
            return call()
        except Exception as error:  # noqa: BLE001 -- the refusal is the result
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
