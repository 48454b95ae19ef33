"""Erasing many by program: what ``/users/bulk/`` takes beside the verbs of the house."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from django.utils import timezone

from accounts.actors import Actor
from accounts.api.inputs import Flag, Number, ReasonInput, Text
from accounts.api.user_verbs import GraveVerb
from accounts.errors import Invalid
from accounts.models import User
from accounts.operations.bulk import RowResult
from accounts.times import as_end
from gdpr.models import Erasure
from gdpr.operations.background import erase_begin
from gdpr.operations.erasable import ACTIONS, ACTIVITIES, MOST, selection_plan
from gdpr.operations.erasure import user_delete_activities

__all__ = ["SELECTION_VERBS", "when_of"]


class ManyInput(ReasonInput):
    """What erasing the history of many takes."""

    confirm = Number(min_value=1)


class EraseManyInput(ManyInput):
    """What erasing many takes."""

    after = Text(required=False)
    now = Flag(required=False)


def when_of(given: Mapping[str, Any]) -> Any:
    """Read when it is to happen; ``None`` as the organization settled.

    :raises Invalid: for now and later at once, or what is no time
    """
    if given.get("now") and "after" in given:
        raise Invalid("It happens now or later.", fields={"now": "not with after"})
    if given.get("now"):
        return timezone.now()
    return as_end(given["after"], field="after") if "after" in given else None


def _erased(how: str, actor: Actor, user: User, given: Mapping[str, Any]) -> Any:
    return erase_begin(actor=actor, user=user, how=how, reason=given["reason"], at=when_of(given))


def _history_erased(actor: Actor, user: User, given: Mapping[str, Any]) -> Any:
    return user_delete_activities(actor=actor, user=user, reason=given["reason"])


def _planned(how: str, actor: Actor, users: Sequence[User]) -> list[RowResult]:
    return [plan.result for plan in selection_plan(actor=actor, users=users, how=how)]


def _verb(how: str, form: type[ReasonInput], call: Callable[..., Any]) -> GraveVerb:
    return GraveVerb(action=ACTIONS[how], form=form, call=call, planned=partial(_planned, how), most=MOST)


SELECTION_VERBS: Final = {
    "purge": _verb(Erasure.PURGE, EraseManyInput, partial(_erased, Erasure.PURGE)),
    "delete": _verb(Erasure.DELETE, EraseManyInput, partial(_erased, Erasure.DELETE)),
    "delete-activities": _verb(ACTIVITIES, ManyInput, _history_erased),
}
