"""Signing in when several do it at once: never more sessions than there may be, and a key is changed once."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actors import Door
from accounts.errors import Throttled
from accounts.models import Outbox, Session, User
from accounts.operations.confirmations import session_confirm, session_confirm_with_code
from accounts.operations.credentials import is_recent
from accounts.operations.links import CODE, code_for
from accounts.operations.proofs import LETTERS, SecondFactorNeeded, mail_code_send
from accounts.operations.sessions import MOST, session_end, session_start, session_start_with_code
from tests.factories.factors import code_of, make_factor, make_mail_factor
from tests.factories.organizations import make_organization
from tests.factories.users import PASSWORD, SessionFactory, make_user
from tests.races.test_races import THREADS, refusals, succeeded, together

pytestmark = [pytest.mark.django_db(transaction=True)]

VISITOR = policy.anonymous(door=Door.PAGE, device="Chrome/macOS")


@pytest.fixture
def bob() -> User:
    """Somebody with as many sessions as one may have."""
    return make_user(make_organization("acme"), "bob")


def signs_in(user: User, key_hash: str) -> Session:
    return session_start(
        actor=VISITOR, organization=user.organization, login="bob", password=PASSWORD, key_hash=key_hash
    )


def test_eight_sign_in_and_the_eight_oldest_end(bob: User) -> None:
    before = timezone.now() - timedelta(minutes=5)
    old = [SessionFactory.create(user=bob, created_at=before + timedelta(seconds=place)) for place in range(MOST)]

    results = together(*(partial(signs_in, bob, f"{place:040}") for place in range(THREADS)))

    live = set(Session.objects.live().filter(user=bob).values_list("pk", flat=True))
    assert len(live) == MOST
    assert live == {session.pk for session in (*old[THREADS:], *succeeded(results))}


def test_eight_confirm_with_one_code_and_one_does(bob: User) -> None:
    device = make_factor(bob)
    long_ago = timezone.now() - timedelta(hours=1)
    sessions = [SessionFactory.create(user=bob, authenticated_at=long_ago) for _ in range(THREADS)]
    actors = [policy.actor_for(bob, door=Door.PAGE, session=session) for session in sessions]
    with pytest.raises(SecondFactorNeeded) as needed:
        session_confirm(actor=actors[0], user=bob, current_password=PASSWORD, key_hash="f" * 40)
    code = code_of(device)

    results = together(
        *(
            partial(
                session_confirm_with_code,
                actor=actor,
                proof=needed.value.proof,
                code=code,
                key_hash=f"{place:040}",
            )
            for place, actor in enumerate(actors)
        )
    )

    assert len(succeeded(results)) == 1
    assert refusals(results) == {SecondFactorNeeded}
    assert [is_recent(session) for session in Session.objects.filter(user=bob)].count(True) == 1


def test_eight_sign_in_with_one_mailed_code_and_one_does(bob: User) -> None:
    make_mail_factor(bob)
    with pytest.raises(SecondFactorNeeded) as needed:
        signs_in(bob, "f" * 40)
    code = code_for(Outbox.objects.get(kind=CODE))

    results = together(
        *(
            partial(
                session_start_with_code,
                actor=VISITOR,
                proof=needed.value.proof,
                code=code,
                key_hash=f"{place:040}",
            )
            for place in range(THREADS)
        )
    )

    assert len(succeeded(results)) == Session.objects.count() == 1
    assert refusals(results) == {SecondFactorNeeded}


def test_eight_letters_asked_for_at_once_are_five(bob: User) -> None:
    make_mail_factor(bob)
    make_factor(bob)  # so that none is mailed by itself
    with pytest.raises(SecondFactorNeeded) as needed:
        signs_in(bob, "f" * 40)

    results = together(*(partial(mail_code_send, actor=VISITOR, proof=needed.value.proof) for _ in range(THREADS)))

    assert len(succeeded(results)) == Outbox.objects.filter(kind=CODE).count() == LETTERS
    assert refusals(results) == {Throttled}


def test_ending_a_session_and_confirming_it_leaves_it_ended(bob: User) -> None:
    session = SessionFactory.create(user=bob)
    actor = policy.actor_for(bob, door=Door.PAGE, session=session)

    for _ in range(THREADS):
        Session.objects.filter(pk=session.pk).update(ended_at=None, end_reason="")
        together(
            partial(session_confirm, actor=actor, user=bob, current_password=PASSWORD, key_hash="d" * 40),
            partial(session_end, actor=actor, session=session),
        )

        assert not Session.objects.get(pk=session.pk).is_live
