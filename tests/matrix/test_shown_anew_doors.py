"""What a browser does only for somebody who showed a short while ago who they are: by every form and every request.

The way there and back keeps who was chosen, and nothing that was typed.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from accounts.actions import SHOWN_ANEW
from accounts.models import AuditEvent, Session, User
from accounts.models.sessions import RECENT
from accounts.operations.base import OPERATIONS
from gdpr.models import Export
from gdpr.operations.exports import export_make
from tests.accounts.api.programs import key_of
from tests.factories.users import PASSWORD, make_user
from tests.matrix.test_doors import VERBS, World, build

__all__ = ["build"]

CONFIRM = "/account/confirm/"
LIST = "/admin/accounts/user/"
SENSITIVE = sorted(name for name, verb in VERBS.items() if OPERATIONS[verb.operation] in SHOWN_ANEW)
REASON = "Ticket 1"


@pytest.fixture
def left_open(world: World) -> World:
    """Let root's browser be one in which nobody showed anything for a while."""
    Session.objects.filter(user=world.root).update(authenticated_at=timezone.now() - RECENT - timedelta(seconds=1))
    return world


def asked(answer: Any) -> str:
    """Show that a page asks who it is; gives where it leads back to."""
    assert answer.status_code == 302
    address = urlsplit(answer["Location"])
    assert address.path == CONFIRM
    return parse_qs(str(address.query))["next"][0]


def shown(world: World, back: str) -> Any:
    """Show who it is, and follow the way back."""
    answer = world.api.client.post(CONFIRM, {"current_password": PASSWORD, "next": back})
    assert (answer.status_code, answer["Location"]) == (302, back)
    return world.api.client.get(back)


@pytest.mark.parametrize("name", [name for name in SENSITIVE if VERBS[name].admin])
def test_a_form_asks_first_and_leads_back(left_open: World, everything: Callable[[], Any], name: str) -> None:
    verb, world = VERBS[name], left_open
    verb.prepare(world)
    click = verb.admin
    assert click is not None
    before, recorded = everything(), AuditEvent.objects.count()

    answer = world.api.client.post(click.address(world), {"reason": REASON, **click.values(world)})

    back = asked(answer)
    assert everything() == before
    assert AuditEvent.objects.count() == recorded
    assert REASON not in back
    assert "%40" not in back
    assert "@" not in back
    page = shown(world, back)
    assert page.status_code == 200
    click.do(world)


@pytest.mark.parametrize("name", [name for name in SENSITIVE if VERBS[name].api])
def test_a_request_by_a_browser_is_refused(left_open: World, everything: Callable[[], Any], name: str) -> None:
    verb, world = VERBS[name], left_open
    verb.prepare(world)
    request = verb.api
    assert request is not None
    why = {"reason": REASON} if request.takes_reason else {}
    before, recorded = everything(), AuditEvent.objects.count()

    answer = world.api(request.method, request.path(world), {**why, **request.body(world)})

    assert (answer.status_code, answer.body["code"]) == (401, "UNAUTHENTICATED")
    assert "Sign in again" in answer.body["remedy"]
    assert everything() == before
    assert AuditEvent.objects.count() == recorded
    shown(world, LIST)
    request.do(world)


def test_a_key_is_not_asked(left_open: World) -> None:
    program = key_of(left_open.alice, "admin:users")

    answer = program.post(f"users/{left_open.bob.public_id}/reset-two-factor/")

    assert answer.status_code == 200


class TestWayBack:
    """Whoever was chosen is still chosen."""

    def verb(self, word: str) -> str:
        return f"{LIST}verbs/{word}/"

    @pytest.mark.parametrize("word", ["impersonate", "purge", "reset-two-factor", "set-password"])
    def test_the_page_asks_before_anything_is_typed(self, left_open: World, word: str) -> None:
        bob: User = left_open.bob

        back = asked(left_open.api.client.get(f"{self.verb(word)}?selected={bob.public_id}"))

        assert bob.public_id in shown(left_open, back).content.decode()

    def test_several_are_still_chosen(self, left_open: World) -> None:
        people = [left_open.bob.public_id, left_open.erin.public_id]

        back = asked(left_open.api.client.post(self.verb("purge"), {"selected": people, "everyone": ""}))

        page = shown(left_open, back)
        assert page.context["total"] == 2
        assert page.context["selected"].split() == sorted(people)

    def test_all_that_match_are_named_by_their_ids_and_not_by_what_was_searched(self, left_open: World) -> None:
        asking = {"everyone": "yes", "matching": "search=bob@acme.example", "org": "acme"}

        back = asked(left_open.api.client.post(self.verb("purge"), asking))

        assert "example" not in back
        assert shown(left_open, back).context["selected"] == left_open.bob.public_id

    def test_too_many_for_an_address_are_chosen_anew(self, left_open: World) -> None:
        people = [make_user(left_open.acme, f"person{number}").public_id for number in range(200)]

        answer = left_open.api.client.post(self.verb("reset-two-factor"), {"selected": people, "everyone": ""})

        back = asked(answer)
        assert back == self.verb("reset-two-factor")
        assert shown(left_open, back)["Location"] == LIST

    def test_acting_as_somebody_begins_after_it(self, left_open: World) -> None:
        values = {"selected": left_open.frank.public_id, "step": "do", "reason": REASON}

        back = asked(left_open.api.client.post(self.verb("impersonate"), values))

        assert not Session.objects.filter(kind=Session.IMPERSONATION).exists()
        shown(left_open, back)
        assert left_open.api.client.post(self.verb("impersonate"), values)["Location"] == "/admin/"
        assert Session.objects.filter(kind=Session.IMPERSONATION, user=left_open.frank).exists()

    def test_so_does_fetching_a_copy(self, left_open: World) -> None:
        export = Export.objects.create(
            organization=left_open.acme,
            user=left_open.bob,
            requested_by_kind="user",
            requested_by=left_open.root.pk,
            scope="access",
            format="json",
            status=Export.QUEUED,
        )
        export_make(export.pk)
        page = f"{LIST}{left_open.bob.public_id}/personal-data/"

        back = asked(left_open.api.client.post(page, {"fetch": export.public_id}))

        assert back == page
        shown(left_open, back)
        assert left_open.api.client.post(page, {"fetch": export.public_id}).streaming
