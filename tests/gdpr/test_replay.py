"""Readiness and the ledger: cut, replaced, not to be read, and read on from where it was."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as real_settings
from django.utils import timezone

from accounts.actors import Actor
from accounts.errors import Unavailable
from accounts.models import User
from accounts.statuses import Status
from gdpr.models import Erasure
from gdpr.operations.erasure import erase
from gdpr.operations.replay import ledger_problem, returned
from gdpr.operations.sweeping import erasures_finish

LEDGER = Path(real_settings.LEDGER_URL.removeprefix("file://"))


@pytest.fixture
def lines(operator: Actor, bob: User, carol: User) -> list[str]:
    """Erase two people, so that readiness has read of both."""
    for user in (bob, carol):
        erase(actor=operator, user=user, how=Erasure.PURGE)
        assert ledger_problem() == ""
    return LEDGER.read_text().splitlines(keepends=True)


@pytest.mark.parametrize("left", [slice(0, 0), slice(0, 1), slice(1, 2)])
def test_a_cut_ledger_is_noticed_whichever_line_is_gone(lines: list[str], left: slice) -> None:
    LEDGER.write_text("".join(lines[left]))
    gone = 2 - len(lines[left])
    assert ledger_problem() == f"the ledger lacks {gone} erasures of the last 35 days: another one, or cut"

    LEDGER.write_text("".join(lines))
    assert ledger_problem() == ""


def test_erasures_older_than_every_backup_need_no_line(lines: list[str]) -> None:
    LEDGER.write_text(lines[1])
    Erasure.objects.order_by("erased_at").filter(pk=Erasure.objects.order_by("erased_at")[0].pk).update(
        erased_at=timezone.now() - timedelta(days=36)
    )
    assert ledger_problem() == ""


def test_a_forged_line_is_noticed_until_it_is_gone(lines: list[str]) -> None:
    LEDGER.write_text("".join([*lines, lines[0].replace('"purge"', '"delete"')]))
    for _ in range(2):
        assert ledger_problem() == "a line of the ledger has a bad signature"
    LEDGER.write_text("".join(lines))
    assert ledger_problem() == ""


def test_who_is_back_is_noticed_though_the_ledger_was_read_before(lines: list[str], bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(status=Status.ACTIVE, email="bob@back.example", email_key="bob@back.example")
    assert ledger_problem() == "a restored backup brought 1 erased people back: manage.py gdpr_replay"


def test_a_ledger_that_cannot_be_read(lines: list[str], settings: Any, tmp_path: Path) -> None:
    settings.LEDGER_URL = f"file://{tmp_path}"
    assert ledger_problem() == "the ledger cannot be read; the log says why"
    with pytest.raises(Unavailable, match="The ledger cannot be read: Is a directory"):
        returned()


def test_planned_erasures_wait_for_a_ledger_that_cannot_be_written(
    operator: Actor, bob: User, carol: User, settings: Any, tmp_path: Path
) -> None:
    now = timezone.now()
    for user in (bob, carol):
        erase(actor=operator, user=user, how=Erasure.PURGE, at=now + timedelta(days=1))
    there, settings.LEDGER_URL = settings.LEDGER_URL, f"file://{tmp_path}"
    Erasure.objects.update(due_at=now)

    with pytest.raises(Unavailable, match=r"It is erased, but not finished\. The ledger cannot be written"):
        erasures_finish()

    assert sorted(Erasure.objects.values_list("status", flat=True)) == [Erasure.ERASED, Erasure.SCHEDULED]
    settings.LEDGER_URL = there
    Erasure.objects.filter(status=Erasure.ERASED).update(leased_until=now)
    assert erasures_finish() == 2
    assert {*Erasure.objects.values_list("status", flat=True)} == {Erasure.COMPLETE}
    assert ledger_problem() == ""
