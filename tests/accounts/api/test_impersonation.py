"""``POST /users/{id}/impersonate/`` and ``/me/stop-impersonation/``, and what the token opens."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.actors import Actor, Door
from accounts.models import AuditEvent, Organization, Session, User
from accounts.operations.organizations import org_update
from accounts.operations.tokens import token_start
from accounts.policy import anonymous
from tests.accounts.api.programs import API, key_of
from tests.factories.users import PASSWORD

pytestmark = pytest.mark.django_db
REASON = {"reason": "Ticket 4521"}


@pytest.fixture
def program(alice: User) -> API:
    """A program in which alice signed in."""
    issued = token_start(
        actor=anonymous(door=Door.API), organization=alice.organization, login="alice", password=PASSWORD
    )
    return API.bearing(issued.access_token)


def begun(program: API, user: User, **more: str) -> API:
    answer = program.post(f"users/{user.public_id}/impersonate/", {**REASON, **more})
    assert answer.status_code == 200, answer.body
    return API.bearing(answer.body["access_token"])


def test_answers_exactly_four_fields(program: API, bob: User) -> None:
    answer = program.post(f"users/{bob.public_id}/impersonate/", {**REASON, "duration": "15m"})

    session, event = Session.objects.get(kind="impersonation"), AuditEvent.objects.get(action="user.impersonate")
    assert set(answer.body) == {"access_token", "expires_at", "user_id", "audit_event_id"}
    assert (answer.body["user_id"], answer.body["audit_event_id"]) == (bob.public_id, event.public_id)
    assert answer.body["expires_at"] == session.expires_at.isoformat().replace("+00:00", "Z")
    assert answer["Cache-Control"] == "no-store"


def test_the_token_shows_the_service_as_the_person_sees_it(program: API, bob: User, carol: User) -> None:
    acting = begun(program, bob)

    assert acting.get("me/").body["id"] == bob.public_id
    assert acting.patch("me/", {"nickname": "Bobby"}).body["nickname"] == "Bobby"
    assert acting.get(f"users/{carol.public_id}/").status_code == 404
    assert program.get(f"users/{carol.public_id}/").status_code == 200
    (shown,) = acting.get(f"users/{bob.public_id}/sessions/").body["data"]
    assert (shown["kind"], shown["reason"], shown["impersonator"]) == (
        "impersonation",
        "Ticket 4521",
        User.objects.get(username="alice").public_id,
    )


def test_the_trail_shows_both(program: API, alice: User, bob: User) -> None:
    begun(program, bob).patch("me/", {"nickname": "Bobby"})

    (shown,) = program.get("audit-events/?action=user.update").body["data"]

    assert (shown["actor"], shown["acting_as"], shown["subject"]) == (alice.public_id, bob.public_id, bob.public_id)
    (other,) = program.get("audit-events/?action=user.impersonate").body["data"]
    assert (other["actor"], other["acting_as"]) == (alice.public_id, None)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "me/email/", {"email": "new@example.com", "current_password": PASSWORD}),
        ("POST", "users/{id}/set-password/", {"password": "correct horse battery staple"}),
        ("POST", "users/{id}/sign-out/", {}),
        ("DELETE", "users/{id}/sessions/", {}),
        ("POST", "users/{id}/export/", {"format": "json"}),
        ("POST", "users/{id}/purge/", {}),
        ("POST", "users/{id}/impersonate/", REASON),
        ("POST", "api-keys/", {"organization": "acme", "name": "x", "scopes": ["user.show"]}),
        ("POST", "users/{id}/roles/", {"role": "admin"}),
    ],
)
def test_what_is_not_for_borrowed_hands(
    program: API, erin: User, method: str, path: str, body: Any, everything: Callable[[], Any]
) -> None:
    acting = begun(program, erin)
    before = everything()

    answer = acting(method, path.format(id=erin.public_id), body)

    assert (answer.status_code, answer.body["code"]) == (403, "FORBIDDEN")
    assert everything() == before


def test_exports_are_neither_listed_nor_fetched(program: API, erin: User) -> None:
    made = program.post(f"users/{erin.public_id}/export/", {"format": "json"})
    acting = begun(program, erin)

    for path in ("personal-data/exports/?org=acme", f"personal-data/exports/{made.body['id']}/file/"):
        assert acting.get(path).status_code in {403, 404}, path


def test_is_stopped_with_the_token_itself(program: API, bob: User) -> None:
    acting = begun(program, bob)

    assert acting.post("me/stop-impersonation/").status_code == 204

    assert acting.get("me/").status_code == 401
    assert acting.post("me/stop-impersonation/").status_code == 401
    assert program.get("me/").status_code == 200


def test_nobody_who_is_themselves_stops_anything(program: API, alice: User, bob: User) -> None:
    begun(program, bob)

    for client in (program, API.of(alice), key_of(alice)):
        assert client.post("me/stop-impersonation/").status_code == 404
    assert Session.objects.live().filter(kind="impersonation").count() == 1


def test_dies_with_the_programs_own_session(program: API, bob: User, alice: User) -> None:
    acting = begun(program, bob)
    own = Session.objects.get(user=alice, kind="api")

    assert program.post(f"sessions/{own.public_id}/revoke/").status_code == 200

    assert acting.get("me/").status_code == 401


def test_a_key_acts_and_is_named(alice: User, bob: User) -> None:
    program = key_of(alice, "user.show", "user.impersonate", "session.list")

    acting = begun(program, bob)

    (shown,) = acting.get(f"users/{bob.public_id}/sessions/").body["data"]
    assert shown["impersonator"].startswith("key_")
    assert acting.get("me/").body["id"] == bob.public_id


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({**REASON, "duration": "61m"}, "duration"),
        ({**REASON, "duration": "soon"}, "duration"),
        ({**REASON, "duration": 30}, "duration"),
        ({**REASON, "duration": "2030-01-01"}, "duration"),
    ],
)
def test_what_it_does_not_take(program: API, bob: User, body: Any, field: str, everything: Callable[[], Any]) -> None:
    before = everything()

    answer = program.post(f"users/{bob.public_id}/impersonate/", body)

    assert (answer.status_code, [error["field"] for error in answer.body["errors"]]) == (422, [field])
    assert everything() == before


def test_how_long_is_the_organizations_to_settle(program: API, bob: User, acme: Organization, operator: Actor) -> None:
    assert program.get(f"organizations/{acme.public_id}/").body["impersonation_max"] == "1h"
    org_update(actor=operator, organization=acme, impersonation_max=None)

    changed = program.patch(f"organizations/{acme.public_id}/", {"impersonation_max": "90m"})

    assert changed.body["impersonation_max"] == "90m"
    begun(program, bob, duration="90m")
    for wrong in ("25h", "30s", "90", ""):
        assert program.patch(f"organizations/{acme.public_id}/", {"impersonation_max": wrong}).status_code == 422
