"""Passkeys when several come at once: one answer opens one session, and one credential is one person's."""

from functools import partial

import pytest

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, NotAuthenticated
from accounts.models import Factor, Session, User
from accounts.operations.factors import factor_remove
from accounts.operations.passkey_enrolment import passkey_enrol_finish, passkey_enrol_start
from accounts.operations.passkeys import ask_anybody, session_start_with_passkey
from tests.factories.authenticator import Authenticator, make_passkey
from tests.factories.organizations import make_organization
from tests.factories.users import SessionFactory, make_user
from tests.races.test_races import THREADS, refusals, succeeded, together

pytestmark = [pytest.mark.django_db(transaction=True)]

VISITOR = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Chrome/macOS")


@pytest.fixture
def bob() -> User:
    return make_user(make_organization("acme"), "bob")


def signs_in(state: str, answer: str, place: int) -> Session:
    return session_start_with_passkey(
        actor=VISITOR, organization="", browser="b", state=state, answer=answer, key_hash=f"{place:040}"
    )


@pytest.mark.parametrize("counts", [True, False])
def test_of_eight_with_one_answer_one_gets_in(bob: User, counts: bool) -> None:
    made, question = make_passkey(bob, Authenticator(counts=counts)), ask_anybody("b")
    assert question is not None
    answer = made.shown(question.options)

    results = together(*(partial(signs_in, question.state, answer, place) for place in range(THREADS)))

    assert len(succeeded(results)) == Session.objects.count() == 1
    assert refusals(results) == {NotAuthenticated}


def test_of_two_who_enrol_one_credential_one_has_it(bob: User) -> None:
    carol = make_user(bob.organization, "carol")
    credential = b"the same one" * 3
    calls = []
    for user in (bob, carol):
        actor = policy.actor_for(user, door=Door.PAGE, session=SessionFactory.create(user=user))
        begun = passkey_enrol_start(actor=actor, user=user)
        answer = Authenticator(credential=credential).made(begun.options)
        calls.append(partial(passkey_enrol_finish, actor=actor, user=user, answer=answer))

    results = together(*calls)

    assert len(succeeded(results)) == Factor.objects.enrolled().count() == 1
    assert refusals(results) == {Conflict}


def test_what_is_taken_away_meanwhile_opens_nothing_afterwards(bob: User) -> None:
    operator: Actor = policy.operator(os_user="tester")
    made, question = make_passkey(bob), ask_anybody("b")
    assert question is not None
    answer = made.shown(question.options)

    together(
        partial(signs_in, question.state, answer, 1),
        partial(factor_remove, actor=operator, factor=Factor.objects.get()),
    )

    assert not Factor.objects.exists()
    assert not Session.objects.live().exists()
