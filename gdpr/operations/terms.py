"""What an organization settles for its people's data."""

from collections.abc import Mapping
from typing import Any, Final

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.models import Organization
from accounts.operations.base import differences, operation
from accounts.profile import reason_checked, text_checked
from gdpr.models import PrivacyTerms

__all__ = ["terms_of", "terms_update"]

CONTACT_LENGTH: Final = 254
GRACE: Final = range(31)
ARCHIVED: Final = range(1, 3_651)


def terms_of(organization: Organization) -> PrivacyTerms:
    """Give the terms of an organization; the defaults where it settled nothing."""
    found = PrivacyTerms.objects.filter(organization=organization).first()
    return found or PrivacyTerms(organization=organization)


@operation(Action.TERMS_UPDATE)
def terms_update(
    *, actor: Actor, organization: Organization, changes: Mapping[str, Any], reason: str = ""
) -> PrivacyTerms:
    """Settle what is named in ``changes``; what is already so changes nothing.

    ``erasure_grace_days`` (0 to 30) is how long an erasure waits, so that it can be called off;
    ``archived_days`` (1 to 3650, ``None`` for never) after how long archived people are erased;
    ``contact`` whom people ask about their data.

    :raises NotFound: if the organization does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: naming what is wrong
    """
    (organization,) = Organization.objects.locked(organization.pk)
    policy.require(actor, Action.TERMS_UPDATE, organization)
    terms = terms_of(organization)
    before = _shown(terms)
    for name, value in _checked(changes).items():
        setattr(terms, name, value)
    after = _shown(terms)
    if after != before:
        terms.save()
        changed = differences(before, after)
        audit.record(actor, Action.TERMS_UPDATE, organization, reason=reason_checked(reason), **changed)
    return terms


def _shown(terms: PrivacyTerms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in ("erasure_grace_days", "archived_days", "contact")}


def _checked(changes: Mapping[str, Any]) -> dict[str, Any]:
    problems: dict[str, str] = {}
    checked: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "erasure_grace_days" and value not in GRACE:
            problems[name] = "is a number of days from 0 to 30"
        elif name == "archived_days" and value is not None and value not in ARCHIVED:
            problems[name] = "is a number of days from 1 to 3650, or nothing"
        elif name not in {"erasure_grace_days", "archived_days", "contact"}:
            problems[name] = "is not one of the terms"
        else:
            checked[name] = value
    if problems:
        raise Invalid("These terms cannot be settled.", fields=problems)
    if contact := str(checked.get("contact") or "").strip():
        checked["contact"] = text_checked("contact", contact, longest=CONTACT_LENGTH)
    return checked
