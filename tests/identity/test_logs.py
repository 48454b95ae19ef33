"""Logs: one JSON object for each event, with the request's id; no secret and no person in them, at any level."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.urls import path

from accounts.actors import Actor
from accounts.models import User
from accounts.operations.recovery import admin_link
from identity import logs
from identity.urls import handler400, handler403, handler404, handler500
from identity.urls import urlpatterns as real
from tests.factories.users import PASSWORD
from tests.identity.conftest import Installation

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def broken(request: Any) -> Any:
    """Fail with a secret in the message, and one behind it."""
    try:
        raise ValueError(f"no user {request.POST['username']}")
    except ValueError as cause:
        raise RuntimeError(f"cannot verify {request.POST['password']}") from cause


urlpatterns = [*real, path("broken", broken)]


class Log:
    """What was logged."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Log as production does, at DEBUG, to where the test can read."""
    log = Log()
    root = logging.getLogger()
    before = list(root.handlers), root.level
    monkeypatch.setattr(sys, "stderr", log.stream)
    logs.configure(level="DEBUG", form="json")
    yield log
    monkeypatch.undo()
    logs.configure(level="ERROR", form="json")
    root.handlers, root.level = before


@pytest.mark.django_db
def test_no_canary_at_debug(log: Log, operator: Actor, alice: User, rf: Any) -> None:
    secrets = [PASSWORD, alice.email or "", "canary-password-canary", "canary@example.com"]
    client = Client(raise_request_exception=False)
    connection.force_debug_cursor = True
    logging.getLogger("django.db.backends").setLevel("DEBUG")
    try:
        token = admin_link(actor=operator, user=alice).rstrip("/").rpartition("/")[2]
        secrets.append(token)
        client.get(f"/link/{token}/")
        client.get(f"/nowhere/{token}/?email={alice.email}")
        sign_in = {"username": alice.email, "password": PASSWORD, "organization": "acme"}
        assert client.post("/sign-in/", sign_in).status_code == 302
        secrets += [client.cookies["sessionid"].value, client.cookies["csrftoken"].value, alice.password]
        client.get(
            "/admin/", headers={"authorization": "Api-Key key_canarycanary_secretsecretsecretsecretsecretsecret"}
        )
        with override_settings(ROOT_URLCONF=__name__):
            fault = {"username": "canary@example.com", "password": "canary-password-canary"}
            assert client.post("/broken", fault).status_code == 500
        logging.getLogger("x").info("see %s", "canary@example.com", extra={"password": "canary-password-canary"})
        structlog.get_logger("x").info("y", token=token, note="Bearer canary-password-canary")
        logging.getLogger("x").error("url postgresql://me:canary-password-canary@db/x")
    finally:
        connection.force_debug_cursor = False
        logging.getLogger("django.db.backends").setLevel("NOTSET")

    queries = [line for line in log.lines if line["event"] == "query"]
    assert len(queries) > 10
    assert "secretsecret" not in log.text
    for secret in secrets:
        assert secret not in log.text, secret
    (fault_line,) = [line for line in log.lines if line["event"] == "fault"]
    assert fault_line["exception"].splitlines()[-1] == "builtins.RuntimeError"
    assert "builtins.ValueError" in fault_line["exception"]
    assert "in broken" in fault_line["exception"]


@pytest.mark.django_db
def test_every_line_of_a_request_has_its_id(log: Log) -> None:
    answer = Client(raise_request_exception=False).get("/nowhere")

    (line,) = [line for line in log.lines if line["event"] == "request"]
    assert line["request_id"] == answer["X-Request-ID"]
    assert (line["method"], line["status"], line["route"]) == ("GET", 404, "")
    assert set(line) == {
        "event",
        "level",
        "logger",
        "timestamp",
        "method",
        "route",
        "status",
        "milliseconds",
        "request_id",
    }


@pytest.mark.django_db
@override_settings(TRUSTED_PROXIES=1)
def test_the_proxys_request_id_counts_only_if_it_can_be_one() -> None:
    assert Client().get("/livez", headers={"x-request-id": "abcdef-123"})["X-Request-ID"] == "abcdef-123"
    assert Client().get("/livez", headers={"x-request-id": "a b"})["X-Request-ID"] != "a b"


@pytest.mark.django_db
def test_without_a_trusted_proxy_nobody_chooses_the_request_id() -> None:
    assert settings.TRUSTED_PROXIES == 0
    assert Client().get("/livez", headers={"x-request-id": "abcdef-123"})["X-Request-ID"] != "abcdef-123"


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u2028b", "a\x00b"])
def test_one_event_is_one_line(log: Log, monkeypatch: pytest.MonkeyPatch, form: str, text: str) -> None:
    monkeypatch.setattr(sys, "stderr", log.stream)
    logs.configure(level="DEBUG", form=form)

    logging.getLogger("x").warning("got %s", text)

    assert len(log.text.splitlines()) == 1
    assert text not in log.text


def test_a_process_that_ends_by_a_fault_says_so_in_one_line_without_the_message(installation: Installation) -> None:
    ended = installation.manage("shell", "-v", "0", "-c", "raise RuntimeError('canary')", LOG_FORMAT="json")

    assert ended.returncode == 1
    line = json.loads(ended.stderr)
    assert (line["event"], line["level"]) == ("fault", "critical")
    assert line["exception"].endswith("builtins.RuntimeError")
    assert "canary" not in ended.stderr


def test_what_gunicorn_says_holds_no_address(log: Log) -> None:
    logging.getLogger("gunicorn.error").warning("Invalid request from ip=192.0.2.7: canary")
    logging.getLogger("gunicorn.error").error("Error handling request %s %s", "GET", "/x?q=canary")

    assert [line["event"] for line in log.lines] == ["invalid request", "error handling request"]


def test_the_workers_diary_is_left_out_and_its_errors_are_not(log: Log) -> None:
    diary = logging.getLogger("django_tasks")
    diary.info("Task id=1 state=RUNNING")
    diary.error("Task id=1 failed")

    assert [line["event"] for line in log.lines] == ["Task id=1 failed"]
