"""One-time links: made by ``admin_link``, used by ``link_redeem``."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAllowed, NotAuthenticated
from accounts.models import AuditEvent, AuditPart, OneTimeLink, Organization, Outbox, Session, User
from accounts.operations.base import NewPassword
from accounts.operations.links import link_find
from accounts.operations.recovery import Redeemed, admin_link, link_redeem
from accounts.statuses import OrganizationStatus, Status
from tests.accounts.pages.browsing import at_once
from tests.factories.factors import make_factor
from tests.factories.users import SessionFactory, make_user

Acting = Callable[[User], Actor]
NEW = "another sentence that nobody guesses"
VISITOR = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Chrome/macOS")


def token_of(address: str) -> str:
    return address.rstrip("/").rsplit("/", 1)[1]


def redeem(token: str, *, password: str = NEW, key_hash: str = "a" * 40) -> Redeemed:
    return link_redeem(actor=VISITOR, token=token, password=NewPassword(password), key_hash=key_hash)


class TestAdminLink:
    """``admin_link``."""

    def test_gives_an_address_of_ours_and_says_who_made_it(
        self, settings: Any, operator: Actor, bob: User, last_event: Callable[[], AuditEvent]
    ) -> None:
        address = admin_link(actor=operator, user=bob, reason="first day")

        event = last_event()
        link = OneTimeLink.objects.get()
        assert address == f"{settings.PUBLIC_URL}/link/{token_of(address)}/"
        assert (event.action, event.subject_id) == ("installation.admin_link", bob.pk)
        assert event.part(AuditPart.SUBJECT) == {"reason": "first day"}
        assert timedelta(minutes=14) < link.expires_at - timezone.now() <= timedelta(minutes=15)
        assert link_find(token_of(address)) == link
        assert token_of(address) not in str(OneTimeLink.objects.values())

    def test_kills_the_links_before_it(self, operator: Actor, bob: User) -> None:
        first = token_of(admin_link(actor=operator, user=bob))
        admin_link(actor=operator, user=bob)

        with pytest.raises(NotAuthenticated):
            link_find(first)

    def test_is_refused_for_who_may_not_sign_in(self, operator: Actor, acme: Organization) -> None:
        user = make_user(acme, "bob", status=Status.SUSPENDED)

        with pytest.raises(Conflict, match="suspended") as refusal:
            admin_link(actor=operator, user=user)

        assert refusal.value.remedy == f"Activate it first: user_activate {user.public_id}"
        assert not OneTimeLink.objects.exists()

    @pytest.mark.parametrize("who", ["alice", "erin", "bob", "mallory"])
    def test_is_for_the_operator_and_super_users(self, cast: Any, acting: Acting, who: str) -> None:
        with pytest.raises(NotAllowed, match=r"installation\.admin_link"):
            admin_link(actor=acting(getattr(cast, who)), user=cast.bob)

        assert not OneTimeLink.objects.exists()


class TestLinkRedeem:
    """``link_redeem``."""

    def test_sets_the_password_signs_in_and_ends_the_rest(self, operator: Actor, bob: User) -> None:
        token = token_of(admin_link(actor=operator, user=bob))
        User.objects.filter(pk=bob.pk).update(must_change_password=True)
        before = SessionFactory.create(user=bob)

        redeemed = redeem(token)

        bob.refresh_from_db()
        assert bob.check_password(NEW)
        assert not bob.must_change_password
        assert redeemed.session is not None
        assert (redeemed.session.ip, redeemed.session.device) == ("192.0.2.9", "Chrome/macOS")
        assert list(Session.objects.live()) == [redeemed.session]
        assert Session.objects.get(pk=before.pk).end_reason == "link.redeem"
        assert Outbox.objects.get().kind == "password_changed"
        assert AuditEvent.objects.filter(action="link.redeem", subject_id=bob.pk).count() == 1

    def test_works_once(self, operator: Actor, bob: User) -> None:
        token = token_of(admin_link(actor=operator, user=bob))
        redeem(token)

        with pytest.raises(NotAuthenticated, match="used up"):
            redeem(token, password="a third sentence that nobody guesses")

        bob.refresh_from_db()
        assert bob.check_password(NEW)

    @pytest.mark.django_db(transaction=True)
    def test_of_several_at_once_one_gets_in(self, operator: Actor, bob: User) -> None:
        token = token_of(admin_link(actor=operator, user=bob))

        def attempt(number: int) -> Callable[[], Redeemed]:
            return lambda: redeem(token, password=f"{NEW} {number}", key_hash=f"{number:040}")

        outcomes = at_once(*[attempt(number) for number in range(6)])

        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotAuthenticated"] * 5 + ["Redeemed"]
        assert Session.objects.live().count() == 1

    @pytest.mark.parametrize(("seconds", "is_good"), [(14 * 60 + 58, True), (15 * 60 + 1, False)])
    def test_runs_out(self, operator: Actor, bob: User, seconds: int, is_good: bool) -> None:
        token = token_of(admin_link(actor=operator, user=bob))
        link = OneTimeLink.objects.get()
        OneTimeLink.objects.update(expires_at=link.expires_at - timedelta(seconds=seconds))

        if is_good:
            assert redeem(token).user == bob
        else:
            with pytest.raises(NotAuthenticated):
                redeem(token)

    @pytest.mark.parametrize("password", ["too short", "x" * 129, "passwordpassword", "bob@acme.example bob"])
    def test_a_password_that_may_not_be_used_leaves_the_link_good(
        self, operator: Actor, bob: User, everything: Callable[[], Any], password: str
    ) -> None:
        token = token_of(admin_link(actor=operator, user=bob))
        before = everything()

        with pytest.raises(Invalid) as refusal:
            redeem(token, password=password)

        assert password not in str(refusal.value.as_dict())
        assert everything() == before
        assert redeem(token).user == bob

    def test_never_skips_a_second_factor(self, operator: Actor, bob: User) -> None:
        make_factor(bob)

        redeemed = redeem(token_of(admin_link(actor=operator, user=bob)))

        bob.refresh_from_db()
        assert bob.check_password(NEW)
        assert redeemed.session is None
        assert not Session.objects.exists()

    @pytest.mark.parametrize("how", ["suspended", "organization"])
    def test_opens_nothing_for_who_may_not_sign_in_any_more(self, operator: Actor, bob: User, how: str) -> None:
        token = token_of(admin_link(actor=operator, user=bob))
        if how == "suspended":
            User.objects.filter(pk=bob.pk).update(status=Status.SUSPENDED)
        else:
            Organization.objects.filter(pk=bob.organization_id).update(status=OrganizationStatus.SUSPENDED)

        with pytest.raises(NotAuthenticated, match="used up"):
            redeem(token)

        bob.refresh_from_db()
        assert not bob.check_password(NEW)

    def test_every_truncated_or_altered_token_opens_nothing(self, operator: Actor, bob: User) -> None:
        token = token_of(admin_link(actor=operator, user=bob))

        for altered in (
            token[:-1],
            token + "A",
            token[1:],
            token.swapcase(),
            token[:-1] + ("A" if token[-1] != "A" else "B"),
            "",
        ):
            with pytest.raises(NotAuthenticated):
                link_find(altered)


def test_whatever_a_link_leaves_in_the_trail_goes_with_whom_it_was_for(operator: Actor, bob: User) -> None:
    redeem(token_of(admin_link(actor=operator, user=bob)))

    left = AuditPart.objects.filter(event__action__in=["link.redeem", "session.start"])
    assert {part.kind for part in left} == {"subject", "actor", "network"}
    assert {part.person_id for part in left} == {bob.pk}
