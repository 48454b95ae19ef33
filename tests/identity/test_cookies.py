"""Every cookie that production sets (ASVS 3.3.1 to 3.3.4): names that say who set it, flags that say who gets it."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.identity.conftest import ROOT, without_ours
from tests.identity.test_settings import PRODUCTION, keys_file

NAMES = """
import json
from django.conf import settings as s
from accounts.messages import HostCookieStorage
from accounts.pages import invites, links, passkeys
print(json.dumps({
    "session": [s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE,
                s.SESSION_COOKIE_DOMAIN, s.SESSION_COOKIE_PATH],
    "csrf": [s.CSRF_COOKIE_NAME, s.CSRF_COOKIE_SECURE, s.CSRF_COOKIE_HTTPONLY, s.CSRF_COOKIE_SAMESITE,
             s.CSRF_COOKIE_DOMAIN, s.CSRF_COOKIE_PATH],
    "names": [HostCookieStorage.cookie_name, links.COOKIE, invites.COOKIE, passkeys.COOKIE],
    "messages": s.MESSAGE_STORAGE,
}))
"""


def test_their_names_and_flags(tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", NAMES],
        env={**without_ours(), **PRODUCTION, "IDENTITY_KEYS_FILE": keys_file(tmp_path), "IDENTITY_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)

    assert told["session"] == ["__Host-sessionid", True, True, "Lax", None, "/"]
    assert told["csrf"] == ["__Host-csrftoken", True, True, "Lax", None, "/"]
    assert told["names"] == ["__Host-messages", "__Secure-link", "__Secure-invite", "__Host-passkey"]
    assert told["messages"] == "accounts.messages.MessageStorage"


def test_no_other_is_set() -> None:
    """What is not in the list above would be without a name and flags."""
    found = {
        path.relative_to(ROOT).as_posix()
        for room in ("accounts", "gdpr", "identity")
        for path in (ROOT / room).rglob("*.py")
        if re.search(r"set_cookie|set_signed_cookie|\.cookies\[", path.read_text())
    }

    assert found == {f"accounts/pages/{name}.py" for name in ("links", "invites", "passkeys")}
