"""Signing programs in: access tokens, refresh tokens, and what ends them."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from accounts import ids, policy
from accounts.actors import Door
from accounts.errors import AccountsError, NotAuthenticated, NotFound
from accounts.keys import Purpose, keyring
from accounts.models import Application, AuditEvent, Organization, RefreshToken, RoleAssignment, Session, User
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.tokens import Issued, token_authenticated, token_refresh, token_start
from accounts.statuses import Status
from accounts.tokens import LIFE, jwks, read_token, signed_token
from tests.accounts.pages.browsing import at_once
from tests.factories.claims import make_claim, say
from tests.factories.factors import code_of, make_factor, wrong_code_of
from tests.factories.roles import give_custom, make_application, make_role
from tests.factories.users import PASSWORD, SessionFactory

PROGRAM = policy.anonymous(door=Door.API, ip="192.0.2.9", device="Test/Python")


def start(user: User, *, password: str = PASSWORD, code: str = "") -> Issued:
    return token_start(
        actor=PROGRAM, organization=user.organization, login=str(user.username), password=password, code=code
    )


def refresh(token: str, organization: Organization | None = None) -> Issued:
    return token_refresh(actor=PROGRAM, token=token, organization=organization)


def parts(token: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


class TestStart:
    """``token_start``."""

    def test_says_who_in_which_session_for_ten_minutes(self, bob: User) -> None:
        issued = start(bob)

        header, said = parts(issued.access_token)
        session = Session.objects.get()
        assert (header["typ"], header["alg"], header["kid"]) == (
            "at+jwt",
            "EdDSA",
            keyring().current(Purpose.TOKEN).id,
        )
        assert (said["sub"], said["sid"], said["org"]) == (
            bob.public_id,
            session.public_id,
            bob.organization.public_id,
        )
        assert (said["exp"] - said["iat"], said["amr"]) == (LIFE.total_seconds(), ["pwd"])
        assert (session.kind, session.methods, session.device) == ("api", ["pwd"], "Test/Python")
        assert token_authenticated(issued.access_token) == session

    @pytest.mark.parametrize(("who", "longest"), [("bob", timedelta(days=30)), ("alice", timedelta(hours=12))])
    def test_lasts_shorter_for_who_administers(self, cast: Any, who: str, longest: timedelta) -> None:
        issued = start(getattr(cast, who))

        assert abs(issued.session.expires_at - issued.session.created_at - longest) < timedelta(seconds=5)

    def test_a_password_alone_is_not_enough_where_a_second_factor_is_enrolled(self, bob: User) -> None:
        device = make_factor(bob)

        with pytest.raises(SecondFactorNeeded):
            start(bob)
        with pytest.raises(SecondFactorNeeded):
            start(bob, code=wrong_code_of(device))
        assert not Session.objects.exists()
        assert start(bob, code=code_of(device)).session.methods == ["pwd", "otp"]

    def test_no_secret_is_stored(self, bob: User, everything: Callable[[], Any]) -> None:
        issued = start(bob)

        kept = str(everything()) + str(list(AuditEvent.objects.values()))
        assert issued.refresh_token.split("_", 2)[2] not in kept
        assert issued.access_token not in kept


class TestRefresh:
    """``token_refresh``."""

    def test_gives_the_next_of_both_and_the_old_one_is_used_up(self, bob: User) -> None:
        first = start(bob)

        second = refresh(first.refresh_token)

        assert second.session == first.session
        assert token_authenticated(second.access_token) == first.session
        assert refresh(second.refresh_token).session == first.session

    def test_used_twice_the_session_ends_for_whoever_holds_the_rest(self, bob: User) -> None:
        first = start(bob)
        second = refresh(first.refresh_token)

        with pytest.raises(NotAuthenticated):
            refresh(first.refresh_token)

        event = AuditEvent.objects.get(action="session.revoke")
        assert (event.actor_kind, event.subject_id) == ("system", bob.pk)
        for use in (lambda: refresh(second.refresh_token), lambda: token_authenticated(second.access_token)):
            with pytest.raises(NotAuthenticated):
                use()

    @pytest.mark.django_db(transaction=True)
    def test_of_eight_at_once_one_gets_it(self, bob: User) -> None:
        token = start(bob).refresh_token

        outcomes = at_once(*[lambda: refresh(token)] * 8)

        assert sum(isinstance(outcome, Issued) for outcome in outcomes) <= 1
        assert RefreshToken.objects.count() == 2
        assert not Session.objects.get().is_live

    def test_into_another_organization_of_ones_own(self, dave: User, acme: Organization, bob: User) -> None:
        token = start(dave).refresh_token

        assert parts(refresh(token, acme).access_token)[1]["org"] == acme.public_id

    def test_not_into_somebody_elses_which_uses_nothing_up(self, bob: User, nextdoor: Organization) -> None:
        token = start(bob).refresh_token

        with pytest.raises(NotFound):
            refresh(token, nextdoor)

        assert refresh(token).session.is_live

    @pytest.mark.parametrize("token", ["", "rft_x", "rft_" + "0" * 12 + "_" + "a" * 43, "x" * 100_000, "\ud800"])
    def test_what_is_none(self, db: None, token: str) -> None:
        with pytest.raises(NotAuthenticated):
            refresh(token)

    def test_every_change_of_a_letter_kills_it(self, bob: User) -> None:
        token = start(bob).refresh_token
        for place in range(len(token)):
            changed = token[:place] + ("b" if token[place] != "b" else "c") + token[place + 1 :]
            for other in (changed, token[:place], token + token[place]):
                with pytest.raises(NotAuthenticated):
                    refresh(other)

        assert refresh(token).session.is_live


class TestAuthenticated:
    """``token_authenticated``."""

    @pytest.mark.parametrize("end", ["session", "suspended", "organization", "expired"])
    def test_lives_no_longer_than_what_it_stands_on(self, bob: User, end: str) -> None:
        issued = start(bob)
        if end == "session":
            Session.objects.all().end("signed out")
        elif end == "suspended":
            User.objects.filter(pk=bob.pk).update(status=Status.SUSPENDED)
        elif end == "organization":
            Organization.objects.filter(pk=bob.organization_id).update(status="suspended")
        else:
            Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

        for use in (lambda: token_authenticated(issued.access_token), lambda: refresh(issued.refresh_token)):
            with pytest.raises(AccountsError) as refusal:
                use()
            assert refusal.value.code == "UNAUTHENTICATED"

    def test_runs_out(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        token, real = start(bob).access_token, timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() + LIFE - timedelta(seconds=2))
        token_authenticated(token)
        monkeypatch.setattr(timezone, "now", lambda: real() + LIFE + timedelta(seconds=2))

        with pytest.raises(NotAuthenticated):
            token_authenticated(token)

    def test_a_browser_s_session_is_none_of_a_program_s(self, bob: User) -> None:
        session = SessionFactory.create(user=bob)
        text, _ = signed_token(
            user_id=bob.pk, session_id=session.pk, organization_id=bob.organization_id, methods=["pwd"], more={}
        )

        with pytest.raises(NotAuthenticated):
            token_authenticated(text)

    def test_somebody_elses_session_neither(self, bob: User, carol: User) -> None:
        session = start(carol).session
        text, _ = signed_token(
            user_id=bob.pk, session_id=session.pk, organization_id=bob.organization_id, methods=["pwd"], more={}
        )

        with pytest.raises(NotAuthenticated):
            token_authenticated(text)

    def test_what_nobody_signed(self, bob: User) -> None:
        text = start(bob).access_token
        head, body, signature = text.split(".")
        forged = base64.urlsafe_b64encode(json.dumps({**parts(text)[1], "sub": ids.encode("usr", ids.new())}).encode())
        none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').decode().rstrip("=")
        for other in (
            "",
            "a.b.c",
            f"{head}.{body}.",
            f"{none}.{body}.",
            f"{head}.{forged.decode().rstrip('=')}.{signature}",
            text[:-1],
            text + "A",
            "x" * 100_000,
            "\ud800.\ud800.\ud800",
        ):
            with pytest.raises(NotAuthenticated):
                read_token(other)


def test_the_key_set_has_public_halves_only(bob: User) -> None:
    published = jwks()["keys"]

    assert [key["kid"] for key in published] == [key.id for key in keyring().keys[Purpose.TOKEN]]
    assert all("d" not in key for key in published)


class TestApplications:
    """What a token says of somebody, by what it is for."""

    @pytest.fixture
    def shop(self, acme: Organization, bob: User) -> Application:
        shop, crm = make_application(acme, "shop", "shop.refund"), make_application(acme, "crm", "crm.read")
        for application in (None, shop, crm):
            slug = application.slug if application else "own"
            word = f"{slug}.refund" if application is shop else "crm.read" if application else "user.show"
            give_custom(bob, make_role(acme, f"{slug}-clerk", word, application=application))
            say(bob, make_claim(acme, f"{slug}_tier", application=application, appears_in=["access_token"]), "gold")
            say(bob, make_claim(acme, f"{slug}_note", application=application, appears_in=["userinfo"]), "kept back")
        return shop

    def test_without_one_what_is_of_the_organization(self, bob: User, shop: Application) -> None:
        said = parts(start(bob).access_token)[1]

        assert (said["roles"], said["claims"]) == (["member", "own-clerk"], {"own_tier": "gold"})
        assert said["aud"] == settings.PUBLIC_URL

    def test_for_one_its_own_and_of_no_other(self, bob: User, acme: Organization, shop: Application) -> None:
        first = token_start(actor=PROGRAM, organization=acme, login="bob", password=PASSWORD, application=shop)
        second = token_refresh(actor=PROGRAM, token=first.refresh_token, application="shop")

        for issued in (first, second):
            said = parts(issued.access_token)[1]
            assert (said["roles"], said["claims"]) == (["shop-clerk"], {"shop_tier": "gold"})
            assert said["aud"] == shop.public_id

    def test_what_is_for_an_application_opens_nothing_here(
        self, bob: User, acme: Organization, shop: Application
    ) -> None:
        issued = token_start(actor=PROGRAM, organization=acme, login="bob", password=PASSWORD, application=shop)

        with pytest.raises(NotAuthenticated):
            token_authenticated(issued.access_token)

    def test_one_that_is_elsewhere_is_not_there_and_uses_nothing_up(self, bob: User, nextdoor: Organization) -> None:
        token = start(bob).refresh_token
        theirs = make_application(nextdoor, "theirs", "theirs.read")

        for named in ("theirs", theirs.public_id, "nothing", "\x00"):
            with pytest.raises(NotFound, match="Application"):
                token_refresh(actor=PROGRAM, token=token, application=named)

        assert refresh(token).session.is_live

    def test_a_role_that_ran_out_is_said_no_more(self, bob: User, shop: Application) -> None:
        RoleAssignment.objects.filter(role__slug="own-clerk").update(until=timezone.now())

        assert parts(start(bob).access_token)[1]["roles"] == ["member"]
