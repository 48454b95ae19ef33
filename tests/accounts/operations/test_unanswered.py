"""Accounts that nobody came for: archived a month after their invite ended, to the second."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import AuditEvent, Invite, Organization, User
from accounts.operations.installation import sweep
from accounts.operations.invites import user_invite, user_resend_invite, user_revoke_invite
from accounts.operations.statuses import STATUS_VERBS
from accounts.operations.unanswered import KEPT, unanswered_archive
from accounts.statuses import Status
from gdpr.operations.holds import hold_place
from gdpr.operations.retention import retain
from gdpr.operations.terms import terms_update
from tests.accounts.mailbox import work
from tests.accounts.operations.test_invites import KIM, accepts, link_in
from tests.factories.organizations import give, make_organization

SECOND = timedelta(seconds=1)


@pytest.fixture
def ended(acme: Organization, erin: User, acting: Callable[[User], Actor]) -> datetime:
    """When kim's invite, made by erin long ago, ran out."""
    made = user_invite(actor=acting(erin), organization=acme, email=KIM).invite
    end = timezone.now() - timedelta(days=100)
    User.objects.filter(email_key=KIM).update(created_at=end - timedelta(days=7))
    Invite.objects.filter(pk=made.pk).update(expires_at=end)
    return end


def kim() -> User:
    return User.objects.get(email_key=KIM)


def test_ran_out(ended: datetime, everything: Callable[[], object]) -> None:
    before = everything()
    assert unanswered_archive(ended + KEPT - SECOND) == 0
    assert everything() == before

    assert unanswered_archive(ended + KEPT) == 1

    assert (kim().status, kim().status_reason) == (Status.ARCHIVED, "Nobody accepted the invite.")
    event = AuditEvent.objects.order_by("-occurred_at")[0]
    assert (event.action, event.actor_kind, event.subject_id) == ("user.archive", "system", kim().pk)
    assert unanswered_archive(ended + KEPT) == 0


def test_revoked_because_the_inviter_left(ended: datetime, erin: User, operator: Actor) -> None:
    Invite.objects.update(expires_at=ended + timedelta(days=5))
    STATUS_VERBS["suspend"].run(actor=operator, user=erin)
    Invite.objects.update(revoked_at=ended)

    assert unanswered_archive(ended + KEPT - SECOND) == 0
    assert unanswered_archive(ended + KEPT) == 1


@pytest.mark.parametrize("how", ["invite still good", "invited again", "came", "no invite left", "made lately"])
def test_who_is_left(how: str, ended: datetime, operator: Actor, mailoutbox: list[EmailMessage]) -> None:
    invite = Invite.objects.get()
    if how == "invite still good":
        Invite.objects.update(expires_at=timezone.now() + SECOND * 60)
    if how == "invited again":
        user_resend_invite(actor=operator, invite=invite)
    if how == "came":
        user_resend_invite(actor=operator, invite=invite)
        work()
        accepts(link_in(mailoutbox[-1]))
    if how in {"no invite left", "made lately"}:
        Invite.objects.all().delete()
    if how == "made lately":
        User.objects.filter(email_key=KIM).update(created_at=timezone.now() - KEPT + timedelta(minutes=5))

    done = sweep()["unanswered"]

    assert (done, kim().status == Status.ARCHIVED) == ((1, True) if how == "no invite left" else (0, False))


def test_the_address_can_be_invited_again_even_when_the_old_invite_is_gone(
    ended: datetime, acme: Organization, operator: Actor, mailoutbox: list[EmailMessage]
) -> None:
    before = kim()
    sweep()
    retain(actor=operator)
    assert not Invite.objects.exists()

    user_invite(actor=operator, organization=acme, email=KIM)
    work()

    assert accepts(link_in(mailoutbox[-1])) == before


def test_afterwards_they_go_as_all_who_are_archived_but_a_hold_keeps_them(
    ended: datetime, acme: Organization, operator: Actor
) -> None:
    held = user_invite(actor=operator, organization=acme, email="held@example.com").invite
    user_revoke_invite(actor=operator, invite=held)
    terms_update(actor=operator, organization=acme, changes={"archived_days": 60})
    hold_place(actor=operator, user=held.user or kim(), reason="Case 7", exemption="e")
    assert sweep()["unanswered"] == 1
    User.objects.filter(status=Status.ARCHIVED).update(updated_at=timezone.now() - timedelta(days=61))

    retain(actor=operator)

    assert not User.objects.filter(email_key=KIM).exists()
    assert User.objects.get(email_key="held@example.com").status == Status.ARCHIVED


def test_a_hold_does_not_keep_them_waiting(ended: datetime, operator: Actor) -> None:
    hold_place(actor=operator, user=kim(), reason="Case 7", exemption="e")

    assert sweep()["unanswered"] == 1


def test_the_last_owner_of_an_organization_stays(ended: datetime) -> None:
    give(kim(), make_organization("elsewhere"), "owner")

    assert sweep()["unanswered"] == 0
    assert kim().status == Status.INVITED
