"""``/users/``."""

from typing import Any

import pytest

from accounts.models import AuditEvent, User
from tests.accounts.api.programs import API
from tests.shell import run


class TestUsers:
    """One user."""

    def test_made_shown_changed_and_suspended(self, api: API) -> None:
        made = api.post("users/", {"email": "jane@example.com", "name": "Jane", "tags": ["vip"]})

        assert made.status_code == 201, made.body
        assert made["Location"].endswith(f"/api/v1/users/{made.body['id']}/")
        shown = api.get(f"users/{made.body['id']}/")
        assert {key: shown.body[key] for key in made.body} == made.body
        changed = api.patch(f"users/{made.body['id']}/", {"nickname": "JJ"}, If_Match=shown["ETag"])
        assert (changed.status_code, changed.body["nickname"]) == (200, "JJ")
        stale = api.patch(f"users/{made.body['id']}/", {"nickname": "J"}, If_Match=shown["ETag"])
        assert (stale.status_code, stale.body["code"]) == (412, "CONFLICT")
        suspended = api.post(f"users/{made.body['id']}/suspend/", {"reason": "left"})
        assert suspended.body["status"] == "suspended"
        event = AuditEvent.objects.order_by("-id")[0]
        assert (event.action, event.door, event.actor_kind) == ("user.suspend", "api", "api_key")

    def test_the_json_is_the_commands_json(self, api: API, bob: User) -> None:
        assert api.get(f"users/{bob.public_id}/").body == run("user_show", bob.public_id, "--json").json
        assert (
            api.get("users/?limit=1").body["data"]
            == run("user_list", "--org", "acme", "--limit", "1", "--json").json["data"]
        )

    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "code"),
        [
            ("GET", "users/usr_01h455vb4pex5vsknk084sn02q/", None, 404, "NOT_FOUND"),
            ("GET", "users/x/", None, 404, "NOT_FOUND"),
            ("GET", "nowhere/", None, 404, "NOT_FOUND"),
            ("GET", "users/?colour=red", None, 422, "VALIDATION"),
            ("GET", "users/?limit=0", None, 422, "VALIDATION"),
            ("GET", "users/?limit=1&limit=2", None, 422, "VALIDATION"),
            ("GET", "users/?cursor=x", None, 422, "VALIDATION"),
            ("DELETE", "users/", None, 405, "METHOD_NOT_ALLOWED"),
            ("POST", "users/", {"email": "no"}, 422, "VALIDATION"),
            ("POST", "users/", {"email": "a@b.example", "is_superuser": True}, 422, "VALIDATION"),
            ("POST", "users/", {"email": "a@b.example", "metadata": {"a": "\x00"}}, 422, "VALIDATION"),
            ("POST", "users/", [], 422, "VALIDATION"),
        ],
    )
    def test_problems(self, api: API, bob: User, method: str, path: str, body: Any, status: int, code: str) -> None:
        answer = api(method, path, body)

        assert (answer.status_code, answer.body["code"]) == (status, code)
        assert answer["Content-Type"] == "application/problem+json"
        assert set(answer.body) == {"type", "title", "status", "detail", "code", "remedy", "errors", "request_id"}

    def test_the_same_request_twice_changes_once(self, api: API) -> None:
        first = api.post("users/", {"email": "jane@example.com"}, Idempotency_Key="k1")
        again = api.post("users/", {"email": "jane@example.com"}, Idempotency_Key="k1")
        other = api.post("users/", {"email": "john@example.com"}, Idempotency_Key="k1")

        assert (first.status_code, again.status_code, again.body) == (201, 201, first.body)
        assert (other.status_code, other.body["code"]) == (409, "CONFLICT")
        assert User.objects.filter(email="jane@example.com").count() == 1

    def test_walks_forward_and_back(self, api: API, bob: User, carol: User) -> None:
        first = api.get("users/?limit=1").body
        second = api.get(f"users/?limit=1&cursor={first['next_cursor']}").body

        assert api.get(f"users/?limit=1&cursor={second['previous_cursor']}").body["data"] == first["data"]

    def test_search_and_bulk(self, api: API, bob: User, carol: User) -> None:
        assert [row["id"] for row in api.post("users/search/", {"query": "bob"}).body["data"]] == [bob.public_id]
        preview = api.post("users/bulk/", {"verb": "suspend", "ids": [bob.public_id, "usr_x"], "preview": True})
        assert preview.body["counts"] == {"ok": 1, "unchanged": 0, "failed": 1}
        assert User.objects.get(pk=bob.pk).status == "active"
        done = api.post("users/bulk/", {"verb": "suspend", "filter": {"role": "member", "search": "carol"}})
        assert [row["id"] for row in done.body["data"]] == [carol.public_id]

    def test_no_key_a_wrong_key_and_a_dead_key_are_refused_alike(self, bob: User, alice: User) -> None:
        answers = [
            API().get("users/"),
            API("idk_000000000000_" + "x" * 43).get("users/"),
            API("nonsense").get("users/"),
        ]

        assert {answer.status_code for answer in answers} == {401}
        assert {answer["WWW-Authenticate"] for answer in answers} == {"Bearer, Api-Key"}
