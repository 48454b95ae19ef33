"""What every request passes: headers on every kind of answer, bounds, whose address counts."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path

from accounts.browser import client_ip
from identity.urls import handler400, handler403, handler404, handler500
from identity.urls import urlpatterns as real

__all__ = ["handler400", "handler403", "handler404", "handler500"]

pytestmark = pytest.mark.django_db
MIB = 1_048_576
CSP = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "frame-ancestors": "'none'",
}


def broken(_: HttpRequest) -> HttpResponse:
    raise RuntimeError("canary")


urlpatterns = [*real, path("broken", broken)]

ANSWERS: dict[str, tuple[int, Callable[[Client], Any]]] = {
    "page": (200, lambda client: client.get("/sign-in/")),
    "redirect": (302, lambda client: client.get("/admin/")),
    "probe": (200, lambda client: client.get("/livez")),
    "not found": (404, lambda client: client.get("/nowhere")),
    "wrong method": (405, lambda client: client.options("/livez")),
    "fault": (500, lambda client: client.get("/broken")),
    "forged form": (403, lambda client: client.post("/link/", {"password": "x"})),
    "wrong host": (400, lambda client: client.get("/admin/", headers={"host": "evil.example"})),
    "long address": (414, lambda client: client.get("/" + "a" * 5000)),
    "NUL": (400, lambda client: client.get("/x?q=%00")),
    "large body": (413, lambda client: client.post("/sign-in/", b"x" * (MIB + 1), content_type="text/plain")),
    "static": (200, lambda client: client.get("/static/admin/css/base.css")),
}


class Browser(Client):
    """A browser that speaks http, or https."""

    speaks_https = False

    def generic(self, *arguments: Any, **options: Any) -> Any:
        """Ask."""
        return super().generic(*arguments, **{**options, "secure": self.speaks_https})


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give the settings with which static files are served as in production; the files are collected once."""
    storage = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    served = {
        "STATIC_ROOT": tmp_path_factory.mktemp("static"),
        "STORAGES": {**settings.STORAGES, "staticfiles": storage},
    }
    with override_settings(**served):
        call_command("collectstatic", interactive=False, verbosity=0)
    return served


@pytest.fixture
def client(collected: dict[str, Any]) -> Any:
    """A browser, with static files served as in production."""
    with override_settings(ROOT_URLCONF=__name__, **collected):
        yield Browser(raise_request_exception=False, enforce_csrf_checks=True)


def assert_guarded(answer: Any) -> None:
    directives = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert directives == CSP
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Permissions-Policy"].startswith("accelerometer=()")
    assert answer["X-Request-ID"]
    assert "Access-Control-Allow-Origin" not in answer
    assert ("no-store" in answer["Cache-Control"]) == ("css" not in answer.get("Content-Type", ""))


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_every_kind_of_answer_is_guarded(client: Client, kind: str) -> None:
    status, ask = ANSWERS[kind]

    answer = ask(client)

    assert answer.status_code == status
    assert_guarded(answer)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    answer.close()
    for trace in (b"Traceback", b"canary", b"site-packages", b"RuntimeError"):
        assert trace not in body


def test_what_no_page_loads_is_not_collected(client: Client, collected: dict[str, Any]) -> None:
    manifest = json.loads((collected["STATIC_ROOT"] / "staticfiles.json").read_text())["paths"]

    assert [name for name in manifest if re.search(r"^rest_framework/|/redoc/|\.js\.map$", name)] == []
    assert {"admin/css/base.css", "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"} <= set(manifest)
    page = client.get("/api/docs/").content.decode()  # a link to what is not there would be an error
    addresses = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    assert len(addresses) > 3
    for address in addresses:
        answer = client.get(address)
        assert (answer.status_code, answer["Cache-Control"]) == (200, "max-age=315360000, public, immutable"), address
        answer.close()


@pytest.mark.parametrize("kind", sorted(ANSWERS))
def test_over_https_every_kind_of_answer_demands_it(client: Browser, kind: str) -> None:
    year = 31_536_000
    https = {"SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 2 * year, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
             "SECURE_SSL_HOST": "id.example.com"}  # fmt: skip
    with override_settings(**https):
        client.speaks_https = True
        answer = ANSWERS[kind][1](client)
        answer.close()
        client.speaks_https = False
        redirected = client.get("/admin/?x=1", headers={"host": "evil.example"})

    assert answer["Strict-Transport-Security"] == f"max-age={2 * year}; includeSubDomains"
    assert (redirected.status_code, redirected["Location"]) == (301, "https://id.example.com/admin/?x=1")
    assert_guarded(redirected)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("not found", b"There is nothing at this address"),
        ("fault", b"Something went wrong inside"),
        ("wrong host", b"The request cannot be read"),
        ("forged form", b"The form has run out"),
    ],
)
def test_failures_are_pages_of_ours_with_the_number_to_report(client: Client, kind: str, words: bytes) -> None:
    answer = ANSWERS[kind][1](client)

    assert words in answer.content
    assert answer["X-Request-ID"].encode() in answer.content
    assert b'<html lang="en">' in answer.content


def test_just_within_the_bounds(client: Client) -> None:
    assert client.get("/" + "a" * 4095).status_code == 404
    assert client.post("/link/", b"x" * MIB, content_type="text/plain").status_code == 403


@pytest.mark.parametrize("address", ["/%00", "/x?a=%00", "/x?a=%ED%A0%80", "/x?%FF=1"])
def test_what_no_door_can_read(client: Client, address: str) -> None:
    assert client.get(address).status_code == 400


def test_a_nul_in_a_header(client: Client) -> None:
    assert client.get("/livez", headers={"x-anything": "a\x00b"}).status_code == 400


def test_a_probe_is_answered_whatever_the_host(client: Client) -> None:
    assert client.get("/livez", headers={"host": "10.1.2.3:8000"}).status_code == 200
    assert client.get("/livez/", headers={"host": "10.1.2.3:8000"}).status_code == 400


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"),
        (1, "", None),
        (1, "nonsense", None),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_whose_address_counts(rf: RequestFactory, proxies: int, forwarded: str, address: str | None) -> None:
    request = rf.get("/", headers={"x-forwarded-for": forwarded}, REMOTE_ADDR="192.0.2.1")

    with override_settings(TRUSTED_PROXIES=proxies):
        assert client_ip(request) == address
