"""What a request says about who sends it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session as BrowserSession
from django.test import Client, RequestFactory

from accounts.browser import client_ip, device_of
from accounts.models import Session, User
from accounts.models.sessions import session_key_hash
from accounts.session_store import SessionStore
from tests.accounts.pages.browsing import CHROME, sign_in

MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


class TestDeviceOf:
    """``device_of``."""

    @pytest.mark.parametrize(
        ("user_agent", "device"),
        [
            (CHROME, "Chrome/macOS"),
            (f"{MAC} Version/18.0 Safari/605.1.15", "Safari/macOS"),
            (f"{IPHONE} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome/iOS"),
            (f"{IPHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "Firefox/iOS"),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge/Windows"),
            ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36 EdgA/140.0", "Edge/Android"),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox/Linux"),
            ("curl/8.9", "Browser/unknown"),
            ("", ""),
        ],
    )
    def test_names_browser_and_system(self, user_agent: str, device: str) -> None:
        assert device_of(user_agent) == device


class TestClientIP:
    """``client_ip``."""

    @pytest.mark.parametrize(
        ("proxies", "peer", "forwarded", "expected"),
        [
            (0, "192.0.2.1", "", "192.0.2.1"),
            (0, "192.0.2.1", "203.0.113.9", "192.0.2.1"),
            (1, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
            (1, "10.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
            (2, "10.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
            (2, "10.0.0.1", "203.0.113.9", "10.0.0.1"),
            (1, "10.0.0.1", "not an address", None),
            (0, "fe80::1%eth0", "", "fe80::1"),
            (0, "::ffff:192.0.2.1", "", "192.0.2.1"),
            (0, "", "", None),
        ],
    )
    def test_believes_the_trusted_proxies_and_nobody_else(
        self, settings: Any, rf: RequestFactory, proxies: int, peer: str, forwarded: str, expected: str | None
    ) -> None:
        settings.TRUSTED_PROXIES = proxies
        request = rf.get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {})
        request.META["REMOTE_ADDR"] = peer

        assert client_ip(request) == expected


class TestSessionStore:
    """Where browsers' sessions lie."""

    def test_the_key_is_stored_as_a_hash(self, client: Client, alice: User) -> None:
        sign_in(client, alice)

        key = client.cookies["sessionid"].value
        row = BrowserSession.objects.get()
        assert row.session_key == session_key_hash(key) == Session.objects.get().key_hash
        assert key not in f"{row.session_key} {row.session_data}"

    def test_what_is_stored_opens_nothing(self, client: Client, alice: User) -> None:
        sign_in(client, alice)
        thief = Client()
        thief.cookies["sessionid"] = BrowserSession.objects.get().session_key

        assert thief.get("/admin/").status_code == 302

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("is_asynchronous", [False, True])
    def test_both_halves_hash(self, is_asynchronous: bool) -> None:
        from asgiref.sync import async_to_sync

        def half(name: str) -> Callable[..., Any]:
            store = SessionStore(key)
            return async_to_sync(getattr(store, f"a{name}")) if is_asynchronous else getattr(store, name)

        key: str | None = None
        made = SessionStore()
        made["word"] = "kept"
        (async_to_sync(made.asave) if is_asynchronous else made.save)()
        key = made.session_key

        assert key is not None
        assert BrowserSession.objects.get().session_key == session_key_hash(key)
        assert half("load")() == {"word": "kept"}
        assert half("exists")(key) is True
        assert half("exists")(session_key_hash(key)) is False
        half("delete")()
        assert not BrowserSession.objects.exists()
