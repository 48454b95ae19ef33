"""The verbs on a user as data: what a request may say, and the one call; the same for many at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from rest_framework import serializers

from accounts.actions import Action
from accounts.actors import Actor
from accounts.api.inputs import Flag, Input, Number, ReasonInput, Text, Texts
from accounts.api.user_inputs import FilterInput, LockInput, PasswordInput, SetInput, TagsInput
from accounts.errors import Invalid
from accounts.models import User
from accounts.operations.base import NewPassword
from accounts.operations.bulk import DRY_RUN_ROWS, RowResult
from accounts.operations.factors import user_disable_two_factor, user_reset_two_factor
from accounts.operations.recovery import user_reset_password
from accounts.operations.statuses import STATUS_VERBS
from accounts.operations.users import (
    user_confirm,
    user_set,
    user_set_password,
    user_sign_out,
    user_tag,
    user_unconfirm,
    user_untag,
)
from accounts.times import as_end

__all__ = [
    "BULK_VERBS",
    "GRAVE_VERBS",
    "MOST",
    "SUMMARIES",
    "VERBS",
    "BulkInput",
    "BulkOutput",
    "GraveVerb",
    "refuse_strange",
]

MOST: Final = DRY_RUN_ROWS
"""How many rows one request changes."""


Call = Callable[[Actor, User, Mapping[str, Any], int | None], Any]


def _status_call(word: str) -> Call:
    verb = STATUS_VERBS[word]

    def call(actor: Actor, user: User, given: Mapping[str, Any], version: int | None) -> Any:
        until = as_end(given["until"], field="until") if "until" in given else None
        return verb.run(actor=actor, user=user, reason=given["reason"], until=until, expected_version=version)

    return call


def _plain_call(operation: Callable[..., Any], *words: str) -> Call:
    def call(actor: Actor, user: User, given: Mapping[str, Any], version: int | None) -> Any:
        more = {word: given[word] for word in words if word in given}
        return operation(actor=actor, user=user, reason=given["reason"], expected_version=version, **more)

    return call


def _set_password(actor: Actor, user: User, given: Mapping[str, Any], version: int | None) -> Any:
    return user_set_password(
        actor=actor,
        user=user,
        password=NewPassword(given["password"]),
        must_change_password=given["must_change_password"],
        keep_sessions=given["keep_sessions"],
        reason=given["reason"],
        expected_version=version,
    )


VERBS: Final[Mapping[str, tuple[type[Input], Call]]] = {
    **{word: (LockInput if verb.takes_end else ReasonInput, _status_call(word)) for word, verb in STATUS_VERBS.items()},
    "confirm": (ReasonInput, _plain_call(user_confirm)),
    "unconfirm": (ReasonInput, _plain_call(user_unconfirm)),
    "tag": (TagsInput, _plain_call(user_tag, "tags")),
    "untag": (TagsInput, _plain_call(user_untag, "tags")),
    "set": (SetInput, _plain_call(user_set, "admin", "moderator", "confirmed", "locked")),
    "sign-out": (ReasonInput, _plain_call(user_sign_out)),
    "disable-two-factor": (ReasonInput, _plain_call(user_disable_two_factor)),
    "reset-two-factor": (ReasonInput, _plain_call(user_reset_two_factor)),
    "set-password": (PasswordInput, _set_password),
    "reset-password": (ReasonInput, _plain_call(user_reset_password)),
}
"""Every verb on a user: what its request may say, and the one call."""

SUMMARIES: Final[Mapping[str, str]] = {
    **{word: verb.summary for word, verb in STATUS_VERBS.items()},
    "confirm": "Mark the e-mail address as confirmed; again changes nothing.",
    "unconfirm": "Mark the e-mail address as not confirmed; again changes nothing.",
    "tag": "Pin tags to a user; those already there stay.",
    "untag": "Take tags off a user; those not there change nothing.",
    "set": "Set what is named and leave the rest, in one transaction.",
    "sign-out": "End every session of a user; API keys stay.",
    "disable-two-factor": "Take all second factors of a user away; one is asked for again only where it is required.",
    "reset-two-factor": "Take all second factors of a user away, and ask for a new one at the next sign-in.",
    "set-password": "Give a user another password; sessions and links end.",
    "reset-password": "Send a user a letter with a link to set a new password, good for an hour.",
}


@dataclass(frozen=True, kw_only=True)
class GraveVerb:
    """What another room does to many and nobody can take back: the request says how many it is to be."""

    action: Action
    form: type[Input]
    call: Callable[[Actor, User, Mapping[str, Any]], Any]
    planned: Callable[[Actor, Sequence[User]], Sequence[RowResult]]
    most: int


GRAVE_VERBS: Final[dict[str, GraveVerb]] = {}
"""By the word of the request; filled at start."""

BULK_VERBS: Final = tuple(word for word in VERBS if word not in {"set", "set-password"})
EXTRAS: Final = {"until", "tags", "after", "now", "confirm"}
"""What some verbs take besides a reason."""


class BulkInput(ReasonInput):
    """A verb on many: ids, or a filter in the words of the list."""

    elsewhere: ClassVar[Mapping[str, str]] = {
        "request": "is one person's: say it at users/{id}/purge/, delete/ or delete-activities/, for each apart"
    }
    verb = serializers.ChoiceField([])
    ids = Texts(required=False, min_length=1, max_length=MOST)
    filter = FilterInput(required=False)
    org = Text(required=False, help_text="with a filter: in which organization")
    until = Text(required=False, help_text="with lock")
    tags = Texts(required=False, min_length=1, max_length=100, help_text="with tag and untag")
    after = Text(required=False, help_text="with purge and delete: not before then; else as each organization settled")
    now = Flag(required=False, help_text="with purge and delete: do not wait, whatever the organization settled")
    confirm = Number(
        required=False,
        min_value=1,
        help_text="with purge, delete, delete-activities: how many people it is, as previewed",
    )
    preview = Flag(required=False, default=False, help_text="say what would change, and change nothing")

    def get_fields(self) -> dict[str, Any]:
        """Offer the verbs."""
        return {**super().get_fields(), "verb": serializers.ChoiceField([*BULK_VERBS, *GRAVE_VERBS])}


class RowOutput(serializers.Serializer[Any]):
    """What came of one row."""

    id = serializers.CharField()
    result = serializers.ChoiceField(["ok", "unchanged", "failed"])
    changes = serializers.ListField(child=serializers.DictField(), required=False, help_text="of a preview")
    error = serializers.DictField(required=False, help_text="`code`, `message`, `remedy`, `fields`")


class CountsOutput(serializers.Serializer[Any]):
    """How many of each."""

    ok = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()


class BulkOutput(serializers.Serializer[Any]):
    """What came of each row, and how many of each."""

    data = RowOutput(many=True)  # type: ignore[assignment]
    counts = CountsOutput()
    preview = serializers.BooleanField()


def refuse_strange(given: Mapping[str, Any], form: type[Input]) -> None:
    """Refuse what the verb would not heed, and want what it needs."""
    if ("ids" in given) == ("filter" in given):
        raise Invalid("Name ids or a filter.", fields={"ids": "ids or filter", "filter": "ids or filter"})
    taken = set(form().fields)
    strange = (EXTRAS & set(given)) - taken
    if "org" in given and "ids" in given:
        strange.add("org")
    if strange:
        raise Invalid("The verb does not take that.", fields=dict.fromkeys(sorted(strange), "not with this"))
    if "confirm" in taken and "confirm" not in given and not given["preview"]:
        raise Invalid(
            "It cannot be taken back, so it has to be confirmed.",
            remedy="Preview it, and say in confirm how many people it is.",
            fields={"confirm": "is required"},
        )
    if "tags" in taken and "tags" not in given:
        raise Invalid("There is no tag.", fields={"tags": "is required"})
