"""Claims at the shell."""

import io
import json

import pytest

from accounts.models import ClaimDefinition, ClaimValue, Organization, User
from tests.factories.claims import make_claim, say
from tests.factories.roles import make_application
from tests.shell import Terminal, run


@pytest.fixture
def department(acme: Organization, bob: User, carol: User) -> ClaimDefinition:
    """A claim that says something of two people."""
    made = make_claim(acme)
    say(bob, made, "Engineering")
    say(carol, made, "Lab")
    return made


def test_the_table_of_a_users_claims(acme: Organization, bob: User, department: ClaimDefinition) -> None:
    say(bob, make_claim(acme, "langs", type="strings", application=make_application(acme)), ["en", "de"])
    say(bob, make_claim(acme, "vip", type="boolean"), False)

    result = run("user_claims", "list", bob.public_id)

    assert [line.split() for line in result.out.splitlines()] == [
        ["APPLICATION", "CLAIM", "TYPE", "VALUE"],
        ["department", "string", "Engineering"],
        ["vip", "boolean", "no"],
        ["crm", "langs", "strings", "en,", "de"],
    ]


def test_show_and_list_say_the_same(bob: User, department: ClaimDefinition) -> None:
    shown = run("user_show", bob.public_id, "--json").json["claims"]

    assert shown == run("user_claims", "list", bob.public_id, "--json").json["data"]
    assert [(row["application"], row["claim"], row["value"]) for row in shown] == [(None, "department", "Engineering")]
    assert (
        run("user_list", "--org", "acme", "--claim", "department=Lab", "--json").json["data"][0]["username"] == "carol"
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["set"], 4),
        (["set", "--claim", "department"], 4),
        (["set", "--claim", "nothing", "--value", "x"], 3),
        (["set", "--claim", "department", "--app", "crm", "--value", "x"], 3),
        (["set", "--claim", "age", "--value", "old"], 4),
        (["set", "--claim", "age", "--value", "true"], 4),
        (["remove"], 4),
        (["remove", "--claim", "a\x00b"], 3),
    ],
)
def test_what_cannot_be_set(
    acme: Organization, bob: User, department: ClaimDefinition, words: list[str], code: int
) -> None:
    make_claim(acme, "age", type="integer")

    result = run("user_claims", words[0], bob.public_id, *words[1:])

    assert (result.code, result.out) == (code, "")
    assert ClaimValue.objects.get(user=bob).value == "Engineering"


def test_a_dry_run_lists_what_would_not_fit_and_ends_as_the_real_run(bob: User, department: ClaimDefinition) -> None:
    words = ["claim_update", department.public_id, "--schema", '{"maxLength": 5}']

    tried, real = run(*words, "--dry-run", "--json"), run(*words, "--json")

    assert (tried.code, real.code) == (4, 4)
    assert tried.json["unfit"] == [{"user": bob.public_id, "problem": "is not what the claim allows (maxLength 5)"}]
    assert (tried.json["unfit_total"], tried.json["error"]["code"]) == (1, "CONFLICT")
    assert real.error["code"] == "CONFLICT"
    assert run(*words, "--dry-run", "--invalid", "delete").code == 0
    assert ClaimValue.objects.count() == 2


def test_it_asks_before_values_go(department: ClaimDefinition) -> None:
    narrowing = ["claim_update", department.public_id, "--schema", '{"maxLength": 5}', "--invalid", "delete"]
    deleting = ["claim_delete", department.public_id]
    for words, question in ((narrowing, "Delete 1 value of department"), (deleting, "what it says of 2 people?")):
        assert run(*words, stdin=io.StringIO()).code == 4
        asked = run(*words, stdin=Terminal("n\n"))
        assert asked.code == 4
        assert question in asked.err
        assert ClaimValue.objects.count() == 2

    assert run(*narrowing, stdin=Terminal("y\n")).code == 0
    assert json.loads(run(*deleting, "--yes", "--json").out) == {
        "id": department.public_id, "result": "deleted", "values": 1,
    }  # fmt: skip


def test_a_name_is_the_organizations_and_app_name_an_applications(acme: Organization) -> None:
    own, theirs = make_claim(acme), make_claim(acme, application=make_application(acme))

    assert run("claim_show", "department", "--org", "acme", "--json").json["id"] == own.public_id
    for words in (
        ["crm/department", "--org", "acme"],
        ["department", "--app", "crm", "--org", "acme"],
        [theirs.public_id],
    ):
        assert run("claim_show", *words, "--json").json["id"] == theirs.public_id
    assert run("claim_show", "department").code == 3
    listed = run("claim_list", "--org", "acme", "--app", "crm", "--json").json["data"]
    assert [row["application"] for row in listed] == ["crm"]


def test_a_new_account_with_claims(department: ClaimDefinition) -> None:
    words = ["user_create", "--org", "acme", "--email", "kim@acme.example"]

    assert run(*words, "--claim", "department").code == 4
    assert run(*words, "--claim", "department=Lab", "--claim", "department=Lab").code == 4
    assert run(*words, "--claim", "nothing=Lab").code == 3
    assert run(*words, "--claim", "department=a=b").code == 0
    assert ClaimValue.objects.get(user__email="kim@acme.example").value == "a=b"
