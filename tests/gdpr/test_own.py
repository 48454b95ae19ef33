"""What people have done with their own data: a copy, and the end of their account; at the pages and in the API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from accounts import policy
from accounts.actors import Actor, Door
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import AuditEvent, Outbox, Session, User
from accounts.operations.outbox import deliver
from accounts.operations.sessions import session_start
from gdpr.models import Erasure, Export
from gdpr.operations.erasure import erase, user_delete
from gdpr.operations.exports import export_make
from gdpr.operations.holds import hold_place
from gdpr.operations.own import account_delete, account_keep
from gdpr.operations.sweeping import erasures_finish
from gdpr.operations.terms import terms_update
from tests.accounts.api.programs import API
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.users import PASSWORD

Acting = Callable[[User], Actor]
DATA, DELETE = "/account/data/", "/account/delete/"


def delete(actor: Actor, user: User, **options: Any) -> Erasure:
    return account_delete(actor=actor, user=user, email=str(user.email), **options)


def grace(operator: Actor, user: User, days: int) -> None:
    terms_update(actor=operator, organization=user.organization, changes={"erasure_grace_days": days})


class TestAccountDelete:
    """``account_delete``."""

    def test_waits_for_the_sweep_which_erases_and_gives_the_receipt(
        self, bob: User, acting: Acting, last_event: Callable[[], AuditEvent]
    ) -> None:
        asked = delete(acting(bob), bob)

        event = last_event()
        assert (asked.status, asked.how, asked.requested_by) == (Erasure.SCHEDULED, Erasure.DELETE, bob.pk)
        assert (event.action, event.actor_id, event.subject_id) == ("account.delete", bob.pk, bob.pk)
        assert erasures_finish() == 1
        asked.refresh_from_db()
        assert not User.objects.filter(pk=bob.pk).exists()
        assert (asked.status, asked.receipt is not None) == (Erasure.COMPLETE, True)

    @pytest.mark.parametrize(
        ("locale", "words", "day"),
        [("", "It happens on ", "May 31, 2099"), ("de", "Das geschieht am ", "31. Mai 2099")],
    )
    def test_a_letter_says_when_and_how_to_call_it_off(
        self, bob: User, acting: Acting, mailoutbox: list[EmailMultiAlternatives], locale: str, words: str, day: str
    ) -> None:
        User.objects.filter(pk=bob.pk).update(locale=locale)
        delete(acting(bob), bob, at=timezone.now() + timedelta(days=14))
        Erasure.objects.update(due_at=datetime(2099, 5, 31, 12, tzinfo=UTC))

        assert deliver(Outbox.objects.get(user=bob).pk)

        (letter,) = mailoutbox
        text = " ".join(str(letter.body).split())
        assert letter.to == [bob.email]
        assert f"{words}{day}" in text
        assert f"{settings.PUBLIC_URL}{DELETE}" in text

    def test_the_letter_of_one_that_was_called_off_is_not_sent(
        self, bob: User, acting: Acting, mailoutbox: list[EmailMultiAlternatives]
    ) -> None:
        delete(acting(bob), bob, at=timezone.now() + timedelta(days=14))
        account_keep(actor=acting(bob), user=bob)

        assert not deliver(Outbox.objects.get(user=bob).pk)

        row = Outbox.objects.get(user=bob)
        assert (mailoutbox, row.state, row.last_error) == (
            [],
            Outbox.DROPPED,
            "not sent: what it announces was called off",
        )

    def test_waits_as_long_as_the_organization_settled_or_longer(
        self, bob: User, carol: User, acting: Acting, operator: Actor
    ) -> None:
        grace(operator, bob, 7)
        now = timezone.now()

        soon = delete(acting(bob), bob, at=now)
        later = delete(acting(carol), carol, at=now + timedelta(days=14))

        assert soon.due_at is not None
        assert timedelta(days=7) <= soon.due_at - now < timedelta(days=7, minutes=1)
        assert later.due_at == now + timedelta(days=14)
        assert erasures_finish() == 0

    @pytest.mark.parametrize(
        ("email", "days", "field"), [("carol@acme.example", 0, "email"), ("", 0, "email"), (None, 31, "after")]
    )
    def test_what_is_wrong_is_named(
        self, bob: User, acting: Acting, everything: Callable[[], Any], email: str | None, days: int, field: str
    ) -> None:
        before, at = everything(), timezone.now() + timedelta(days=days)

        with pytest.raises(Invalid) as refusal:
            account_delete(actor=acting(bob), user=bob, email=str(bob.email) if email is None else email, at=at)

        assert list(refusal.value.fields) == [field]
        assert everything() == before

    def test_somebody_elses_is_not_there_whoever_asks(
        self, cast: Any, acting: Acting, everything: Callable[[], Any]
    ) -> None:
        for who in (cast.root, cast.alice, cast.carol, cast.mallory):
            before = everything()
            with pytest.raises(NotFound):
                delete(acting(who), cast.bob)
            assert everything() == before

    @pytest.mark.parametrize("who", ["alice", "root"])
    def test_who_must_remain_stays(self, cast: Any, acting: Acting, everything: Callable[[], Any], who: str) -> None:
        person, before = getattr(cast, who), everything()

        with pytest.raises(Conflict):
            delete(acting(person), person)

        assert everything() == before

    def test_a_legal_hold_stands_against_it(self, bob: User, acting: Acting, operator: Actor) -> None:
        hold_place(actor=operator, user=bob, reason="Case 7", exemption="e")

        with pytest.raises(Conflict, match="legal hold"):
            delete(acting(bob), bob)

        assert not Erasure.objects.exists()
        assert not Outbox.objects.exists()

    def test_a_second_time_says_that_it_waits(self, bob: User, acting: Acting) -> None:
        delete(acting(bob), bob, at=timezone.now() + timedelta(days=14))

        with pytest.raises(Conflict, match="already"):
            delete(acting(bob), bob)

        assert Erasure.objects.count() == 1

    def test_by_an_admins_door_one_still_does_not_erase_oneself(self, erin: User, acting: Acting) -> None:
        with pytest.raises(Conflict, match="cannot erase yourself here"):
            erase(actor=acting(erin), user=erin, how=Erasure.DELETE, at=timezone.now())
        with pytest.raises(Conflict, match="cannot erase yourself here"):
            user_delete(actor=acting(erin), user=erin)

        assert not Erasure.objects.exists()

    def test_signing_in_anew_calls_it_off(self, bob: User, acting: Acting) -> None:
        asked = delete(acting(bob), bob)
        session_start(
            actor=policy.anonymous(door=Door.PAGE),
            organization=bob.organization,
            login="bob",
            password=PASSWORD,
            key_hash="a" * 40,
        )

        erasures_finish()

        asked.refresh_from_db()
        assert asked.status == Erasure.CANCELLED
        assert User.objects.filter(pk=bob.pk).exists()


class TestAccountKeep:
    """``account_keep``."""

    def test_calls_it_off_and_it_can_be_asked_for_again(
        self, bob: User, acting: Acting, last_event: Callable[[], AuditEvent]
    ) -> None:
        delete(acting(bob), bob, at=timezone.now() + timedelta(days=14))

        kept = account_keep(actor=acting(bob), user=bob)

        event = last_event()
        assert kept.status == Erasure.CANCELLED
        assert (event.action, event.actor_id, event.subject_id) == ("account.keep", bob.pk, bob.pk)
        assert delete(acting(bob), bob).status == Erasure.SCHEDULED

    def test_what_an_admin_planned_stays(
        self, bob: User, erin: User, acting: Acting, everything: Callable[[], Any]
    ) -> None:
        user_delete(actor=acting(erin), user=bob, at=timezone.now() + timedelta(days=14))
        before = everything()

        with pytest.raises(Conflict):
            account_keep(actor=acting(bob), user=bob)

        assert everything() == before

    def test_somebody_elses_is_not_there(self, bob: User, carol: User, acting: Acting) -> None:
        asked = delete(acting(bob), bob, at=timezone.now() + timedelta(days=14))

        with pytest.raises(NotFound):
            account_keep(actor=acting(carol), user=bob)

        asked.refresh_from_db()
        assert asked.status == Erasure.SCHEDULED


class TestPages:
    """``/account/data/`` and ``/account/delete/``."""

    def test_a_copy_is_asked_for_and_fetched(self, client: Client, bob: User) -> None:
        sign_in(client, bob)
        assert "not asked for a copy yet" in text_of(client.get(DATA))

        assert client.post(DATA, {"scope": "access", "format": "json"})["Location"] == DATA
        export = Export.objects.get()
        assert "Look again" in text_of(client.get(DATA))
        export_make(export.pk)
        page = text_of(client.get(DATA))
        file: Any = client.post(DATA, {"fetch": export.public_id})

        assert (export.user_id, export.requested_by, export.requested_by_kind) == (bob.pk, bob.pk, "user")
        assert f'value="{export.public_id}"' in page
        assert b"bob@acme.example" in b"".join(file.streaming_content)
        assert file["Content-Disposition"] == f'attachment; filename="{export.public_id}.json"'

    def test_copies_that_others_asked_for_are_theirs(self, client: Client, bob: User, alice: User) -> None:
        owner = Client()
        sign_in(owner, alice)
        owner.post(f"/admin/accounts/user/{bob.public_id}/personal-data/", {"scope": "access", "format": "json"})
        export = Export.objects.get()
        export_make(export.pk)
        sign_in(client, bob)

        page = text_of(client.get(DATA))

        assert export.public_id not in page
        assert client.post(DATA, {"fetch": export.public_id}).status_code == 404

    def test_the_account_is_deleted_at_once(self, client: Client, bob: User) -> None:
        sign_in(client, bob)

        gone = client.post(DELETE, {"after": "0", "email": bob.email})

        assert "Your account is being deleted" in text_of(gone)
        assert not Session.objects.live().exists()
        assert client.get("/account/").status_code == 302
        erasures_finish()
        assert not User.objects.filter(pk=bob.pk).exists()

    def test_or_later_and_is_kept_after_all(self, client: Client, bob: User) -> None:
        sign_in(client, bob)

        waits = client.post(DELETE, {"after": "14", "email": bob.email}, follow=True)

        assert waits.redirect_chain == [(DELETE, 302)]
        assert "Keep my account" in text_of(waits)
        assert "is to be deleted on" in text_of(client.get("/account/"))
        kept = client.post(DELETE, {"keep": "yes"}, follow=True)
        assert "Your account stays." in text_of(kept)
        assert Erasure.objects.get().status == Erasure.CANCELLED

    def test_the_organizations_grace_leaves_no_choice(self, client: Client, bob: User, operator: Actor) -> None:
        grace(operator, bob, 7)
        sign_in(client, bob)

        page = text_of(client.get(DELETE))
        client.post(DELETE, {"after": "0", "email": bob.email})

        assert "It happens in 7 days." in page
        assert 'name="after"' not in page
        due = Erasure.objects.get().due_at
        assert due is not None
        assert due - timezone.now() > timedelta(days=6)

    def test_another_address_deletes_nothing(self, client: Client, bob: User) -> None:
        sign_in(client, bob)

        refused = client.post(DELETE, {"after": "0", "email": "carol@acme.example"})

        assert refused.status_code == 422
        assert 'id="id_email_error"' in text_of(refused)
        assert not Erasure.objects.exists()

    def test_who_must_remain_is_told_why(self, client: Client, alice: User) -> None:
        sign_in(client, alice)

        text = text_of(client.get(DELETE))

        assert "This is the last owner of the organization." in text
        assert 'name="email"' not in text


class TestAPI:
    """``/me/export/`` and ``/me/delete/``."""

    def test_a_copy_is_asked_for_looked_at_and_fetched(self, bob: User, carol: User) -> None:
        api, other = API.of(bob), API.of(carol)

        asked = api.post("me/export/", {"format": "json"}, Idempotency_Key="one")
        again = api.post("me/export/", {"format": "json"}, Idempotency_Key="one")
        name = asked.body["id"]
        early = api.get(f"me/export/{name}/download/")
        export_make(Export.objects.get().pk)
        file = api.get(f"me/export/{name}/download/")

        assert (asked.status_code, again.status_code, again.body["id"]) == (202, 202, name)
        assert early.status_code == 409
        assert [row["id"] for row in api.get("me/export/").body["data"]] == [name]
        assert api.get(f"me/export/{name}/").body["status"] == "ready"
        assert b"bob@acme.example" in file.body
        assert other.get("me/export/").body["data"] == []
        assert {other.get(f"me/export/{name}/{rest}").status_code for rest in ("", "download/")} == {404}

    def test_the_account_is_deleted_and_kept(self, bob: User) -> None:
        api = API.of(bob)

        wrong = api.post("me/delete/", {"email": "carol@acme.example"})
        asked = api.post("me/delete/", {"email": bob.email, "after": "14d"})
        twice = api.post("me/delete/", {"email": bob.email})
        kept = api.post("me/cancel-delete/")

        assert (wrong.status_code, wrong.body["errors"][0]["field"]) == (422, "email")
        assert (asked.status_code, asked.body["status"], asked.body["user"]) == (202, "scheduled", bob.public_id)
        assert (twice.status_code, kept.status_code, kept.body["status"]) == (409, 200, "cancelled")

    @pytest.mark.parametrize("path", ["me/export/", "me/delete/"])
    def test_wants_a_sign_in_of_a_short_while_ago(self, bob: User, path: str) -> None:
        api = API.of(bob)
        Session.objects.update(authenticated_at=timezone.now() - timedelta(minutes=6))

        answer = api.post(path, {"email": bob.email} if "delete" in path else {})

        assert (answer.status_code, answer.body["code"]) == (401, "UNAUTHENTICATED")
        assert "Sign in again" in answer.body["remedy"]
        assert not Erasure.objects.exists()
        assert not Export.objects.exists()
