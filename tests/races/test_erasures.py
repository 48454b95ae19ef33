"""Erasure against everything that happens at the same moment: real threads, on both databases."""

from functools import partial
from typing import Any

import pytest

from accounts import ledger, policy
from accounts.actors import Actor, Door
from accounts.models import APIKey, AuditEvent, Session, User
from accounts.operations.api_keys import api_key_create
from accounts.operations.audit import audit_verify
from accounts.operations.base import NewPassword
from accounts.operations.recovery import admin_link, link_redeem
from accounts.operations.sessions import session_start
from accounts.operations.users import user_tag, user_update
from accounts.statuses import Status
from gdpr.models import Erasure
from gdpr.operations import plans
from gdpr.operations.background import erase_begin
from gdpr.operations.erasure import erase, erasure_cancel
from gdpr.operations.sweeping import erasures_finish
from tests.factories.organizations import make_organization
from tests.factories.users import PASSWORD, make_user
from tests.races.test_races import actor_of, succeeded, together

pytestmark = [pytest.mark.django_db(transaction=True)]

ROUNDS = 4


@pytest.fixture
def shell() -> Actor:
    return policy.operator(os_user="tester")


def is_erased(user: User) -> bool:
    """Whether nothing is left that the map says goes."""
    assert User.objects.get(pk=user.pk).status == Status.PURGED
    return all(step.is_done() for step in plans.erasure(user.pk, removing_account=False))


@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
def test_two_at_once_give_one_receipt(how: str, shell: Actor) -> None:
    organization = make_organization("acme")
    for number in range(ROUNDS):
        bob = make_user(organization, f"bob-{number}")

        results = together(*[partial(erase, actor=shell, user=bob, how=how, reason="asked")] * 4)

        done = succeeded(results)
        assert {entry.receipt["signature"]["value"] for entry in done} == {
            Erasure.objects.get(user_id=bob.pk).receipt["signature"]["value"]  # type: ignore[index]
        }
        assert AuditEvent.objects.filter(subject_id=bob.pk, action=f"user.{how}").count() == 1
        assert [line["user"] for line, _ in ledger.entries("erasure")].count(str(bob.pk)) == 1
    assert audit_verify(actor=shell).faults == []


@pytest.mark.parametrize("how", [Erasure.PURGE, Erasure.DELETE])
def test_begun_taken_up_and_done_at_once_gives_one_receipt(how: str, shell: Actor) -> None:
    organization = make_organization("acme")
    for number in range(ROUNDS):
        bob = make_user(organization, f"bob-{number}")

        begun = succeeded(together(*[partial(erase_begin, actor=shell, user=bob, how=how)] * 3))
        results = together(*[erasures_finish] * 3, partial(erase, actor=shell, user=bob, how=how))

        succeeded(results)
        receipt: Any = Erasure.objects.get(user_id=bob.pk).receipt
        assert receipt["scan"]["whole_database"]["residue"] == 0
        assert len({erasure.pk for erasure in begun}) == 1
        assert AuditEvent.objects.filter(subject_id=bob.pk, action=f"user.{how}").count() == 2
        assert [line["user"] for line, _ in ledger.entries("erasure")].count(str(bob.pk)) == 1
    assert audit_verify(actor=shell).faults == []


def test_against_everything_that_would_leave_something(shell: Actor) -> None:
    organization = make_organization("acme")
    anybody = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Firefox")
    for number in range(ROUNDS):
        bob = make_user(organization, f"bob-{number}", role="admin")
        address, key_hash = str(bob.email), f"{number:040x}"
        token = admin_link(actor=shell, user=bob).rstrip("/").rpartition("/")[2]
        acting = actor_of(bob)

        def sign_in(address: str = address, key_hash: str = key_hash) -> Any:
            return session_start(
                actor=anybody, organization=organization, login=address, password=PASSWORD, key_hash=key_hash
            )

        together(
            partial(erase, actor=shell, user=bob, how=Erasure.PURGE),
            sign_in,
            partial(user_update, actor=acting, user=bob, changes={"nickname": "Still here"}),
            partial(user_tag, actor=shell, user=bob, tags=["late"]),
            partial(api_key_create, actor=acting, organization=organization, name="late", scopes=["user.show"]),
            partial(
                link_redeem,
                actor=anybody,
                token=token,
                password=NewPassword("correct horse battery staple"),
                key_hash=f"{number + 1000:040x}",
            ),
        )

        assert is_erased(bob)
        assert not Session.objects.filter(user=bob).exists()
        assert not APIKey.objects.filter(made_by=bob).exists()
    assert audit_verify(actor=shell).faults == []


def test_called_off_or_done_one_of_the_two(shell: Actor) -> None:
    organization = make_organization("acme")
    from datetime import timedelta

    from django.utils import timezone

    for number in range(ROUNDS):
        bob = make_user(organization, f"bob-{number}")
        erase(actor=shell, user=bob, how=Erasure.PURGE, at=timezone.now() + timedelta(days=1))

        together(
            partial(erase, actor=shell, user=bob, how=Erasure.PURGE, at=timezone.now()),
            partial(erasure_cancel, actor=shell, user=bob),
        )

        erasures = {entry.status for entry in Erasure.objects.filter(user_id=bob.pk)}
        bob.refresh_from_db()
        assert bob.status == Status.PURGED
        assert erasures in ({Erasure.COMPLETE}, {Erasure.CANCELLED, Erasure.COMPLETE})


def test_the_last_two_owners_are_not_both_erased(shell: Actor) -> None:
    for number in range(ROUNDS):
        organization = make_organization(f"acme-{number}")
        owners = [make_user(organization, f"o{place}", role="owner") for place in range(2)]

        together(*(partial(erase, actor=shell, user=owner, how=Erasure.PURGE) for owner in owners))

        assert User.objects.filter(pk__in=[owner.pk for owner in owners], status=Status.PURGED).count() == 1
