"""The settings of the tests: the real ones, with a cheap hasher and a file database for each worker."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("IDENTITY_VAR", f"{tempfile.mkdtemp(prefix='identity-tests-')}/var")
os.environ["LOG_LEVEL"] = "ERROR"

from identity.settings import *  # noqa: F403
from identity.settings import DATABASES, STATIC_ROOT, VAR

PASSWORD_HASHERS = ["tests.hashers.CheapHasher", "accounts.passwords.Argon2idHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
LEDGER_URL = f"file://{VAR / f'ledger-{_worker}.jsonl'}"
EXPORTS_ROOT = VAR / f"exports-{_worker}"
(VAR / "static").mkdir(exist_ok=True)
if "sqlite3" in DATABASES["default"]["ENGINE"]:  # not in VAR, whose files a search reads: workers share it
    _databases = Path(VAR).parent / "databases"
    _databases.mkdir(exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": str(_databases / "test.sqlite3")}
