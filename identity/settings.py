"""Settings, all from the environment; ``docs/settings.md`` lists them.

Contradictions stop the start with a sentence that says what to change.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

import dj_database_url
import psycopg
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError
from psycopg.conninfo import conninfo_to_dict

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


def one_of(name: str, default: str, *words: str) -> str:
    """Read a setting that is one of a few words."""
    value: str = env.str(name, "") or default
    if value not in words:
        raise ImproperlyConfigured(f"{name} is one of: {', '.join(words)}.")
    return value


def number(name: str, default: int, *, least: int, most: int) -> int:
    """Read a setting that is a whole number."""
    try:
        value: int = env.int(name, default)
    except EnvError:
        value = least - 1
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} is a whole number from {least} to {most}.")
    return value


def switch(name: str, default: bool) -> bool:
    """Read a setting that is on or off."""
    try:
        value: bool = env.bool(name, default)
    except EnvError:
        raise ImproperlyConfigured(f"{name} is 1 or 0.") from None
    return value


def url_parts(value: str, *, expected: str) -> SplitResult:
    """Take an address apart; what is none is refused with the form that is expected."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(expected) from None
    return parts


# --- what kind of installation this is -------------------------------------------------------
ENVIRONMENT = one_of("IDENTITY_ENV", "development", "development", "production")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False
SOFTWARE_VERSION = "0.1.0"
VAR = Path(env.str("IDENTITY_VAR", str(BASE_DIR / "var"))).absolute()

# --- the web server --------------------------------------------------------------------------
BIND: str = env.str("BIND", "127.0.0.1")
PORT = number("PORT", 8000, least=1, most=65_535)
WEB_WORKERS = number("WEB_WORKERS", 2, least=1, most=256)
WEB_THREADS = number("WEB_THREADS", 4, least=1, most=256)

# --- addresses -------------------------------------------------------------------------------
PUBLIC_URL = required_in_production("PUBLIC_URL", f"http://localhost:{PORT}").rstrip("/")
PUBLIC_URL_FORM = "PUBLIC_URL is scheme://host[:port] without a path, like https://id.example.com."
_public = url_parts(PUBLIC_URL, expected=PUBLIC_URL_FORM)
if _public.scheme not in {"http", "https"} or not _public.hostname or "@" in _public.netloc:
    raise ImproperlyConfigured(PUBLIC_URL_FORM)
if f"{_public.scheme}://{_public.netloc}" != PUBLIC_URL:
    raise ImproperlyConfigured(PUBLIC_URL_FORM)
SECURE = _public.scheme == "https"
if PRODUCTION and not SECURE:
    raise ImproperlyConfigured("PUBLIC_URL must begin with https:// when IDENTITY_ENV=production.")
ALLOWED_HOSTS = sorted({_public.hostname, *env.list("ALLOWED_HOSTS", [])})
if not PRODUCTION:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name hosts; '*' would let a forged Host header through.")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXIES = number("TRUSTED_PROXIES", 0, least=0, most=10)
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
    "identity.static_files.CollectedFilesConfig",
    "django_otp",
    "django_tasks",
    "django_tasks_db",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]
DATABASE_URL = required_in_production("DATABASE_URL", f"sqlite:///{quote(str(VAR / 'identity.sqlite3'))}")


DATABASE_URL_FORM = "DATABASE_URL is postgresql://user:password@host/name or sqlite:////folder/file."


def database(url: str) -> dict[str, Any]:
    """Read a database address; SQLite gets what makes it safe under threads."""
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True))
    except ValueError:
        # SECURITY: the message of the library repeats the address, which may hold a password.
        raise ImproperlyConfigured(DATABASE_URL_FORM) from None
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["OPTIONS"] = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;",
        }
        folder = Path(config["NAME"]).parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ImproperlyConfigured(f"{folder} cannot be made: {error.strerror}; see DATABASE_URL.") from None
    elif config["ENGINE"] == "django.db.backends.postgresql":
        config["OPTIONS"] = {"connect_timeout": 5, **config.get("OPTIONS", {})}
    else:
        raise ImproperlyConfigured(DATABASE_URL_FORM)
    return config


DATABASES = {"default": database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LEDGER_URL: str = env.str("LEDGER_URL", "") or f"file://{quote(str(VAR / 'ledger.jsonl'))}"
LEDGER_URL_FORM = (
    "LEDGER_URL is file:///folder/file, sqlite:////folder/file or postgresql://user:password@host/name, "
    "a place outside the main database."
)


def where(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Say which database of which server is meant, so that two addresses can be compared."""
    host = str(parameters.get("hostaddr") or parameters.get("host") or "localhost")
    port, name = parameters.get("port") or 5432, parameters.get("dbname") or ""
    return ("localhost" if host in {"127.0.0.1", "::1"} else host, str(port), str(name))


_main = DATABASES["default"]
_ledger = url_parts(LEDGER_URL, expected=LEDGER_URL_FORM)
if re.match(r"file:///[^/]|sqlite:////[^/]", LEDGER_URL):
    _path = unquote(_ledger.path)
    _ledger_is: tuple[str, ...] = (str(Path(_path if _ledger.scheme == "file" else _path[1:]).resolve()),)
elif re.match(r"postgres(ql)?://[^/]*/[^/?]", LEDGER_URL):
    try:
        _ledger_is = where(conninfo_to_dict(LEDGER_URL))
    except psycopg.Error:
        # SECURITY: the message of the library repeats the address, which may hold a password.
        raise ImproperlyConfigured(LEDGER_URL_FORM) from None
else:
    raise ImproperlyConfigured(LEDGER_URL_FORM)
_named = {"host": _main["HOST"], "port": _main["PORT"], "dbname": _main["NAME"], **_main["OPTIONS"]}
if _ledger_is == ((str(Path(_main["NAME"]).resolve()),) if "sqlite" in _main["ENGINE"] else where(_named)):
    raise ImproperlyConfigured("LEDGER_URL names the main database; the ledger must lie outside of it.")
BACKUP_DAYS = number("BACKUP_DAYS", 35, least=0, most=3_650)

# --- people ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.PolicyBackend"]
PASSWORD_HASHERS = [
    "accounts.passwords.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "accounts.passwords.RawBCryptHasher",
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
MESSAGE_STORAGE = "accounts.messages.MessageStorage"
LOGIN_URL, LOGIN_REDIRECT_URL = "sign-in", "account"

# --- requests --------------------------------------------------------------------------------
# SECURITY: what gives every answer its headers stands before anything that could answer.
MIDDLEWARE = [
    "accounts.middleware.RequestMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "accounts.middleware.BoundsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.LiveSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
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
CSRF_FAILURE_VIEW = "accounts.pages.failures.csrf_failure"
WHITENOISE_ALLOW_ALL_ORIGINS = False
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if SECURE:
    SECURE_SSL_REDIRECT = switch("SECURE_SSL_REDIRECT", True)
    SECURE_SSL_HOST = _public.netloc
    SECURE_REDIRECT_EXEMPT = [r"^(livez|readyz)$"]
    SECURE_HSTS_SECONDS = 63_072_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.BoundedJSONParser"],
    "EXCEPTION_HANDLER": "accounts.api.errors.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.HouseSchema",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Identity",
    "VERSION": "1",
    "DESCRIPTION": "Organizations, users, roles, sessions, keys and the audit trail. docs/api.md explains it.",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_NAME_OVERRIDES": {"InviteKind": ["email", "link"]},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "accounts.api.schema.strict",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": False, "docExpansion": "none", "validatorUrl": None},
}

# --- files -----------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

EXPORTS_ROOT = Path(env.str("EXPORTS_ROOT", str(VAR / "exports"))).absolute()

# --- letters and work in the background ------------------------------------------------------
EMAIL_BACKEND = "accounts.letter_files.EmailBackend"
EMAIL_FILE_PATH = str(VAR / "mail")
EMAIL_FILES_KEPT = number("EMAIL_FILES_KEPT", 200, least=1, most=10_000)
EMAIL_TIMEOUT = number("EMAIL_TIMEOUT", 20, least=1, most=120)
EMAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}
if _email_url := env.str("EMAIL_URL", ""):
    EMAIL_URL_FORM = "EMAIL_URL is smtp://, smtp+tls:// or smtp+ssl://[user:password@]host[:port]."
    _email = url_parts(_email_url, expected=EMAIL_URL_FORM)
    if _email.scheme not in EMAIL_PORTS or not _email.hostname:
        raise ImproperlyConfigured(EMAIL_URL_FORM)
    EMAIL_BACKEND = "accounts.mail_server.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _email.hostname, _email.port or EMAIL_PORTS[_email.scheme]
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_email.username or ""), unquote(_email.password or "")
    if _password_file := env.str("EMAIL_PASSWORD_FILE", ""):
        if EMAIL_HOST_PASSWORD or not EMAIL_HOST_USER:
            raise ImproperlyConfigured("EMAIL_PASSWORD_FILE is the password of the user in EMAIL_URL, which has none.")
        try:
            EMAIL_HOST_PASSWORD = Path(_password_file).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise ImproperlyConfigured("EMAIL_PASSWORD_FILE cannot be read.") from None
    EMAIL_USE_TLS, EMAIL_USE_SSL = _email.scheme == "smtp+tls", _email.scheme == "smtp+ssl"
    if EMAIL_HOST_PASSWORD and _email.scheme == "smtp" and EMAIL_HOST not in {"localhost", "127.0.0.1", "::1"}:
        raise ImproperlyConfigured(
            "smtp:// would send the password in the clear; EMAIL_URL is smtp+tls:// or smtp+ssl://."
        )
EMAIL_ADDRESS = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+")
DEFAULT_FROM_EMAIL: str = env.str("EMAIL_FROM", f"no-reply@{_public.hostname}")
EMAIL_REPLY_TO: str = env.str("EMAIL_REPLY_TO", "")
for _name, _address in {"EMAIL_FROM": DEFAULT_FROM_EMAIL, "EMAIL_REPLY_TO": EMAIL_REPLY_TO}.items():
    if _address and not EMAIL_ADDRESS.fullmatch(_address):
        raise ImproperlyConfigured(f"{_name} is one address, like no-reply@example.com.")
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}
SWEEP_SECONDS = number("SWEEP_SECONDS", 60, least=1, most=3_600)

# --- language, time, logs --------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LOGGING_CONFIG = None
logs.configure(
    level=one_of("LOG_LEVEL", "INFO", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
    form=one_of("LOG_FORMAT", "json" if PRODUCTION else "console", "json", "console"),
)
SILENCED_SYSTEM_CHECKS: list[str] = []
