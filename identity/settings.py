"""Settings, all from the environment; ``docs/settings.md`` lists them.

Contradictions stop the start with a sentence that says what to change.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from accounts import keys
from identity import logs

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def required_in_production(name: str, default: str) -> str:
    """Read a setting that has a default while trying things out and must be given for real use."""
    value: str = env.str(name, "")
    if not value and PRODUCTION:
        raise ImproperlyConfigured(f"IDENTITY_ENV=production needs {name}; see docs/settings.md.")
    return value or default


# --- what kind of installation this is -------------------------------------------------------
ENVIRONMENT: str = env.str("IDENTITY_ENV", "development")
if ENVIRONMENT not in {"development", "production"}:
    raise ImproperlyConfigured("IDENTITY_ENV is 'development' or 'production'.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False
VAR = Path(env.str("IDENTITY_VAR", str(BASE_DIR / "var")))
PORT: int = env.int("PORT", 8000)

# --- addresses -------------------------------------------------------------------------------
PUBLIC_URL = required_in_production("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in {"http", "https"} or not _public.hostname or _public.path or _public.query:
    raise ImproperlyConfigured("PUBLIC_URL is scheme://host[:port] without a path, like https://id.example.com.")
SECURE = _public.scheme == "https"
if PRODUCTION and not SECURE:
    raise ImproperlyConfigured("PUBLIC_URL must begin with https:// when IDENTITY_ENV=production.")
ALLOWED_HOSTS = sorted({_public.hostname, *env.list("ALLOWED_HOSTS", [])})
if not PRODUCTION:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name hosts; '*' would let a forged Host header through.")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES < 0:
    raise ImproperlyConfigured("TRUSTED_PROXIES is the number of reverse proxies in front, 0 or more.")
if TRUSTED_PROXIES and SECURE:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
ROOT_URLCONF = "identity.urls"
WSGI_APPLICATION = "identity.wsgi.application"

# --- keys ------------------------------------------------------------------------------------
KEYS_FILE = Path(required_in_production("IDENTITY_KEYS_FILE", str(VAR / "keys.json")))
try:
    _ring = keys.load(KEYS_FILE) if PRODUCTION else keys.create(KEYS_FILE)
except keys.KeysRefused as refusal:
    raise ImproperlyConfigured(str(refusal)) from None
SECRET_KEY, *SECRET_KEY_FALLBACKS = [key.secret.hex() for key in _ring.keys[keys.Purpose.DJANGO]]

# --- rows ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "identity",
    "accounts",
    "gdpr",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_tasks",
    "django_tasks_db",
    "rest_framework",
    "csp",
]
DATABASE_URL = required_in_production("DATABASE_URL", f"sqlite:///{VAR / 'identity.sqlite3'}")


def database(url: str) -> dict[str, Any]:
    """Read a database address; SQLite gets what makes it safe under threads."""
    config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True))
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
        }
    elif config["ENGINE"] != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL is postgresql://… or sqlite:///….")
    return config


DATABASES = {"default": database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LEDGER_URL: str = env.str("LEDGER_URL", f"file://{VAR / 'ledger.jsonl'}")
if not LEDGER_URL.startswith("file:///"):
    raise ImproperlyConfigured("LEDGER_URL is file:///…, a place outside the main database.")

# --- people ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PolicyBackend"]
PASSWORD_HASHERS = [
    "accounts.passwords.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.ScryptPasswordHasher",
]
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
if SECURE:
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"

# --- requests --------------------------------------------------------------------------------
MIDDLEWARE = [
    "accounts.middleware.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LiveSessionMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 10
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
FILE_UPLOAD_PERMISSIONS = 0o600
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: [] for feature in ("accelerometer", "camera", "geolocation", "gyroscope", "microphone", "payment", "usb")
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if SECURE:
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", True)
    SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz)$"]
    SECURE_HSTS_SECONDS = 63_072_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

# --- files -----------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- letters and work in the background ------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = str(VAR / "mail")
if _email_url := env.str("EMAIL_URL", ""):
    _email = urlsplit(_email_url)
    if _email.scheme not in {"smtp", "smtp+tls", "smtp+ssl"} or not _email.hostname:
        raise ImproperlyConfigured("EMAIL_URL is smtp://, smtp+tls:// or smtp+ssl://[user:password@]host[:port].")
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _email.hostname, _email.port or 25
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _email.username or "", _email.password or ""
    EMAIL_USE_TLS, EMAIL_USE_SSL = _email.scheme == "smtp+tls", _email.scheme == "smtp+ssl"
    EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL: str = env.str("EMAIL_FROM", f"no-reply@{_public.hostname}")
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}
SWEEP_SECONDS: int = env.int("SWEEP_SECONDS", 60)

# --- language, time, logs --------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LOGGING_CONFIG = None
logs.configure(level=env.str("LOG_LEVEL", "INFO"), form=env.str("LOG_FORMAT", "json"))
SILENCED_SYSTEM_CHECKS: list[str] = []
