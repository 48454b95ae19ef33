"""People in the admin: finding them, changing them, doing something to many."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditEvent, AuditPart, Organization, Session, User
from accounts.operations.statuses import user_lock
from accounts.operations.users import user_tag, user_update
from accounts.statuses import Status
from accounts.times import as_end
from tests.accounts.pages.browsing import sign_in, text_of
from tests.factories.users import SessionFactory, make_user

LIST = "/admin/accounts/user/"


def named(text: str) -> list[str]:
    """Give the names in a list, in order."""
    return re.findall(r'<td data-label="Person"><div><a href="[^"]+">([^<]+)</a>', text)


def verb(word: str) -> str:
    return f"{LIST}verbs/{word}/"


def page_of(user: User) -> str:
    return f"{LIST}{user.public_id}/"


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    """Alice's browser."""
    sign_in(client, alice)
    return client


class TestList:
    """Who is there."""

    def test_shows_what_one_needs_to_know(self, browser: Client, bob: User, operator: Actor) -> None:
        user_tag(actor=operator, user=bob, tags=["vip"])
        user_lock(actor=operator, user=bob, reason="Ten wrong", until=as_end("2099-12-31", field="until"))

        text = text_of(browser.get(LIST))

        assert named(text) == ["Bob", "Alice"]
        row = text[text.index(bob.public_id) :]
        for shown in ('badge-locked">locked<', "until 2100-01-01 00:00", "Acme", "member", "never", "vip"):
            assert shown in text
        assert f'data-copy="{bob.public_id}"' in row or f'data-copy="{bob.public_id}"' in text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("search=bob", ["Bob"]),
            ("search=ob%40ac", ["Bob"]),
            ("search=", ["Carol", "Bob", "Alice"]),
            ("status=suspended", ["Dora"]),
            ("status=active,suspended", ["Dora", "Carol", "Bob", "Alice"]),
            ("role=owner", ["Alice"]),
            ("tag=vip", ["Carol"]),
            ("never_signed_in=true", ["Carol", "Bob"]),
            ("inactive_since=1d", []),
            ("unverified=true", ["Carol", "Bob", "Alice"]),
            ("order=name", ["Alice", "Bob", "Carol"]),
            ("order=-name", ["Carol", "Bob", "Alice"]),
        ],
    )
    def test_filters_by_the_words_of_the_command(
        self, browser: Client, acme: Organization, bob: User, carol: User, operator: Actor, query: str, found: list[str]
    ) -> None:
        make_user(acme, "dora", status=Status.SUSPENDED)
        user_tag(actor=operator, user=carol, tags=["vip"])
        expected = found
        if query in {"search=", "never_signed_in=true", "unverified=true", "order=name", "order=-name"}:
            at = -1 if query == "order=name" else 0
            expected = [*found, "Dora"] if at else ["Dora", *found]

        assert named(text_of(browser.get(f"{LIST}?{query}"))) == expected

    @pytest.mark.parametrize(
        "query", ["status=nonsense", "colour=red", "order=password", "cursor=forged", "inactive_since=x"]
    )
    def test_says_what_is_wrong_with_an_address(self, browser: Client, query: str) -> None:
        answer = browser.get(f"{LIST}?{query}")

        assert answer.status_code == 422
        assert 'role="alert"' in text_of(answer)

    def test_says_what_to_do_when_nobody_matches(self, browser: Client) -> None:
        text = text_of(browser.get(f"{LIST}?search=zzzz"))

        assert named(text) == []
        assert "Nothing matches." in text
        assert "Take a filter away" in text

    def test_pages_go_forward_and_back_over_everybody_once(self, browser: Client, acme: Organization) -> None:
        for number in range(60):
            make_user(acme, f"p{number:02}")
        seen, address = [], LIST
        while address:
            text = text_of(browser.get(address)).replace("&amp;", "&")
            seen.append(named(text))
            following = re.search(r'rel="next" href="([^"]+)"', text)
            address = LIST + following[1] if following else ""

        assert [len(page) for page in seen] == [25, 25, 11]
        assert len({name for page in seen for name in page}) == 61
        back = re.search(r'rel="prev" href="([^"]+)"', text)
        assert back is not None
        assert named(text_of(browser.get(LIST + back[1]))) == seen[1]

    def test_buttons_for_many_are_those_that_policy_allows(self, client: Client, frank: User, bob: User) -> None:
        sign_in(client, frank)

        text = text_of(client.get(LIST))

        assert set(re.findall(r'formaction="[^"]+/verbs/([a-z-]+)/"', text)) == {
            "suspend", "activate", "lock", "unlock", "tag", "untag", "sign-out",
        }  # fmt: skip
        assert "Add a person" not in text


class TestPerson:
    """One of them."""

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("who", "whom", "verbs"),
        [
            (
                "alice",
                "bob",
                {
                    *("suspend", "lock", "archive", "restrict", "sign-out", "set-password", "reset-password"),
                    *("disable-two-factor", "reset-two-factor"),
                    *("confirm", "tag", "set", "impersonate"),
                },
            ),
            ("frank", "bob", {"suspend", "lock", "sign-out", "tag"}),
            ("frank", "erin", set()),
            ("erin", "alice", set()),
        ],
    )
    def test_has_a_button_for_what_policy_allows_and_the_status_permits(
        self, client: Client, request: pytest.FixtureRequest, who: str, whom: str, verbs: set[str]
    ) -> None:
        actor, subject = request.getfixturevalue(who), request.getfixturevalue(whom)
        sign_in(client, actor)

        text = text_of(client.get(page_of(subject)))

        assert set(re.findall(r'href="[^"]+/verbs/([a-z-]+)/\?selected', text)) == verbs

    def test_the_preview_of_a_reset_link_says_where_the_letter_goes(
        self, browser: Client, bob: User, everything: Callable[[], Any]
    ) -> None:
        before = everything()

        text = text_of(browser.get(verb("reset-password"), {"selected": bob.public_id}))

        assert "a letter with a link goes to bob@acme.example; links from earlier such letters die" in text
        assert everything() == before

    def test_a_refused_reset_link_promises_no_letter(self, browser: Client, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(status="suspended")

        text = text_of(browser.get(verb("reset-password"), {"selected": bob.public_id}))

        assert "goes to" not in text
        assert "The account is suspended." in text

    def test_profile_is_saved_through_the_operation(self, browser: Client, bob: User) -> None:
        form = browser.get(page_of(bob)).context["form"]
        opened = {f"initial-{name}": form[name].value() or "" for name in form.fields}
        now = {name: form[name].value() or "" for name in form.fields}

        answer = browser.post(
            page_of(bob), {**now, **opened, "given_name": "Robert", "metadata": '{"desk": 4}', "reason": "asked"}
        )

        bob.refresh_from_db()
        event = AuditEvent.objects.get(action="user.update")
        assert answer["Location"] == page_of(bob)
        assert (bob.given_name, bob.metadata, bob.name, bob.version) == ("Robert", {"desk": 4}, "Bob", 2)
        assert event.part(AuditPart.SUBJECT) == {
            "reason": "asked",
            "before": {"given_name": "", "metadata": {}},
            "after": {"given_name": "Robert", "metadata": {"desk": 4}},
        }

    def test_a_change_meanwhile_is_shown_and_nothing_typed_is_lost(
        self, browser: Client, bob: User, operator: Actor
    ) -> None:
        form = browser.get(page_of(bob)).context["form"]
        opened = {f"initial-{name}": form[name].value() or "" for name in form.fields}
        now = {name: form[name].value() or "" for name in form.fields}
        user_update(actor=operator, user=bob, changes={"nickname": "Bee", "bio": "New"})

        answer = browser.post(page_of(bob), {**now, **opened, "nickname": "Bobby", "phone_number": "+44 20 7946 0018"})

        text, again = text_of(answer), answer.context["form"]
        assert answer.status_code == 409
        assert "It was changed since you opened it." in text
        assert answer.context["meanwhile"] == [("Nickname", "Bee"), ("Bio", "New")]
        assert {name: again[name].value() for name in ("nickname", "phone_number", "bio", "version")} == {
            "nickname": "Bobby", "phone_number": "+44 20 7946 0018", "bio": "New", "version": "2",
        }  # fmt: skip
        assert User.objects.get(pk=bob.pk).nickname == "Bee"
        resent = {name: again[name].value() or "" for name in again.fields}
        kept = {key: value for key, value in again.data.items() if key.startswith("initial-")}
        assert browser.post(page_of(bob), {**kept, **resent}).status_code == 302
        bob.refresh_from_db()
        assert (bob.nickname, bob.phone_number, bob.bio) == ("Bobby", "+44 20 7946 0018", "New")

    def test_what_the_operation_refuses_stands_beside_the_input(self, browser: Client, bob: User, carol: User) -> None:
        form = browser.get(page_of(bob)).context["form"]
        now = {name: form[name].value() or "" for name in form.fields}

        answer = browser.post(page_of(bob), {**now, "email": carol.email, "initial-email": bob.email})

        assert answer.status_code == 422
        assert answer.context["form"].errors == {"email": ["Taken."]}

    def test_moderators_change_their_own_profile_and_no_more(self, client: Client, frank: User) -> None:
        sign_in(client, frank)
        form = client.get(page_of(frank)).context["form"]

        answer = client.post(
            page_of(frank), {"nickname": "Frankie", "email": "else@acme.example", "tags": "vip", "version": "1"}
        )

        frank.refresh_from_db()
        assert "email" not in form.fields
        assert answer.status_code == 302
        assert (frank.nickname, frank.email) == ("Frankie", "frank@acme.example")


class TestVerb:
    """Something is done to one or many."""

    def test_shows_first_then_does(self, browser: Client, bob: User, carol: User, everything: Any) -> None:
        SessionFactory.create(user=bob)
        chosen = {"selected": [bob.public_id, carol.public_id]}
        before = everything()

        preview = browser.post(verb("suspend"), chosen)

        text = text_of(preview)
        assert everything() == before
        assert "status: active → suspended; sessions ended: 1" in text
        assert "2 of 2 will change" in text
        selected = preview.context["selected"]
        done = browser.post(verb("suspend"), {"selected": selected, "step": "do", "reason": "Ticket 1"})
        assert done.context["counts"] == {"ok": 2, "unchanged": 0, "failed": 0}
        assert set(User.objects.filter(status="suspended").values_list("name", "status_reason")) == {
            ("Bob", "Ticket 1"), ("Carol", "Ticket 1"),
        }  # fmt: skip
        assert not Session.objects.live().filter(user=bob).exists()

    def test_all_that_match_are_those_that_were_shown(self, browser: Client, acme: Organization, bob: User, carol: User,
                                                      operator: Actor) -> None:  # fmt: skip
        for person in (bob, carol):
            user_tag(actor=operator, user=person, tags=["vip"])

        preview = browser.post(verb("lock"), {"everyone": "yes", "matching": "tag=vip", "org": "acme"})

        assert sorted(preview.context["selected"].split()) == sorted([bob.public_id, carol.public_id])
        user_tag(actor=operator, user=make_user(acme, "late"), tags=["vip"])
        browser.post(verb("lock"), {"selected": preview.context["selected"], "step": "do", "until": "2h"})
        assert sorted(User.objects.filter(status="locked").values_list("name", flat=True)) == ["Bob", "Carol"]

    def test_refusals_are_results_with_reasons_and_do_not_stop_the_rest(
        self, client: Client, erin: User, alice: User, bob: User, mallory: User
    ) -> None:
        sign_in(client, erin)
        chosen = f"{alice.public_id} {mallory.public_id} {bob.public_id}"

        preview = client.post(verb("suspend"), {"selected": chosen, "step": "preview"})
        done = client.post(verb("suspend"), {"selected": chosen, "step": "do"})

        assert "1 of 3 will change" in text_of(preview)
        assert "The account has more permissions than you." in text_of(preview)
        assert str(mallory.email) not in text_of(preview)
        assert done.context["counts"] == {"ok": 1, "unchanged": 0, "failed": 2}
        assert list(User.objects.filter(status="suspended")) == [bob]

    def test_whoever_does_it_comes_last(self, client: Client, alice: User, erin: User, bob: User) -> None:
        sign_in(client, erin)

        done = client.post(verb("suspend"), {"selected": f"{erin.public_id} {bob.public_id}", "step": "do"})

        assert done.context["counts"] == {"ok": 2, "unchanged": 0, "failed": 0}

    def test_a_wrong_input_is_shown_and_changes_nothing(self, browser: Client, bob: User) -> None:
        answer = browser.post(verb("lock"), {"selected": bob.public_id, "step": "do", "until": "yesterday"})

        bob.refresh_from_db()
        assert answer.status_code == 422
        assert "is not a time" in text_of(answer)
        assert bob.status == Status.ACTIVE

    def test_more_than_a_page_can_do_is_said_in_a_sentence(
        self, browser: Client, bob: User, carol: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("accounts.admin.base.DRY_RUN_ROWS", 2)

        answer = browser.post(verb("suspend"), {"everyone": "yes", "matching": "", "org": "acme"}, follow=True)

        assert "More than 2 match, and a page does at most 2 at a time." in text_of(answer)
        assert not User.objects.filter(status="suspended").exists()

    def test_nobody_chosen_is_said(self, browser: Client) -> None:
        assert "Nobody is chosen." in text_of(browser.post(verb("suspend"), {}, follow=True))

    def test_an_unknown_verb_is_not_found(self, browser: Client, bob: User) -> None:
        assert browser.get(f"{verb('vanish')}?selected={bob.public_id}").status_code == 404

    def test_a_generated_password_is_shown_once_and_works(self, browser: Client, bob: User) -> None:
        answer = browser.post(verb("set-password"), {"selected": bob.public_id, "step": "do", "how": "generate"})

        secret = answer.context["secret"]
        bob.refresh_from_db()
        assert text_of(answer).count(f"<code>{secret}</code>") == 1
        assert "no-store" in answer["Cache-Control"]
        assert bob.check_password(secret)
        assert secret not in text_of(browser.get(page_of(bob)))

    def test_two_that_differ_are_refused_and_never_repeated(self, browser: Client, bob: User) -> None:
        answer = browser.post(
            verb("set-password"),
            {
                "selected": bob.public_id,
                "step": "do",
                "how": "typed",
                "password": "one long sentence",
                "again": "other",
            },
        )

        assert answer.status_code == 422
        assert "one long sentence" not in text_of(answer)


class TestCreate:
    """A new account."""

    def test_makes_it_and_shows_the_password_once(self, browser: Client, acme: Organization) -> None:
        answer = browser.post(
            f"{LIST}add/",
            {
                "organization": "acme",
                "email": "kim@acme.example",
                "name": "Kim",
                "roles": ["admin"],
                "password": "generate",
            },
        )

        kim = User.objects.get(email="kim@acme.example")
        assert kim.check_password(answer.context["secret"])
        assert kim.must_change_password
        assert sorted(kim.role_assignments.values_list("role__slug", flat=True)) == ["admin", "member"]

    def test_offers_the_roles_that_one_may_give(self, client: Client, erin: User, mallory: User) -> None:
        sign_in(client, erin)

        form = client.get(f"{LIST}add/").context["form"]
        answer = client.post(
            f"{LIST}add/", {"organization": "acme", "email": "x@acme.example", "roles": ["owner"], "password": "none"}
        )

        assert [value for value, _ in form.fields["roles"].choices] == ["moderator", "admin"]
        assert [value for value, _ in form.fields["organization"].choices] == ["acme"]
        assert answer.status_code == 422
        assert not User.objects.filter(email="x@acme.example").exists()


class TestKeys:
    """API keys."""

    def test_the_secret_is_shown_once(self, browser: Client, acme: Organization) -> None:
        answer = browser.post(
            "/admin/accounts/apikey/add/", {"organization": "acme", "name": "HR", "scopes": ["user.show"]}
        )

        secret = answer.context["secret"]
        assert secret.startswith("idk_")
        assert secret not in text_of(browser.get("/admin/accounts/apikey/"))


class TestTrail:
    """The audit trail."""

    def test_shows_before_and_after(self, browser: Client, bob: User, operator: Actor) -> None:
        user_tag(actor=operator, user=bob, tags=["vip"], reason="Ticket 9")
        event = AuditEvent.objects.get(action="user.tag")

        page = browser.get(f"/admin/accounts/auditevent/{event.public_id}/")

        assert page.context["differences"] == [("tags", "—", "vip")]
        assert "Ticket 9" in text_of(page)

    @pytest.mark.parametrize(
        ("query", "number"),
        [
            ("action=user.tag", 1),
            ("actor=operator", 1),
            ("outcome=refused", 0),
            ("since=1h", 2),
            ("until=2020-01-01", 0),
        ],
    )
    def test_is_filtered_by_the_words_of_the_command(
        self, browser: Client, bob: User, operator: Actor, query: str, number: int
    ) -> None:
        user_tag(actor=operator, user=bob, tags=["vip"])

        page = browser.get(f"/admin/accounts/auditevent/?{query}")

        assert len(page.context["table"].rows) == number

    @pytest.mark.parametrize("query", ["actor=nobody", "subject=bob", "colour=red", "since=x"])
    def test_says_what_is_wrong_with_a_filter(self, browser: Client, query: str) -> None:
        assert browser.get(f"/admin/accounts/auditevent/?{query}").status_code == 422


@pytest.mark.parametrize("noun", ["membership", "session", "apikey", "organization", "role"])
def test_a_list_without_filters_says_so(browser: Client, noun: str) -> None:
    assert browser.get(f"/admin/accounts/{noun}/?colour=red").status_code == 422
