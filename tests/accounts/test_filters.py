"""The filters of the user list."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.filters import UserFilter, statuses_named
from accounts.models import Organization, User
from accounts.operations.users import user_create
from accounts.statuses import HIDDEN, Status
from tests.factories.organizations import give
from tests.factories.users import make_user


def names(organization: Organization, query: str) -> set[str]:
    users = UserFilter.parse(query).apply(User.objects.filter(organization=organization))
    return {str(user.username) for user in users}


@pytest.mark.parametrize(
    ("text", "statuses", "unverified"),
    [
        ("", None, False),
        ("active", {"active"}, False),
        ("active,locked", {"active", "locked"}, False),
        (" active , locked,", {"active", "locked"}, False),
        ("enabled,disabled,pending,inactive", {"active", "suspended", "invited", "archived"}, False),
        ("unverified", None, True),
        ("unverified,archived", {"archived"}, True),
        ("all", set(Status), False),
    ],
)
def test_statuses(text: str, statuses: set[str] | None, unverified: bool) -> None:
    named, only = statuses_named(text)

    assert (set(named) if named else None, only) == (statuses, unverified)


@pytest.mark.parametrize("text", ["Active", "deleted", "active;locked", "active locked", "\u0131nvited"])
def test_no_statuses(text: str) -> None:
    with pytest.raises(Invalid):
        statuses_named(text)


@pytest.mark.parametrize("status", list(Status))
def test_each_status_is_shown_by_name_and_some_only_so(acme: Organization, status: Status) -> None:
    user = make_user(acme, "them")
    gone = dict.fromkeys(("email", "email_key", "username", "username_key")) if status is Status.PURGED else {}
    before = {"status_before": "active"} if status is Status.RESTRICTED else {}
    User.objects.filter(pk=user.pk).update(status=status, **gone, **before)
    name = "None" if gone else "them"

    assert names(acme, f"status={status}") == names(acme, "status=all") == {name}
    assert names(acme, "") == (set() if status in HIDDEN else {name})


def test_a_lock_that_has_run_out_is_active_to_filters(acme: Organization) -> None:
    user = make_user(acme, "them", status=Status.LOCKED, status_until=timezone.now() + timedelta(hours=1))
    assert (names(acme, "status=locked"), names(acme, "status=active")) == ({"them"}, set())

    User.objects.filter(pk=user.pk).update(status_until=timezone.now() - timedelta(seconds=1))
    assert (names(acme, "status=locked"), names(acme, "status=active")) == (set(), {"them"})


def test_a_role_is_one_at_home(acme: Organization, nextdoor: Organization, erin: User, bob: User) -> None:
    give(bob, nextdoor, "admin")

    assert names(acme, "role=admin") == {"erin"}


def test_a_domain_is_as_written(operator: Actor, acme: Organization) -> None:
    for name, email in (
        ("one", "a@m\u00fcnchen.example"),
        ("two", "a@sub.m\u00fcnchen.example"),
        ("three", "a@other.example"),
    ):
        user_create(actor=operator, organization=acme, email=email, username=name)

    for domain in ("m\u00fcnchen.example", "M\u00dcNCHEN.example", "@xn--mnchen-3ya.example", "XN--MNCHEN-3YA.EXAMPLE"):
        assert names(acme, f"email_domain={domain}") == {"one"}
    for domain in ("a b", "@", "%25", "_"):
        with pytest.raises(Invalid):
            UserFilter.parse(f"email_domain={domain}")


def test_the_others(acme: Organization, alice: User, bob: User, carol: User) -> None:
    bob.tags.create(name="two words", organization=acme)
    User.objects.filter(pk=carol.pk).update(
        last_sign_in_at=datetime(2026, 1, 1, tzinfo=UTC), email_verified_at=timezone.now()
    )
    User.objects.filter(pk=bob.pk).update(created_at=datetime(2025, 1, 1, tzinfo=UTC))

    assert names(acme, "tag=two+words") == {"bob"}
    assert names(acme, "unverified=true") == names(acme, "status=unverified") == {"alice", "bob"}
    assert names(acme, "never-signed-in=1") == {"alice", "bob"}
    assert names(acme, "inactive_since=2026-01-01") == {"bob"}
    assert names(acme, "inactive_since=2026-01-02") == {"bob", "carol"}
    assert names(acme, f"search={bob.public_id}") == {"bob"}
    assert names(acme, "search=usr_01h455vb4pex5vsknk084sn02q") == set()
    assert names(acme, "search=AR") == set()
    assert names(acme, "search=CAR") == {"carol"}
    assert names(acme, "search=%25") == names(acme, "search=___") == names(acme, 'search="""') == set()


@pytest.mark.parametrize(
    "query",
    [
        "status",
        "status=active&status=locked",
        "never_signed_in=1&never-signed-in=1",
        "password=x",
        "organization_id=1",
        "is_superuser=true",
        "unverified=maybe",
        "inactive_since=yesterday",
        "search=%00",
        "tag=a%00",
        f"search={'x' * 201}",
        "&",
        "=",
    ],
)
def test_what_is_refused(query: str) -> None:
    with pytest.raises(Invalid):
        UserFilter.parse(query)


@given(st.text(max_size=40))
def test_no_query_is_a_fault(query: str) -> None:
    try:
        made = UserFilter.parse(query)
    except Invalid:
        return
    assert made.is_empty == (made == UserFilter())


@given(st.dictionaries(st.sampled_from(["search", "tag", "role", "status", "email_domain"]), st.text(max_size=9)))
def test_what_is_built_can_be_looked_for(values: dict[str, Any]) -> None:
    try:
        made = UserFilter.build(values)
    except Invalid:
        return
    str(made.apply(User.objects.all()).query)
