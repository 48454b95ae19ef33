"""Invites when several come at once: the last use has one winner, and so have revoking and accepting."""

from functools import partial

import pytest

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, NotAuthenticated, NotFound, Throttled
from accounts.models import AuditEvent, Invite, InviteStatus, Organization, User
from accounts.operations.acceptance import invite_accept, invite_decline, invite_find, invite_join
from accounts.operations.base import NewPassword
from accounts.operations.bulk import tried
from accounts.operations.invites import user_invite, user_resend_invite, user_revoke_invite
from accounts.operations.links import mint_invite
from accounts.operations.open_links import answer_invite_request, invite_request
from accounts.operations.recovery import password_reset_request
from accounts.operations.statuses import user_suspend
from accounts.operations.users import user_tag
from accounts.statuses import Status
from tests.accounts.mailbox import token_of, work
from tests.factories.organizations import give, make_organization
from tests.factories.users import make_user
from tests.races.test_races import THREADS, Call, together

pytestmark = [pytest.mark.django_db(transaction=True)]

ROUNDS = 4
VISITOR = policy.anonymous(door=Door.PAGE)


@pytest.fixture
def acme() -> Organization:
    """The organization that invites."""
    return make_organization("acme")


@pytest.fixture
def operator() -> Actor:
    """The shell."""
    return policy.operator(os_user="tester")


def accepts(token: str) -> User:
    return invite_accept(actor=VISITOR, token=token, password=NewPassword("another sentence that nobody guesses"))


def asked_for(link: str, email: str) -> str:
    """Ask by an open link, let the worker answer, and give the token of the letter."""
    asked = invite_request(actor=VISITOR, token=token_of(link), email=email)
    work()
    asked.refresh_from_db()
    return token_of(mint_invite(asked, is_mailed=True))


def test_eight_on_the_last_use_of_an_open_link_and_one_gets_in(acme: Organization, operator: Actor) -> None:
    for turn in range(ROUNDS):
        made = user_invite(actor=operator, organization=acme, max_uses=3)
        early = [f"early-{turn}-{number}@example.com" for number in range(2)]
        people = [f"late-{turn}-{number}@example.com" for number in range(THREADS)]
        tokens = [asked_for(made.link, email) for email in (*early, *people)]
        for token in tokens[:2]:
            accepts(token)

        results = together(*(partial(accepts, token) for token in tokens[2:]))

        won = [result for result in results if isinstance(result, User)]
        assert len(won) == 1
        assert all(isinstance(result, NotAuthenticated) for result in results if result not in won)
        invite = Invite.objects.get(pk=made.invite.pk)
        assert (invite.uses, invite.status) == (3, InviteStatus.ACCEPTED)
        assert User.objects.filter(email_key__in=people, status=Status.ACTIVE).count() == 1
        assert not invite.asked.pending().exists()


def test_the_same_address_asks_eight_times_at_once_and_has_one_account(acme: Organization, operator: Actor) -> None:
    token = token_of(user_invite(actor=operator, organization=acme, max_uses=3).link)
    asked = [invite_request(actor=VISITOR, token=token, email="kim@example.com") for _ in range(THREADS)]

    together(*(partial(answer_invite_request.call, str(invite.pk)) for invite in asked))

    assert User.objects.filter(email_key="kim@example.com").count() == 1
    assert Invite.objects.filter(via__isnull=False).pending().count() == 1


@pytest.mark.parametrize("what", ["password reset", "invite request", "dead token"])
def test_of_many_at_once_no_more_get_through_than_the_bound(
    what: str, acme: Organization, operator: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("recovery.REQUESTS", "open_links.REQUESTS", "throttles.INVITES"):
        monkeypatch.setattr(f"accounts.operations.{place}", 5)
    link = token_of(user_invite(actor=operator, organization=acme, max_uses=3).link)
    calls: dict[str, Call] = {
        "password reset": partial(password_reset_request, actor=VISITOR, organization=acme, login="nobody"),
        "invite request": partial(invite_request, actor=VISITOR, token=link, email="kim@example.com"),
        "dead token": partial(invite_find, actor=VISITOR, token="inv_dead"),
    }

    results = together(*(partial(calls[what]) for _ in range(THREADS)))

    assert sum(isinstance(result, Throttled) for result in results) == THREADS - 5


def test_eight_with_one_letter_and_one_gets_in(acme: Organization, operator: Actor) -> None:
    for turn in range(ROUNDS):
        email = f"kim-{turn}@example.com"
        made = user_invite(actor=operator, organization=acme, email=email, print_link=True)

        results = together(*[partial(accepts, token_of(made.link))] * THREADS)

        assert sum(isinstance(result, User) for result in results) == 1
        assert AuditEvent.objects.filter(action="invite.accept", subject_id=made.invite.pk).count() == 1


@pytest.mark.parametrize("how", ["revoked", "resent", "inviter suspended"])
def test_accepting_and_what_kills_the_link_have_one_winner(how: str, acme: Organization, operator: Actor) -> None:
    for turn in range(ROUNDS):
        erin = make_user(acme, f"erin-{turn}", role="admin")
        made = user_invite(
            actor=policy.actor_for(erin, door=Door.API),
            organization=acme,
            email=f"kim-{turn}@example.com",
            print_link=True,
        )
        kills: dict[str, Call] = {
            "revoked": partial(user_revoke_invite, actor=operator, invite=made.invite),
            "resent": partial(user_resend_invite, actor=operator, invite=made.invite),
            "inviter suspended": partial(user_suspend, actor=operator, user=erin),
        }

        accepted, killed = together(partial(accepts, token_of(made.link)), kills[how])

        user = User.objects.get(email_key=f"kim-{turn}@example.com")
        status = Invite.objects.get(pk=made.invite.pk).status
        if isinstance(accepted, User):
            assert (user.status, status) == (Status.ACTIVE, InviteStatus.ACCEPTED)
            assert how == "inviter suspended" or isinstance(killed, Exception)
        else:
            assert not isinstance(killed, Exception)
            assert user.status in {Status.INVITED, Status.ARCHIVED}
            assert status is not InviteStatus.ACCEPTED


def test_as_a_guest_and_with_the_letter_have_one_winner(acme: Organization, operator: Actor) -> None:
    elsewhere = make_organization("elsewhere")
    for turn in range(ROUNDS):
        kim = make_user(elsewhere, f"kim-{turn}", email_verified_at=elsewhere.created_at)
        made = user_invite(actor=operator, organization=acme, email=kim.email, print_link=True)

        results = together(
            partial(accepts, token_of(made.link)),
            partial(invite_join, actor=policy.actor_for(kim, door=Door.API), invite=made.invite),
        )

        assert sum(not isinstance(result, Exception) for result in results) == 1
        assert Invite.objects.get(pk=made.invite.pk).uses == 1


ORDERS = 12


def around(owned: Organization, host: Organization, operator: Actor, name: str) -> tuple[Invite, User]:
    """Invite somebody whose waiting account owns an organization that comes before the one that invites."""
    invite = user_invite(actor=operator, organization=host, email=f"{name}@elsewhere.example").invite
    assert invite.user is not None
    give(invite.user, owned, "owner")
    return invite, invite.user


@pytest.mark.parametrize("how", ["joined", "declined", "invited again", "tried out"])
def test_two_accounts_are_held_in_the_one_order(how: str, operator: Actor) -> None:
    """Else whoever holds the earlier organization and whoever holds the later one wait for each other."""
    owned, host, elsewhere = (make_organization(slug) for slug in ("owned", "host", "elsewhere"))
    make_user(owned, "keeper", role="owner")
    assert owned.pk < host.pk
    for turn in range(ORDERS):
        kim = make_user(elsewhere, f"kim-{turn}", email_verified_at=elsewhere.created_at)
        invite, waiting = around(owned, host, operator, f"kim-{turn}")
        other, keeper = make_user(host, f"other-{turn}"), make_user(owned, f"keeper-{turn}")
        calls: dict[str, Call] = {
            "joined": partial(invite_join, actor=policy.actor_for(kim, door=Door.API), invite=invite),
            "declined": partial(invite_decline, actor=policy.actor_for(kim, door=Door.API), invite=invite),
            "invited again": partial(user_invite, actor=operator, organization=host, email=kim.email),
            "tried out": partial(
                tried,
                [other, keeper],
                lambda user: user_tag(actor=operator, user=user, tags=["tried"]),
                key=lambda user: user.public_id,
            ),
        }

        both: list[Call] = [calls[how], partial(user_tag, actor=operator, user=waiting, tags=["new"])]
        results = together(*both * 3)

        assert {type(result) for result in results if isinstance(result, Exception)} <= {Conflict, NotFound}
