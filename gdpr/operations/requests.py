"""What people ask for about their own data, and by when it has to be answered (Art. 12(3))."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from django.db.models import Q
from django.utils import timezone

from accounts import audit, ids, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.audit import moment
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import AuditEvent, User
from accounts.operations.base import operation
from accounts.profile import text_checked
from accounts.statuses import Status
from gdpr.models import Erasure, Export, SubjectRequest

__all__ = [
    "ANSWERS",
    "due_at",
    "guard_answer",
    "remind",
    "request_answered",
    "request_close",
    "request_extend",
    "request_facts",
    "request_named",
    "request_of",
    "request_open",
    "request_to_answer",
]

log = structlog.get_logger("gdpr.requests")
NOTE_LENGTH: Final = 500
MONTHS: Final = 1
EXTENDED: Final = 3
REMINDERS: Final = (timedelta(days=21), timedelta(days=28))
"""How long after the receipt; of a request that was extended, so long before it is due as in a month of 31 days."""
MONTH: Final = timedelta(days=31)
SATURDAY: Final = 5
ANSWERS: Final[Mapping[str, tuple[str, ...]]] = {
    "access": ("access", "portability"),
    "portability": ("portability",),
    "erasure": ("erasure",),
    "activities": ("erasure", "objection"),
}
"""What is done, a copy of either scope or an erasure, and which kinds of requests that answers."""


def due_at(received_at: datetime, months: int = MONTHS) -> datetime:
    """Say when an answer is due: at the end of the same day so many months later, in UTC (Reg. 1182/71).

    The last day of a shorter month stands for a day that it lacks, the Monday after for a weekend. Holidays
    differ from country to country and are not known here: a due date is never later than the law allows.
    """
    received = received_at.astimezone(UTC).date()
    year, month = divmod(received.month - 1 + months, 12)
    year, month = received.year + year, month + 1
    day = date(year, month, min(received.day, monthrange(year, month)[1]))
    if day.weekday() >= SATURDAY:
        day += timedelta(days=7 - day.weekday())
    return datetime.combine(day, time(23, 59, 59), UTC)


@operation(Action.REQUEST_OPEN)
def request_open(
    *, actor: Actor, user: User, kind: str, received_at: datetime | None = None, note: str = ""
) -> SubjectRequest:
    """Note that a person asked for something about their data; the month runs from the receipt.

    :param received_at: when it came in, now if not given
    :raises NotFound: if the person does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: for a kind that is none, a receipt in the future, a note that is too long
    :raises Conflict: if the same is open already
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.REQUEST_OPEN, user)
    if kind not in SubjectRequest.KINDS:
        raise Invalid(
            f"There is no kind {kind!r}.",
            remedy=f"One of: {', '.join(SubjectRequest.KINDS)}.",
            fields={"kind": f"is one of {', '.join(SubjectRequest.KINDS)}"},
        )
    now = timezone.now()
    received_at = received_at or now
    if received_at > now:
        raise Invalid("It cannot have come in later than now.", fields={"received_at": "is in the future"})
    same = SubjectRequest.objects.open().filter(user_id=user.pk, kind=kind).first()
    if same is not None:
        raise Conflict(
            "The same is open already.", remedy=f"Its month runs from the first receipt; see {same.public_id}."
        )
    request = SubjectRequest.objects.create(
        organization_id=user.organization_id,
        user_id=user.pk,
        kind=kind,
        note=_note_checked(note, user),
        received_at=received_at,
        due_at=due_at(received_at),
    )
    audit.record(
        actor,
        Action.REQUEST_OPEN,
        user,
        reason=request.note,
        after={"kind": kind, "received_at": received_at.isoformat(), "due_at": request.due_at.isoformat()},
        request=request.public_id,
    )
    return request


@operation(Action.REQUEST_EXTEND)
def request_extend(*, actor: Actor, request: SubjectRequest, note: str) -> SubjectRequest:
    """Take two months more, once, in the first month; the person has to be told why in that month.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: without a note that says why
    :raises Conflict: if it is closed, was extended, or its month is over
    """
    request, person = _held(actor, Action.REQUEST_EXTEND, request)
    if not note.strip():
        raise Invalid("The person has to be told why.", fields={"note": "is required"})
    now = timezone.now()
    later = due_at(request.received_at, EXTENDED)
    note = _note_checked(note, person)
    if request.status != SubjectRequest.OPEN or request.extended_at or request.due_at < now:
        raise Conflict(
            "It is closed, was extended before, or its first month is over.",
            remedy="Answer it now, and close it.",
        )
    before = {"due_at": request.due_at.isoformat()}
    request.extended_at, request.due_at, request.reminded_at, request.note = now, later, None, note
    request.save()
    audit.record(
        actor,
        Action.REQUEST_EXTEND,
        person,
        reason=note,
        before=before,
        after={"due_at": later.isoformat()},
        request=request.public_id,
    )
    return request


@operation(Action.REQUEST_CLOSE)
def request_close(*, actor: Actor, request: SubjectRequest, outcome: str = "done", note: str = "") -> SubjectRequest:
    """Note that a request was answered, or refused and why.

    :param outcome: ``done`` or ``refused``
    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: for another outcome, or a refusal without a reason (Art. 12(4))
    :raises Conflict: if it is closed
    """
    request, person = _held(actor, Action.REQUEST_CLOSE, request)
    if outcome not in {SubjectRequest.DONE, SubjectRequest.REFUSED}:
        raise Invalid("A request ends as done or refused.", fields={"outcome": "is one of done, refused"})
    if outcome == SubjectRequest.REFUSED and not note.strip():
        raise Invalid("The person has to be told why it is refused.", fields={"note": "is required"})
    note = _note_checked(note, person)
    if request.status != SubjectRequest.OPEN:
        raise Conflict("It is closed.", remedy="The list of all requests, the closed ones included, shows how.")
    request.status, request.closed_at, request.note = outcome, timezone.now(), note or request.note
    request.save()
    audit.record(actor, Action.REQUEST_CLOSE, person, reason=note, after={"status": outcome}, request=request.public_id)
    return request


# --- what is done for a request ---------------------------------------------------------------
def request_named(*, actor: Actor, named: str) -> SubjectRequest | None:
    """Find the request that something is to be done for; ``None`` for none.

    :raises NotFound: if it does not exist for the actor
    """
    if not named:
        return None
    key = ids.decode("dsr", named)
    request = SubjectRequest.objects.visible_to(actor).filter(pk=key).first() if key else None
    if request is None:
        raise NotFound("Subject request not found.")
    return request


def guard_answer(actor: Actor, user: User, request: SubjectRequest, answer: str) -> None:
    """Refuse a request that this would not answer.

    :param answer: what is done for it: a word of ``ANSWERS``
    :raises NotAllowed: without the permission to close it
    :raises Invalid: for somebody else's, or one that asks for something else
    :raises Conflict: if it is closed
    """
    policy.require(actor, Action.REQUEST_CLOSE, request)
    if request.user_id != user.pk:
        raise Invalid("The request is somebody else's.", fields={"request": "is of somebody else"})
    if request.kind not in ANSWERS[answer]:
        raise Invalid(
            f"The request asks for {request.kind}, and this is no answer to that.",
            fields={"request": f"asks for {request.kind}"},
        )
    if request.status != SubjectRequest.OPEN:
        raise Conflict("The request is closed.", remedy="Leave it out, or note what was asked for since.")


def request_to_answer(actor: Actor, user: User, request: SubjectRequest | None, answer: str) -> SubjectRequest | None:
    """Hold the request that something is done for, in the caller's transaction; the person's row is held already.

    Raises what ``guard_answer`` does.
    """
    if request is None:
        return None
    request = SubjectRequest.objects.held(request)
    guard_answer(actor, user, request, answer)
    return request


def request_answered(
    actor: Actor, user: User, request_id: UUID | None, *, is_erased: bool = False, **by: Any
) -> AuditEvent | None:
    """Close a request that was done, unless somebody closed it meanwhile, in the caller's transaction.

    :param is_erased: what the trail says of it is about nobody any more
    :param by: what answered it
    """
    found = SubjectRequest.objects.open().filter(pk=request_id).first() if request_id else None
    request = SubjectRequest.objects.held(found) if found else None
    if request is None or request.status != SubjectRequest.OPEN:
        return None
    request.status, request.closed_at = SubjectRequest.DONE, timezone.now()
    request.save()
    record = audit.record_erasure if is_erased else audit.record
    return record(actor, Action.REQUEST_CLOSE, user, after={"status": request.status}, request=request.public_id, **by)


def request_of(row: Erasure | Export) -> SubjectRequest | None:
    """Give the request that an erasure or a copy answers, while it is kept."""
    return SubjectRequest.objects.filter(pk=row.request_id).first() if row.request_id else None


def request_facts(request: SubjectRequest, produced_at: datetime) -> dict[str, Any]:
    """Give of a request what a copy or a receipt says that answers it."""
    return {
        "id": request.public_id,
        "articles": [SubjectRequest.ARTICLES[request.kind]],
        "received_at": moment(request.received_at),
        "due_at": moment(request.due_at),
        "produced_at": moment(produced_at),
    }


def remind() -> int:
    """Note in the log and on the requests that they are due soon: at day 21 and at day 28; says how many."""
    now = timezone.now()
    reminded = 0
    for request in SubjectRequest.objects.open().order_by("due_at", "pk").iterator():
        moments = [at for at in _reminders(request) if at <= now]
        if not moments:
            continue
        last = moments[-1]
        fresh = SubjectRequest.objects.open().filter(Q(reminded_at=None) | Q(reminded_at__lt=last), pk=request.pk)
        if fresh.update(reminded_at=now):
            log.warning("request due", request=request.public_id, kind=request.kind, due_at=request.due_at.isoformat())
            reminded += 1
    return reminded


def _reminders(request: SubjectRequest) -> list[datetime]:
    start = request.due_at - MONTH if request.extended_at else request.received_at
    return [start + after for after in REMINDERS]


def _held(actor: Actor, action: Action, request: SubjectRequest) -> tuple[SubjectRequest, User]:
    """Hold the person's row, as erasure does, then read the request; by id alone where the account was removed."""
    policy.require(actor, action, request)
    found = User.objects.filter(pk=request.user_id).first()
    person = User.objects.locked(found) if found else _removed(request)
    return SubjectRequest.objects.held(request), person


def _removed(request: SubjectRequest) -> User:
    return User(pk=request.user_id, organization_id=request.organization_id, status=Status.PURGED)


def _note_checked(note: str, person: User) -> str:
    """Check a note; of somebody who was erased nothing is typed any more, because it could name them.

    :raises Invalid: if it is too long, or about somebody who was erased
    """
    if note.strip() and person.status == Status.PURGED:
        raise Invalid("The person was erased: leave the note empty.", fields={"note": "must be empty"})
    return text_checked("note", note, longest=NOTE_LENGTH) if note.strip() else ""
