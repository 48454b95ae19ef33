"""What must hold when two do it at once: real threads, a barrier, some rounds each.

A refusal (``AccountsError``) is a fine way to lose a race; a database error is not.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connections

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import AccountsError, Conflict, NotAllowed, NotAuthenticated, VersionConflict
from accounts.models import (
    APIKey,
    AuditChain,
    AuditEvent,
    EmailChange,
    OneTimeLink,
    Organization,
    Outbox,
    Purpose,
    RoleAssignment,
    Session,
    User,
)
from accounts.operations.addresses import email_change, email_confirm
from accounts.operations.api_keys import api_key_create
from accounts.operations.audit import audit_verify
from accounts.operations.base import NewPassword
from accounts.operations.links import mint
from accounts.operations.organizations import membership_add, membership_remove, org_suspend
from accounts.operations.outbox import deliver, letter_retry, tell
from accounts.operations.recovery import admin_link, link_redeem, password_reset, user_reset_password
from accounts.operations.sessions import session_start
from accounts.operations.statuses import user_activate, user_archive, user_suspend
from accounts.operations.users import user_create, user_set, user_tag, user_update
from accounts.statuses import Status
from tests.accounts.mailbox import token_of
from tests.factories.letters import make_failed_letter
from tests.factories.organizations import give, make_organization
from tests.factories.users import PASSWORD, make_email_change, make_user

pytestmark = [pytest.mark.django_db(transaction=True)]

THREADS = 8
ROUNDS = 12
Call = Callable[[], Any]


def together(*calls: Call) -> list[Any]:
    """Make all calls at the same moment; gives what each returned or how it was refused."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(place: int, call: Call) -> None:
        try:
            connections["default"].ensure_connection()
            barrier.wait(10)
            results[place] = call()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    faults = [result for result in results if isinstance(result, Exception) and not isinstance(result, AccountsError)]
    assert faults == []
    return results


def succeeded(results: list[Any]) -> list[Any]:
    return [result for result in results if not isinstance(result, Exception)]


def refusals(results: list[Any]) -> set[type]:
    return {type(result) for result in results if isinstance(result, Exception)}


def actor_of(user: User) -> Actor:
    return policy.actor_for(User.objects.get(pk=user.pk), door=Door.API)


@pytest.fixture
def shell() -> Actor:
    return policy.operator(os_user="tester")


@pytest.fixture
def anybody() -> Actor:
    return policy.anonymous(door=Door.PAGE)


@pytest.fixture
def rounds() -> Iterator[Organization]:
    """Give a fresh organization for each round."""
    return (make_organization(f"round-{number}") for number in range(ROUNDS))


def live_owners(organization: Organization) -> int:
    owners = RoleAssignment.objects.owners_of(organization.pk).values("membership__user_id")
    return User.objects.live().filter(pk__in=owners).count()


class TestLastOwner:
    """An organization keeps an owner who can sign in."""

    def test_owners_suspend_each_other(self, rounds: Iterator[Organization]) -> None:
        for organization in rounds:
            owners = [make_user(organization, f"o{number}", role="owner") for number in range(2)]
            actors = [actor_of(owner) for owner in owners]

            results = together(
                partial(user_suspend, actor=actors[0], user=owners[1]),
                partial(user_suspend, actor=actors[1], user=owners[0]),
            )

            assert live_owners(organization) == 1
            assert len(succeeded(results)) == 1
            assert refusals(results) <= {Conflict, NotAuthenticated}

    def test_eight_owners_all_go(self, rounds: Iterator[Organization], shell: Actor) -> None:
        for organization in list(rounds)[: ROUNDS // 3]:
            owners = [make_user(organization, f"o{number}", role="owner") for number in range(THREADS)]

            results = together(*(partial(user_archive, actor=shell, user=owner) for owner in owners))

            assert live_owners(organization) == 1
            assert (len(succeeded(results)), refusals(results)) == (THREADS - 1, {Conflict})

    def test_guests_who_own_are_removed(self, rounds: Iterator[Organization], shell: Actor) -> None:
        for organization in rounds:
            home = make_organization(f"home-of-{organization.slug}")
            make_user(home, "keeper", role="owner")
            owned = [give(make_user(home, f"g{n}"), organization, "owner").membership for n in range(2)]

            results = together(*(partial(membership_remove, actor=shell, membership=entry) for entry in owned))

            assert live_owners(organization) == 1
            assert (len(succeeded(results)), refusals(results)) == (1, {Conflict})

    def test_one_is_removed_and_the_other_suspended(self, rounds: Iterator[Organization], shell: Actor) -> None:
        for organization in rounds:
            home = make_organization(f"home-of-{organization.slug}")
            make_user(home, "keeper", role="owner")
            guest = give(make_user(home, "guest"), organization, "owner").membership
            owner = make_user(organization, "owner", role="owner")

            together(
                partial(membership_remove, actor=shell, membership=guest),
                partial(user_suspend, actor=shell, user=owner),
            )

            assert live_owners(organization) == 1

    def test_the_role_is_given_while_the_person_is_suspended(
        self, rounds: Iterator[Organization], shell: Actor
    ) -> None:
        for organization in rounds:
            home = make_organization(f"home-of-{organization.slug}")
            make_user(home, "keeper", role="owner")
            first = make_user(organization, "first", role="owner")
            second = make_user(home, "second")
            org = organization

            together(
                partial(membership_add, actor=shell, organization=org, user=second, roles=["owner"]),
                partial(user_suspend, actor=shell, user=second),
                partial(user_suspend, actor=shell, user=first),
            )

            assert live_owners(organization) >= 1


class TestLastSuperuser:
    """The installation keeps a super-user who can sign in."""

    def test_eight_all_go(self, shell: Actor) -> None:
        for number in range(ROUNDS // 3):
            User.objects.filter(is_superuser=True).update(is_superuser=False)
            roots = []
            for place in range(THREADS):
                home = make_organization(f"home-{number}-{place}")
                make_user(home, "keeper", role="owner")
                roots.append(make_user(home, f"root{place}", is_superuser=True))

            results = together(*(partial(user_suspend, actor=shell, user=root) for root in roots))

            assert User.objects.live().filter(is_superuser=True).count() == 1
            assert (len(succeeded(results)), refusals(results)) == (THREADS - 1, {Conflict})

    def test_by_way_of_their_organizations(self, shell: Actor) -> None:
        for number in range(ROUNDS):
            User.objects.filter(is_superuser=True).update(is_superuser=False)
            homes = [make_organization(f"home-{number}-{place}") for place in range(2)]
            roots = [make_user(home, "root", role="owner", is_superuser=True) for home in homes]
            make_user(homes[1], "keeper", role="owner")

            together(
                partial(org_suspend, actor=shell, organization=homes[0]),
                partial(user_suspend, actor=shell, user=roots[1]),
            )

            alive = User.objects.live().filter(is_superuser=True, organization__status="active")
            assert alive.count() == 1


class TestCredentials:
    """Nothing that opens a door outlives its person's leaving ``active``."""

    def test_suspend_against_sign_in(self, rounds: Iterator[Organization], shell: Actor, anybody: Actor) -> None:
        for organization in rounds:
            make_user(organization, "owner", role="owner")
            bob = make_user(organization, "bob")

            together(
                partial(user_suspend, actor=shell, user=bob),
                *(
                    partial(
                        session_start,
                        actor=anybody,
                        organization=organization,
                        login="bob",
                        password=PASSWORD,
                        key_hash=f"{organization.slug}-{number}",
                    )
                    for number in range(3)
                ),
            )

            assert User.objects.get(pk=bob.pk).status == Status.SUSPENDED
            assert not Session.objects.live().filter(user=bob).exists()

    def test_a_link_is_redeemed_eight_times(self, rounds: Iterator[Organization], shell: Actor, anybody: Actor) -> None:
        for organization in list(rounds)[: ROUNDS // 3]:
            make_user(organization, "owner", role="owner")
            bob = make_user(organization, "bob")
            token = admin_link(actor=shell, user=bob).rstrip("/").rpartition("/")[2]

            results = together(
                *(
                    partial(
                        link_redeem,
                        actor=anybody,
                        token=token,
                        password=NewPassword(f"{number} horses graze behind the mill"),
                        key_hash=f"{organization.slug}-{number}",
                    )
                    for number in range(THREADS)
                )
            )

            assert (len(succeeded(results)), refusals(results)) == (1, {NotAuthenticated})
            assert Session.objects.live().filter(user=bob).count() == 1

    @pytest.mark.parametrize("purpose", [Purpose.PASSWORD_RESET, Purpose.EMAIL_CONFIRM])
    def test_a_letter_s_link_is_used_eight_times(
        self, rounds: Iterator[Organization], anybody: Actor, purpose: Purpose
    ) -> None:
        for organization in list(rounds)[: ROUNDS // 3]:
            bob = make_user(organization, "bob")
            token = token_of(mint(bob, purpose, is_mailed=True))

            def use(number: int, token: str = token) -> User:
                if purpose == Purpose.EMAIL_CONFIRM:
                    return email_confirm(actor=anybody, token=token)
                password = NewPassword(f"{number} horses graze behind the mill")
                return password_reset(actor=anybody, token=token, password=password)

            results = together(*(partial(use, number) for number in range(THREADS)))

            assert (len(succeeded(results)), refusals(results)) == (1, {NotAuthenticated})
            assert AuditEvent.objects.filter(subject_id=bob.pk, outcome="done").count() == 1
            if purpose == Purpose.PASSWORD_RESET:
                (winner,) = [number for number, result in enumerate(results) if isinstance(result, User)]
                bob.refresh_from_db()
                assert bob.check_password(f"{winner} horses graze behind the mill")

    def test_two_people_confirm_the_same_address(self, rounds: Iterator[Organization], anybody: Actor) -> None:
        for organization in rounds:
            people = [make_user(organization, name) for name in ("bob", "carol")]
            changes = [make_email_change(user) for user in people]
            tokens = [token_of(mint(user, Purpose.EMAIL_CHANGE, is_mailed=True)) for user in people]

            results = together(*(partial(email_confirm, actor=anybody, token=token) for token in tokens))

            assert (len(succeeded(results)), refusals(results)) == (1, {Conflict})
            had = User.objects.filter(organization=organization, email_key="new@example.com").values_list(
                "pk", flat=True
            )
            assert len(had) == 1
            waits = EmailChange.objects.filter(pk__in=[change.pk for change in changes])
            assert [change.user_id for change in waits] == [user.pk for user in people if user.pk not in had]

    def test_a_new_address_is_confirmed_while_another_is_asked_for(
        self, rounds: Iterator[Organization], anybody: Actor
    ) -> None:
        for organization in rounds:
            bob = make_user(organization, "bob")
            make_email_change(bob)
            token = token_of(mint(bob, Purpose.EMAIL_CHANGE, is_mailed=True))
            actor = policy.actor_for(bob, door=Door.API)
            ask = partial(email_change, actor=actor, user=bob, email="third@example.com", current_password=PASSWORD)

            confirmed, asked = together(partial(email_confirm, actor=anybody, token=token), ask)

            assert isinstance(asked, EmailChange)
            bob.refresh_from_db()
            assert (bob.email == "new@example.com") is isinstance(confirmed, User)
            assert EmailChange.objects.get(user=bob).email == "third@example.com"
            assert not OneTimeLink.objects.live().filter(user=bob).exists()

    def test_a_reset_against_another_address(
        self, rounds: Iterator[Organization], shell: Actor, anybody: Actor
    ) -> None:
        for organization in rounds:
            bob = make_user(organization, "bob")
            token = token_of(mint(bob, Purpose.PASSWORD_RESET, is_mailed=True))

            reset, _ = together(
                partial(password_reset, actor=anybody, token=token, password=NewPassword("horses behind the mill")),
                partial(user_update, actor=shell, user=bob, changes={"email": "new@example.com"}),
            )

            bob.refresh_from_db()
            assert bob.email == "new@example.com"
            assert bob.check_password("horses behind the mill") is isinstance(reset, User)
            assert not bob.email_verified
            assert not OneTimeLink.objects.live().filter(user=bob).exists()

    def test_a_letter_is_written_while_the_person_is_suspended(
        self, rounds: Iterator[Organization], shell: Actor
    ) -> None:
        for organization in rounds:
            make_user(organization, "owner", role="owner")
            bob = make_user(organization, "bob")
            user_reset_password(actor=shell, user=bob)
            (row,) = Outbox.objects.filter(user=bob).values_list("pk", flat=True)

            together(partial(user_suspend, actor=shell, user=bob), partial(deliver, row))

            assert not OneTimeLink.objects.live().filter(user=bob).exists()
            assert not Outbox.objects.due().filter(user=bob, kind="password_reset").exists()

    def test_a_link_is_redeemed_while_the_person_is_suspended(
        self, rounds: Iterator[Organization], shell: Actor, anybody: Actor
    ) -> None:
        for organization in rounds:
            make_user(organization, "owner", role="owner")
            bob = make_user(organization, "bob")
            token = admin_link(actor=shell, user=bob).rstrip("/").rpartition("/")[2]

            together(
                partial(user_suspend, actor=shell, user=bob),
                partial(
                    link_redeem,
                    actor=anybody,
                    token=token,
                    password=NewPassword("horses graze behind the mill"),
                    key_hash=organization.slug,
                ),
            )

            assert not Session.objects.live().filter(user=bob).exists()
            assert not OneTimeLink.objects.live().filter(user=bob).exists()

    def test_keys_are_made_while_their_maker_is_suspended(self, rounds: Iterator[Organization], shell: Actor) -> None:
        for organization in rounds:
            make_user(organization, "owner", role="owner")
            erin = make_user(organization, "erin", role="admin")
            actor = actor_of(erin)

            together(
                partial(user_suspend, actor=shell, user=erin),
                *(
                    partial(
                        api_key_create,
                        actor=actor,
                        organization=organization,
                        name=f"key {number}",
                        scopes=["user.show"],
                    )
                    for number in range(4)
                ),
            )

            assert not APIKey.objects.live().filter(made_by=erin).exists()


class TestOneOfMany:
    """Two at once are one after the other."""

    def test_one_address_is_made_eight_times(self, rounds: Iterator[Organization], shell: Actor) -> None:
        spellings = ["bob@example.com", "BOB@example.com", "bob@EXAMPLE.com", "Bob@Example.Com"] * 2
        for organization in list(rounds)[: ROUNDS // 3]:
            results = together(
                *(partial(user_create, actor=shell, organization=organization, email=email) for email in spellings)
            )

            assert User.objects.filter(organization=organization).count() == 1
            assert (len(succeeded(results)), refusals(results)) == (1, {Conflict})
            assert {result.fields.get("email") for result in results if isinstance(result, Conflict)} == {"taken"}

    def test_addresses_are_swapped_and_taken(self, rounds: Iterator[Organization], shell: Actor) -> None:
        for organization in rounds:
            users = [make_user(organization, name) for name in ("bob", "carol")]

            results = together(
                *(partial(user_update, actor=shell, user=user, changes={"email": "new@example.com"}) for user in users),
                partial(user_create, actor=shell, organization=organization, email="NEW@example.com"),
            )

            assert len(succeeded(results)) == 1
            assert refusals(results) == {Conflict}

    def test_set_against_suspend(self, rounds: Iterator[Organization], shell: Actor) -> None:
        for organization in rounds:
            make_user(organization, "owner", role="owner")
            bob = make_user(organization, "bob")

            results = together(
                partial(user_suspend, actor=shell, user=bob, reason="left"),
                partial(user_set, actor=shell, user=bob, admin=True, locked=True, confirmed=True),
            )

            after = User.objects.get(pk=bob.pk)
            roles = set(after.role_assignments.values_list("role__slug", flat=True))
            assert after.status == Status.SUSPENDED
            # Whole or not at all: either it came first, or nothing of it is there.
            first = len(succeeded(results)) == 2
            assert ("admin" in roles, after.email_verified) == (first, first)
            assert after.version == (3 if first else 2)

    def test_versions_count_every_change(self, rounds: Iterator[Organization], shell: Actor) -> None:
        organization = next(rounds)
        bob = make_user(organization, "bob")

        results = together(
            *(partial(user_tag, actor=shell, user=bob, tags=[f"t{number}"]) for number in range(THREADS))
        )

        after = User.objects.get(pk=bob.pk)
        assert len(succeeded(results)) == THREADS
        assert (after.version, after.tags.count()) == (1 + THREADS, THREADS)

    def test_one_version_is_changed_once(self, rounds: Iterator[Organization], shell: Actor) -> None:
        for organization in list(rounds)[: ROUNDS // 3]:
            bob = make_user(organization, "bob")

            results = together(
                *(
                    partial(user_tag, actor=shell, user=bob, tags=[f"t{number}"], expected_version=1)
                    for number in range(THREADS)
                )
            )

            assert (len(succeeded(results)), refusals(results)) == (1, {VersionConflict})


class TestLocks:
    """One order everywhere: nobody waits in a circle."""

    def test_owners_of_each_others_organizations(self, shell: Actor) -> None:
        for number in range(ROUNDS):
            one, other = make_organization(f"one-{number}"), make_organization(f"other-{number}")
            ann, ben = make_user(one, "ann", role="owner"), make_user(other, "ben", role="owner")
            for organization in (one, other):
                make_user(organization, "keeper", role="owner")
            give(ann, other, "owner")
            give(ben, one, "owner")
            guest = ben.memberships.get(organization=one)

            results = together(
                partial(user_suspend, actor=shell, user=ann),
                partial(user_suspend, actor=shell, user=ben),
                partial(user_tag, actor=shell, user=ben, tags=["x"]),
                partial(user_tag, actor=shell, user=ann, tags=["x"]),
                partial(membership_remove, actor=shell, membership=guest),
                partial(membership_add, actor=shell, organization=one, user=ben, roles=["moderator"]),
                partial(membership_add, actor=shell, organization=other, user=ann, roles=["moderator"]),
            )

            # "Try again" is the answer to one whose guards changed; whoever was not refused is done.
            assert refusals(results) <= {Conflict}
            assert live_owners(one) >= 1
            assert live_owners(other) >= 1

    def test_super_users_and_their_organizations(self, shell: Actor) -> None:
        home = make_organization("home")
        make_user(home, "keeper", role="owner", is_superuser=True)
        for number in range(ROUNDS):
            side = make_organization(f"side-{number}")
            make_user(side, "keeper", role="owner")
            root = make_user(side, "root", is_superuser=True)
            give(root, home, "admin")

            results = together(
                partial(user_suspend, actor=shell, user=root),
                partial(org_suspend, actor=shell, organization=side),
                partial(membership_add, actor=shell, organization=home, user=root, roles=["moderator"]),
                partial(user_set, actor=shell, user=root, confirmed=True),
            )

            assert refusals(results) <= {Conflict}


class TestActor:
    """Whoever acts is judged again inside the transaction."""

    def test_two_admins_lock_each_other_out(self, rounds: Iterator[Organization]) -> None:
        for organization in rounds:
            make_user(organization, "owner", role="owner")
            admins = [make_user(organization, f"a{number}", role="admin") for number in range(2)]
            actors = [actor_of(admin) for admin in admins]

            results = together(
                partial(user_suspend, actor=actors[0], user=admins[1]),
                partial(user_suspend, actor=actors[1], user=admins[0]),
            )

            assert len(succeeded(results)) >= 1
            assert refusals(results) <= {NotAuthenticated, NotAllowed}


class TestTrail:
    """The chain has no gaps and no forks."""

    def test_the_sequence_is_gapless_under_eight_writers(self, shell: Actor) -> None:
        organization = make_organization("acme")
        make_user(organization, "owner", role="owner")
        people = [make_user(organization, f"p{number}") for number in range(THREADS)]

        def busy(person: User) -> None:
            for _ in range(ROUNDS // 2):
                user_suspend(actor=shell, user=person)
                user_activate(actor=shell, user=person)

        together(*(partial(busy, person) for person in people))

        sequences = list(
            AuditEvent.objects.filter(chain=organization.pk).order_by("sequence").values_list("sequence", flat=True)
        )
        assert sequences == list(range(1, THREADS * ROUNDS + 1))
        assert AuditChain.objects.get(pk=organization.pk).sequence == THREADS * ROUNDS
        assert audit_verify(actor=shell).faults == []

    def test_failures_hold_no_other_lock(self, shell: Actor, anybody: Actor) -> None:
        organization = make_organization("acme")
        bob = make_user(organization, "bob")

        def guess(number: int) -> None:
            for place in range(ROUNDS // 2):
                with pytest.raises(NotAuthenticated):
                    session_start(
                        actor=anybody,
                        organization=organization,
                        login=f"nobody-{number}-{place}",
                        password="wrong",
                        key_hash=str(number),
                    )
                with pytest.raises(NotAllowed):
                    user_tag(actor=actor_of(bob), user=bob, tags=["x"])

        together(*(partial(guess, number) for number in range(THREADS)))

        assert AuditEvent.objects.filter(chain=organization.pk).count() == THREADS * ROUNDS
        assert AuditChain.objects.get(pk=organization.pk).sequence == THREADS * ROUNDS
        assert audit_verify(actor=shell).faults == []

    def test_two_chains_begin_at_once(self, shell: Actor) -> None:
        for number in range(ROUNDS // 3):
            homes = [make_organization(f"home-{number}-{place}") for place in range(2)]
            people = [make_user(home, name) for home in homes for name in ("a", "b", "c", "d")]

            results = together(*(partial(user_tag, actor=shell, user=person, tags=["x"]) for person in people))

            assert len(succeeded(results)) == len(people)
            heads = AuditChain.objects.filter(pk__in=[home.pk for home in homes])
            assert list(heads.values_list("sequence", flat=True)) == [4, 4]
        assert audit_verify(actor=shell).faults == []


def test_a_letter_is_sent_once_whoever_delivers_it(
    shell: Actor, rounds: Iterator[Organization], mailoutbox: list[Any]
) -> None:
    for number, organization in enumerate(rounds, 1):
        tell(make_user(organization, "bob"), "password_changed")
        letter = Outbox.objects.get(state="queued")

        sent = together(*[partial(deliver, letter.pk)] * THREADS)

        assert sorted(sent) == [False] * (THREADS - 1) + [True]
        assert len(mailoutbox) == number


def test_a_letter_that_failed_is_queued_again_by_one(shell: Actor, rounds: Iterator[Organization]) -> None:
    for organization in rounds:
        letter = make_failed_letter(make_user(organization, "bob"))

        results = together(*[partial(letter_retry, actor=shell, letter=letter)] * THREADS)

        assert (len(succeeded(results)), refusals(results)) == (1, {Conflict})
        assert AuditEvent.objects.filter(action="letter.retry", subject_id=letter.pk).count() == 1
