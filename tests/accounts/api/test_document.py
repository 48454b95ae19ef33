"""Every example of docs/api.md is run."""

import json
import re
import shlex
from typing import Any

import pytest

from accounts.api.errors import TITLES
from accounts.models import Organization, User
from tests.accounts.api.programs import API
from tests.generated import DOCS

PAGE = (DOCS / "api.md").read_text()
EXAMPLES = [line for line in PAGE.splitlines() if line.startswith("curl ")]


def asked(line: str, key: str, user: str) -> tuple[int, Any]:
    """Send what curl would send; gives the status that the example expects, and the answer."""
    command, _, expected = line.partition("  # ")
    words = shlex.split(command.replace("$KEY", key).replace("$USER", user))[1:]
    method, body, headers, address = "", "", {}, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = words.pop(0)
        else:
            address = word.removeprefix("http://localhost:8000")
    kind = headers.pop("Content-Type", "")
    method = method or ("POST" if body else "GET")
    client = API().client
    answer: Any = client.generic(method, address, body, content_type=kind, headers=headers)
    return int(expected or 0), answer


@pytest.mark.usefixtures("alice")
def test_every_example_does_what_the_page_says(api: API, acme: Organization, bob: User) -> None:
    key = api.client.defaults["HTTP_AUTHORIZATION"].removeprefix("Api-Key ")

    for line in EXAMPLES:
        expected, answer = asked(line, key, bob.public_id)
        assert answer.status_code == expected or (not expected and answer.status_code in {200, 201, 202}), (
            line,
            answer.content,
        )

    changed = User.objects.get(pk=bob.pk)
    assert (changed.nickname, changed.metadata, changed.status) == ("JJ", {"desk": "4b"}, "active")
    assert list(User.objects.get(email="jane@acme.example").tags.values_list("name", flat=True)) == ["vip"]
    assert len(EXAMPLES) == 27


def test_every_code_is_explained() -> None:
    table = set(re.findall(r"`([A-Z_]{6,})`", PAGE))

    assert table == set(TITLES)


def test_openapi_is_json() -> None:
    assert json.loads((DOCS / "openapi.json").read_text())["info"]["title"] == "Identity"
