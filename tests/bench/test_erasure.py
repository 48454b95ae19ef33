"""The benchmark of erasure in small, and what it cannot show: plans, and that no query comes with other people."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import policy
from accounts.models import Invite, InviteClaim, InviteRole, Organization, Role, User
from gdpr.models import Erasure, LegalHold
from gdpr.operations import plans
from gdpr.operations.erasure import erase_rows
from tests.bench.erasure import measure
from tests.bench.world import load, load_histories
from tests.factories.claims import make_claim
from tests.factories.organizations import make_organization

ERASED = "person5"
AT = datetime(2031, 1, 1, tzinfo=UTC)
OF_NOBODY = {
    "django_admin_log": "Django's own; nothing writes it",
    "django_tasks_database_dbtaskresult": "of no organization; the worker forgets what is done",
    "accounts_idempotencykey": "of no organization; forgotten after a day",
}
"""What is read from one end to the other, because a mention of the person may stand in any row, and why it is short."""


@pytest.mark.django_db(transaction=True)
def test_the_benchmark_runs_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    measure(300, 20)

    told = capsys.readouterr().out
    erasures = Erasure.objects.all()
    assert {erasure.status for erasure in erasures} == {Erasure.COMPLETE, Erasure.ERASED}
    assert erasures.filter(status=Erasure.COMPLETE).count() == 1 + 1 + 20
    assert User.objects.filter(status="purged").count() == erasures.count() == 1 + 1 + 20 + 1 + 1
    assert re.search(r"20 of 300 people erased, with the check: [\d.]+ people/s", told)
    assert "searched for 20 people in one pass, residue 0: " in told
    assert len(re.findall(r"growth from 3 to 300 people.*3: 1\.00 times, 30: [\d.]+ times, 300: ", told)) == 2


@pytest.fixture
def crowd(db: None) -> list[Organization]:
    """Ten organizations of fifty."""
    organizations = [make_organization(f"of-{place}") for place in range(10)]
    for organization in organizations:
        load(organization, 50)
        load_histories(organization)
    LegalHold.objects.bulk_create(
        LegalHold(organization_id=user.organization_id, user=user, reason="Case 7", exemption="17(3)(e)", review_at=AT)
        for user in User.objects.exclude(email__startswith=f"{ERASED}@")
    )
    for organization in organizations:
        invite_everybody(organization)
    return organizations


def invite_everybody(organization: Organization) -> None:
    """Let the others of an organization have come by invites, with a role and a claim each."""
    role, definition = Role.objects.built_in().get(slug="member"), make_claim(organization)
    others = User.objects.filter(organization=organization).exclude(email__startswith=f"{ERASED}@")
    invites = Invite.objects.bulk_create(
        Invite(organization=organization, kind="email", user=user, invited_by_kind="operator", expires_at=AT)
        for user in others
    )
    InviteRole.objects.bulk_create(InviteRole(invite=invite, role=role) for invite in invites)
    InviteClaim.objects.bulk_create(
        InviteClaim(invite=invite, definition=definition, value="Sales") for invite in invites
    )


def pretend_that_tables_are_long() -> None:
    """Let the planner take short tables for long ones, so that it shows what it does when they are."""
    if connection.vendor == "postgresql":
        statements = ["SET CONSTRAINTS ALL IMMEDIATE", "ANALYZE"]
        statements += [f"SET LOCAL enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin")]
        statements.append("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relkind = 'r' AND reltuples < 1000")
    else:
        statements = ["ANALYZE", "DELETE FROM sqlite_stat1", "ANALYZE sqlite_schema"]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def queries_of_an_erasure(user: User, how: str) -> list[str]:
    """Erase somebody, look at how, and take it back."""
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        erase_rows(actor=policy.operator(os_user="tester"), user=user, how=how)
        transaction.set_rollback(True)
    return [entry["sql"] for entry in captured.captured_queries]


@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
@pytest.mark.django_db
def test_other_people_cost_no_query(how: str) -> None:
    organization = make_organization("acme")
    numbers = []
    for total, first in ((11, 0), (201, 11)):
        load(organization, total, first=first)
        load_histories(organization)
        user = User.objects.get(email=f"{ERASED}@acme.example")
        numbers.append(len(queries_of_an_erasure(user, how)))

    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
def test_every_step_runs_along_an_index(crowd: list[Organization], how: str) -> None:
    user = User.objects.get(email=f"{ERASED}@of-5.example")
    whole: dict[str, str] = {}
    asked = [query for query in queries_of_an_erasure(user, how) if re.match("SELECT|UPDATE|DELETE", query)]
    pretend_that_tables_are_long()
    for query in asked:
        whole |= dict.fromkeys(read_from_end_to_end(query), query)

    steps = {step.table.name for step in plans.erasure(user.pk, removing_account=how == Erasure.DELETE)}
    assert steps <= {name for query in asked for name in re.findall(r'"(\w+_\w+)"', query)}
    assert not {name: query for name, query in whole.items() if name not in OF_NOBODY}


def read_from_end_to_end(query: str) -> set[str]:
    """Name the tables of which the query reads every row, or every entry of an index."""
    sqlite = connection.vendor == "sqlite"
    explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN (FORMAT JSON) "
    with connection.cursor() as cursor:
        cursor.execute(explain + query.replace("%", "%%"), () if "%" in query else None)
        rows = cursor.fetchall()
    if sqlite:
        lines = [str(row[-1]) for row in rows]
        return {match[1] for line in lines if (match := re.match(r"SCAN (\w+)", line))} - {"CONSTANT"}
    told = rows[0][0] if isinstance(rows[0][0], list) else json.loads(rows[0][0])
    return set(unindexed(told[0]["Plan"]))


def unindexed(node: dict[str, Any]) -> list[str]:
    """Name the tables that a plan reads without asking an index for some of them."""
    below = [name for child in node.get("Plans", ()) for name in unindexed(child)]
    is_whole = "Relation Name" in node and node["Node Type"].endswith("Scan")
    return below + ([node["Relation Name"]] if is_whole and not node.keys() & {"Index Cond", "Recheck Cond"} else [])
