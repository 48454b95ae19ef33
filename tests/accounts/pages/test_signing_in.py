"""The sign-in page, for everybody."""

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session as BrowserSession
from django.templatetags.static import static
from django.test import Client

from accounts.actors import Actor
from accounts.models import AuditEvent, Organization, Session, User
from accounts.operations.organizations import org_suspend
from accounts.operations.statuses import STATUS_VERBS
from accounts.operations.tries import FREE
from accounts.operations.users import user_sign_out
from accounts.statuses import Status
from tests.accounts.pages.browsing import CHROME, SIGN_IN, proof_in, sign_in, text_of
from tests.factories.factors import code_of, make_factor, wrong_code_of
from tests.factories.organizations import give
from tests.factories.users import PASSWORD, make_user


class TestPage:
    """What it looks like to a program."""

    def test_asks_for_what_most_people_need_and_hides_the_rest(self, client: Client) -> None:
        answer = client.get(SIGN_IN)

        text = text_of(answer)
        assert answer["Cache-Control"] == "no-store"
        assert (text.count("<h1"), text.count('<html lang="en">')) == (1, 1)
        assert 'autocomplete="username webauthn"' in text
        assert 'autocomplete="current-password"' in text
        assert "<details>" in text
        assert 'name="organization" value="default"' in text
        assert 'name="code"' not in text

    @pytest.mark.parametrize("path", [SIGN_IN, "/link/", "/link/x/"])
    def test_obeys_our_own_content_security_policy(self, client: Client, path: str) -> None:
        answer = client.get(path)

        text = text_of(answer, settings.PUBLIC_URL, f'<script src="{static("accounts/passkeys.js")}" defer>')
        assert "style-src 'self'" in answer["Content-Security-Policy"]
        assert "'unsafe" not in answer["Content-Security-Policy"]
        assert not any(
            forbidden in text for forbidden in ("<style", " style=", "<script", " onclick", "http://", "https://")
        )

    def test_looking_makes_no_session(self, client: Client, db: None) -> None:
        client.get(SIGN_IN)

        assert "sessionid" not in client.cookies
        assert not BrowserSession.objects.exists()


class TestSignIn:
    """With a password."""

    def test_opens_the_start_page_and_says_where_it_was(self, client: Client, alice: User) -> None:
        answer = client.post(
            SIGN_IN,
            {"username": "alice", "password": PASSWORD, "organization": "acme"},
            headers={"User-Agent": CHROME},
            follow=True,
        )

        session = Session.objects.get()
        assert answer.redirect_chain == [("/admin/", 302)]
        assert "<h1>Start</h1>" in text_of(answer)
        assert (session.user_id, session.ip, session.device) == (alice.pk, "127.0.0.1", "Chrome/macOS")

    def test_most_people_need_not_name_their_organization(self, client: Client, root: User) -> None:
        page = client.get(SIGN_IN)

        answer = client.post(SIGN_IN, {**page.context["form"].initial, "username": "root", "password": PASSWORD})

        assert answer["Location"] == "/admin/"

    def test_the_browser_gets_a_fresh_key(self, client: Client, alice: User) -> None:
        planted = Client()
        sign_in(planted, alice)
        planted.post("/sign-out/")
        client.cookies["sessionid"] = planted_key = "planted0planted0planted0planted0"

        sign_in(client, alice)

        assert client.cookies["sessionid"].value != planted_key
        thief = Client()
        thief.cookies["sessionid"] = planted_key
        assert thief.get("/admin/").status_code == 302

    @pytest.mark.parametrize(
        "how", ["nobody", "wrong", "suspended", "archived", "invited", "no organization", "organization on hold"]
    )
    def test_a_failure_gives_one_answer_keeps_the_name_and_never_the_password(
        self, client: Client, acme: Organization, how: str
    ) -> None:
        status = Status(how) if how in set(Status) else Status.ACTIVE
        make_user(acme, "bob", role="admin", status=status)
        if how == "organization on hold":
            Organization.objects.filter(pk=acme.pk).update(status="suspended")
        password = "not this one at all" if how == "wrong" else PASSWORD
        name = "nobody" if how == "nobody" else "bob"
        organization = "acne" if how == "no organization" else "acme"

        answer = client.post(SIGN_IN, {"username": name, "password": password, "organization": organization})

        reference = Client().post(SIGN_IN, {"username": "@", "password": "x", "organization": "acme"})
        text = text_of(answer)
        assert answer.status_code == 200
        assert f'name="username" value="{name}"' in text
        assert password not in text
        assert "ask an administrator for a new link" in text
        assert text.replace(f'"{name}"', "…").replace(f'"{organization}"', "…") == text_of(reference).replace(
            '"@"', "…"
        ).replace('"acme"', "…")
        assert not Session.objects.exists()
        assert "sessionid" not in client.cookies
        assert not BrowserSession.objects.exists()

    @pytest.mark.parametrize("field", ["username", "password", "organization"])
    def test_says_what_is_missing(self, client: Client, alice: User, field: str) -> None:
        answer = sign_in(client, alice, **{field: ""})

        text = text_of(answer)
        assert f'id="id_{field}_error"><li>This field is required.' in text
        assert "<title>Error: Sign in" in text

    @pytest.mark.parametrize(
        ("wanted", "location"),
        [
            ("/admin/?page=2", "/admin/?page=2"),
            ("http://testserver/admin/x/", "http://testserver/admin/x/"),
            ("https://evil.example/", ""),
            ("//evil.example/", ""),
            ("/\\evil.example/", ""),
            ("http:///evil.example", ""),
            ("javascript:alert(1)", ""),
            ("", ""),
        ],
    )
    def test_leads_to_pages_of_ours_alone(self, client: Client, alice: User, wanted: str, location: str) -> None:
        page = client.get(SIGN_IN, {"next": wanted})

        assert f'name="next" value="{location}"' in text_of(page)
        assert sign_in(client, alice, next=wanted)["Location"] == (location or "/admin/")

    def test_needs_the_token_of_the_form(self, alice: User) -> None:
        careful = Client(enforce_csrf_checks=True)

        assert sign_in(careful, alice).status_code == 403
        assert not Session.objects.exists()

    def test_who_is_signed_in_is_led_on(self, client: Client, alice: User) -> None:
        sign_in(client, alice)

        assert client.get(SIGN_IN)["Location"] == "/admin/"
        assert sign_in(client, alice)["Location"] == "/admin/"
        assert Session.objects.count() == 1


class TestSecondFactor:
    """With a code."""

    def test_is_asked_for_when_it_is_needed_without_the_password_again(self, client: Client, alice: User) -> None:
        device = make_factor(alice)

        asked = sign_in(client, alice, next="/admin/?page=2")

        text = text_of(asked)
        assert "<h1>Enter your code</h1>" in text
        assert 'autocomplete="one-time-code"' in text
        assert 'type="password"' not in text
        assert PASSWORD not in text
        assert client.get("/admin/").status_code == 302
        code = code_of(device)
        done = client.post(
            SIGN_IN, {"proof": proof_in(asked), "code": f" {code[:3]} {code[3:]} ", "next": "/admin/?page=2"}
        )
        assert done["Location"] == "/admin/?page=2"
        assert client.get("/admin/").status_code == 200

    def test_a_wrong_code_can_be_typed_again(self, client: Client, alice: User) -> None:
        device = make_factor(alice)
        proof = proof_in(sign_in(client, alice))

        refused = client.post(SIGN_IN, {"proof": proof, "code": wrong_code_of(device)})

        text = text_of(refused)
        assert "The code is wrong, or was used before." in text
        assert proof_in(refused) == proof
        assert 'name="code" value' not in text
        assert not Session.objects.exists()

    def test_a_code_works_once(self, client: Client, alice: User) -> None:
        device = make_factor(alice)
        code = code_of(device)
        client.post(SIGN_IN, {"proof": proof_in(sign_in(client, alice)), "code": code})
        other = Client()

        refused = other.post(SIGN_IN, {"proof": proof_in(sign_in(other, alice)), "code": code})

        assert "was used before" in text_of(refused)
        assert other.get("/admin/").status_code == 302
        assert Session.objects.count() == 1

    def test_a_proof_that_nobody_signed_leads_back(self, client: Client, alice: User) -> None:
        device = make_factor(alice)

        refused = client.post(SIGN_IN, {"proof": f"{alice.public_id}:1:x", "code": code_of(device)})

        assert "That took too long" in text_of(refused)
        assert 'name="code"' not in text_of(refused)
        assert f'<a href="{SIGN_IN}">Start again</a>' in text_of(refused)
        assert not Session.objects.exists()


class TestOrganization:
    """Named by the address or in the form."""

    def test_stands_in_the_address(self, client: Client, alice: User) -> None:
        page = client.get("/sign-in/acme/", {"next": "/account/"})

        text = text_of(page)
        assert "<details open>" in text
        assert 'name="organization" value="acme"' in text
        assert 'name="next" value="/account/"' in text

    def test_that_nobody_has_looks_like_one(self, client: Client, alice: User) -> None:
        pages = [text_of(client.get(f"/sign-in/{slug}/"), f'"{slug}"') for slug in ("acme", "acne")]

        assert pages[0] == pages[1]


class TestThrottled:
    """Too many tries."""

    def test_says_when_the_next_is_looked_at(self, client: Client, alice: User) -> None:
        for _ in range(FREE):
            assert sign_in(client, alice, password="not this one at all").status_code == 200

        answer = sign_in(client, alice)

        assert (answer.status_code, answer["Retry-After"]) == (429, "30")
        assert "The next is looked at in 30 seconds." in text_of(answer)
        assert not Session.objects.exists()

    def test_codes_too(self, client: Client, alice: User) -> None:
        device = make_factor(alice)
        proof = proof_in(sign_in(client, alice))
        for _ in range(FREE):
            assert client.post(SIGN_IN, {"proof": proof, "code": wrong_code_of(device)}).status_code == 200

        answer = client.post(SIGN_IN, {"proof": proof, "code": code_of(device)})

        assert (answer.status_code, answer["Retry-After"]) == (429, "30")
        assert not Session.objects.exists()


class TestAdminsAddress:
    """The admin has no sign-in of its own."""

    def test_leads_here_and_back(self, client: Client, alice: User) -> None:
        asked = client.get("/admin/?page=2", follow=True)

        assert asked.redirect_chain == [
            ("/admin/login/?next=/admin/%3Fpage%3D2", 302),
            ("/sign-in/?next=%2Fadmin%2F%3Fpage%3D2", 302),
        ]
        assert 'name="next" value="/admin/?page=2"' in text_of(asked)

    def test_takes_no_password(self, client: Client, alice: User) -> None:
        answer = client.post("/admin/login/", {"username": "alice", "password": PASSWORD, "organization": "acme"})

        assert answer.status_code == 405
        assert not Session.objects.exists()

    def test_signs_out_like_everywhere(self, client: Client, alice: User) -> None:
        sign_in(client, alice)

        assert client.post("/admin/logout/")["Location"] == SIGN_IN
        assert Session.objects.get().end_reason == "signed out"


class TestNothingToAdminister:
    """Members without a role that opens the admin."""

    def test_are_told_so_and_can_sign_out(self, client: Client, bob: User) -> None:
        assert sign_in(client, bob)["Location"] == "/account/"

        page = client.get("/admin/", follow=True)

        text = text_of(page)
        assert page.redirect_chain == [("/admin/login/?next=/admin/", 302)]
        assert page.status_code == 403
        assert "<h1>You have nothing to administer</h1>" in text
        assert "<strong>Bob</strong> at\n  <strong>Acme</strong>" in text
        assert 'action="/sign-out/"' in text
        assert 'href="/account/"' in text
        assert client.post("/sign-out/")["Location"] == SIGN_IN
        assert Session.objects.get().end_reason == "signed out"
        assert client.get(SIGN_IN).status_code == 200

    def test_a_role_counts_at_the_next_request(self, client: Client, bob: User) -> None:
        sign_in(client, bob)

        give(bob, bob.organization, "moderator")

        assert client.get("/admin/").status_code == 200


class TestSignOut:
    """Leaving."""

    def test_ends_the_session_with_its_event(self, client: Client, alice: User) -> None:
        sign_in(client, alice)
        key = client.cookies["sessionid"].value

        answer = client.post("/sign-out/")

        event = AuditEvent.objects.get(action="session.end")
        assert answer["Location"] == SIGN_IN
        assert (event.actor_id, event.subject_id, event.door) == (alice.pk, alice.pk, "page")
        assert Session.objects.get().end_reason == "signed out"
        assert not BrowserSession.objects.exists()
        client.cookies["sessionid"] = key
        assert client.get("/admin/").status_code == 302

    @pytest.mark.parametrize("method", ["get", "head", "put"])
    def test_is_for_posting_alone(self, client: Client, alice: User, method: str) -> None:
        sign_in(client, alice)

        assert getattr(client, method)("/sign-out/").status_code == 405
        assert client.get("/admin/").status_code == 200

    def test_needs_the_token_of_the_form(self, alice: User) -> None:
        careful = Client(enforce_csrf_checks=True)
        page = careful.get(SIGN_IN)
        sign_in(careful, alice, csrfmiddlewaretoken=str(page.context["csrf_token"]))

        assert careful.post("/sign-out/").status_code == 403
        assert Session.objects.get().is_live

    def test_by_nobody_is_no_error(self, client: Client, db: None) -> None:
        assert client.post("/sign-out/")["Location"] == SIGN_IN
        assert not AuditEvent.objects.exists()


class TestRevocation:
    """Who may not go on is out at the very next request."""

    @pytest.mark.parametrize("verb", ["suspend", "lock", "archive", "restrict"])
    def test_status(self, client: Client, operator: Actor, erin: User, verb: str) -> None:
        sign_in(client, erin)

        STATUS_VERBS[verb].run(actor=operator, user=erin)

        assert client.get("/admin/")["Location"] == "/admin/login/?next=/admin/"
        assert not Session.objects.live().exists()

    def test_status_changed_behind_the_operations(self, client: Client, erin: User) -> None:
        sign_in(client, erin)

        User.objects.filter(pk=erin.pk).update(status=Status.SUSPENDED)

        assert client.get("/admin/").status_code == 302

    def test_organization(self, client: Client, operator: Actor, erin: User) -> None:
        sign_in(client, erin)

        org_suspend(actor=operator, organization=erin.organization)

        assert client.get("/admin/").status_code == 302

    def test_sign_out_by_an_admin(self, client: Client, operator: Actor, erin: User) -> None:
        sign_in(client, erin)

        user_sign_out(actor=operator, user=erin)

        assert client.get("/admin/").status_code == 302

    @pytest.mark.parametrize(
        "ended", [{"ended_at": "2020-01-01T00:00:00Z", "end_reason": "x"}, {"expires_at": "2020-01-01T00:00:00Z"}]
    )
    def test_the_row_decides_whatever_the_browser_holds(
        self, client: Client, erin: User, ended: dict[str, str]
    ) -> None:
        sign_in(client, erin)

        Session.objects.update(**ended)

        assert client.get("/admin/").status_code == 302
        assert not BrowserSession.objects.exists()

    def test_a_session_without_its_row_is_none(self, client: Client, erin: User) -> None:
        sign_in(client, erin)

        Session.objects.all().delete()

        assert client.get("/admin/").status_code == 302

    def test_another_password(self, client: Client, erin: User) -> None:
        sign_in(client, erin)

        User.objects.filter(pk=erin.pk).update(password="another")

        assert client.get("/admin/").status_code == 302
