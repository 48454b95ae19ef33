"""Where text names somebody: the database's own search finds every row that the words' pattern does, in one reading."""

import re
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as configured
from hypothesis import strategies as st

from accounts.actors import Actor
from accounts.models import User
from accounts.operations.users import user_update
from gdpr.models import Erasure
from gdpr.operations import erasure
from gdpr.operations.erasure import ResidueError, erase
from gdpr.operations.mentions import SHIFTING, mentions, without

pytestmark = pytest.mark.django_db
LETTERS = "abiksIKS.@_%-\\\"' \tüßдш\u017f\u212a\u0131\u0130\u00b5\u03c3李\U0001f600\U0001e900"


@cache
def twins() -> dict[str, str]:
    """Every letter that is the same as one of ours to who minds no case."""
    everything = "".join(map(chr, (*range(1, 0xD800), *range(0xE000, sys.maxunicode + 1))))
    return {letter: "".join(re.findall(re.escape(letter), everything, re.IGNORECASE)) for letter in LETTERS}


@st.composite
def told(draw: st.DrawFn) -> tuple[str, str]:
    """A word, and a text that may hold it in whatever case."""
    word = draw(st.text(LETTERS, min_size=1, max_size=8))
    other = "".join(draw(st.sampled_from(twins()[letter])) for letter in word)
    around = st.sampled_from(["", " ", "x", "ü", "-", "(", '"', "\\", "\n"])
    return word, draw(around) + other + draw(around)


@given(told())
@configured(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_misses_nothing_that_the_pattern_finds(bob: User, pair: tuple[str, str]) -> None:
    word, text = pair
    named = without([word], text) != text
    User.objects.filter(pk=bob.pk).update(bio=text, metadata={"list": [text], text: ""})

    found = {mention.field.name for mention in mentions([word], [bob.organization_id], among={User: Q(pk=bob.pk)})}

    assert found == ({"bio", "metadata"} if named else set())


def test_letters_that_are_asked_for_have_no_twin_beyond_ascii() -> None:
    asked = SHIFTING.sub("", "".join(map(chr, range(128))))
    beyond = "".join(map(chr, (*range(128, 0xD800), *range(0xE000, sys.maxunicode + 1))))

    assert set("abdr@.-_+09") < set(asked)
    assert re.findall(f"[{re.escape(asked)}]", beyond, re.IGNORECASE) == []


def readings(actor: Actor, user: User) -> int:
    """Erase somebody; gives how often the tags of the organization were read for mentions."""
    with CaptureQueriesContext(connection) as captured:
        erase(actor=actor, user=user, how=Erasure.PURGE)
    return sum("accounts_usertag" in query["sql"] and " LIKE " in query["sql"] for query in captured)


class TestText:
    """What others wrote is read once; anew only where something was taken out."""

    def test_that_names_nobody_is_read_once(self, bob: User, carol: User, operator: Actor) -> None:
        assert readings(operator, bob) == 1

    def test_is_read_again_once_something_was_taken_out(self, bob: User, carol: User, operator: Actor) -> None:
        User.objects.filter(pk=carol.pk).update(bio="Ask bob@acme.example.")

        assert readings(operator, bob) == 2
        assert User.objects.get(pk=carol.pk).bio == "Ask [erased]."

    def test_that_comes_back_undoes_it_all(
        self, bob: User, carol: User, operator: Actor, everything: Callable[[], dict[str, Any]]
    ) -> None:
        """The database puts something into the row of a third, as a trigger of somebody else's might."""
        User.objects.filter(pk=carol.pk).update(bio="Ask bob@acme.example.")
        with connection.cursor() as cursor:
            self._trigger(cursor)
        before = everything()

        with pytest.raises(ResidueError, match="accounts_usertag"):
            erase(actor=operator, user=bob, how=Erasure.PURGE)

        assert everything() == before

    def _trigger(self, cursor: Any) -> None:
        keeps = "INSERT INTO accounts_usertag (organization_id, user_id, name)"
        values = "SELECT new.organization_id, new.id, 'bob@acme.example'"
        if connection.vendor == "sqlite":
            cursor.execute(
                "CREATE TEMP TRIGGER keeps AFTER UPDATE ON accounts_user WHEN new.bio LIKE '%[erased]%' "
                f"BEGIN {keeps} {values}; END"
            )
            return
        cursor.execute(
            "CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF new.bio LIKE '%[erased]%' THEN {keeps} {values}; END IF; RETURN new; END $$"
        )
        cursor.execute("CREATE TRIGGER keeps AFTER UPDATE ON accounts_user FOR EACH ROW EXECUTE FUNCTION keeps()")

    def test_that_the_erasure_itself_wrote_is_looked_at(
        self,
        bob: User,
        operator: Actor,
        everything: Callable[[], dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(erasure, "without", lambda words, text: text)
        before = everything()

        with pytest.raises(ResidueError, match="accounts_auditpart"):
            erase(actor=operator, user=bob, how=Erasure.PURGE, reason="bob@acme.example asked")

        assert everything() == before


def test_a_name_in_another_case_beyond_ascii_is_taken_out(bob: User, carol: User, operator: Actor) -> None:
    user_update(actor=operator, user=bob, changes={"username": "дмитрий"})
    User.objects.filter(pk=carol.pk).update(bio="Ask Дмитрий.", metadata={"deputy": "дмИтрий"})

    erase(actor=operator, user=User.objects.get(pk=bob.pk), how=Erasure.PURGE)

    carol.refresh_from_db()
    assert (carol.bio, carol.metadata) == ("Ask [erased].", {"deputy": "[erased]"})
