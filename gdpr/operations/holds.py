"""Legal holds: whose data may not be erased for now, why, and when that is looked at again."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid
from accounts.models import User
from accounts.operations.base import operation
from accounts.profile import reason_checked, text_checked
from accounts.statuses import Status
from gdpr.models import LegalHold
from gdpr.registry import Exemption

__all__ = ["EXEMPTIONS", "LONGEST", "hold_place", "hold_release", "hold_review"]

LONGEST: Final = timedelta(days=90)
REASON_LENGTH: Final = 500
EXEMPTIONS: Final = {exemption.value[-2]: exemption for exemption in Exemption}
"""The letters of Art. 17(3)."""


@operation(Action.HOLD_PLACE)
def hold_place(
    *, actor: Actor, user: User, reason: str, exemption: str, review_at: datetime | None = None
) -> LegalHold:
    """Keep a person's data from being erased until the hold is released; one at a time.

    :param exemption: the letter of Art. 17(3) that allows it, ``e`` or ``17(3)(e)``
    :param review_at: when it is looked at again: at most, and if not given, 90 days from now
    :raises NotFound: if the person does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: without a reason, for a letter that is none, for a review that is too late
    :raises Conflict: if there is one already, or the person is being erased or has been
    """
    user = User.objects.locked(user)
    policy.require(actor, Action.HOLD_PLACE, user)
    if user.current_status in {Status.PURGING, Status.PURGED}:
        raise Conflict("The account is being erased or has been.", remedy="There is nothing left to hold.")
    if LegalHold.objects.active().filter(user=user).exists():
        raise Conflict("There is a hold already.", remedy="Review that one, or release it first.")
    hold = LegalHold.objects.create(
        organization_id=user.organization_id,
        user=user,
        reason=_reason_checked(reason),
        exemption=_exemption_checked(exemption),
        review_at=_review_checked(review_at),
    )
    audit.record(
        actor,
        Action.HOLD_PLACE,
        user,
        reason=hold.reason,
        after={"exemption": hold.exemption, "review_at": hold.review_at.isoformat()},
        hold=hold.public_id,
    )
    return hold


@operation(Action.HOLD_REVIEW)
def hold_review(*, actor: Actor, hold: LegalHold, review_at: datetime | None = None, reason: str = "") -> LegalHold:
    """Find that a hold is still needed, and say when it is looked at again: within 90 days.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: for a review that is too late
    :raises Conflict: if it was released
    """
    hold, user = _held(actor, Action.HOLD_REVIEW, hold)
    at = _review_checked(review_at)
    if hold.released_at:
        raise Conflict("The hold was released.", remedy="Place another.")
    before = {"review_at": hold.review_at.isoformat()}
    hold.review_at = at
    hold.save()
    audit.record(
        actor,
        Action.HOLD_REVIEW,
        user,
        reason=reason_checked(reason),
        before=before,
        after={"review_at": at.isoformat()},
        hold=hold.public_id,
    )
    return hold


@operation(Action.HOLD_RELEASE)
def hold_release(*, actor: Actor, hold: LegalHold, reason: str = "") -> LegalHold:
    """Let a person's data be erased again; again changes nothing.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    """
    hold, user = _held(actor, Action.HOLD_RELEASE, hold)
    if hold.released_at is None:
        hold.released_at = timezone.now()
        hold.save()
        audit.record(actor, Action.HOLD_RELEASE, user, reason=reason_checked(reason), hold=hold.public_id)
    return hold


def _held(actor: Actor, action: Action, hold: LegalHold) -> tuple[LegalHold, User]:
    """Hold the person's row, as erasure does, so that neither sees the other half way; then read the hold."""
    policy.require(actor, action, hold)
    user = User.objects.locked(hold.user)
    return LegalHold.objects.held(hold), user


def _reason_checked(reason: str) -> str:
    if not reason.strip():
        raise Invalid("A hold needs a reason.", fields={"reason": "is required"})
    return text_checked("reason", reason, longest=REASON_LENGTH)


def _exemption_checked(text: str) -> str:
    found = EXEMPTIONS.get(text) or next((entry for entry in Exemption if entry == text), None)
    if found is None:
        raise Invalid(
            f"{text!r} is no letter of Art. 17(3).",
            remedy=f"One of: {', '.join(EXEMPTIONS)}. Legal claims are e, a legal obligation is b.",
            fields={"exemption": f"is one of {', '.join(EXEMPTIONS)}"},
        )
    return found.value


def _review_checked(review_at: datetime | None) -> datetime:
    now = timezone.now()
    if review_at is not None and not now < review_at <= now + LONGEST:
        raise Invalid(
            "A hold is looked at again within 90 days.", fields={"review_at": "must be within 90 days from now"}
        )
    return review_at or now + LONGEST
