"""Second factors: enrolled, asked for, used up, taken away."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import AccountsError, Conflict, Invalid, NotAllowed, NotAuthenticated, NotFound, NotRecent
from accounts.keys import Purpose, keyring, rotate
from accounts.models import (
    AuditEvent,
    Factor,
    FailedTries,
    Membership,
    Organization,
    Outbox,
    RecoveryCode,
    Session,
    User,
)
from accounts.operations.base import NewPassword
from accounts.operations.factors import (
    MOST,
    factor_enrol_finish,
    factor_enrol_start,
    factor_remove,
    factors_resealed,
    recovery_codes_renew,
    user_disable_two_factor,
    user_reset_two_factor,
)
from accounts.operations.organizations import org_update
from accounts.operations.proofs import SecondFactorNeeded
from accounts.operations.recovery import admin_link, link_redeem
from accounts.operations.sessions import session_start, session_start_with_code
from accounts.operations.tokens import token_start
from tests.accounts.pages.browsing import at_once
from tests.factories.factors import code_of, make_factor, make_mail_factor, shown_for, wrong_code_of
from tests.factories.users import PASSWORD, SessionFactory

ANYBODY = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Test/Python")


def oneself(user: User, session: Session | None = None) -> Actor:
    return policy.actor_for(user, door=Door.PAGE, session=session)


def start(user: User, key_hash: str = "a" * 40) -> Session:
    return session_start(
        actor=ANYBODY,
        organization=user.organization,
        login=str(user.username),
        password=PASSWORD,
        key_hash=key_hash,
    )


def with_code(user: User, code: str, key_hash: str = "b" * 40) -> Session:
    with pytest.raises(SecondFactorNeeded) as needed:
        start(user)
    return session_start_with_code(actor=ANYBODY, proof=needed.value.proof, code=code, key_hash=key_hash)


def enrol(user: User, session: Session | None = None) -> list[str]:
    begun = factor_enrol_start(actor=oneself(user, session), user=user)
    code = shown_for(begun.key)
    return list(factor_enrol_finish(actor=oneself(user, session), user=user, code=code).codes)


class TestEnrolment:
    """``factor_enrol_start`` and ``factor_enrol_finish``."""

    def test_counts_once_a_code_was_shown(self, bob: User, last_event: Callable[[], AuditEvent]) -> None:
        session = start(bob)
        begun = factor_enrol_start(actor=oneself(bob, session), user=bob, name="Phone")
        assert start(bob, "c" * 40).is_live  # not asked for yet

        done = factor_enrol_finish(actor=oneself(bob, session), user=bob, code=shown_for(begun.key))

        event = last_event()
        assert (event.action, event.actor_id) == ("factor.enrol", bob.pk)
        assert len(set(done.codes)) == len(done.codes) == RecoveryCode.objects.left(bob.pk) == 10
        session.refresh_from_db()
        assert session.methods == ["pwd", "otp"]
        assert Outbox.objects.filter(user=bob, kind="factor_added").exists()
        assert with_code(bob, shown_for(begun.key, shift=30)).methods == ["pwd", "otp"]

    def test_the_address_is_what_apps_read(self, bob: User) -> None:
        begun = factor_enrol_start(actor=oneself(bob), user=bob)

        assert begun.address.startswith("otpauth://totp/Acme%3Abob%40")
        assert begun.address.endswith(f"?secret={begun.key}&issuer=Acme")
        assert len(begun.key) == 32

    def test_a_wrong_code_enrols_nothing_and_one_may_try_again(self, bob: User) -> None:
        begun = factor_enrol_start(actor=oneself(bob), user=bob)

        with pytest.raises(Invalid) as refusal:
            factor_enrol_finish(actor=oneself(bob), user=bob, code=wrong_code_of(begun.factor))

        assert set(refusal.value.fields) == {"code"}
        assert not Factor.objects.enrolled().exists()
        assert not RecoveryCode.objects.exists()
        factor_enrol_finish(actor=oneself(bob), user=bob, code=shown_for(begun.key))
        assert Factor.objects.enrolled().count() == 1

    def test_what_was_begun_before_goes(self, bob: User) -> None:
        first = factor_enrol_start(actor=oneself(bob), user=bob)
        factor_enrol_start(actor=oneself(bob), user=bob)

        with pytest.raises(Invalid):
            factor_enrol_finish(actor=oneself(bob), user=bob, code=shown_for(first.key))

    def test_nobody_does_it_for_somebody_else(self, bob: User, root: User, operator: Actor) -> None:
        for actor in (oneself(root), operator):
            with pytest.raises(NotFound):
                factor_enrol_start(actor=actor, user=bob)
        with pytest.raises(NotFound):
            factor_enrol_finish(actor=oneself(root), user=bob, code="123456")
        assert not FailedTries.objects.exists()
        with pytest.raises(NotFound):
            recovery_codes_renew(actor=oneself(root), user=bob)

    def test_a_second_one_brings_no_codes_and_there_is_an_end(self, bob: User) -> None:
        assert len(enrol(bob)) == 10
        assert enrol(bob) == []
        for _ in range(MOST - 2):
            make_factor(bob)

        with pytest.raises(Conflict, match="10 second factors"):
            factor_enrol_start(actor=oneself(bob), user=bob)

    def test_no_secret_is_stored_as_it_is(self, bob: User, everything: Callable[[], Any]) -> None:
        begun = factor_enrol_start(actor=oneself(bob), user=bob)
        codes = factor_enrol_finish(actor=oneself(bob), user=bob, code=shown_for(begun.key)).codes

        kept = str(everything()) + str(list(AuditEvent.objects.values()))
        assert begun.key not in kept
        assert not [code for code in codes if code in kept or code.replace("-", "") in kept]

    def test_a_secret_copied_into_another_row_opens_nothing(self, bob: User, carol: User) -> None:
        mine, theirs = make_factor(bob), make_factor(carol)
        Factor.objects.filter(pk=theirs.pk).update(secret=mine.secret)

        with pytest.raises(SecondFactorNeeded):
            with_code(carol, code_of(mine))


class TestRecoveryCodes:
    """Ten, each once."""

    def test_each_opens_the_door_once(self, bob: User) -> None:
        codes = enrol(bob)

        assert with_code(bob, codes[0]).methods == ["pwd", "recovery"]
        with pytest.raises(SecondFactorNeeded):
            with_code(bob, codes[0], "d" * 40)
        assert with_code(bob, codes[1].replace("-", "").upper(), "e" * 40).is_live
        assert RecoveryCode.objects.left(bob.pk) == 8
        assert Outbox.objects.filter(user=bob, kind="recovery_code_used").count() == 2

    def test_not_somebody_elses(self, bob: User, carol: User) -> None:
        codes = enrol(bob)
        make_factor(carol)

        with pytest.raises(SecondFactorNeeded):
            with_code(carol, codes[0])

    def test_new_ones_take_the_place_of_those_before(self, bob: User, last_event: Callable[[], AuditEvent]) -> None:
        before = enrol(bob)

        after = recovery_codes_renew(actor=oneself(bob), user=bob)

        assert last_event().action == "factor.renew_codes"
        with pytest.raises(SecondFactorNeeded):
            with_code(bob, before[0])
        assert with_code(bob, after[0]).is_live

    def test_none_without_a_second_factor(self, bob: User) -> None:
        with pytest.raises(Conflict, match="no second factor"):
            recovery_codes_renew(actor=oneself(bob), user=bob)

    @pytest.mark.django_db(transaction=True)
    def test_of_eight_at_once_one_gets_in(self, bob: User) -> None:
        codes = enrol(bob)
        with pytest.raises(SecondFactorNeeded) as needed:
            start(bob)
        proof = needed.value.proof

        def attempt(number: int) -> Callable[[], Session]:
            return lambda: session_start_with_code(actor=ANYBODY, proof=proof, code=codes[0], key_hash=f"{number:040}")

        outcomes = at_once(*[attempt(number) for number in range(8)])

        assert sum(isinstance(outcome, Session) for outcome in outcomes) == 1


@pytest.mark.django_db(transaction=True)
def test_of_eight_with_one_code_one_gets_in(bob: User) -> None:
    factor = make_factor(bob)
    with pytest.raises(SecondFactorNeeded) as needed:
        start(bob)
    proof, code = needed.value.proof, code_of(factor)

    def attempt(number: int) -> Callable[[], Session]:
        return lambda: session_start_with_code(actor=ANYBODY, proof=proof, code=code, key_hash=f"{number:040}")

    outcomes = at_once(*[attempt(number) for number in range(8)])

    assert sum(isinstance(outcome, Session) for outcome in outcomes) == 1
    assert Session.objects.count() == 1


class TestTakingAway:
    """``factor_remove``, ``user_disable_two_factor`` and ``user_reset_two_factor``."""

    @pytest.mark.parametrize(
        ("operation", "must_enrol"), [(user_disable_two_factor, False), (user_reset_two_factor, True)]
    )
    def test_all_go_and_sessions_end(
        self,
        erin: User,
        bob: User,
        operation: Any,
        must_enrol: bool,
        last_event: Callable[[], AuditEvent],
    ) -> None:
        enrol(bob)
        session = SessionFactory.create(user=bob)

        operation(actor=oneself(erin), user=bob, reason="Phone lost")

        event = last_event()
        bob.refresh_from_db()
        word = "reset" if must_enrol else "disable"
        assert (event.action, event.actor_id) == (f"user.{word}_two_factor", erin.pk)
        assert (Factor.objects.count(), RecoveryCode.objects.count(), bob.must_enrol) == (0, 0, must_enrol)
        assert not Session.objects.get(pk=session.pk).is_live
        assert Outbox.objects.filter(user=bob, kind="factor_removed").exists()
        assert start(bob).must_enrol == must_enrol

    def test_again_changes_nothing(self, erin: User, bob: User) -> None:
        user_reset_two_factor(actor=oneself(erin), user=bob)
        events = AuditEvent.objects.count()

        user_reset_two_factor(actor=oneself(erin), user=bob)

        assert AuditEvent.objects.count() == events

    def test_one_of_two_leaves_the_other(self, erin: User, bob: User) -> None:
        first, second = make_factor(bob), make_factor(bob)

        factor_remove(actor=oneself(erin), factor=first)

        bob.refresh_from_db()
        assert (list(Factor.objects.all()), bob.must_enrol) == ([second], False)

    def test_the_last_one_by_somebody_else_is_a_reset(self, erin: User, bob: User) -> None:
        factor_remove(actor=oneself(erin), factor=make_factor(bob))

        bob.refresh_from_db()
        assert bob.must_enrol

    def test_one_s_own_goes_and_the_session_stays(self, bob: User) -> None:
        session = SessionFactory.create(user=bob)

        factor_remove(actor=oneself(bob, session), factor=make_factor(bob))

        bob.refresh_from_db()
        assert (Factor.objects.count(), bob.must_enrol) == (0, False)
        assert Session.objects.get(pk=session.pk).is_live

    def test_one_s_own_last_stays_where_one_is_asked_for(self, bob: User, operator: Actor) -> None:
        factor = make_factor(bob)
        org_update(actor=operator, organization=bob.organization, second_factor="required")

        with pytest.raises(Conflict, match="asks for a second factor"):
            factor_remove(actor=oneself(bob), factor=factor)

        assert Factor.objects.filter(pk=factor.pk).exists()

    @pytest.mark.parametrize("operation", [user_disable_two_factor, user_reset_two_factor])
    def test_one_s_own_by_the_admin_s_door_want_a_recent_sign_in(self, erin: User, operation: Any) -> None:
        make_factor(erin)
        session = SessionFactory.create(user=erin, authenticated_at=timezone.now() - timedelta(minutes=6))

        with pytest.raises(NotRecent):
            operation(actor=oneself(erin, session), user=erin)

        assert Factor.objects.filter(user=erin).exists()

    def test_an_admin_s_own_are_not_disabled_where_one_is_asked_for(self, erin: User, operator: Actor) -> None:
        make_factor(erin)
        org_update(actor=operator, organization=erin.organization, second_factor="admins")
        actor = oneself(erin, SessionFactory.create(user=erin))

        with pytest.raises(Conflict, match="asks for a second factor"):
            user_disable_two_factor(actor=actor, user=erin)
        user_reset_two_factor(actor=actor, user=erin)

        erin.refresh_from_db()
        assert erin.must_enrol

    @pytest.mark.parametrize("who", ["carol", "frank", "dave", "mallory"])
    def test_refused_to_who_may_not(self, cast: Any, who: str) -> None:
        factor = make_factor(cast.bob)

        actor = oneself(getattr(cast, who))
        with pytest.raises((NotAllowed, NotFound)):
            factor_remove(actor=actor, factor=factor)
        for operation in (user_reset_two_factor, user_disable_two_factor):
            with pytest.raises((NotAllowed, NotFound)):
                operation(actor=actor, user=cast.bob)
        assert Factor.objects.filter(pk=factor.pk).exists()

    def test_not_of_somebody_who_owns_another_organization(
        self, erin: User, bob: User, nextdoor: Organization, operator: Actor
    ) -> None:
        from accounts.operations.organizations import membership_add

        membership_add(actor=operator, organization=nextdoor, user=bob, roles=["owner"])
        factor = make_factor(bob)

        with pytest.raises(NotAllowed, match="more permissions"):
            user_reset_two_factor(actor=oneself(erin), user=bob)

        assert Factor.objects.filter(pk=factor.pk).exists()


class TestRequired:
    """What an organization asks for."""

    @pytest.mark.parametrize(
        ("rule", "who", "must"),
        [
            ("optional", "alice", False),
            ("admins", "alice", True),
            ("admins", "erin", True),
            ("admins", "frank", False),
            ("admins", "bob", False),
            ("admins", "dave", False),
            ("required", "bob", True),
            ("required", "dave", True),
            ("required", "mallory", False),
        ],
    )
    def test_whoever_has_none_gets_a_session_that_enrols_one(
        self, cast: Any, operator: Actor, rule: str, who: str, must: bool
    ) -> None:
        org_update(actor=operator, organization=cast.alice.organization, second_factor=rule)
        user = getattr(cast, who)

        session = start(user)

        assert session.must_enrol == must
        actor = oneself(user, session)
        assert (bool(actor.grants), actor.everything) == (not must, False)

    def test_enrolling_opens_everything_at_once(self, alice: User, operator: Actor) -> None:
        org_update(actor=operator, organization=alice.organization, second_factor="admins")
        session = start(alice)

        enrol(alice, session)

        session.refresh_from_db()
        assert not session.must_enrol
        assert oneself(alice, session).grants

    def test_a_super_user_is_granted_nothing_before(self, root: User, operator: Actor) -> None:
        org_update(actor=operator, organization=root.organization, second_factor="admins")

        session = start(root)

        assert (session.must_enrol, oneself(root, session).everything) == (True, False)

    def test_no_way_leads_past_it(self, bob: User, operator: Actor) -> None:
        org_update(actor=operator, organization=bob.organization, second_factor="required")
        token = admin_link(actor=operator, user=bob).rstrip("/").rpartition("/")[2]

        by_link = link_redeem(
            actor=ANYBODY, token=token, password=NewPassword("correct horse battery staple"), key_hash="f" * 40
        )

        assert by_link.session is not None
        assert by_link.session.must_enrol
        with pytest.raises(NotAuthenticated, match="to have a second factor"):
            token_start(
                actor=ANYBODY,
                organization=bob.organization,
                login="bob",
                password="correct horse battery staple",
            )

    def test_an_organization_that_is_closed_asks_for_nothing(
        self, dave: User, acme: Organization, operator: Actor
    ) -> None:
        org_update(actor=operator, organization=acme, second_factor="required")
        assert policy.needs_second_factor(dave)

        Organization.objects.filter(pk=acme.pk).update(status="suspended")

        assert Membership.objects.filter(user=dave, organization=acme).exists()
        assert not policy.needs_second_factor(dave)

    def test_another_word_is_refused(self, acme: Organization, operator: Actor) -> None:
        with pytest.raises(AccountsError) as refusal:
            org_update(actor=operator, organization=acme, second_factor="sometimes")

        assert set(refusal.value.fields) == {"second_factor"}


class TestKeys:
    """Secrets at rest."""

    @pytest.fixture
    def ring(self, settings: Any, tmp_path: Any) -> Any:
        path = tmp_path / "keys.json"
        path.write_bytes(settings.KEYS_FILE.read_bytes())
        path.chmod(0o600)
        settings.KEYS_FILE = path
        keyring.cache_clear()
        yield path
        keyring.cache_clear()

    def test_are_read_with_the_key_before_and_written_anew_with_the_present_one(self, bob: User, ring: Any) -> None:
        factor = make_factor(bob)
        assert factors_resealed() == 0
        rotate(ring)
        assert with_code(bob, code_of(factor)).is_live  # which writes it anew

        others = [make_factor(bob), make_mail_factor(bob)]
        rotate(ring)
        before = keyring().keys[Purpose.ENCRYPTION][1]
        assert {factors_resealed(), factors_resealed()} == {3, 0}

        for row in (factor, *others):
            secret = Factor.objects.get(pk=row.pk)
            assert secret.secret[:5] != row.secret[:5]
            assert secret.held
        assert keyring().named(Purpose.ENCRYPTION, before.id) is not None

    def test_what_no_key_opens_opens_nothing_and_is_left_as_it_is(self, bob: User) -> None:
        factor = make_factor(bob)
        Factor.objects.filter(pk=factor.pk).update(secret="x" * 80)

        factors_resealed()

        assert Factor.objects.get(pk=factor.pk).secret == "x" * 80
        with pytest.raises(SecondFactorNeeded):
            with_code(bob, code_of(factor))


def test_a_code_is_good_half_a_minute_before_and_after_and_no_longer(bob: User) -> None:
    factor = make_factor(bob)
    for shift in (-90, 90):
        with pytest.raises(SecondFactorNeeded):
            with_code(bob, code_of(factor, shift=shift))

    assert with_code(bob, code_of(factor, shift=30)).is_live
    assert Factor.objects.get(pk=factor.pk).last_used_at is not None
    with pytest.raises(SecondFactorNeeded):  # older than the last one that was used
        with_code(bob, code_of(factor), "e" * 40)
