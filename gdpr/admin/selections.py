"""Erasing a selection by click: the plan of all, their number and organization typed, the results."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from accounts.actors import Actor
from accounts.admin.verbs import Plan, ReasonForm, Verb, called_on
from accounts.errors import NotFound
from accounts.models import User
from accounts.operations.bulk import RowResult
from gdpr.admin.erasures import NowOrEndField, tables_of
from gdpr.models import Erasure
from gdpr.operations.background import erase_begin
from gdpr.operations.erasable import ACTIONS, ACTIVITIES, MOST, merged, selection_plan
from gdpr.operations.erasure import user_delete_activities

__all__ = ["SELECTION_VERBS"]

OTHERS: Final = "Text of others that names them is cleared of it too; it is not looked through here."


class EraseSelectionForm(ReasonForm):
    """When, and why."""

    field_order = ("after", "reason", "typed")
    after = NowOrEndField(
        label="Not before", help_text="Empty: as the organization settled. Or now, 14d, or a day such as 2026-12-31."
    )

    def arguments(self) -> dict[str, Any]:
        """Give when and why."""
        return {**super().arguments(), "at": self.value("after")}


def typed_for(chosen: Sequence[Any]) -> str:
    """Say what has to be typed: of one the address, of many how many and in which organization."""
    people = [row for row in chosen if isinstance(row, User)]
    if len(chosen) == 1 and people:
        return people[0].email or people[0].public_id
    return " ".join([str(len(chosen)), *sorted({user.organization.slug for user in people})])


def _planned(how: str, actor: Actor, chosen: Sequence[Any]) -> Plan:
    planned = selection_plan(actor=actor, users=[row for row in chosen if isinstance(row, User)], how=how)
    absent = [RowResult(row, "failed", NotFound("Not found.")) for row in chosen if isinstance(row, str)]
    return Plan([*(plan.result for plan in planned), *absent], tables_of(merged(planned), {}))


def _verb(how: str, label: str, done: str, summary: str) -> Verb:
    is_history = how == ACTIVITIES
    return Verb(
        action=ACTIONS[how],
        label=label,
        done=done,
        summary=summary,
        call=called_on("user", user_delete_activities if is_history else partial(erase_begin, how=how)),
        form=ReasonForm if is_history else EraseSelectionForm,
        is_grave=True,
        fits=lambda _: False,  # a person alone has the tab "Erasure"
        planned=partial(_planned, how),
        asks=typed_for,
        most=MOST,
    )


SELECTION_VERBS: Final = (
    _verb(
        Erasure.PURGE,
        "Erase",
        "is being erased, or is to be",
        "Each is closed at once, unless it waits; a worker erases them, and the receipts stand under “Erasures”. "
        f"{OTHERS}",
    ),
    _verb(
        Erasure.DELETE,
        "Erase with the row",
        "is being erased, or is to be",
        "Each is closed at once, unless it waits; a worker erases them and their rows, and the receipts stand under "
        f"“Erasures”. {OTHERS}",
    ),
    _verb(
        ACTIVITIES,
        "Erase the history",
        "has no history any more",
        "Sign-ins, sessions, devices and what the trail says of them go; the accounts stay.",
    ),
)
