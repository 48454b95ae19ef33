"""Organizations and who belongs to them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts import audit, policy
from accounts.actions import Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound
from accounts.mail import LANGUAGES
from accounts.models import Installation, Membership, Organization, Session, User
from accounts.models.organizations import MailCodes, SecondFactor
from accounts.operations.base import differences, expect_version, operation, slug_checked
from accounts.operations.credentials import guard_changeable, guard_last_owner
from accounts.operations.roles import give_role, role_slugs, roles_named
from accounts.profile import reason_checked, text_checked
from accounts.statuses import OrganizationStatus
from accounts.times import duration_text

__all__ = [
    "ORGANIZATION_TRANSITIONS",
    "membership_add",
    "membership_remove",
    "org_activate",
    "org_archive",
    "org_create",
    "org_suspend",
    "org_update",
]

ORGANIZATION_TRANSITIONS: Mapping[str, tuple[tuple[OrganizationStatus, ...], OrganizationStatus]] = {
    "suspend": ((OrganizationStatus.ACTIVE,), OrganizationStatus.SUSPENDED),
    "activate": ((OrganizationStatus.SUSPENDED, OrganizationStatus.ARCHIVED), OrganizationStatus.ACTIVE),
    "archive": ((OrganizationStatus.ACTIVE, OrganizationStatus.SUSPENDED), OrganizationStatus.ARCHIVED),
}
"""Verb: from which statuses, to which."""

NAME_LENGTH = 200
INVITE_DAYS = 90
WORDS: Mapping[str, tuple[Sequence[str], str]] = {
    "language": (LANGUAGES, "Letters are written in"),
    "second_factor": (list(SecondFactor), "A second factor is"),
    "mail_codes": (list(MailCodes), "Codes by mail are"),
}
"""Settings that are one of a few words, and how the sentence begins that says which."""
MINUTE = timedelta(minutes=1)
IMPERSONATION_MOST = timedelta(hours=24)


@operation(Action.ORG_CREATE)
def org_create(*, actor: Actor, slug: str, name: str, reason: str = "") -> Organization:
    """Make an organization; its first owner is made with ``user_create --role owner``.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Invalid: if slug or name cannot be one
    :raises Conflict: if the slug is taken
    """
    Installation.objects.locked()
    slug = slug_checked(slug)
    if Organization.objects.filter(slug=slug).exists():
        raise Conflict("The slug is taken.", remedy="Choose another.", fields={"slug": "taken"})
    organization = Organization.objects.create(slug=slug, name=text_checked("name", name, longest=NAME_LENGTH))
    audit.record(actor, Action.ORG_CREATE, organization, reason=reason_checked(reason), after=_shown(organization))
    return organization


@operation(Action.ORG_UPDATE)
def org_update(
    *,
    actor: Actor,
    organization: Organization,
    slug: str | None = None,
    name: str | None = None,
    language: str | None = None,
    invite_days: int | None = None,
    second_factor: str | None = None,
    mail_codes: str | None = None,
    impersonation_max: timedelta | None = None,
    reason: str = "",
    expected_version: int | None = None,
) -> Organization:
    """Rename an organization, or settle its language, how long invites live, who needs a second factor, and the like.

    What is so changes nothing. A second factor is asked for at the next sign-in; sessions go on.

    :param language: of letters to people of whom no language is known
    :param second_factor: ``optional``, ``admins`` (owners and admins) or ``required`` (everybody)
    :param mail_codes: ``allowed`` or ``refused``: whether people at home there may have codes mailed as second factor
    :param impersonation_max: how long somebody may act as another person at a time, in whole minutes
    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission
    :raises Invalid: if slug or name cannot be one, there are no letters in the language, the days are not 1 to 90, or
        the duration is not a minute to a day
    :raises Conflict: if the slug is taken, or the version is another one
    """
    Installation.objects.locked()
    (organization,) = Organization.objects.locked(organization.pk)
    policy.require(actor, Action.ORG_UPDATE, organization)
    expect_version(organization, expected_version)
    before = _shown(organization)
    if slug is not None:
        organization.slug = slug_checked(slug)
        if Organization.objects.filter(slug=slug).exclude(pk=organization.pk).exists():
            raise Conflict("The slug is taken.", remedy="Choose another.", fields={"slug": "taken"})
    if name is not None:
        organization.name = text_checked("name", name, longest=NAME_LENGTH)
    for field, given in {"language": language, "second_factor": second_factor, "mail_codes": mail_codes}.items():
        if given is not None:
            setattr(organization, field, _one_of(field, given, *WORDS[field]))
    _settle(organization, invite_days, impersonation_max)
    return _finish(actor, Action.ORG_UPDATE, organization, before, reason)


def _one_of(field: str, given: str, choices: Sequence[str], what: str) -> str:
    if given not in choices:
        words = ", ".join(choices)
        raise Invalid(f"{what}: {words}.", fields={field: f"must be one of: {words}"})
    return given


def _settle(organization: Organization, invite_days: int | None, impersonation_max: timedelta | None) -> None:
    """Take over the numbers that are named.

    :raises Invalid: if one cannot be so
    """
    if invite_days is not None:
        if not 1 <= invite_days <= INVITE_DAYS:
            raise Invalid(
                f"Invites live 1 to {INVITE_DAYS} days.", fields={"invite_days": f"must be 1 to {INVITE_DAYS}"}
            )
        organization.invite_days = invite_days
    if impersonation_max is not None:
        if not MINUTE <= impersonation_max <= IMPERSONATION_MOST or impersonation_max % MINUTE:
            raise Invalid(
                "An impersonation lasts 1 minute to 24 hours at most, in whole minutes.",
                fields={"impersonation_max": "must be 1m to 24h"},
            )
        organization.impersonation_minutes = impersonation_max // MINUTE


@operation(Action.ORG_SUSPEND)
def org_suspend(
    *, actor: Actor, organization: Organization, reason: str = "", expected_version: int | None = None
) -> Organization:
    """Stop everybody of an organization, and its keys, until it is activated; sessions end for good.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Conflict: if it is not active, the version is another one, or the last super-user lives there
    """
    return _change_status(actor, Action.ORG_SUSPEND, organization, reason, expected_version)


@operation(Action.ORG_ACTIVATE)
def org_activate(
    *, actor: Actor, organization: Organization, reason: str = "", expected_version: int | None = None
) -> Organization:
    """Let an organization's people sign in again.

    :raises NotAllowed: for everybody but the operator and super-users
    :raises Conflict: if it is active, or the version is another one
    """
    return _change_status(actor, Action.ORG_ACTIVATE, organization, reason, expected_version)


@operation(Action.ORG_ARCHIVE)
def org_archive(
    *, actor: Actor, organization: Organization, reason: str = "", expected_version: int | None = None
) -> Organization:
    """Put an organization away: nobody signs in, no key works, nothing is added.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: for everybody but its owners, the operator and super-users
    :raises Conflict: if it is archived, the version is another one, or the last super-user lives there
    """
    return _change_status(actor, Action.ORG_ARCHIVE, organization, reason, expected_version)


def _change_status(
    actor: Actor, action: Action, organization: Organization, reason: str, expected_version: int | None
) -> Organization:
    Installation.objects.locked()
    (organization,) = Organization.objects.locked(organization.pk)
    policy.require(actor, action, organization)
    expect_version(organization, expected_version)
    sources, target = ORGANIZATION_TRANSITIONS[action.partition(".")[2]]
    if organization.status not in sources:
        raise Conflict(f"The organization is {organization.status}.")
    before = _shown(organization)
    ended = 0
    if target is not OrganizationStatus.ACTIVE:
        _guard_last_superuser(organization)
        ended = Session.objects.filter(organization=organization).end(action)
    organization.status = target
    organization.status_reason = reason_checked(reason)
    return _finish(actor, action, organization, before, reason, ended={"sessions": ended} if ended else {})


def _guard_last_superuser(organization: Organization) -> None:
    superusers = User.objects.live().filter(is_superuser=True, organization__status=OrganizationStatus.ACTIVE)
    if superusers.exists() and not superusers.exclude(organization=organization).exists():
        raise Conflict(
            "The last super-user lives in this organization.",
            remedy="Make a super-user in another organization first: createsuperuser.",
        )


def _finish(
    actor: Actor,
    action: Action,
    organization: Organization,
    before: Mapping[str, Any],
    reason: str,
    **details: Any,
) -> Organization:
    changed = differences(before, _shown(organization))
    if changed["after"]:
        organization.version += 1
        organization.updated_at = timezone.now()
        organization.save()
        audit.record(actor, action, organization, reason=reason_checked(reason), **changed, **details)
    return organization


def _shown(organization: Organization) -> dict[str, Any]:
    return {
        "slug": organization.slug,
        "name": organization.name,
        "language": organization.language,
        "invite_days": organization.invite_days,
        "second_factor": str(organization.second_factor),
        "mail_codes": str(organization.mail_codes),
        "impersonation_max": duration_text(organization.impersonation_max),
        "status": str(organization.status),
        "status_reason": organization.status_reason,
    }


@operation(Action.MEMBERSHIP_ADD)
def membership_add(
    *, actor: Actor, organization: Organization, user: User, roles: Sequence[str] = ("member",), reason: str = ""
) -> Membership:
    """Make somebody a guest of another organization, or give a member more roles; again changes nothing.

    :raises NotFound: if organization or account does not exist for the actor
    :raises NotAllowed: without the permission, or giving a role that permits more than the actor has
    :raises Invalid: if a role does not exist
    :raises Conflict: if the organization is archived, or the account is restricted, being erased or has been
    """
    user = User.objects.locked(user, also=organization.pk)
    (organization,) = Organization.objects.locked(organization.pk)
    policy.require(actor, Action.MEMBERSHIP_ADD, organization)
    if not policy.sees(actor, user):
        raise NotFound("User not found.")
    if organization.status == OrganizationStatus.ARCHIVED:
        raise Conflict("The organization is archived.", remedy=f"Activate it first: org_activate {organization.slug}")
    guard_changeable(user)
    membership, joined = Membership.objects.get_or_create(user=user, organization=organization)
    named = roles_named(organization, [*roles, "member"])
    given = [role.slug for role in named if give_role(actor, membership, role, organization)]
    if given and membership.is_home:
        user.touch()
        user.save()
    if joined or given:
        audit.record(
            actor,
            Action.MEMBERSHIP_ADD,
            membership,
            reason=reason_checked(reason),
            after={"roles": role_slugs(membership)},
        )
    return membership


@operation(Action.MEMBERSHIP_REMOVE)
def membership_remove(*, actor: Actor, membership: Membership, reason: str = "") -> None:
    """End a guest's membership, with its roles; the home membership always exists.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission, or taking a role that permits more than the actor has
    :raises Conflict: for a home membership, and for the last owner
    """
    Organization.objects.locked(membership.organization_id)
    held = Membership.objects.select_related("organization", "user").filter(pk=membership.pk).first()
    if held is None:
        raise NotFound("Membership not found.")
    membership = held
    policy.require(actor, Action.MEMBERSHIP_REMOVE, membership)
    if membership.is_home:
        raise Conflict("This is the person's home organization.", remedy="Put the account away instead: user_archive.")
    held_roles = [entry for entry in membership.assignments.with_shown() if entry.is_live]
    roles = [entry.role for entry in held_roles]
    for role in roles:
        if role.slug != "member":
            policy.require_grantable(actor, role, membership.organization, action=Action.ROLE_REMOVE)
    if any(entry.role.is_owner and entry.until is None for entry in held_roles):
        guard_last_owner(membership.user, membership.organization_id)
    audit.record(
        actor,
        Action.MEMBERSHIP_REMOVE,
        membership,
        reason=reason_checked(reason),
        before={"roles": sorted(role.full_slug for role in roles)},
    )
    membership.delete()
