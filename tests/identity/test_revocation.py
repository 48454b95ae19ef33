"""What one process ends, another refuses at the very next request."""

import json
import urllib.error
import urllib.request
from typing import Any

from tests.factories.users import PASSWORD
from tests.identity.conftest import Installation
from tests.identity.service import Service, serving


def asked(service: Service, path: str, authorization: str = "", body: Any = None) -> tuple[int, Any]:
    """Send a request to the API of the running service."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}/api/v1/{path}",
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Content-Type": "application/json", **({"Authorization": authorization} if authorization else {})},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- as above
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def told(installation: Installation, *words: str, stdin: str = "") -> Any:
    """Run a command in a process of its own and read its JSON."""
    done = installation.manage(*words, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_person_suspended_by_a_command_is_refused_by_the_server(started: Installation) -> None:
    create = ("user_create", "--email", "bob@example.com", "--password-stdin", "--no-must-change")
    told(started, *create, stdin=f"{PASSWORD}\n")
    with serving(started) as service:
        service.up()
        _, issued = asked(service, "auth/token/", body={"login": "bob@example.com", "password": PASSWORD})
        borrowed = told(started, "user_impersonate", "bob@example.com", "--reason", "Ticket 1")
        key = told(started, "api_key_create", "--org", "default", "--name", "x", "--scope", "admin:users")
        people = {
            "access token": f"Bearer {issued['access_token']}",
            "impersonation": f"Bearer {borrowed['access_token']}",
        }
        assert {asked(service, "me/", token)[0] for token in people.values()} == {200}
        assert asked(service, "users/", f"Api-Key {key['secret']}")[0] == 200

        told(started, "user_suspend", "bob@example.com", "--reason", "Ticket 2")

        assert {name: asked(service, "me/", token)[0] for name, token in people.items()} == dict.fromkeys(people, 401)
        assert asked(service, "auth/refresh/", body={"refresh_token": issued["refresh_token"]})[0] == 401
        assert asked(service, "users/", f"Api-Key {key['secret']}")[0] == 200  # it names nobody

        told(started, "api_key_revoke", key["id"])
        assert asked(service, "users/", f"Api-Key {key['secret']}")[0] == 401
