"""The same verb on many, and trying it out."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import Actor
from accounts.errors import Conflict, NotAllowed
from accounts.models import AuditEvent, User
from accounts.operations.bulk import each, tried
from accounts.operations.statuses import user_suspend
from accounts.operations.users import user_tag
from accounts.statuses import Status

Acting = Callable[[User], Actor]


def name(user: User) -> str:
    return str(user.username)


def test_each_has_its_own_result(operator: Actor, alice: User, bob: User, carol: User) -> None:
    user_tag(actor=operator, user=bob, tags=["x"])

    results = list(each([alice, bob, carol], lambda u: user_tag(actor=operator, user=u, tags=["x"]), key=name))

    assert [(result.key, result.result) for result in results] == [
        ("alice", "ok"),
        ("bob", "unchanged"),
        ("carol", "ok"),
    ]


def test_a_refusal_is_not_the_end(operator: Actor, alice: User, bob: User) -> None:
    results = list(each([alice, bob], lambda u: user_suspend(actor=operator, user=u), key=name))

    assert [result.result for result in results] == ["failed", "ok"]
    assert isinstance(results[0].error, Conflict)
    assert User.objects.get(pk=bob.pk).status == Status.SUSPENDED


def test_trying_changes_nothing_and_says_what_would(
    operator: Actor, alice: User, bob: User, carol: User, everything: Callable[[], Any]
) -> None:
    user_suspend(actor=operator, user=carol)
    before = everything()

    results = tried([alice, bob, carol], lambda u: user_suspend(actor=operator, user=u, reason="why"), key=name)

    assert everything() == before
    assert [(result.key, result.result) for result in results] == [
        ("alice", "failed"),
        ("bob", "ok"),
        ("carol", "failed"),
    ]
    assert results[1].changes == [
        {
            "action": "user.suspend",
            "reason": "why",
            "before": {"status": "active", "status_reason": ""},
            "after": {"status": "suspended", "status_reason": "why"},
        }
    ]


def test_trying_sees_what_came_before_it(operator: Actor, acting: Acting, alice: User, bob: User) -> None:
    results = tried([bob, bob], lambda u: user_suspend(actor=operator, user=u), key=name)

    assert [result.result for result in results] == ["ok", "failed"]


def test_a_refusal_that_was_only_tried_leaves_no_trace(acting: Acting, frank: User, erin: User) -> None:
    (result,) = tried([erin], lambda u: user_suspend(actor=acting(frank), user=u), key=name)

    assert isinstance(result.error, NotAllowed)
    assert not AuditEvent.objects.exists()


def test_trying_never_touches_the_trail(operator: Actor, bob: User, carol: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        results = tried([bob, carol], lambda u: user_suspend(actor=operator, user=u), key=name)

    assert [result.result for result in results] == ["ok", "ok"]
    assert [query["sql"] for query in queries if "accounts_audit" in query["sql"]] == []
