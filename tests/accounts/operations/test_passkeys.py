"""Passkeys: enrolled, shown alone or after the password, and every way in which an answer is none."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotAuthenticated, NotFound, NotRecent, Throttled
from accounts.models import AuditEvent, Factor, FailedTries, Outbox, RecoveryCode, Session, TriesOf, User
from accounts.operations import statuses
from accounts.operations.factors import MOST, factor_remove, user_reset_two_factor
from accounts.operations.organizations import org_update
from accounts.operations.passkey_enrolment import passkey_enrol_finish, passkey_enrol_start, passkey_enrolment_of
from accounts.operations.passkeys import (
    Asked,
    CopiedPasskey,
    ask_anybody,
    ask_person,
    ask_second,
    session_confirm_with_passkey,
    session_start_with_passkey,
    session_start_with_second_passkey,
)
from accounts.operations.proofs import SecondFactorNeeded, proven
from accounts.operations.sessions import session_start
from accounts.operations.tokens import token_start
from accounts.operations.tries import PER_NETWORK
from accounts.passkeys import home
from accounts.statuses import Status
from tests.factories.authenticator import UP, UV, Authenticator, answer_of, make_passkey, text
from tests.factories.factors import make_factor
from tests.factories.users import PASSWORD, SessionFactory, make_user

ANYBODY = policy.anonymous(door=Door.PAGE, ip="192.0.2.9", device="Test/Python")
BROWSER = "b" * 32


@pytest.fixture(autouse=True)
def _at_home(settings: Any) -> None:
    settings.PUBLIC_URL = "http://localhost:8000"


@pytest.fixture
def session(bob: User) -> Session:
    return SessionFactory.create(user=bob)


def oneself(user: User, session: Session | None = None) -> Actor:
    return policy.actor_for(user, door=Door.PAGE, session=session)


def enrol(user: User, session: Session, authenticator: Authenticator, **more: Any) -> list[str]:
    begun = passkey_enrol_start(actor=oneself(user, session), user=user)
    answer = authenticator.made(begun.options, **more)
    return list(passkey_enrol_finish(actor=oneself(user, session), user=user, answer=answer).codes)


def asked(browser: str = BROWSER) -> Asked:
    question = ask_anybody(browser)
    assert question is not None
    return question


def start(state: str, answer: str, *, browser: str = BROWSER, organization: str = "", key: str = "a") -> Session:
    return session_start_with_passkey(
        actor=ANYBODY, organization=organization, browser=browser, state=state, answer=answer, key_hash=key * 40
    )


def sign_in(authenticator: Authenticator, *, organization: str = "", key: str = "a", **more: Any) -> Session:
    question = asked()
    return start(question.state, authenticator.shown(question.options, **more), organization=organization, key=key)


def proof_of(user: User) -> str:
    with pytest.raises(SecondFactorNeeded) as needed:
        session_start(
            actor=ANYBODY,
            organization=user.organization,
            login=str(user.username),
            password=PASSWORD,
            key_hash="f" * 40,
        )
    return needed.value.proof


def sign_in_second(user: User, authenticator: Authenticator, **more: Any) -> Session:
    proof = proof_of(user)
    question = ask_second(proof)
    assert question is not None
    return session_start_with_second_passkey(
        actor=ANYBODY,
        proof=proof,
        state=question.state,
        answer=authenticator.shown(question.options, **more),
        key_hash="c" * 40,
    )


class TestEnrolment:
    """``passkey_enrol_start`` and ``passkey_enrol_finish``."""

    @pytest.mark.parametrize("kind", ["ES256", "EdDSA", "RS256"])
    def test_counts_once_it_was_made(
        self, bob: User, session: Session, kind: str, last_event: Callable[[], AuditEvent]
    ) -> None:
        codes = enrol(bob, session, made := Authenticator(kind))

        event, factor = last_event(), Factor.objects.get()
        session.refresh_from_db()
        assert (event.action, event.actor_id, event.part("subject")["kind"]) == ("factor.enrol", bob.pk, "passkey")
        assert (factor.kind, factor.confirmed, factor.user_id) == ("passkey", True, bob.pk)
        assert len(codes) == RecoveryCode.objects.left(bob.pk) == 10
        assert session.methods == ["pop", "user"]
        assert Outbox.objects.filter(user=bob, kind="factor_added").exists()
        assert sign_in(made).methods == ["pop", "user"]

    def test_what_is_asked_of_the_browser(self, bob: User, session: Session) -> None:
        there = make_passkey(bob)

        options = passkey_enrol_start(actor=oneself(bob, session), user=bob).options

        assert options["rp"] == {"id": "localhost", "name": "Identity"}
        assert options["user"]["id"] == text(bob.pk.bytes)
        assert [known["alg"] for known in options["pubKeyCredParams"]] == [-8, -7, -257]
        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options["authenticatorSelection"]["residentKey"] == "preferred"
        assert (options["attestation"], options["timeout"]) == ("none", 300_000)
        assert [known["id"] for known in options["excludeCredentials"]] == [text(there.credential)]

    def test_a_second_one_brings_no_codes_and_there_is_an_end(self, bob: User, session: Session) -> None:
        make_factor(bob)
        assert enrol(bob, session, Authenticator()) == []
        for _ in range(MOST - 2):
            make_passkey(bob)

        with pytest.raises(Conflict, match="10 second factors"):
            passkey_enrol_start(actor=oneself(bob, session), user=bob)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"origin": "https://localhost:8000"},
            {"origin": "http://localhost:8001"},
            {"origin": "http://evil.example"},
            {"name": "evil.example"},
            {"flags": UP},
            {"flags": UV},
            {"kind": "webauthn.get"},
        ],
    )
    def test_what_was_made_otherwise_is_refused_and_one_may_try_again(
        self, bob: User, session: Session, wrong: dict[str, Any], everything: Callable[[], Any]
    ) -> None:
        begun, made = passkey_enrol_start(actor=oneself(bob, session), user=bob), Authenticator()
        before = everything()

        with pytest.raises(Invalid) as refusal:
            passkey_enrol_finish(actor=oneself(bob, session), user=bob, answer=made.made(begun.options, **wrong))

        assert set(refusal.value.fields) == {"answer"}
        assert everything() == before
        assert not Factor.objects.enrolled().exists()
        passkey_enrol_finish(actor=oneself(bob, session), user=bob, answer=made.made(begun.options))
        assert Factor.objects.passkeys().count() == 1

    def test_another_algorithm_is_refused(self, bob: User, session: Session) -> None:
        with pytest.raises(Invalid):
            enrol(bob, session, Authenticator("ES384"))

    def test_an_id_that_is_too_long_is_refused(self, bob: User, session: Session) -> None:
        with pytest.raises(Invalid):
            enrol(bob, session, Authenticator(credential=b"x" * 1_024))
        enrol(bob, session, Authenticator(credential=b"x" * 1_023))

    def test_once_and_within_five_minutes(self, bob: User, session: Session) -> None:
        begun, made = passkey_enrol_start(actor=oneself(bob, session), user=bob), Authenticator()
        answer = made.made(begun.options)
        Factor.objects.update(created_at=timezone.now() - timedelta(minutes=5, seconds=1))
        with pytest.raises(NotFound, match="five minutes"):
            passkey_enrol_finish(actor=oneself(bob, session), user=bob, answer=answer)
        Factor.objects.update(created_at=timezone.now() - timedelta(minutes=4))
        passkey_enrol_finish(actor=oneself(bob, session), user=bob, answer=answer)

        factor_remove(actor=oneself(bob, session), factor=Factor.objects.get())
        with pytest.raises(NotFound):  # used up: what was taken away does not come back by the same answer
            passkey_enrol_finish(actor=oneself(bob, session), user=bob, answer=answer)

    def test_not_in_another_session_nor_by_somebody_else(self, bob: User, carol: User, session: Session) -> None:
        begun, other = passkey_enrol_start(actor=oneself(bob, session), user=bob), SessionFactory.create(user=bob)
        answer = Authenticator().made(begun.options)

        for actor in (oneself(bob, other), oneself(bob)):
            with pytest.raises(NotFound):
                passkey_enrol_finish(actor=actor, user=bob, answer=answer)
            with pytest.raises(NotFound):
                passkey_enrolment_of(actor, bob)
        for operation in (
            lambda: passkey_enrol_start(actor=oneself(carol), user=bob),
            lambda: passkey_enrol_finish(actor=oneself(carol), user=bob, answer=answer),
            lambda: passkey_enrol_finish(actor=oneself(carol), user=carol, answer=answer),
        ):
            with pytest.raises(NotFound):
                operation()
        assert not Factor.objects.enrolled().exists()

    def test_one_passkey_is_one_person_s(self, bob: User, carol: User, session: Session) -> None:
        there = make_passkey(carol)

        with pytest.raises(Conflict, match="enrolled already"):
            enrol(bob, session, Authenticator(credential=there.credential))

        assert Factor.objects.enrolled().get().user_id == carol.pk
        assert sign_in(there).user_id == carol.pk

    def test_not_by_who_was_suspended_meanwhile(self, bob: User, session: Session, operator: Actor) -> None:
        actor = oneself(bob, session)
        begun = passkey_enrol_start(actor=actor, user=bob)
        statuses.user_suspend(actor=operator, user=bob, reason="left")

        with pytest.raises(NotAuthenticated):
            passkey_enrol_finish(actor=actor, user=bob, answer=Authenticator().made(begun.options))

        assert not Factor.objects.enrolled().exists()

    def test_wants_a_recent_sign_in(self, bob: User, session: Session) -> None:
        Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6))

        with pytest.raises(NotRecent):
            passkey_enrol_start(actor=oneself(bob, session), user=bob)

        assert not Factor.objects.exists()

    def test_a_number_has_no_passkeys(self, bob: User, session: Session, settings: Any) -> None:
        settings.PUBLIC_URL = "http://127.0.0.1:8000"

        with pytest.raises(Conflict, match="bound to a name"):
            passkey_enrol_start(actor=oneself(bob, session), user=bob)
        assert ask_anybody(BROWSER) is None

    def test_nothing_of_it_is_stored_as_it_is(self, bob: User, session: Session, everything: Callable[[], Any]) -> None:
        enrol(bob, session, made := Authenticator())

        kept = str(everything()) + str(list(AuditEvent.objects.values()))
        assert text(made.credential) not in kept
        assert made.credential.hex() not in kept

    def test_a_secret_copied_into_another_row_opens_nothing(self, bob: User, carol: User) -> None:
        mine, theirs = make_passkey(bob), make_passkey(carol)
        theirs.key = mine.key
        Factor.objects.filter(user=carol).update(secret=Factor.objects.get(user=bob).secret)

        with pytest.raises(NotAuthenticated):
            sign_in(theirs)


class TestAlone:
    """``session_start_with_passkey``."""

    def test_opens_a_session_as_a_password_does(
        self, bob: User, operator: Actor, last_event: Callable[[], AuditEvent]
    ) -> None:
        made = make_passkey(bob)
        org_update(actor=operator, organization=bob.organization, second_factor="required")

        session = sign_in(made)

        event, factor = last_event(), Factor.objects.get()
        assert (event.action, event.outcome, event.actor_id) == ("session.start", "done", bob.pk)
        assert (session.user_id, session.methods, session.must_enrol) == (bob.pk, ["pop", "user"], False)
        assert (factor.held["count"], factor.last_used_at is not None) == (1, True)
        assert sign_in(made, key="d").is_live

    def test_an_answer_is_good_once(self, bob: User) -> None:
        for made in (make_passkey(bob), make_passkey(bob, Authenticator(counts=False))):
            question = asked()
            answer = made.shown(question.options)
            assert start(question.state, answer, key="a" if made.counts else "b").is_live

            with pytest.raises(NotAuthenticated) as refusal:
                start(question.state, answer, key="c")

            assert not isinstance(refusal.value, CopiedPasskey)
        assert Session.objects.count() == 2

    def test_nor_one_to_an_earlier_question(self, bob: User) -> None:
        made = make_passkey(bob, Authenticator(counts=False))
        early = asked()
        answer = made.shown(early.options)
        sign_in(made)

        with pytest.raises(NotAuthenticated):
            start(early.state, answer, key="c")

    def test_nor_in_another_browser_nor_after_five_minutes(self, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
        made, question = make_passkey(bob), asked()
        answer = made.shown(question.options)
        for browser in ("c" * 32, ""):
            with pytest.raises(NotAuthenticated):
                start(question.state, answer, browser=browser)
        with monkeypatch.context() as later:
            now = time.time()
            later.setattr(time, "time", lambda: now + 301)
            with pytest.raises(NotAuthenticated):
                start(question.state, answer)

        assert start(question.state, answer).is_live

    @pytest.mark.parametrize(
        "wrong",
        [
            {"origin": "https://localhost:8000"},
            {"origin": "http://localhost"},
            {"origin": "http://evil.example"},
            {"name": "evil.example"},
            {"flags": UP},
            {"flags": UV},
            {"flags": 0},
            {"kind": "webauthn.create"},
            {"handle": b"somebody else"},
            {"handle": b""},
        ],
    )
    def test_what_was_signed_otherwise_is_refused_and_recorded(
        self, bob: User, wrong: dict[str, Any], last_event: Callable[[], AuditEvent]
    ) -> None:
        made = make_passkey(bob)

        if wrong == {"handle": b""}:
            made.handle, wrong = b"", {}
        with pytest.raises(NotAuthenticated, match="was not taken"):
            sign_in(made, **wrong)

        event = last_event()
        assert (event.action, event.outcome, event.organization_id) == ("session.start", "failed", bob.organization_id)
        assert not Session.objects.exists()
        assert Factor.objects.get().held["count"] == 0
        assert not Outbox.objects.exists()

    def test_another_key_or_a_changed_answer_is_refused(self, bob: User) -> None:
        made, question = make_passkey(bob), asked()
        answer = made.shown(question.options)
        forger = Authenticator(credential=made.credential)
        forger.handle, forger.count = bob.pk.bytes, 50

        for wrong in (
            forger.shown(question.options),
            answer_of(answer, signature=text(b"x" * 70)),
            answer_of(answer, authenticatorData=text(b"x" * 37)),
            answer_of(answer, rawId=text(b"other")),
            answer_of(answer, type="password"),
        ):
            with pytest.raises(NotAuthenticated) as refusal:
                start(question.state, wrong)
            assert not isinstance(refusal.value, CopiedPasskey)
        assert not Outbox.objects.exists()
        assert start(question.state, answer).is_live

    @pytest.mark.parametrize(
        "answer",
        [
            "",
            "{",
            "null",
            "[]",
            "5",
            '"text"',
            "{}",
            '{"id": 5}',
            '{"id": "\\u0000"}',
            '{"id": "\\ud800"}',
            '{"id": {"id": {}}}',
            "[" * 16_000,
            '{"id": ' * 2_000,
            "9" * 16_000,
            json.dumps({"id": "A" * 100_000}),
            "\x00",
        ],
        ids=lambda answer: f"{answer[:12]!r} of {len(answer)}",
    )
    def test_what_is_no_answer_is_answered_alike(self, bob: User, session: Session, answer: str) -> None:
        make_passkey(bob)
        Session.objects.all().delete()
        session = SessionFactory.create(user=bob)

        with pytest.raises(NotAuthenticated, match="was not taken"):
            start(asked().state, answer)
        proof = proof_of(bob)
        question = ask_second(proof)
        assert question is not None
        with pytest.raises(SecondFactorNeeded):
            session_start_with_second_passkey(
                actor=ANYBODY, proof=proof, state=question.state, answer=answer, key_hash="c" * 40
            )
        passkey_enrol_start(actor=oneself(bob, session), user=bob)
        with pytest.raises(Invalid):
            passkey_enrol_finish(actor=oneself(bob, session), user=bob, answer=answer)

    @pytest.mark.parametrize("state", ["", "x", "a:b:c", "\x00", "ü" * 50, "x" * 100_000])
    def test_nor_is_a_state_that_nobody_signed(self, bob: User, state: str) -> None:
        made = make_passkey(bob)

        with pytest.raises(NotAuthenticated, match="was not taken"):
            start(state, made.shown(asked().options))

    def test_a_part_of_an_answer_is_none(self, bob: User) -> None:
        made, question = make_passkey(bob), asked()
        answer = made.shown(question.options)

        for length in range(0, len(answer), 37):
            with pytest.raises(NotAuthenticated):
                session_start_with_passkey(
                    actor=policy.anonymous(door=Door.PAGE),
                    organization="",
                    browser=BROWSER,
                    state=question.state,
                    answer=answer[:length],
                    key_hash="a" * 40,
                )

    @pytest.mark.parametrize("verb", ["suspend", "lock", "archive", "restrict"])
    def test_who_may_not_sign_in_gets_the_answer_of_an_unknown_one(self, bob: User, operator: Actor, verb: str) -> None:
        made = make_passkey(bob)
        with pytest.raises(NotAuthenticated) as unknown:
            sign_in(Authenticator())

        getattr(statuses, f"user_{verb}")(actor=operator, user=bob, reason="left")

        with pytest.raises(NotAuthenticated) as refusal:
            sign_in(made)
        assert refusal.value.as_dict() == unknown.value.as_dict()
        assert not Session.objects.exists()

    def test_the_organization_in_the_address_has_to_be_the_person_s(self, bob: User, mallory: User) -> None:
        made = make_passkey(bob)
        elsewhere = mallory.organization

        for organization in (elsewhere.slug, "nobodys"):
            with pytest.raises(NotAuthenticated, match="was not taken"):
                sign_in(made, organization=organization)
        assert sign_in(made, organization=bob.organization.slug.upper()).is_live

    def test_who_is_guessed_at_does_not_wait_but_a_lock_holds(self, bob: User, operator: Actor) -> None:
        made = make_passkey(bob)
        long = timezone.now() + timedelta(hours=1)
        for kind in TriesOf:
            FailedTries.objects.create(kind=kind, person_id=bob.pk, count=50, blocked_until=long)

        assert sign_in(made).is_live
        statuses.user_lock(actor=operator, user=bob, reason="Too many tries to sign in were wrong.")
        with pytest.raises(NotAuthenticated):
            sign_in(made, key="c")

    def test_a_network_waits_and_what_was_right_does_not_count(self, bob: User) -> None:
        made = make_passkey(bob)
        for _ in range(3):
            sign_in(made, key="e")
            Session.objects.all().delete()
        for _ in range(PER_NETWORK):
            with pytest.raises(NotAuthenticated):
                start("x", "{}")

        with pytest.raises(Throttled):
            sign_in(made)

        assert not Session.objects.exists()

    def test_what_was_taken_away_opens_nothing_at_once(self, bob: User, operator: Actor) -> None:
        for is_reset in (True, False):
            made, question = make_passkey(bob), asked()
            answer = made.shown(question.options)
            if is_reset:
                user_reset_two_factor(actor=operator, user=bob)
            else:
                factor_remove(actor=operator, factor=Factor.objects.get())

            with pytest.raises(NotAuthenticated):
                start(question.state, answer)

    def test_what_is_not_finished_opens_nothing(self, bob: User) -> None:
        with pytest.raises(NotAuthenticated):
            sign_in(make_passkey(bob, confirmed=False))


class TestCounter:
    """A passkey that says that it signed less often than before is one of two."""

    @pytest.mark.parametrize("count", [3, 4])
    def test_is_refused_recorded_and_the_person_told(
        self, bob: User, count: int, last_event: Callable[[], AuditEvent]
    ) -> None:
        made = make_passkey(bob)
        made.count = 4
        sign_in(made)
        made.count = count

        with pytest.raises(CopiedPasskey) as refusal:
            sign_in(made, key="c")

        event = last_event()
        assert (event.outcome, event.part("subject")["why"], event.organization_id) == (
            "failed",
            "CopiedPasskey",
            bob.organization_id,
        )
        assert refusal.value.message == "The passkey was not taken."
        assert Outbox.objects.filter(user=bob, kind="passkey_copied").count() == 1
        assert Session.objects.count() == 1

    def test_also_as_second_factor_and_when_confirming(self, bob: User) -> None:
        made = make_passkey(bob)
        made.count = 9
        session = sign_in(made)

        made.count = 3
        with pytest.raises(CopiedPasskey):
            sign_in_second(bob, made)
        question = ask_person(oneself(bob, session), bob)
        assert question is not None
        with pytest.raises(CopiedPasskey):
            session_confirm_with_passkey(
                actor=oneself(bob, session),
                user=bob,
                state=question.state,
                answer=made.shown(question.options),
                key_hash="d" * 40,
            )
        assert Outbox.objects.filter(user=bob, kind="passkey_copied").count() == 2

    def test_one_without_a_counter_has_none(self, bob: User) -> None:
        made = make_passkey(bob, Authenticator(counts=False))

        assert sign_in(made).is_live
        assert sign_in(made, key="c").is_live


class TestSecond:
    """``session_start_with_second_passkey``, after the right password."""

    def test_opens_a_session(self, bob: User) -> None:
        session = sign_in_second(bob, make_passkey(bob))

        assert (session.user_id, session.methods) == (bob.pk, ["pwd", "pop", "user"])

    def test_one_that_keeps_no_names_will_do(self, bob: User) -> None:
        made = make_passkey(bob)
        made.handle = b""

        assert sign_in_second(bob, made).is_live

    def test_asks_for_the_person_s_own_and_only_after_the_password(self, bob: User, carol: User) -> None:
        mine = make_passkey(bob)
        make_passkey(carol)

        question = ask_second(proof_of(bob))

        assert question is not None
        assert [known["id"] for known in question.options["allowCredentials"]] == [text(mine.credential)]
        with pytest.raises(NotAuthenticated):
            ask_second("x")
        assert asked().options["allowCredentials"] == []

    def test_who_has_none_is_asked_for_none(self, bob: User) -> None:
        make_factor(bob)

        assert ask_second(proof_of(bob)) is None

    @pytest.mark.parametrize("names", [True, False])
    def test_somebody_else_s_is_refused(
        self, bob: User, carol: User, names: bool, last_event: Callable[[], AuditEvent]
    ) -> None:
        make_passkey(bob)
        theirs = make_passkey(carol)
        theirs.handle = theirs.handle if names else b""

        with pytest.raises(SecondFactorNeeded) as refusal:
            sign_in_second(bob, theirs)

        event = last_event()
        assert (event.outcome, event.organization_id) == ("failed", bob.organization_id)
        assert refusal.value.proof
        assert not Session.objects.exists()

    @pytest.mark.parametrize("wrong", [{"flags": UP}, {"origin": "http://evil.example"}, {"name": "evil.example"}])
    def test_what_was_signed_otherwise_is_refused(self, bob: User, wrong: dict[str, Any]) -> None:
        with pytest.raises(SecondFactorNeeded):
            sign_in_second(bob, make_passkey(bob), **wrong)

    def test_a_question_is_for_one_purpose_and_one_person(self, bob: User, carol: User) -> None:
        made, proof = make_passkey(bob), proof_of(bob)
        make_passkey(carol)
        session = SessionFactory.create(user=bob)
        actor = oneself(bob, session)
        alone, second, confirm = asked(), ask_second(proof), ask_person(actor, bob)
        others = ask_second(proof_of(carol))
        assert second is not None
        assert confirm is not None
        assert others is not None
        for question in (second, confirm, others):
            with pytest.raises(NotAuthenticated):
                start(question.state, made.shown(question.options))
        again = ask_second(proof_of(bob))  # another sign-in of the same person
        assert again is not None
        for question in (alone, confirm, others, again):
            with pytest.raises(SecondFactorNeeded):
                session_start_with_second_passkey(
                    actor=ANYBODY,
                    proof=proof,
                    state=question.state,
                    answer=made.shown(question.options),
                    key_hash="c" * 40,
                )
        for question in (alone, second, others):
            with pytest.raises(NotAuthenticated):
                session_confirm_with_passkey(
                    actor=actor,
                    user=bob,
                    state=question.state,
                    answer=made.shown(question.options),
                    key_hash="d" * 40,
                )
        begun = passkey_enrol_start(actor=actor, user=bob)
        with pytest.raises(NotAuthenticated):  # the answer to an enrolment signs nobody in
            start(alone.state, Authenticator(credential=made.credential).made(begun.options))
        assert Session.objects.count() == 1

    def test_a_browser_that_calls_itself_a_session_or_a_sign_in_gets_no_question_of_theirs(self, bob: User) -> None:
        made, proof = make_passkey(bob), proof_of(bob)
        session = SessionFactory.create(user=bob)
        for_session, for_sign_in = asked(str(session.pk)), asked(proven(proof).mark)

        with pytest.raises(NotAuthenticated):
            session_confirm_with_passkey(
                actor=oneself(bob, session),
                user=bob,
                state=for_session.state,
                answer=made.shown(for_session.options),
                key_hash="d" * 40,
            )
        with pytest.raises(SecondFactorNeeded):
            session_start_with_second_passkey(
                actor=ANYBODY,
                proof=proof,
                state=for_sign_in.state,
                answer=made.shown(for_sign_in.options),
                key_hash="c" * 40,
            )

    def test_a_changed_password_ends_the_proof(self, bob: User) -> None:
        made, proof = make_passkey(bob), proof_of(bob)
        question = ask_second(proof)
        assert question is not None
        bob.password = "another"  # noqa: S105 -- no password
        bob.save()

        with pytest.raises(NotAuthenticated, match="changed meanwhile"):
            session_start_with_second_passkey(
                actor=ANYBODY,
                proof=proof,
                state=question.state,
                answer=made.shown(question.options),
                key_hash="c" * 40,
            )

    def test_a_program_is_told_what_to_do(self, bob: User) -> None:
        make_passkey(bob)

        with pytest.raises(SecondFactorNeeded) as refusal:
            token_start(actor=ANYBODY, organization=bob.organization, login="bob", password=PASSWORD)

        assert refusal.value.remedy == "Use your passkey, in a browser, or enter a recovery code."
        assert not Session.objects.exists()


class TestConfirming:
    """``session_confirm_with_passkey``."""

    def confirm(self, actor: Actor, user: User, question: Asked, answer: str) -> Session:
        return session_confirm_with_passkey(
            actor=actor, user=user, state=question.state, answer=answer, key_hash="d" * 40
        )

    def test_shows_anew_who_one_is(self, bob: User, last_event: Callable[[], AuditEvent]) -> None:
        long_ago = timezone.now() - timedelta(hours=1)
        made, session = make_passkey(bob), SessionFactory.create(user=bob, authenticated_at=long_ago)
        actor = oneself(bob, session)
        question = ask_person(actor, bob)
        assert question is not None

        confirmed = self.confirm(actor, bob, question, made.shown(question.options))

        event = last_event()
        assert (event.action, event.part("subject")["methods"]) == ("session.confirm", ["pop", "user"])
        assert confirmed.authenticated_at > long_ago
        assert confirmed.key_hash == "d" * 40

    def test_not_for_another_session_nor_with_another_passkey(self, bob: User, carol: User) -> None:
        made, session = make_passkey(bob), SessionFactory.create(user=bob)
        other = SessionFactory.create(user=bob)
        question = ask_person(oneself(bob, session), bob)
        assert question is not None

        theirs = make_passkey(carol)
        theirs.handle = b""

        for actor, user, key in ((oneself(bob, other), bob, made), (oneself(bob, session), bob, theirs)):
            with pytest.raises(NotAuthenticated):
                self.confirm(actor, user, question, key.shown(question.options))
        with pytest.raises(NotFound):
            self.confirm(oneself(carol), bob, question, made.shown(question.options))
        assert not Session.objects.filter(key_hash="d" * 40).exists()


def test_the_home_of_passkeys_is_the_public_address(settings: Any) -> None:
    for address, expected in (
        ("https://id.example.com", ("id.example.com", "https://id.example.com")),
        ("https://ID.example.com:443", ("id.example.com", "https://id.example.com")),
        ("https://id.example.com:8443", ("id.example.com", "https://id.example.com:8443")),
        ("http://localhost:8000", ("localhost", "http://localhost:8000")),
        ("http://127.0.0.1:8000", None),
        ("https://[2001:db8::1]", None),
    ):
        settings.PUBLIC_URL = address
        assert home() == expected


def test_who_waits_for_an_invite_has_no_session_by_a_passkey_either(bob: User) -> None:
    made = make_passkey(make_user(bob.organization, "ina", status=Status.INVITED))

    with pytest.raises(NotAuthenticated, match="was not taken"):
        sign_in(made)
