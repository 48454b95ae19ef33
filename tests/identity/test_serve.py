"""``manage.py serve``: one command runs everything, and stops everything."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys

import pytest

from tests.identity.conftest import ROOT, Installation, rows
from tests.identity.service import PATIENCE, serving, wait_until


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_first_start_the_commands_it_prints_and_a_second_start(installation: Installation) -> None:
    with serving(installation, "--first-start") as service:
        said = service.up()
        assert service.get(service.link)[0] == 200
        assert b"Set your password" in service.get(service.link)[1]
        printed = [line.strip() for line in said.splitlines() if "manage.py " in line]
        assert len(printed) == 3
        for line in printed:
            done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S602
            assert done.returncode == 0, (line, done.stderr)
        wait_until(lambda: service.get("/readyz")[0] == 200)
        assert set(json.loads(service.get("/readyz")[1])["checks"].values()) == {"ok"}
        assert service.get("/sign-in/")[0] == 200
        assert service.get("/static/admin/css/base.css")[0] == 200
        assert service.stop(signal.SIGINT) < 8
    assert service.process.returncode == 0
    assert rows(installation.environment["DATABASE_URL"], "SELECT email, status FROM accounts_user ORDER BY id") == [
        ("admin@localhost.localdomain", "active"),
        ("jane@example.com", "suspended"),
    ]

    with serving(installation, "--first-start") as again:
        assert "jane1@example.com" in again.up()
    assert len(rows(installation.environment["DATABASE_URL"], "SELECT id FROM accounts_user")) == 2


def test_once_somebody_can_sign_in_no_link_is_printed(started: Installation) -> None:
    set_ = started.manage("changepassword", "admin", "--password-stdin", stdin="a long sentence nobody guesses\n")
    assert set_.returncode == 0, set_.stderr

    with serving(started, "--first-start") as service:
        said = service.up()

    assert "/link/" not in said
    assert "manage.py admin_link" in said


def test_what_dies_is_started_again_and_a_dead_server_ends_it_all(started: Installation) -> None:
    with serving(started) as service:
        service.up()
        before = service.children()
        assert set(before) == {"gunicorn", "db_worker", "sweep"}
        os.kill(before["sweep"], signal.SIGKILL)
        os.kill(before["db_worker"], signal.SIGKILL)
        wait_until(lambda: set(service.children()) == set(before) and service.children()["sweep"] != before["sweep"])
        after = service.children()
        assert after["db_worker"] != before["db_worker"]
        assert after["gunicorn"] == before["gunicorn"]

        os.kill(after["gunicorn"], signal.SIGKILL)
        service.process.wait(PATIENCE)

        assert service.process.returncode == 1
        wait_until(lambda: not any(alive(pid) for pid in after.values()))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", service.port))


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_supervisor_that_is_killed_takes_everything_along(started: Installation) -> None:
    with serving(started) as service:
        service.up()
        children = service.children()
        assert len(children) == 3

        service.process.kill()
        service.process.wait(PATIENCE)

        try:
            wait_until(lambda: not any(alive(pid) for pid in children.values()))
        finally:
            for pid in filter(alive, children.values()):
                os.kill(pid, signal.SIGTERM)


def test_a_port_in_use_gets_a_sentence_before_anything_is_done(installation: Installation) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(installation.environment["PORT"])))
        other.listen()

        refused = installation.manage("serve", "--first-start")

    port = int(installation.environment["PORT"])
    assert refused.returncode == 4
    assert refused.stderr == (
        f"Error: Port {port} is in use.\nStop what listens there, or choose another: PORT={port + 1}.\n"
    )
    assert not (installation.var / "static").exists()


def test_without_migrations_it_says_what_to_do(installation: Installation) -> None:
    refused = installation.manage("serve")

    assert refused.returncode == 5
    assert "migrations: " in refused.stderr
    assert "serve --first-start migrates first" in refused.stderr


def test_an_address_that_is_not_ours(started: Installation) -> None:
    refused = started.manage("serve", BIND="192.0.2.1")

    assert refused.returncode == 4
    assert "Nothing can listen on 192.0.2.1" in refused.stderr


def test_demo_people_are_there_once_and_their_trail_is_intact(installation: Installation) -> None:
    with serving(installation, "--first-start", "--demo") as service:
        service.up()
    url = installation.environment["DATABASE_URL"]
    count = "SELECT count(*) FROM accounts_user"
    assert rows(url, count) == [(203,)]
    statuses = dict(rows(url, "SELECT status, count(*) FROM accounts_user GROUP BY status"))
    assert statuses == {"active": 183, "suspended": 8, "locked": 4, "archived": 4, "restricted": 2, "invited": 2}
    assert rows(url, "SELECT count(*) FROM accounts_membership") == [(215,)]
    assert rows(url, "SELECT count(*) FROM accounts_session WHERE ended_at IS NULL") == [(30,)]
    people = rows(url, "SELECT email, name_key FROM accounts_user ORDER BY email")

    with serving(installation, "--first-start", "--demo") as again:
        again.up()

    assert rows(url, "SELECT email, name_key FROM accounts_user ORDER BY email") == people
    verified = json.loads(installation.manage("audit_verify", "--json").stdout)
    assert verified["result"] == "intact"


def test_in_production_logs_are_json_and_no_link_is_printed(started: Installation) -> None:
    production = {
        "IDENTITY_ENV": "production",
        "IDENTITY_KEYS_FILE": str(started.var / "keys.json"),
        "PUBLIC_URL": "https://id.example.com",
        "TRUSTED_PROXIES": "1",
    }
    with serving(started, "--first-start", **production) as service:
        said = service.up()
        assert service.get("/livez")[0] == 200  # a probe needs neither https nor the right host
        os.kill(service.children()["sweep"], signal.SIGKILL)
        wait_until(lambda: "again_in_seconds" in service.said)

    assert "/link/" not in said
    (line,) = [line for line in service.said.splitlines() if "again_in_seconds" in line]
    assert json.loads(line)["program"] == "sweep"
    refused = started.manage("serve", **{**production, "TRUSTED_PROXIES": "0"})
    assert refused.returncode == 4
    assert "TRUSTED_PROXIES=1" in refused.stderr


def test_printed_commands_do_not_repeat_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts.management.commands.serve import shell_command

    monkeypatch.setenv("DATABASE_URL", "postgresql://identity:canary@db/identity")
    monkeypatch.delenv("PORT", raising=False)

    printed = shell_command("user_list")

    assert "canary" not in printed
    assert 'DATABASE_URL="$DATABASE_URL"' in printed
    assert shlex.split(printed)[-2:] == ["./manage.py", "user_list"]
