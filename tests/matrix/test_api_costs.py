"""What the API costs, thirty rows as much as one; and what it leaves behind, the same as the command."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import policy
from accounts.actions import BUILT_IN_ROLES
from accounts.models import APIKey, AuditEvent, AuditPart, Organization, User
from accounts.operations.api_keys import SCOPES
from accounts.operations.invites import user_invite
from accounts.operations.users import user_tag
from accounts.statuses import Status
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_open
from tests.accounts.api.programs import API, key_of
from tests.factories.claims import make_claim
from tests.factories.letters import make_failed_letter
from tests.factories.organizations import make_guest, make_organization
from tests.factories.roles import give_custom, make_application, make_role
from tests.factories.users import SessionFactory, make_user
from tests.shell import run

LISTS = (
    "users/", "users/?member_of=acme", "memberships/", "api-keys/", "letters/", "letters/?state=failed",
    "sessions/", "audit-events/", "organizations/", "applications/", "roles/", "permissions/", "claims/", "invites/",
    "personal-data/holds/", "personal-data/requests/",
)  # fmt: skip


@pytest.fixture
def api(acme: Organization, alice: User) -> API:
    """A key with everything that an owner of acme has."""
    return key_of(acme, *sorted(SCOPES & set(BUILT_IN_ROLES["owner"])))


def counted(api: API, path: str) -> int:
    api.get("me/")  # notes that the key is in use
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert api.get(path).status_code == 200
    return len(queries)


def fill(acme: Organization, nextdoor: Organization, numbers: range) -> None:
    """Add to every list."""
    for number in numbers:
        user = make_user(acme, f"person-{number}", role="moderator")
        user_tag(actor=policy.operator(os_user="tester"), user=user, tags=["x", "y"])
        SessionFactory.create(user=user)
        make_failed_letter(user)
        hold_place(actor=policy.operator(os_user="tester"), user=user, reason="Case 9", exemption="e")
        request_open(actor=policy.operator(os_user="tester"), user=user, kind="access")
        make_guest(make_user(nextdoor, f"guest-{number}"), acme)
        application = make_application(acme, f"app-{number}", "billing.refund")
        make_claim(acme, f"claim-{number}", application=application)
        give_custom(user, make_role(acme, f"role-{number}", "user.show"))
        give_custom(user, make_role(acme, f"role-{number}", "billing.refund", application=application))
        user_invite(
            actor=policy.operator(os_user="tester"), organization=acme, email=f"i-{number}@example.com", roles=["admin"]
        )
        APIKey.objects.create(
            organization=acme, name="x", made_by=user, scopes=[], lookup=f"{number:012d}", secret_hash="0" * 64,
            expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip


def build() -> dict[str, tuple[int, int]]:
    """Count the queries of each list with one row, and with thirty more; then there are none again."""
    with transaction.atomic():
        acme, nextdoor = make_organization("acme"), make_organization("nextdoor")
        make_user(acme, "alice", role="owner")
        api = key_of(acme, *sorted(SCOPES & set(BUILT_IN_ROLES["owner"])))
        fill(acme, nextdoor, range(1))
        few = {path: counted(api, path) for path in LISTS}
        fill(acme, nextdoor, range(1, 31))
        whole = {
            path: path if path == "permissions/" else f"{path}{'&' if '?' in path else '?'}limit=100" for path in LISTS
        }
        counts = {path: (few[path], counted(api, whole[path])) for path in LISTS}
        transaction.set_rollback(True)
    return counts


@pytest.mark.parametrize("path", LISTS)
def test_a_list_costs_the_same_for_thirty_rows(standing: dict[str, tuple[int, int]], path: str) -> None:
    few, many = standing[path]

    assert many == few


def test_a_key_costs_one_query(api: API) -> None:
    assert counted(api, "me/") == 1


VERBS: dict[str, tuple[Status, dict[str, Any], list[str]]] = {
    "suspend": (Status.ACTIVE, {}, []),
    "activate": (Status.SUSPENDED, {}, []),
    "lock": (Status.ACTIVE, {"until": "2027-01-01"}, ["--until", "2027-01-01"]),
    "unlock": (Status.LOCKED, {}, []),
    "archive": (Status.ACTIVE, {}, []),
    "restrict": (Status.ACTIVE, {}, []),
    "unrestrict": (Status.RESTRICTED, {}, []),
    "confirm": (Status.ACTIVE, {}, []),
    "unconfirm": (Status.ACTIVE, {}, []),
    "tag": (Status.ACTIVE, {"tags": ["x", "y"]}, ["x", "y"]),
    "untag": (Status.ACTIVE, {"tags": ["old"]}, ["old"]),
    "set": (
        Status.ACTIVE,
        {"moderator": True, "confirmed": True, "locked": True},
        ["--moderator", "--confirmed", "--locked"],
    ),
    "sign-out": (Status.ACTIVE, {}, []),
    "reset-password": (Status.ACTIVE, {}, []),
}
OF_THE_ROW = {"id", "organization", "email", "username", "name", "created_at", "updated_at"}


@pytest.mark.parametrize("verb", VERBS)
def test_the_api_leaves_what_the_command_leaves(
    api: API, acme: Organization, last_event: Callable[[], AuditEvent], verb: str
) -> None:
    status, body, words = VERBS[verb]
    left = []
    for door in ("api", "cli"):
        user = make_user(acme, f"by-{door}")
        user_tag(actor=policy.operator(os_user="tester"), user=user, tags=["old"])
        before = Status.ACTIVE if status is Status.RESTRICTED else ""
        User.objects.filter(pk=user.pk).update(status=status, status_before=before)
        SessionFactory.create(user=user)
        if verb == "unconfirm":
            User.objects.filter(pk=user.pk).update(email_verified_at=user.created_at)
        if door == "api":
            answer = api.post(f"users/{user.public_id}/{verb}/", {**body, "reason": "why"})
            assert answer.status_code == 200, answer.body
            shown = answer.body
        else:
            result = run(f"user_{verb.replace('-', '_')}", user.public_id, *words, "--reason", "why", "--json")
            assert result.code == 0, result.err
            shown = result.json
        event = last_event()
        assert (event.action, event.door, event.subject_id) == (f"user.{verb.replace('-', '_')}", door, user.pk)
        row = User.objects.filter(pk=user.pk).values("status", "status_reason", "status_until", "version").get()
        confirmed, live = User.objects.get(pk=user.pk).email_verified, user.sessions.filter(ended_at=None).count()
        left.append(
            (
                {key: value for key, value in shown.items() if key not in OF_THE_ROW},
                event.outcome,
                event.part(AuditPart.SUBJECT),
                row,
                confirmed,
                live,
            )
        )

    assert left[0] == left[1]
