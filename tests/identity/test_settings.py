"""Settings: every one is documented, and what cannot be is refused with a sentence when a process starts."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.identity.conftest import ROOT, without_ours

READERS = {"str", "bool", "int", "list", "one_of", "number", "switch", "required_in_production"}
PRODUCTION = {
    "IDENTITY_ENV": "production",
    "PUBLIC_URL": "https://id.example.com",
    "DATABASE_URL": "postgresql://identity:canary@localhost/identity",
}


def names_read() -> set[str]:
    """Give every name that the settings read from the environment."""
    tree = ast.parse((ROOT / "identity" / "settings.py").read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    called = [(getattr(call.func, "attr", getattr(call.func, "id", "")), call.args[0]) for call in calls]
    return {
        str(word.value)
        for reader, word in called
        if reader in READERS and isinstance(word, ast.Constant) and re.fullmatch(r"[A-Z_]+", str(word.value))
    }


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` ", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE))

    assert len(documented) >= 15
    assert documented == names_read()


def start(tmp_path: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Start a process with these settings."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        env={
            **{name: value for name, value in without_ours().items() if name != "DATABASE_URL"},
            "IDENTITY_VAR": str(tmp_path / "var"),
            **settings,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def keys_file(tmp_path: Path) -> str:
    path = tmp_path / "keys.json"
    made = subprocess.run([sys.executable, "-m", "accounts.keys", str(path)], cwd=ROOT, check=False)
    assert made.returncode == 0
    return str(path)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"IDENTITY_ENV": "staging"}, "IDENTITY_ENV is one of: development, production."),
        ({"PORT": "http"}, "PORT is a whole number from 1 to 65535."),
        ({"PORT": "70000"}, "PORT is a whole number from 1 to 65535."),
        ({"WEB_WORKERS": "0"}, "WEB_WORKERS is a whole number from 1 to 256."),
        ({"WEB_THREADS": "-1"}, "WEB_THREADS is a whole number from 1 to 256."),
        ({"TRUSTED_PROXIES": "-1"}, "TRUSTED_PROXIES is a whole number from 0 to 10."),
        ({"SWEEP_SECONDS": "0"}, "SWEEP_SECONDS is a whole number from 1 to 3600."),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is one of: DEBUG, INFO, WARNING, ERROR, CRITICAL."),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT is one of: json, console."),
        ({"PUBLIC_URL": "id.example.com"}, "PUBLIC_URL is scheme://host[:port] without a path"),
        ({"PUBLIC_URL": "https://id.example.com/sso"}, "PUBLIC_URL is scheme://host[:port] without a path"),
        ({"PUBLIC_URL": "https://id.example.com?x"}, "PUBLIC_URL is scheme://host[:port] without a path"),
        ({"PUBLIC_URL": "https://me:canary@id.example.com"}, "PUBLIC_URL is scheme://host[:port] without a path"),
        ({"PUBLIC_URL": "https://["}, "PUBLIC_URL is scheme://host[:port] without a path"),
        ({"PUBLIC_URL": "https://id.example.com:port"}, "PUBLIC_URL is scheme://host[:port] without a path"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name hosts"),
        ({"DATABASE_URL": "mysql://u:canary@h/n"}, "DATABASE_URL is postgresql://user:password@host/name or sqlite"),
        ({"DATABASE_URL": "nonsense:canary"}, "DATABASE_URL is postgresql://user:password@host/name or sqlite"),
        ({"DATABASE_URL": "sqlite:////proc/no/file"}, "/proc/no cannot be made"),
        ({"LEDGER_URL": "postgresql://u:canary@x"}, "LEDGER_URL is file:///folder/file, sqlite:////folder/file or"),
        ({"LEDGER_URL": "postgresql://u:canary@x/y?canary=1"}, "LEDGER_URL is file:///folder/file, sqlite:////folder"),
        ({"LEDGER_URL": "mysql://u:canary@h/n"}, "LEDGER_URL is file:///folder/file, sqlite:////folder/file or"),
        ({"LEDGER_URL": "sqlite://"}, "LEDGER_URL is file:///folder/file, sqlite:////folder/file or"),
        ({"LEDGER_URL": "sqlite:///here"}, "LEDGER_URL is file:///folder/file, sqlite:////folder/file or"),
        ({"LEDGER_URL": "file://here"}, "LEDGER_URL is file:///folder/file, sqlite:////folder/file or"),
        ({"LEDGER_URL": "postgresql://["}, "LEDGER_URL is file:///folder/file, sqlite:////folder/file or"),
        ({"EMAIL_URL": "mail.example.com"}, "EMAIL_URL is smtp://, smtp+tls:// or smtp+ssl://"),
        ({"EMAIL_URL": "smtp://u:canary@[/"}, "EMAIL_URL is smtp://, smtp+tls:// or smtp+ssl://"),
        ({"EMAIL_URL": "smtp://u:canary@mail.example"}, "smtp:// would send the password in the clear"),
        ({"EMAIL_URL": "smtp+tls://u@mail.example", "EMAIL_PASSWORD_FILE": "/nowhere"}, "EMAIL_PASSWORD_FILE cannot"),
        ({"EMAIL_URL": "smtp+tls://mail.example", "EMAIL_PASSWORD_FILE": "/dev/null"}, "EMAIL_PASSWORD_FILE is the"),
        ({"EMAIL_URL": "smtp+tls://u:p@m.example", "EMAIL_PASSWORD_FILE": "/dev/null"}, "EMAIL_PASSWORD_FILE is the"),
        ({"EMAIL_TIMEOUT": "0"}, "EMAIL_TIMEOUT is a whole number from 1 to 120."),
        ({"EMAIL_FILES_KEPT": "0"}, "EMAIL_FILES_KEPT is a whole number from 1 to 10000."),
        ({"EMAIL_FROM": "Us <us@x.example>"}, "EMAIL_FROM is one address"),
        ({"EMAIL_REPLY_TO": "us@x.example\nBcc: canary@x"}, "EMAIL_REPLY_TO is one address"),
        ({"PUBLIC_URL": "https://x.example", "SECURE_SSL_REDIRECT": "maybe"}, "SECURE_SSL_REDIRECT is 1 or 0."),
        ({"IDENTITY_VAR": "/proc/no"}, "/proc/no/keys.json cannot be made"),
        ({"IDENTITY_ENV": "production"}, "IDENTITY_ENV=production needs PUBLIC_URL"),
        ({**PRODUCTION, "PUBLIC_URL": ""}, "IDENTITY_ENV=production needs PUBLIC_URL"),
        ({**PRODUCTION, "DATABASE_URL": ""}, "IDENTITY_ENV=production needs IDENTITY_KEYS_FILE"),
        (PRODUCTION, "IDENTITY_ENV=production needs IDENTITY_KEYS_FILE"),
        ({**PRODUCTION, "PUBLIC_URL": "http://id.example.com"}, "PUBLIC_URL must begin with https://"),
        ({**PRODUCTION, "IDENTITY_KEYS_FILE": "/nowhere/keys.json"}, "/nowhere/keys.json does not exist"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(tmp_path: Path, settings: dict[str, str], sentence: str) -> None:
    refused = start(tmp_path, **settings)

    assert (refused.returncode, refused.stdout) == (4, "")
    assert refused.stderr.startswith(f"Error: {sentence}"), refused.stderr
    assert refused.stderr.count("\n") == 1
    assert "canary" not in refused.stderr


@pytest.mark.parametrize(
    ("database", "ledger"),
    [
        ("sqlite:////{}/main", "sqlite:////{}/main"),
        ("sqlite:////{}/main", "sqlite:////{}/./main"),
        ("sqlite:////{}/main", "file:///{}/main"),
        ("postgresql://a:canary@localhost/main", "postgresql://b:canary@127.0.0.1:5432/main"),
        ("postgresql:///main", "postgres://localhost/main?sslmode=disable"),
        ("postgresql://x.example:5433/main", "postgresql:///main?host=x.example&port=5433"),
    ],
)
def test_the_ledger_must_not_be_the_main_database(tmp_path: Path, database: str, ledger: str) -> None:
    folder = str(tmp_path).lstrip("/")

    refused = start(tmp_path, DATABASE_URL=database.format(folder), LEDGER_URL=ledger.format(folder))

    assert (refused.returncode, refused.stderr) == (
        4,
        "Error: LEDGER_URL names the main database; the ledger must lie outside of it.\n",
    )


@pytest.mark.parametrize(
    "ledger",
    [
        "postgresql://identity:canary@localhost/ledger",
        "postgresql://localhost:5433/identity",
        "postgresql:///identity?host=/run/another",
        "sqlite:////{}/ledger.sqlite3",
    ],
)
def test_another_database_will_do_for_the_ledger(tmp_path: Path, ledger: str) -> None:
    main = "postgresql://identity@localhost/identity"

    started = start(tmp_path, DATABASE_URL=main, LEDGER_URL=ledger.format(str(tmp_path).lstrip("/")))

    assert started.returncode == 0, started.stderr


def deploy(tmp_path: Path, **settings: str) -> str:
    """Say what is warned of before production."""
    environment = {**without_ours(), **PRODUCTION, "IDENTITY_KEYS_FILE": keys_file(tmp_path), **settings}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy"],
        env={**environment, "IDENTITY_VAR": str(tmp_path / "var")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stderr
    return checked.stderr


def test_before_production_a_ledger_for_one_machine_only_is_warned_of(tmp_path: Path) -> None:
    assert "accounts.W001" in deploy(tmp_path)
    (tmp_path / "keys.json").unlink()
    assert "accounts.W001" not in deploy(tmp_path, LEDGER_URL="postgresql://identity@localhost/ledger")


def test_production_needs_a_database(tmp_path: Path) -> None:
    refused = start(tmp_path, **{**PRODUCTION, "DATABASE_URL": ""}, IDENTITY_KEYS_FILE=keys_file(tmp_path))

    assert (refused.returncode, refused.stderr) == (
        4,
        "Error: IDENTITY_ENV=production needs DATABASE_URL; see docs/settings.md.\n",
    )


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    keys = keys_file(tmp_path)
    Path(keys).chmod(0o640)

    refused = start(tmp_path, **PRODUCTION, IDENTITY_KEYS_FILE=keys)

    assert (refused.returncode, refused.stderr) == (4, f"Error: {keys} can be read by others: chmod 600 {keys}\n")


def test_production_starts_with_what_it_needs(tmp_path: Path) -> None:
    started = start(tmp_path, **PRODUCTION, IDENTITY_KEYS_FILE=keys_file(tmp_path))

    assert started.returncode == 0, started.stderr
    assert not (tmp_path / "var" / "keys.json").exists()


def test_a_folder_with_any_name_and_a_relative_one_will_do(tmp_path: Path) -> None:
    odd = tmp_path / "a b%41#?é"

    assert start(tmp_path, IDENTITY_VAR=str(odd)).returncode == 0
    assert (odd / "keys.json").exists()
    code = "from django.conf import settings as s; print(s.DATABASES['default']['NAME'], s.LEDGER_URL)"
    shown = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", code],
        env={**without_ours(), "DATABASE_URL": "", "IDENTITY_VAR": "here"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.stdout == f"{tmp_path}/here/identity.sqlite3 file://{tmp_path}/here/ledger.jsonl\n", shown.stderr
