"""What a page tells on the next one: in a cookie that only this host can set, as the session's."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage

__all__ = ["MessageStorage"]


class HostCookieStorage(CookieStorage):
    """Django's own, under a name that browsers take from us alone, and over https alone (ASVS 3.3.1, 3.3.3)."""

    cookie_name = "__Host-messages" if settings.SESSION_COOKIE_SECURE else "messages"


class MessageStorage(FallbackStorage):
    """The cookie, and the session for what is too long for one."""

    storage_classes = (HostCookieStorage, SessionStorage)
