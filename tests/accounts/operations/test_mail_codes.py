"""Codes by mail: a second factor that is weaker, bound to one sign-in, good once."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import AccountsError, Conflict, Invalid, NotAuthenticated, NotFound, NotRecent, Throttled
from accounts.models import AuditEvent, Factor, Organization, Outbox, RecoveryCode, Session, User
from accounts.models.factors import MAILED_LIFE
from accounts.models.roles import RoleAssignment
from accounts.operations.confirmations import session_confirm, session_confirm_with_code
from accounts.operations.factors import factor_enrol_finish, factor_enrol_start, factor_remove
from accounts.operations.links import code_for
from accounts.operations.organizations import org_update
from accounts.operations.outbox import deliver
from accounts.operations.proofs import LETTERS, SecondFactorNeeded, mail_code_send
from accounts.operations.sessions import session_start, session_start_with_code
from accounts.operations.tokens import token_start, token_start_with_code
from accounts.operations.users import user_update
from tests.accounts.mailbox import code_in, work
from tests.factories.factors import code_of, make_factor, make_mail_factor
from tests.factories.users import PASSWORD, SessionFactory

pytestmark = pytest.mark.django_db
ANYBODY = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Test/Python")
Letters = list[mail.EmailMessage]


def oneself(user: User, session: Session | None = None) -> Actor:
    return policy.actor_for(user, door=Door.PAGE, session=session)


def needed(user: User) -> SecondFactorNeeded:
    """Sign in with the password alone."""
    with pytest.raises(SecondFactorNeeded) as refusal:
        session_start(
            actor=ANYBODY,
            organization=user.organization,
            login=str(user.username),
            password=PASSWORD,
            key_hash="a" * 40,
        )
    return refusal.value


def with_code(proof: str, code: str) -> Session:
    return session_start_with_code(actor=ANYBODY, proof=proof, code=code, key_hash=secrets.token_hex(20))


def last_code(mailoutbox: Letters) -> str:
    work()
    return code_in(mailoutbox[-1])


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


@pytest.fixture
def mailed(bob: User) -> User:
    """Bob, who has codes mailed and nothing else."""
    make_mail_factor(bob)
    return User.objects.select_related("organization").get(pk=bob.pk)


@pytest.fixture
def allowed(bob: User, operator: Actor) -> User:
    """Bob, who might have them."""
    org_update(actor=operator, organization=bob.organization, mail_codes="allowed")
    User.objects.filter(pk=bob.pk).update(email_verified_at=timezone.now())
    return User.objects.select_related("organization").get(pk=bob.pk)


class TestSigningIn:
    """With what came by mail."""

    def test_who_has_nothing_else_is_mailed_one_at_once(
        self, mailed: User, mailoutbox: Letters, last_event: Callable[[], AuditEvent]
    ) -> None:
        asked = needed(mailed)

        assert (asked.methods, asked.mailed_to) == (["email"], mailed.email)
        sent = AuditEvent.objects.get(action="factor.send_code")
        assert (sent.actor_id, sent.subject_id) == (mailed.pk, mailed.pk)
        session = with_code(asked.proof, last_code(mailoutbox))
        assert (session.methods, session.must_enrol) == (["pwd", "mail"], False)
        assert mailoutbox[0].to == [mailed.email]
        assert Factor.objects.get().last_used_at is not None

    def test_who_has_an_app_too_asks_for_it(self, mailed: User, mailoutbox: Letters) -> None:
        app = make_factor(mailed)
        asked = needed(mailed)
        assert (asked.methods, asked.mailed_to) == (["email", "totp"], "")
        assert not Outbox.objects.filter(kind="mail_code").exists()

        assert mail_code_send(actor=ANYBODY, proof=asked.proof) == mailed.email

        assert with_code(asked.proof, last_code(mailoutbox)).methods == ["pwd", "mail"]
        assert with_code(asked.proof, code_of(app)).methods == ["pwd", "otp"]

    def test_a_code_works_once(self, mailed: User, mailoutbox: Letters) -> None:
        asked = needed(mailed)
        code = last_code(mailoutbox)
        with_code(asked.proof, code)

        with pytest.raises(SecondFactorNeeded):
            with_code(asked.proof, code)

    def test_a_code_is_good_in_its_own_sign_in_only(self, mailed: User, mailoutbox: Letters) -> None:
        make_factor(mailed)  # so that nothing is mailed by itself
        mine, theirs = needed(mailed), needed(mailed)
        mail_code_send(actor=ANYBODY, proof=mine.proof)
        code = last_code(mailoutbox)

        with pytest.raises(SecondFactorNeeded):
            with_code(theirs.proof, code)

        assert with_code(mine.proof, code).is_live

    def test_another_code_takes_the_place_of_the_one_before(self, mailed: User, mailoutbox: Letters) -> None:
        asked = needed(mailed)
        before = last_code(mailoutbox)
        mail_code_send(actor=ANYBODY, proof=asked.proof)

        with pytest.raises(SecondFactorNeeded):
            with_code(asked.proof, before)

        assert with_code(asked.proof, last_code(mailoutbox)).is_live

    @pytest.mark.parametrize(("late", "opens"), [(timedelta(seconds=-2), True), (timedelta(seconds=1), False)])
    def test_a_code_is_good_for_ten_minutes(
        self, mailed: User, mailoutbox: Letters, monkeypatch: pytest.MonkeyPatch, late: timedelta, opens: bool
    ) -> None:
        asked = needed(mailed)
        code, then = last_code(mailoutbox), timezone.now() + MAILED_LIFE + late
        factor = Factor.objects.get()
        monkeypatch.setattr(timezone, "now", lambda: then)

        token = f"{factor.held['bound']} {code}"

        assert asked.mailed_to
        assert factor.verify_token(token) is opens

    def test_a_letter_that_is_late_is_not_sent(
        self, mailed: User, mailoutbox: Letters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needed(mailed)
        then = timezone.now() + MAILED_LIFE + timedelta(seconds=1)
        monkeypatch.setattr(timezone, "now", lambda: then)

        assert not deliver(Outbox.objects.get(kind="mail_code").pk)

        row = Outbox.objects.get(kind="mail_code")
        assert (row.state, row.last_error) == ("dropped", "not sent: no code is waited for any more")
        assert mailoutbox == []

    def test_each_attempt_to_deliver_has_its_own(self, mailed: User, mailoutbox: Letters) -> None:
        asked = needed(mailed)
        before = code_for(Outbox.objects.get(kind="mail_code"))
        after = last_code(mailoutbox)

        assert before != after
        with pytest.raises(SecondFactorNeeded):
            with_code(asked.proof, before)
        assert with_code(asked.proof, after).is_live

    def test_not_once_the_address_is_another_one(self, mailed: User, erin: User, mailoutbox: Letters) -> None:
        asked = needed(mailed)
        code = last_code(mailoutbox)
        user_update(actor=oneself(erin), user=mailed, changes={"email": "other@acme.example"}, skip_verification=True)

        with pytest.raises(AccountsError):
            with_code(asked.proof, code)

    def test_nothing_is_mailed_to_an_address_that_is_not_confirmed(self, mailed: User) -> None:
        User.objects.filter(pk=mailed.pk).update(email_verified_at=None)

        asked = needed(mailed)

        assert asked.mailed_to == ""
        with pytest.raises(Conflict, match="not confirmed"):
            mail_code_send(actor=ANYBODY, proof=asked.proof)
        assert not Outbox.objects.filter(kind="mail_code").exists()

    def test_five_an_hour(self, mailed: User, mailoutbox: Letters) -> None:
        asked = needed(mailed)
        for _ in range(LETTERS - 1):
            mail_code_send(actor=ANYBODY, proof=asked.proof)

        with pytest.raises(Throttled):
            mail_code_send(actor=ANYBODY, proof=asked.proof)

        assert needed(mailed).mailed_to == ""
        assert Outbox.objects.filter(kind="mail_code").count() == LETTERS
        assert with_code(asked.proof, last_code(mailoutbox)).is_live
        Outbox.objects.update(created_at=timezone.now() - timedelta(hours=1, seconds=1))
        assert needed(mailed).mailed_to

    def test_wrong_ones_are_counted(self, mailed: User, mailoutbox: Letters) -> None:
        asked = needed(mailed)
        code = last_code(mailoutbox)
        for _ in range(10):
            with pytest.raises(SecondFactorNeeded):
                with_code(asked.proof, wrong(code))

        with pytest.raises(Throttled):
            with_code(asked.proof, code)

    def test_whose_password_was_not_shown_is_mailed_nothing(self, mailed: User) -> None:
        for proof in ("", "nonsense", needed(mailed).proof[:-2]):
            with pytest.raises(NotAuthenticated):
                mail_code_send(actor=ANYBODY, proof=proof)

    def test_not_without_one_and_not_once_the_account_was_changed(self, bob: User) -> None:
        make_factor(bob)
        asked = needed(bob)

        with pytest.raises(NotFound):
            mail_code_send(actor=ANYBODY, proof=asked.proof)
        User.objects.filter(pk=bob.pk).update(status="suspended")
        with pytest.raises(NotAuthenticated):
            mail_code_send(actor=ANYBODY, proof=asked.proof)

    def test_codes_of_nobody_else(self, mailed: User, carol: User, mailoutbox: Letters) -> None:
        make_mail_factor(carol)
        theirs = needed(carol)
        needed(mailed)
        work()
        code = next(code_in(letter) for letter in mailoutbox if letter.to == [mailed.email])

        with pytest.raises(SecondFactorNeeded):
            with_code(theirs.proof, code)

    def test_nothing_of_it_is_stored_as_it_is(
        self, mailed: User, mailoutbox: Letters, everything: Callable[[], Any]
    ) -> None:
        needed(mailed)
        code = last_code(mailoutbox)

        assert code not in str(everything()) + str(list(AuditEvent.objects.values()))


class TestPrograms:
    """``auth/token/`` and ``auth/two-factor/``."""

    def test_in_two_steps(self, mailed: User, mailoutbox: Letters) -> None:
        with pytest.raises(SecondFactorNeeded) as refusal:
            token_start(actor=ANYBODY, organization=mailed.organization, login="bob", password=PASSWORD)
        proof = refusal.value.more["proof"]

        issued = token_start_with_code(actor=ANYBODY, proof=proof, code=last_code(mailoutbox))

        assert issued.session.methods == ["pwd", "mail"]

    def test_with_a_recovery_code_at_once_nothing_is_mailed(self, mailed: User) -> None:
        with pytest.raises(SecondFactorNeeded):
            token_start(actor=ANYBODY, organization=mailed.organization, login="bob", password=PASSWORD, code="x" * 24)

        assert not Outbox.objects.filter(kind="mail_code").exists()

    def test_not_where_it_is_not_enough(self, mailed: User, operator: Actor, mailoutbox: Letters) -> None:
        org_update(actor=operator, organization=mailed.organization, second_factor="required", mail_codes="refused")
        with pytest.raises(SecondFactorNeeded) as refusal:
            token_start(actor=ANYBODY, organization=mailed.organization, login="bob", password=PASSWORD)

        with pytest.raises(NotAuthenticated, match="none yet that is enough"):
            token_start_with_code(actor=ANYBODY, proof=refusal.value.proof, code=last_code(mailoutbox))

        assert not Session.objects.exists()


class TestWhereItIsNotEnough:
    """Administrators, and where the organization has come to refuse it."""

    def test_an_organization_that_refuses_it_now_asks_for_another_where_one_is_required(
        self, mailed: User, operator: Actor, mailoutbox: Letters
    ) -> None:
        org_update(actor=operator, organization=mailed.organization, second_factor="required")
        assert not with_code(needed(mailed).proof, last_code(mailoutbox)).must_enrol
        org_update(actor=operator, organization=mailed.organization, mail_codes="refused")

        session = with_code(needed(mailed).proof, last_code(mailoutbox))

        assert session.must_enrol
        begun = factor_enrol_start(actor=oneself(mailed, session), user=mailed)
        factor_enrol_finish(actor=oneself(mailed, session), user=mailed, code=code_of(begun.factor))
        assert not Session.objects.get(pk=session.pk).must_enrol

    def test_who_has_come_to_administer_something(self, mailed: User, operator: Actor, mailoutbox: Letters) -> None:
        org_update(actor=operator, organization=mailed.organization, second_factor="admins")
        member = RoleAssignment.objects.of_user(mailed.pk).get()
        member.role = member.role.__class__.objects.built_in().get(slug="admin")
        member.save()

        assert with_code(needed(mailed).proof, last_code(mailoutbox)).must_enrol


class TestEnrolment:
    """``factor_enrol_start`` and ``factor_enrol_finish`` of kind ``email``."""

    def test_counts_once_the_letter_was_read(self, allowed: User, mailoutbox: Letters) -> None:
        session = SessionFactory.create(user=allowed, methods=["pwd"])
        begun = factor_enrol_start(actor=oneself(allowed, session), user=allowed, kind="email")
        assert (begun.key, begun.address, begun.factor.name) == ("", "", "Codes by mail")
        code = last_code(mailoutbox)
        with pytest.raises(Invalid):
            factor_enrol_finish(actor=oneself(allowed, session), user=allowed, code=wrong(code))

        done = factor_enrol_finish(actor=oneself(allowed, session), user=allowed, code=code)

        assert len(done.codes) == RecoveryCode.objects.left(allowed.pk) == 10
        session.refresh_from_db()
        assert session.methods == ["pwd", "mail"]
        assert Outbox.objects.filter(user=allowed, kind="factor_added").exists()
        assert needed(allowed).methods == ["email"]

    @pytest.mark.parametrize("who", ["refused", "admin", "second", "unconfirmed"])
    def test_not_for_everybody(self, allowed: User, operator: Actor, erin: User, who: str) -> None:
        User.objects.filter(pk=erin.pk).update(email_verified_at=timezone.now())
        person = User.objects.get(pk=erin.pk) if who == "admin" else allowed
        if who == "refused":
            org_update(actor=operator, organization=allowed.organization, mail_codes="refused")
        if who == "second":
            make_mail_factor(allowed)
        if who == "unconfirmed":
            User.objects.filter(pk=allowed.pk).update(email_verified_at=None)
        factors = Factor.objects.count()

        with pytest.raises(Conflict):
            factor_enrol_start(actor=oneself(person), user=User.objects.get(pk=person.pk), kind="email")

        assert Factor.objects.count() == factors
        assert not Outbox.objects.filter(kind="mail_code").exists()

    def test_wants_a_recent_sign_in(self, allowed: User) -> None:
        session = SessionFactory.create(user=allowed, authenticated_at=timezone.now() - timedelta(minutes=6))

        with pytest.raises(NotRecent):
            factor_enrol_start(actor=oneself(allowed, session), user=allowed, kind="email")

    def test_is_one_of_two_kinds(self, bob: User) -> None:
        with pytest.raises(Invalid) as refusal:
            factor_enrol_start(actor=oneself(bob), user=bob, kind="smoke")

        assert set(refusal.value.fields) == {"kind"}

    def test_a_code_of_it_is_not_taken_as_one_to_sign_in(self, allowed: User, mailoutbox: Letters) -> None:
        make_factor(allowed)
        factor_enrol_start(actor=oneself(allowed), user=allowed, kind="email")
        code = last_code(mailoutbox)

        with pytest.raises(SecondFactorNeeded):
            with_code(needed(allowed).proof, code)

    def test_five_an_hour(self, allowed: User) -> None:
        for _ in range(LETTERS):
            factor_enrol_start(actor=oneself(allowed), user=allowed, kind="email")

        with pytest.raises(Throttled):
            factor_enrol_start(actor=oneself(allowed), user=allowed, kind="email")

        assert Outbox.objects.filter(kind="mail_code").count() == LETTERS

    def test_a_code_of_one_that_was_begun_before_opens_nothing(self, allowed: User, mailoutbox: Letters) -> None:
        factor_enrol_start(actor=oneself(allowed), user=allowed, kind="email")
        code = last_code(mailoutbox)
        factor_enrol_start(actor=oneself(allowed), user=allowed, kind="email")

        with pytest.raises(Invalid):
            factor_enrol_finish(actor=oneself(allowed), user=allowed, code=code)

    def test_taken_away_it_opens_nothing(self, mailed: User, mailoutbox: Letters) -> None:
        make_factor(mailed)
        asked = needed(mailed)
        mail_code_send(actor=ANYBODY, proof=asked.proof)
        code = last_code(mailoutbox)
        factor_remove(actor=oneself(mailed), factor=Factor.objects.mailed().get())

        with pytest.raises(SecondFactorNeeded):
            with_code(asked.proof, code)


class TestShowingAnew:
    """``session_confirm_with_code``."""

    def test_by_mail_too(self, mailed: User, mailoutbox: Letters) -> None:
        session = SessionFactory.create(user=mailed, authenticated_at=timezone.now() - timedelta(hours=1))
        actor = oneself(mailed, session)
        with pytest.raises(SecondFactorNeeded) as refusal:
            session_confirm(actor=actor, user=mailed, current_password=PASSWORD, key_hash="c" * 40)
        assert refusal.value.mailed_to == mailed.email

        renewed = session_confirm_with_code(
            actor=actor, proof=refusal.value.proof, code=last_code(mailoutbox), key_hash="d" * 40
        )

        assert (renewed.pk, renewed.methods) == (session.pk, ["pwd", "mail"])

    def test_a_proof_of_somebody_else_has_nothing_mailed(self, mailed: User, carol: User) -> None:
        make_mail_factor(carol)
        make_factor(carol)
        theirs = needed(carol)

        with pytest.raises(NotAuthenticated, match="somebody else"):
            mail_code_send(actor=oneself(mailed, SessionFactory.create(user=mailed)), proof=theirs.proof)

        assert not Outbox.objects.filter(kind="mail_code").exists()


def test_the_setting_is_one_of_two_words(bob: User, operator: Actor) -> None:
    with pytest.raises(Invalid) as refusal:
        org_update(actor=operator, organization=bob.organization, mail_codes="maybe")

    assert set(refusal.value.fields) == {"mail_codes"}
    assert Organization.objects.get(pk=bob.organization_id).mail_codes == "refused"
