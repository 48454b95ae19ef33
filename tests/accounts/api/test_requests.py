"""What a request may be: everything else is refused with a problem, and changes nothing."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client

from accounts import policy
from accounts.models import APIKey, IdempotencyKey, Organization, Session, User
from accounts.operations.statuses import user_suspend
from tests.accounts.api.programs import API, key_of
from tests.factories.users import SessionFactory

PROBLEM = {"type", "title", "status", "detail", "code", "remedy", "errors", "request_id"}


def sent(
    api: API, method: str, path: str, raw: bytes | str, content_type: str = "application/json", **meta: Any
) -> Any:
    """Send bytes as they are."""
    response = api.client.generic(method, f"/api/v1/{path}", raw, content_type=content_type, **meta)
    response.body = json.loads(response.content) if response.content else None  # type: ignore[attr-defined]
    return response


class TestBody:
    """The body."""

    @pytest.mark.parametrize(
        ("raw", "status"),
        [
            (b"{", 400),
            (b'{"email": "a@b.example"} trailing', 400),
            (b'{"email": "\xff@b.example"}', 400),
            (b'{"email": "a@b.example", "email": "c@d.example"}', 400),
            (b'{"email": NaN}', 400),
            (b'{"metadata": {"n": ' + b"9" * 5000 + b"}}", 400),
            (b"[" * 100_000, 422),
            (b"[" * 40_000 + b"]" * 40_000, 400),
            (b'{"a":' * 40_000 + b"1" + b"}" * 40_000, 400),
            (b'{"email": "a@b.example", "metadata": {"n": 1e400}}', 422),
            (b'{"email": "a@b.example", "metadata": {"n": 99999999999999999999}}', 422),
            (b'{"email": "a@b.example", "name": "\\u0000"}', 422),
            (b'{"email": "a@b.example", "name": "\\ud800"}', 422),
            (b'{"email": "a@b.example", "metadata": {"\\ud800": 1}}', 422),
            (b'{"email": "a@b.example", "metadata": ' + b'{"a":' * 30 + b"1" + b"}" * 31, 422),
            (b'{"email": "a@b.example", "tags": [' + b'"x",' * 30_000 + b'"x"]}', 422),
            (b'{"email": "a@b.example", "name": 5}', 422),
            (b'{"email": "a@b.example", "email_verified": "yes"}', 422),
            (b'{"email": "a@b.example", "tags": "x"}', 422),
            (b'{"email": "a@b.example", "metadata": [1]}', 422),
            (b"[]", 422),
            (b"null", 422),
            (b"5", 422),
            (b'"x"', 422),
            (b"", 422),
            (b'{"email": "' + b"a" * 1_048_576 + b'"}', 413),
        ],
        ids=lambda value: str(value[:40] if isinstance(value, bytes) else value),
    )
    def test_that_cannot_be_read(self, api: API, everything: Callable[[], Any], raw: bytes, status: int) -> None:
        before = everything()

        answer = sent(api, "POST", "users/", raw)

        assert (answer.status_code, set(answer.body)) == (status, PROBLEM)
        assert answer["Content-Type"] == "application/problem+json"
        assert {**everything(), "APIKey": 0} == {**before, "APIKey": 0}

    @pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "multipart/form-data", "x"])
    def test_of_another_kind(self, api: API, alice: User, kind: str) -> None:
        for program in (api, API.of(alice)):
            answer = sent(program, "POST", "users/", b'{"email": "a@b.example"}', kind)

            assert (answer.status_code, answer.body["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")

    def test_without_its_length(self, api: API, bob: User) -> None:
        answer = sent(
            api, "POST", f"users/{bob.public_id}/lock/", "", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH=""
        )

        assert (answer.status_code, answer.body["detail"]) == (400, "The length of the body is not said.")
        assert User.objects.get(pk=bob.pk).status == "active"

    def test_each_wrong_input_is_named(self, api: API) -> None:
        answer = api.post("users/", {"email": 5, "roles": ["member", 7], "colour": 1})
        assert answer.body["errors"] == [{"field": "colour", "message": "is not a field of this request"}]

        answer = api.post("users/", {"email": 5, "roles": ["member", 7]})
        assert answer.body["errors"] == [
            {"field": "email", "message": "Not a valid string."},
            {"field": "roles.1", "message": "Not a valid string."},
        ]


class TestAddress:
    """Addresses, headers, methods."""

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("users/%00/", 400),
            ("users/%ff/", 404),
            ("users/?search=%00", 400),
            ("users/?search=%ed%a0%80", 400),
            ("users/?%00=1", 400),
            ("users/?search=%1b", 422),
            ("users/?" + "search=" + "x" * 5000, 414),
            ("users/?limit=101", 422),
            ("users/?limit=", 422),
            ("users/?limit=9999999999999999999999", 422),
            ("users/?limit=%D9%A1", 422),
            ("users/?page=0", 422),
            ("users/?page=1&offset=0", 422),
            ("users/?page=1&cursor=x", 422),
            ("users/?offset=10000", 422),
            ("users/?total=maybe", 422),
            ("users/?order=password", 422),
            ("users/?order=--email", 422),
            ("users/?status=dead", 422),
            ("users/?unverified=yes", 422),
            ("users/?inactive_since=x", 422),
            ("users/?inactive_since=999999w", 422),
            ("users/?email_domain=%20", 422),
            ("users/?all_orgs=true&org=acme", 422),
            ("users/?member_of=acme&status=active", 422),
            ("users/?org=%F0%9F%92%A9", 404),
            ("audit-events/?subject=x", 422),
            ("audit-events/?actor=x", 422),
            ("audit-events/?outcome=x", 422),
            ("users/é/", 404),
            ("users/usr_zzzzzzzzzzzzzzzzzzzzzzzzzz/", 404),
            ("users", 404),
            ("", 404),
        ],
    )
    def test_that_cannot_be_read(self, api: API, path: str, status: int) -> None:
        answer = api.get(path)

        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
        assert set(answer.body) == PROBLEM

    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v2/users/", "/api/v1/nowhere/"])
    def test_that_leads_nowhere(self, path: str, method: str) -> None:
        answer = Client(enforce_csrf_checks=True).generic(method, path, "{}", content_type="application/json")

        assert (answer.status_code, set(answer.json())) == (404, PROBLEM)

    def test_another_format_is_not_acceptable(self, api: API) -> None:
        answer = api.get("users/", Accept="text/html")

        assert (answer.status_code, answer.body["code"]) == (406, "NOT_ACCEPTABLE")

    def test_head_is_get_without_a_body(self, api: API, bob: User) -> None:
        answer = api("HEAD", f"users/{bob.public_id}/")

        assert (answer.status_code, answer.content, answer["ETag"]) == (200, b"", '"v1"')

    def test_a_new_thing_says_where_it_is_whatever_the_host_is_called(self, api: API) -> None:
        answer = api.post("users/", {"email": "jane@example.com"}, Host="localhost")

        assert answer["Location"] == f"/api/v1/users/{answer.body['id']}/"

    def test_the_database_is_gone(self, api: API) -> None:
        def gone(*_: Any) -> Any:
            raise OperationalError("no route to host 10.0.0.7")

        with connection.execute_wrapper(gone):
            keyed = api.get("users/")
            browser = API()
            browser.client.raise_request_exception = False
            browser.client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
            signed = browser.get("users/")

        for answer in (keyed, signed):
            assert (answer.status_code, answer.body["code"], answer["Retry-After"]) == (503, "UNAVAILABLE", "1")
            assert "10.0.0.7" not in answer.content.decode()

    def test_a_fault_of_ours_shows_no_trace(self, api: API) -> None:
        def broken(*_: Any) -> Any:
            raise RuntimeError("secret detail")

        with connection.execute_wrapper(broken):
            answer = api.get("users/")

        assert (answer.status_code, set(answer.body), answer.body["code"]) == (500, PROBLEM, "INTERNAL")
        assert "secret detail" not in answer.content.decode()


class TestSigningIn:
    """Keys and browsers."""

    @pytest.mark.parametrize(
        "header", ["Bearer x", "Basic YTpi", "Api-Key", "Api-Key ", "Api-Key idk_x", "api-key \xff", "Api-Key a b"]
    )
    def test_what_opens_nothing_is_refused_alike(self, acme: Organization, header: str) -> None:
        answer = API().get("users/", Authorization=header)

        assert (answer.status_code, answer.body["detail"]) == (401, "You are not signed in.")

    def test_a_key_is_refused_at_the_next_request_once_it_is_dead(self, alice: User, acme: Organization) -> None:
        mine, houses = key_of(alice, "user.show"), key_of(acme, "user.show")
        assert {program.get("me/").status_code for program in (mine, houses)} == {200}

        APIKey.objects.filter(made_by=None).revoke("test")
        Organization.objects.filter(pk=acme.pk).update(status="suspended")

        assert {program.get("me/").status_code for program in (mine, houses)} == {401}

    def test_a_key_beside_a_browsers_session_acts_as_the_key(self, alice: User, acme: Organization) -> None:
        narrow, browser = key_of(acme, "user.show"), API.of(alice)
        browser.client.defaults.update(narrow.client.defaults)

        assert browser.get("me/").body["id"].startswith("key_")
        assert browser.get("users/").status_code == 403

    def test_a_key_has_what_its_maker_still_has_and_no_more(self, erin: User, bob: User) -> None:
        key = key_of(erin, "admin:users")
        assert key.post(f"users/{bob.public_id}/tag/", {"tags": ["x"]}).status_code == 200

        erin.memberships.get().assignments.exclude(role__slug="member").delete()

        assert key.post(f"users/{bob.public_id}/tag/", {"tags": ["y"]}).status_code == 404
        assert key.get("users/").status_code == 403

    def test_a_browser_needs_the_csrf_token_to_change_and_none_to_read(self, alice: User, bob: User) -> None:
        browser = API.of(alice)
        browser.client.handler.enforce_csrf_checks = True
        path = f"users/{bob.public_id}/suspend/"

        assert browser.get("me/").body["id"] == alice.public_id
        refused = browser.post(path)
        assert (refused.status_code, refused.body["code"]) == (403, "FORBIDDEN")
        assert User.objects.get(pk=bob.pk).status == "active"
        token = browser.client.cookies[settings.CSRF_COOKIE_NAME].value
        assert browser.post(path, X_CSRFToken=token).status_code == 200

    def test_a_browser_of_somebody_suspended_is_signed_out(self, alice: User, bob: User) -> None:
        browser = API.of(bob)
        assert browser.get("me/").status_code == 200

        user_suspend(actor=policy.operator(os_user="tester"), user=bob)

        assert browser.get("me/").status_code == 401
        assert browser.patch("me/", {"nickname": "B"}).status_code == 401


class TestVersions:
    """``If-Match``."""

    @pytest.mark.parametrize("seen", ['"v7"', '"v0"', "v1", "nonsense", '"v1", "v2"', '"v99999999999999999999"'])
    def test_another_version_changes_nothing_on_any_verb(self, api: API, bob: User, seen: str) -> None:
        verbs = {"suspend": {}, "lock": {}, "confirm": {}, "tag": {"tags": ["x"]}, "set": {"confirmed": True},
                 "sign-out": {}, "set-password": {"password": "correct horse battery staple"}}  # fmt: skip
        answers = [api.post(f"users/{bob.public_id}/{verb}/", body, If_Match=seen) for verb, body in verbs.items()]
        answers.append(api.patch(f"users/{bob.public_id}/", {"nickname": "B"}, If_Match=seen))

        assert {(answer.status_code, answer.body["code"]) for answer in answers} == {(412, "CONFLICT")}
        assert User.objects.get(pk=bob.pk).version == 1

    def test_this_version_and_any_pass(self, api: API, bob: User) -> None:
        tagged = api.post(f"users/{bob.public_id}/tag/", {"tags": ["x"]}, If_Match='"v1"')
        assert (tagged.status_code, tagged["ETag"]) == (200, '"v2"')
        assert api.post(f"users/{bob.public_id}/tag/", {"tags": ["y"]}, If_Match="*")["ETag"] == '"v3"'

    @pytest.mark.parametrize("seen", ['"v7"', "nonsense"])
    def test_another_version_of_an_organization_changes_nothing(
        self, acme: Organization, root: User, everything: Callable[[], Any], seen: str
    ) -> None:
        browser, path = API.of(root), f"organizations/{acme.public_id}/"
        before = everything()

        answers = [browser.post(f"{path}{verb}/", If_Match=seen) for verb in ("suspend", "archive")]
        answers.append(browser.patch(path, {"name": "Other"}, If_Match=seen))

        assert {(answer.status_code, answer.body["code"]) for answer in answers} == {(412, "CONFLICT")}
        assert everything() == before

    def test_this_version_of_an_organization_passes(self, acme: Organization, root: User) -> None:
        browser, path = API.of(root), f"organizations/{acme.public_id}/"
        renamed = browser.patch(path, {"name": "Other"}, If_Match=browser.get(path)["ETag"])
        suspended = browser.post(f"{path}suspend/", If_Match=renamed["ETag"])

        assert [(answer.status_code, answer["ETag"]) for answer in (renamed, suspended)] == [
            (200, '"v2"'),
            (200, '"v3"'),
        ]

    def test_what_has_no_version_refuses_to_compare(self, api: API, bob: User) -> None:
        session = SessionFactory.create(user=bob)

        answer = api.post(f"sessions/{session.public_id}/revoke/", If_Match='"v1"')

        assert (answer.status_code, answer.body["remedy"]) == (412, "Leave If-Match out.")
        assert Session.objects.get(pk=session.pk).is_live


class TestRemedies:
    """What a refusal says to do, in words of this door; that no command line is spelled, ``API`` asserts itself."""

    @pytest.mark.parametrize(
        ("path", "body", "fields"),
        [
            ("api-keys/", {"name": "x", "scopes": ["user.fly"]}, ["scopes"]),
            ("api-keys/", {"name": "x", "scopes": ["audit.list"]}, ["scopes"]),
            ("users/", {"email": "kim@example.com", "roles": ["emperor"]}, ["roles"]),
            ("users/", {"email": "kim@example.com", "roles": ["owner"]}, ["roles"]),
            ("users/", {"email": "kim@example.com", "tags": ["x" * 65]}, ["tags"]),
            ("users/", {"email": "kim@example.com", "tags": ["a,b"]}, ["tags"]),
            ("users/", {"email": "kim@example.com", "password": "password"}, ["password"]),
            ("users/?limit=0", None, ["limit"]),
            ("users/?page=9999", None, ["offset"]),
        ],
    )
    def test_an_input_is_called_as_it_is_sent(
        self, acme: Organization, erin: User, path: str, body: Any, fields: list[str]
    ) -> None:
        api = key_of(erin, "user.create", "user.list", "user.show", "role.assign", "api_key.create")

        answer = api.post(path, body) if body else api.get(path)

        assert answer.status_code in {403, 422}
        assert [entry["field"] for entry in answer.body["errors"]] == fields

    def test_verbs_are_named_as_every_door_knows_them(self, acme: Organization, root: User, bob: User) -> None:
        browser = API.of(root)
        browser.post(f"organizations/{acme.public_id}/archive/")

        answers = [
            browser.post("users/", {"email": "kim@example.com", "organization": "acme"}),
            browser.post("api-keys/", {"name": "x", "scopes": ["user.show"], "organization": "acme"}),
            browser.post(f"users/{bob.public_id}/activate/"),
            browser.post(f"users/{root.public_id}/suspend/"),
        ]

        assert [answer.status_code for answer in answers] == [409] * 4
        assert [answer.body["remedy"] for answer in answers] == [
            "Activate it first: org_activate acme",
            "Activate it first: org_activate acme",
            f"Look at the account first: user_show {bob.public_id}",
            "Make another super-user first: createsuperuser.",
        ]


class TestRepetition:
    """``Idempotency-Key``."""

    def test_a_secret_is_shown_once(self, api: API) -> None:
        body = {"name": "x", "scopes": ["user.show"]}
        first = api.post("api-keys/", body, Idempotency_Key="k")
        again = api.post("api-keys/", body, Idempotency_Key="k")

        assert first.body["secret"].startswith("idk_")
        assert (again.status_code, again["Idempotency-Replayed"], again["Location"]) == (201, "true", first["Location"])
        assert again.body == {key: value for key, value in first.body.items() if key != "secret"}
        assert APIKey.objects.filter(name="x").count() == 1

    def test_the_answer_is_the_thing_as_it_is_now(self, api: API) -> None:
        made = api.post("users/", {"email": "jane@example.com"}, Idempotency_Key="k").body
        api.patch(f"users/{made['id']}/", {"nickname": "JJ"})

        assert api.post("users/", {"email": "jane@example.com"}, Idempotency_Key="k").body["nickname"] == "JJ"

    def test_what_failed_is_not_remembered(self, api: API, bob: User) -> None:
        path = f"users/{bob.public_id}/activate/"
        assert api.post(path, Idempotency_Key="k").status_code == 409
        api.post(f"users/{bob.public_id}/suspend/")

        assert api.post(path, Idempotency_Key="k").status_code == 200
        assert api.post(path, Idempotency_Key="k")["Idempotency-Replayed"] == "true"

    def test_each_caller_has_keys_of_their_own(self, api: API, acme: Organization) -> None:
        other = key_of(acme, "admin:users")
        api.post("users/", {"email": "jane@example.com"}, Idempotency_Key="k")

        answer = other.post("users/", {"email": "john@example.com"}, Idempotency_Key="k")
        assert (answer.status_code, answer.body["email"]) == (201, "john@example.com")

    def test_another_request_under_the_key_is_refused(self, api: API, bob: User, carol: User) -> None:
        api.post(f"users/{bob.public_id}/suspend/", Idempotency_Key="k")

        for path, body in ((f"users/{bob.public_id}/suspend/", {"reason": "other"}),
                           (f"users/{carol.public_id}/suspend/", {})):  # fmt: skip
            assert api.post(path, body, Idempotency_Key="k").status_code == 409
        assert User.objects.get(pk=carol.pk).status == "active"

    @pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 129])
    def test_what_cannot_be_a_key(self, api: API, bob: User, key: str) -> None:
        assert api.post(f"users/{bob.public_id}/suspend/", Idempotency_Key=key).status_code == 422

    @pytest.mark.parametrize("many_first", [True, False])
    def test_a_key_of_many_is_none_for_one_and_the_other_way_round(
        self, api: API, bob: User, everything: Callable[[], Any], many_first: bool
    ) -> None:
        many = ("users/bulk/", {"verb": "tag", "tags": ["x"], "ids": [bob.public_id]})
        one = (f"users/{bob.public_id}/tag/", {"tags": ["y"]})
        first, second = (many, one) if many_first else (one, many)
        assert api.post(*first, Idempotency_Key="k").status_code == 200
        before = everything()

        answer = api.post(*second, Idempotency_Key="k")

        assert (answer.status_code, answer.body["code"]) == (409, "CONFLICT")
        assert everything() == before

    def test_a_key_of_many_of_whom_none_was_there_is_used_all_the_same(self, api: API, bob: User) -> None:
        gone = {"verb": "tag", "tags": ["x"], "ids": ["usr_01h455vb4pex5vsknk084sn02q"]}
        assert api.post("users/bulk/", gone, Idempotency_Key="k").body["counts"]["failed"] == 1

        assert api.post(f"users/{bob.public_id}/tag/", {"tags": ["y"]}, Idempotency_Key="k").status_code == 409
        assert api.post("users/bulk/", gone, Idempotency_Key="k").body["counts"]["failed"] == 1

    def test_many_carry_on_where_they_stopped(self, api: API, bob: User, carol: User) -> None:
        body = {"verb": "suspend", "ids": [bob.public_id, carol.public_id, "usr_x"]}
        first = api.post("users/bulk/", body, Idempotency_Key="k")
        again = api.post("users/bulk/", body, Idempotency_Key="k")
        other = api.post("users/bulk/", {**body, "verb": "archive"}, Idempotency_Key="k")

        assert first.body["counts"] == {"ok": 2, "unchanged": 0, "failed": 1}
        assert again.body["counts"] == {"ok": 0, "unchanged": 2, "failed": 1}
        assert other.status_code == 409

    def test_what_is_kept_tells_nothing_of_the_request(self, api: API) -> None:
        import hashlib

        api.post("users/", {"email": "jane@example.com"}, Idempotency_Key="k")

        kept = IdempotencyKey.objects.get().request_digest
        asked = json.dumps(["POST", "/api/v1/users/", {"email": "jane@example.com"}], sort_keys=True)
        assert kept != hashlib.sha256(asked.encode()).hexdigest()

    @pytest.mark.django_db(transaction=True)
    def test_of_two_at_once_one_is_done(self, acme: Organization, alice: User) -> None:
        api = key_of(acme, "admin:users")
        barrier, answers = threading.Barrier(4), []

        def ask() -> None:
            program = API()
            program.client.defaults.update(api.client.defaults)
            barrier.wait()
            answers.append(program.post("users/", {"email": "jane@example.com"}, Idempotency_Key="k"))
            connection.close()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [answer.status_code for answer in answers] == [201] * 4
        assert sum(answer.has_header("Idempotency-Replayed") for answer in answers) == 3
        assert User.objects.filter(email="jane@example.com").count() == 1


class TestMany:
    """``/users/bulk/``."""

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"verb": "suspend"},
            {"verb": "set-password", "ids": ["x"]},
            {"verb": "suspend", "ids": []},
            {"verb": "suspend", "ids": ["x"], "filter": {}},
            {"verb": "suspend", "ids": ["x"], "tags": ["x"]},
            {"verb": "suspend", "ids": ["x"], "until": "2h"},
            {"verb": "suspend", "ids": ["x"], "org": "acme"},
            {"verb": "tag", "ids": ["x"]},
            {"verb": "suspend", "filter": {"colour": "red"}},
            {"verb": "suspend", "filter": {"unverified": "true"}},
            {"verb": "suspend", "filter": "status=active"},
            {"verb": "suspend", "ids": ["x"] * 1001},
        ],
        ids=str,
    )
    def test_what_it_does_not_take(self, api: API, bob: User, body: dict[str, Any]) -> None:
        assert api.post("users/bulk/", body).status_code == 422

    def test_next_door_and_nowhere_are_the_same_row(self, api: API, bob: User, mallory: User) -> None:
        answer = api.post(
            "users/bulk/", {"verb": "suspend", "ids": [mallory.public_id, "usr_01h455vb4pex5vsknk084sn02q"]}
        )

        errors = [row["error"] for row in answer.body["data"]]
        assert (errors[0], errors[0]["code"]) == (errors[1], "NOT_FOUND")
        assert User.objects.get(pk=mallory.pk).status == "active"

    def test_who_may_do_it_to_nobody_is_refused_whole(self, acme: Organization, alice: User, bob: User) -> None:
        answer = key_of(acme, "user.show", "user.list").post("users/bulk/", {"verb": "suspend", "ids": [bob.public_id]})

        assert answer.status_code == 403


class TestChange:
    """``PATCH``, as the command has it."""

    def test_metadata_and_tags(self, api: API, bob: User) -> None:
        path = f"users/{bob.public_id}/"
        api.patch(path, {"metadata": {"a": 1, "b": 2}, "tags": ["x", "y"]})
        changed = api.patch(path, {"metadata_set": {"c": 3}, "metadata_remove": ["a"]}).body
        assert (changed["metadata"], changed["tags"]) == ({"b": 2, "c": 3}, ["x", "y"])
        changed = api.patch(path, {"metadata": {}, "tags": []}).body
        assert (changed["metadata"], changed["tags"]) == ({}, [])

    def test_ones_own_profile_and_nothing_else(self, alice: User, bob: User) -> None:
        browser = API.of(bob)

        changed = browser.patch("me/", {"nickname": "Bobby"})
        assert (changed.status_code, changed.body["nickname"], changed["ETag"]) == (200, "Bobby", '"v2"')
        assert browser.patch("me/", {"nickname": "B"}, If_Match='"v1"').status_code == 412
        assert browser.patch("me/", {"email": "x@y.example"}).status_code == 422
        assert browser.patch(f"users/{bob.public_id}/", {"email": "x@y.example"}).status_code == 403
        assert browser.get(f"users/{alice.public_id}/").status_code == 404
