"""``user_impersonate``, and what other commands show of it."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.errors import Exit
from accounts.models import AuditEvent, Organization, Session, User
from accounts.operations.tokens import token_authenticated
from tests.accounts.api.programs import API
from tests.shell import run

pytestmark = pytest.mark.django_db
ORG = ("--org", "acme")
REASON = ("--reason", "Ticket 4521")


def test_prints_exactly_four_fields_as_json(bob: User) -> None:
    result = run("user_impersonate", "bob", *ORG, *REASON, "--duration", "15m")

    session, event = Session.objects.get(), AuditEvent.objects.get()
    assert (result.code, result.err) == (0, "")
    assert set(result.json) == {"access_token", "expires_at", "user_id", "audit_event_id"}
    assert (result.json["user_id"], result.json["audit_event_id"]) == (bob.public_id, event.public_id)
    assert token_authenticated(result.json["access_token"]) == session
    assert (session.impersonator, event.actor_kind, event.door) == ("operator", "operator", "cli")


def test_a_dry_run_gives_no_token(bob: User, everything: Callable[[], Any]) -> None:
    before = everything()

    result = run("user_impersonate", "bob", *ORG, *REASON, "--dry-run", "--json")

    assert (result.code, result.json["result"]) == (0, "ok")
    assert "access_token" not in result.out
    assert everything() == before


@pytest.mark.parametrize("options", [(), ("--reason", ""), (*REASON, "--duration", "2h"), (*REASON, "--duration", "x")])
def test_what_it_does_not_take(bob: User, everything: Callable[[], Any], options: tuple[str, ...]) -> None:
    before = everything()

    result = run("user_impersonate", "bob", *ORG, *options, "--json")

    assert (result.code, result.out, result.error["code"]) == (Exit.INVALID, "", "VALIDATION")
    assert everything() == before


def test_as_a_super_user_nobody(root: User) -> None:
    result = run("user_impersonate", "root", "--org", "default", *REASON, "--json")

    assert (result.code, result.error["code"]) == (Exit.NOT_ALLOWED, "FORBIDDEN")


def test_its_session_is_listed_with_who_acts_and_revoked_like_others(bob: User) -> None:
    token = run("user_impersonate", "bob", *ORG, *REASON).json["access_token"]
    listed = run("user_sessions", "list", "bob", *ORG)
    (shown,) = run("user_sessions", "list", "bob", *ORG, "--json").json["data"]

    assert "(acting: operator)" in listed.out
    assert (shown["kind"], shown["impersonator"], shown["reason"]) == ("impersonation", "operator", "Ticket 4521")
    revoked = run("user_sessions", "revoke", "bob", *ORG, "--session-id", shown["id"])
    assert revoked.code == 0
    refused = run("user_profile", "--token", token)
    assert refused.code == Exit.NOT_ALLOWED


def test_the_token_is_the_persons_profile(bob: User) -> None:
    token = run("user_impersonate", "bob", *ORG, *REASON).json["access_token"]

    assert run("user_profile", "--token", token, "--json").json["id"] == bob.public_id


def test_the_trail_names_both(alice: User, bob: User) -> None:
    token = run("user_impersonate", "bob", *ORG, *REASON).json["access_token"]
    API.bearing(token).patch("me/", {"nickname": "Bobby"})

    table = run("audit_list", *ORG, "--action", "user.update")

    assert f"operator as {bob.public_id}" in table.out


def test_how_long_is_settled_by_the_organization(acme: Organization, bob: User) -> None:
    changed = run("org_update", "acme", "--impersonation-max", "2h", "--json")

    assert (changed.code, changed.json["impersonation_max"]) == (0, "2h")
    assert run("user_impersonate", "bob", *ORG, *REASON, "--duration", "2h").code == 0
    for wrong in ("25h", "30s", "2030-01-01", "-1h"):
        refused = run("org_update", "acme", f"--impersonation-max={wrong}", "--json")
        assert (refused.code, refused.error["code"]) == (Exit.INVALID, "VALIDATION"), wrong
