"""The description of the API: for everybody, complete, and what the API does."""

import json
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import schemathesis
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from accounts.api.docs import described
from accounts.models import Organization, User
from identity.wsgi import application
from tests.accounts.api.programs import API, key_of
from tests.factories.users import make_user
from tests.matrix.test_api import ENDPOINTS, OPEN

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
"""How many requests of each kind are made up for each operation; ``make fuzz`` asks for more."""
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, methods in described()["paths"].items()
    for method, operation in methods.items()
}
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


class TestDescription:
    """``/api/schema/`` and ``/api/docs/``."""

    def test_everybody_may_read_it(self) -> None:
        answer = Client().get("/api/schema/")

        assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.1")
        assert answer.json() == json.loads((settings.BASE_DIR / "docs" / "openapi.json").read_text())
        assert Client().post("/api/schema/").status_code == 405

    def test_the_page_has_nothing_inline_and_nothing_from_outside(self) -> None:
        page = Client().get("/api/docs/").content.decode()
        script = Client().get("/api/docs/?script=").content.decode()

        assert "<style" not in page
        assert "style=" not in page
        assert page.count("<script") == page.count('<script src="/') == 4
        assert "://" not in page
        assert "/api/schema/" in script

    def test_every_endpoint_is_described(self) -> None:
        assert set(OPERATIONS) == set(ENDPOINTS)
        for name, (_, _, operation) in OPERATIONS.items():
            assert operation["summary"].endswith("."), name
            ways: list[Any] = [] if name in OPEN else [{"bearer": []}, {"apiKey": []}, {"browser": []}]
            assert operation.get("security", []) == ways, name
            answers = operation["responses"]
            assert {"401", "403", "422", "503"} <= set(answers), name
            for status, answer in answers.items():
                kinds = list(answer.get("content", {}))
                answered = "application/octet-stream" if ENDPOINTS[name][2].is_file else "application/json"
                expected = ["application/problem+json"] if int(status) >= 400 else [answered]
                assert kinds == ([] if status == "204" else expected), (name, status)

    def test_every_object_says_that_it_has_no_other_fields(self) -> None:
        objects = [part for part in described()["components"]["schemas"].values() if "properties" in part]

        assert len(objects) > 30
        assert all(part["additionalProperties"] is False for part in objects)


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Let the server keep the test's connection, with the transaction in it, between requests."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def callers(acme: Organization, alice: User, bob: User, api: API) -> dict[str, dict[str, str]]:
    """The headers of who may much, who may little, and nobody."""
    make_user(acme, "zoe", role="moderator")
    return {
        "owner": {"Authorization": api.client.defaults["HTTP_AUTHORIZATION"]},
        "narrow": {"Authorization": key_of(acme, "user.show").client.defaults["HTTP_AUTHORIZATION"]},
        "nobody": {},
    }


@cache
def loaded() -> Any:
    """Read the description as a program does."""
    return schemathesis.openapi.from_wsgi("/api/schema/", application)


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_made_up_requests_are_answered_as_described(callers: dict[str, dict[str, str]], bob: User, name: str) -> None:
    path, method, described_as = OPERATIONS[name]
    operation = loaded()[path][method.upper()]

    modes = [schemathesis.GenerationMode.POSITIVE]
    if "requestBody" in described_as:  # any text is a query string: only a body can be made wrong
        modes.append(schemathesis.GenerationMode.NEGATIVE)
    for mode in modes:

        @bounds(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=EXAMPLES == 3,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            if "{id}" in path and name.startswith("user_"):
                case.path_parameters = {"id": bob.public_id}
            for headers in callers.values():
                response = case.call(headers=headers)
                case.validate_response(response, checks=CHECKS)

        ask()
