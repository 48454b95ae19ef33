"""What must hold of roles when two do it at once."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Conflict, NotAllowed, NotFound
from accounts.models import AuditEvent, Organization, Role, RoleAssignment
from accounts.operations.applications import app_delete
from accounts.operations.roles import role_assign, role_delete, role_remove, role_update, roles_run_out
from tests.factories.organizations import give
from tests.factories.roles import give_custom, make_application, make_role
from tests.factories.users import make_user
from tests.races.test_races import THREADS, actor_of, live_owners, refusals, rounds, shell, succeeded, together

pytestmark = [pytest.mark.django_db(transaction=True)]

__all__ = ["rounds", "shell"]


def test_a_role_is_given_while_it_is_deleted(rounds: Iterator[Organization], shell: Actor) -> None:
    for organization in rounds:
        bob = make_user(organization, "bob").memberships.get()
        role = make_role(organization, "desk", "user.show")

        results = together(
            partial(role_assign, actor=shell, membership=bob, role=role), partial(role_delete, actor=shell, role=role)
        )

        assert refusals(results) <= {NotFound}
        assert not RoleAssignment.objects.filter(role_id=role.pk).exists()
        assert not Role.objects.filter(pk=role.pk).exists()


def test_a_role_is_given_while_it_is_widened_beyond_the_giver(
    rounds: Iterator[Organization],
    shell: Actor,
) -> None:
    for organization in rounds:
        make_user(organization, "owner", role="owner")
        erin = actor_of(make_user(organization, "erin", role="admin"))
        bob = make_user(organization, "bob").memberships.get()
        role = make_role(organization, "desk", "user.show")

        results = together(
            partial(role_assign, actor=erin, membership=bob, role=role),
            partial(role_update, actor=shell, role=role, add_permissions=["org.archive"]),
        )

        assert refusals(results) <= {NotAllowed}
        if refusals(results):
            assert not RoleAssignment.objects.filter(role=role).exists()
        else:  # it was given before it was widened
            first = AuditEvent.objects.filter(organization_id=organization.pk, outcome="done").order_by("sequence")
            assert list(first.values_list("action", flat=True)) == ["role.assign", "role.update"]


def test_a_role_is_given_while_the_giver_is_demoted(rounds: Iterator[Organization], shell: Actor) -> None:
    for organization in rounds:
        make_user(organization, "owner", role="owner")
        erin = make_user(organization, "erin", role="admin")
        bob = make_user(organization, "bob").memberships.get()
        role = make_role(organization, "desk", "user.show")
        admin = Role.objects.built_in().get(slug="admin")

        results = together(
            partial(role_assign, actor=actor_of(erin), membership=bob, role=role),
            partial(role_remove, actor=shell, membership=erin.memberships.get(), role=admin),
        )

        done = AuditEvent.objects.filter(organization_id=organization.pk, outcome="done").order_by("sequence")
        actions = list(done.values_list("action", flat=True))
        assert actions == (["role.remove"] if refusals(results) else ["role.assign", "role.remove"])


def test_owners_take_each_others_role(rounds: Iterator[Organization]) -> None:
    owner = Role.objects.built_in().get(slug="owner")
    for organization in rounds:
        owners = [make_user(organization, f"o{number}", role="owner") for number in range(2)]

        results = together(
            partial(role_remove, actor=actor_of(owners[0]), membership=owners[1].memberships.get(), role=owner),
            partial(
                role_assign,
                actor=actor_of(owners[1]),
                membership=owners[0].memberships.get(),
                role=owner,
                until=timezone.now() + timedelta(days=1),
            ),
        )

        assert live_owners(organization) == 1
        assert len(succeeded(results)) == 1


def test_one_role_is_given_eight_times(rounds: Iterator[Organization], shell: Actor) -> None:
    for organization in list(rounds)[:4]:
        bob = make_user(organization, "bob").memberships.get()
        role = make_role(organization, "desk", "user.show")

        together(*(partial(role_assign, actor=shell, membership=bob, role=role) for _ in range(THREADS)))

        assert RoleAssignment.objects.filter(role=role).count() == 1
        assert AuditEvent.objects.filter(organization_id=organization.pk, action="role.assign").count() == 1


def test_two_sweeps_and_an_extension(rounds: Iterator[Organization], shell: Actor) -> None:
    for organization in rounds:
        bob = make_user(organization, "bob")
        role = make_role(organization, "desk", "user.show")
        give_custom(bob, role, until=timezone.now() - timedelta(seconds=1))

        together(
            roles_run_out, roles_run_out, partial(role_assign, actor=shell, membership=bob.memberships.get(), role=role)
        )

        assert [entry.until for entry in RoleAssignment.objects.filter(role=role)] == [None]
        gone = AuditEvent.objects.filter(organization_id=organization.pk, action="role.remove")
        assert gone.count() <= 1


def test_an_application_is_deleted_while_its_role_is_given_to_an_owner_of_elsewhere(
    rounds: Iterator[Organization],
    shell: Actor,
) -> None:
    home = next(rounds)
    make_user(home, "keeper", role="owner")
    for organization in rounds:
        application = make_application(organization, "billing", "billing.refund")
        role = make_role(organization, "clerk", "billing.refund", application=application)
        guest = give(make_user(home, f"guest-{organization.slug}", role="owner"), organization, "member").membership

        results = together(
            partial(role_assign, actor=shell, membership=guest, role=role),
            partial(app_delete, actor=shell, application=application),
        )

        assert refusals(results) <= {NotFound, Conflict}
        assert not RoleAssignment.objects.filter(role_id=role.pk).exists()
