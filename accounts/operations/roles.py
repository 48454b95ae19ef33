"""Roles: made, changed, deleted; given and taken, by the verbs that do it, until a day or for good."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit, policy
from accounts.actions import BUILT_IN_ROLES, Action
from accounts.actors import Actor
from accounts.errors import Conflict, Invalid, NotFound
from accounts.models import (
    Application,
    Membership,
    Organization,
    Permission,
    Role,
    RoleAssignment,
    RolePermission,
    User,
)
from accounts.models.roles import RoleAssignmentQuerySet
from accounts.operations.base import differences, expect_version, operation, slug_checked
from accounts.operations.credentials import guard_changeable, guard_last_owner
from accounts.permissions import GRANTABLE
from accounts.profile import line_checked, reason_checked, text_checked
from accounts.statuses import OrganizationStatus

__all__ = [
    "NAME_LENGTH",
    "ROLES",
    "end_roles",
    "give_role",
    "role_assign",
    "role_create",
    "role_delete",
    "role_remove",
    "role_slugs",
    "role_update",
    "roles_named",
    "roles_run_out",
    "take_role",
    "touch_holders",
]

NAME_LENGTH: Final = 200
DESCRIPTION_LENGTH: Final = 500
ROLES: Final = 500
"""How many an organization has at most, those of its applications among them."""
HELD: Final = 100
"""How many somebody has at most in one organization."""
BATCH: Final = 200
"""How many that have run out one sweep removes."""


# --- roles -------------------------------------------------------------------------------------


@operation(Action.ROLE_CREATE)
def role_create(
    *,
    actor: Actor,
    organization: Organization,
    slug: str,
    name: str,
    description: str = "",
    application: Application | None = None,
    permissions: Iterable[str] = (),
    reason: str = "",
) -> Role:
    """Make a role of an organization, of the service's own words, or of an application, of its free words.

    :raises NotFound: if the organization does not exist for the actor, or the application is none of it
    :raises NotAllowed: without the permission, or with one in it that the actor has not
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if the slug is taken, the organization is archived, or has 500 roles
    """
    (organization,) = Organization.objects.locked(organization.pk)
    actor = policy.current(actor)
    policy.require(actor, Action.ROLE_CREATE, organization)
    if organization.status == OrganizationStatus.ARCHIVED:
        raise Conflict("The organization is archived.", remedy=f"Activate it first: org_activate {organization.slug}")
    application = _application_of(organization, application)
    if Role.objects.filter(organization=organization).count() >= ROLES:
        raise Conflict(f"The organization has {ROLES} roles.", remedy="Delete one that nobody needs: role_delete.")
    role = Role(
        organization=organization,
        application=application,
        slug=_slug_checked(slug),
        name=text_checked("name", name, longest=NAME_LENGTH),
        description=line_checked("description", description, longest=DESCRIPTION_LENGTH),
    )
    _refuse_taken(role)
    words = _words_checked(role, permissions)
    policy.require_held(actor, role, organization.pk, words)
    policy.require_shown_to_give(actor, words)
    role.save(force_insert=True)
    _put_words(role, words)
    audit.record(actor, Action.ROLE_CREATE, role, reason=reason_checked(reason), after=_shown(role))
    return role


@operation(Action.ROLE_UPDATE)
def role_update(
    *,
    actor: Actor,
    role: Role,
    slug: str | None = None,
    name: str | None = None,
    description: str | None = None,
    permissions: Iterable[str] | None = None,
    add_permissions: Iterable[str] = (),
    remove_permissions: Iterable[str] = (),
    reason: str = "",
    expected_version: int | None = None,
) -> Role:
    """Change what is named of a role; what is already so changes nothing. It counts at once, for everybody who has it.

    :param permissions: replaces all; ``add_permissions`` and ``remove_permissions`` change single ones
    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission, with one in it that the actor has not, or had by somebody more powerful
    :raises Invalid: naming every input that is wrong
    :raises Conflict: if it is built in, the slug is taken, or the version is another one
    """
    actor, role = _locked(actor, Action.ROLE_UPDATE, role)
    expect_version(role, expected_version)
    before = _shown(role)
    held = set(before["permissions"])
    policy.require_held(actor, role, _place(role).pk, held)
    if slug is not None:
        role.slug = _slug_checked(slug)
        _refuse_taken(role)
    if name is not None:
        role.name = text_checked("name", name, longest=NAME_LENGTH)
    if description is not None:
        role.description = line_checked("description", description, longest=DESCRIPTION_LENGTH)
    wanted = (held if permissions is None else set(permissions)) | set(add_permissions)
    words = _words_checked(role, wanted - set(remove_permissions))
    if words != held:
        policy.require_held(actor, role, _place(role).pk, words)
        policy.require_rank_of_holders(actor, Action.ROLE_UPDATE, role)
        policy.require_shown_to_give(actor, set(words) - held)
        _put_words(role, words)
    changed = differences(before, _shown(role))
    if changed["after"]:
        role.version += 1
        role.updated_at = timezone.now()
        role.save()
        if "slug" in changed["after"]:
            touch_holders(role.assignments.all())
        audit.record(actor, Action.ROLE_UPDATE, role, reason=reason_checked(reason), **changed)
    return role


@operation(Action.ROLE_DELETE)
def role_delete(*, actor: Actor, role: Role, reason: str = "", expected_version: int | None = None) -> dict[str, int]:
    """Delete a role, which ends it for everybody who has it; says of how many.

    :raises NotFound: if it does not exist for the actor
    :raises NotAllowed: without the permission, with one in it that the actor has not, or had by somebody more powerful
    :raises Conflict: if it is built in, or the version is another one
    """
    actor, role = _locked(actor, Action.ROLE_DELETE, role)
    expect_version(role, expected_version)
    before = _shown(role)
    ended = end_roles(actor, Action.ROLE_DELETE, [role])
    audit.record(actor, Action.ROLE_DELETE, role, reason=reason_checked(reason), before=before, ended=ended)
    role.delete()
    return ended


def end_roles(actor: Actor, action: Action, roles: Iterable[Role]) -> dict[str, int]:
    """End roles for everybody who has them, in the caller's transaction with the organization locked; says of how many.

    :raises NotAllowed: if one permits what the actor may not do, or somebody more powerful has it
    """
    ended = 0
    for role in roles:
        words = role.permissions.values_list("permission", flat=True)
        policy.require_held(actor, role, _place(role).pk, words)
        policy.require_rank_of_holders(actor, action, role)
        touch_holders(role.assignments.all())
        ended += role.assignments.all().delete()[0]
    return {"assignments": ended} if ended else {}


def _locked(actor: Actor, action: Action, role: Role) -> tuple[Actor, Role]:
    """Hold a role's organization, then read role and actor again: both may have changed since they were looked up."""
    if role.organization_id is not None:
        Organization.objects.locked(role.organization_id)
    held = Role.objects.select_related("organization", "application").filter(pk=role.pk).first()
    if held is None:
        raise NotFound("Role not found.")
    actor = policy.current(actor)
    if held.is_built_in and policy.sees(actor, held):
        _place(held)
    policy.require(actor, action, held)
    return actor, held


def _place(role: Role) -> Organization:
    """Give the organization of a role that is nobody else's.

    :raises Conflict: for one of the four, which every organization has
    """
    if role.organization is None:
        raise Conflict(
            f"The role {role.slug} is built in: nobody changes or deletes it.",
            remedy="Make a role of your own with other permissions: role_create.",
        )
    return role.organization


def _application_of(organization: Organization, application: Application | None) -> Application | None:
    if application is None:
        return None
    held = Application.objects.filter(pk=application.pk, organization=organization).first()
    if held is None:
        raise NotFound("Application not found.")
    return held


def _slug_checked(slug: str) -> str:
    slug = slug_checked(slug)
    if slug in BUILT_IN_ROLES:
        raise Invalid(
            f"{slug} is the name of a built-in role.", remedy="Choose another.", fields={"slug": "is a built-in role"}
        )
    return slug


def _refuse_taken(role: Role) -> None:
    others = Role.objects.filter(organization_id=role.organization_id, application_id=role.application_id)
    if others.filter(slug=role.slug).exclude(pk=role.pk).exists():
        raise Conflict("The slug is taken.", remedy="Choose another.", fields={"slug": "taken"})


def _words_checked(role: Role, given: Iterable[str]) -> set[str]:
    """Give the permissions back if a role of this kind can hold them."""
    words = set(given)
    if role.application is None:
        unknown = sorted(words - GRANTABLE)
        remedy = "One of the service's own words, such as user.show: permission_list shows them."
        if Permission.objects.filter(organization=role.organization, word__in=unknown[:HELD]).exists():
            remedy = "It is an application's: make a role of that application for it."
    else:
        unknown = sorted(words - set(role.application.permissions.values_list("word", flat=True)))
        remedy = f"A role of {role.application.slug} holds what the application defines: app_update adds to that."
    if unknown:
        raise Invalid(
            f"There is no permission {unknown[0][:100]!r} for this role.",
            remedy=remedy,
            fields={"permissions": f"unknown: {unknown[0][:100]}"},
        )
    return words


def _put_words(role: Role, words: set[str]) -> None:
    present = set(role.permissions.values_list("permission", flat=True))
    role.permissions.filter(permission__in=present - words).delete()
    RolePermission.objects.bulk_create(RolePermission(role=role, permission=word) for word in sorted(words - present))


def touch_holders(assignments: RoleAssignmentQuerySet) -> None:
    """Count it as a change of everybody at home here who has one of these: they show it."""
    holders = assignments.at_home().values("membership__user_id")
    User.objects.filter(pk__in=holders).update(version=F("version") + 1, updated_at=timezone.now())


def _shown(role: Role) -> dict[str, Any]:
    return {
        "application": role.application.slug if role.application else None,
        "slug": role.slug,
        "name": role.name,
        "description": role.description,
        "permissions": sorted(role.permissions.values_list("permission", flat=True)) if role.pk else [],
    }


# --- who has them ------------------------------------------------------------------------------


@operation(Action.ROLE_ASSIGN)
def role_assign(
    *, actor: Actor, membership: Membership, role: Role, until: datetime | None = None, reason: str = ""
) -> Membership:
    """Give a role to somebody in an organization of theirs, for good or until a moment; again changes the end only.

    :raises NotFound: if membership or role does not exist for the actor, or the role is none of that organization
    :raises NotAllowed: without the permission, beyond what the actor has or for longer, or to somebody more powerful
    :raises Invalid: if the end is not in the future
    :raises Conflict: if the account is kept only or being erased, the organization archived, or for the last owner
    """
    membership, role, actor = _both_locked(actor, Action.ROLE_ASSIGN, membership, role)
    organization = membership.organization
    if organization.status == OrganizationStatus.ARCHIVED:
        raise Conflict("The organization is archived.", remedy=f"Activate it first: org_activate {organization.slug}")
    if until is not None and until <= timezone.now():
        raise Invalid("A role ends in the future.", fields={"until": "must be in the future"})
    before = _held(membership)
    present = RoleAssignment.objects.live().filter(membership=membership, role=role).first()
    if present is None:
        give_role(actor, membership, role, organization, until=until)
    elif present.until != until:
        _require_giveable(actor, role, organization, until)
        if role.is_owner and present.until is None:
            guard_last_owner(membership.user, organization.pk)
        RoleAssignment.objects.filter(pk=present.pk).update(until=until, assigned_by=actor.user_id)
    else:
        policy.require_grantable(actor, role, organization, until=until)
    return _finish(actor, Action.ROLE_ASSIGN, membership, before, reason)


@operation(Action.ROLE_REMOVE)
def role_remove(*, actor: Actor, membership: Membership, role: Role, reason: str = "") -> Membership:
    """Take a role from somebody; one they have not changes nothing.

    :raises NotFound: if membership or role does not exist for the actor
    :raises NotAllowed: without the permission, beyond what the actor has, or from somebody more powerful
    :raises Conflict: for ``member``, which everybody is, for the last owner, or if the account is kept only
    """
    membership, role, actor = _both_locked(actor, Action.ROLE_REMOVE, membership, role)
    if role.is_built_in and role.slug == "member":
        raise Conflict(
            "Everybody who belongs to an organization is a member.",
            remedy="End the membership of a guest: membership_remove.",
        )
    before = _held(membership)
    take_role(actor, membership, role, membership.organization)
    return _finish(actor, Action.ROLE_REMOVE, membership, before, reason)


def _both_locked(actor: Actor, action: Action, membership: Membership, role: Role) -> tuple[Membership, Role, Actor]:
    """Hold person and organization, then read all again: a role may have been renamed, widened or deleted since."""
    user = User.objects.locked(membership.user, also=membership.organization_id)
    held = Membership.objects.select_related("organization").filter(pk=membership.pk).first()
    if held is None:
        raise NotFound("Membership not found.")
    held.user = user
    actor = policy.current(actor)
    policy.require(actor, action, held)
    now = Role.objects.of(held.organization_id).select_related("application").filter(pk=role.pk).first()
    if now is None:
        raise NotFound("Role not found.")
    if user.pk != actor.user_id:
        policy.require_rank(actor, action, user, held.organization_id)
    policy.require_grantable(actor, now, held.organization, action=action, until=timezone.now())
    guard_changeable(user)
    return held, now, actor


def _held(membership: Membership) -> dict[str, str | None]:
    """Give the roles that count now, with their ends."""
    live = RoleAssignment.objects.live().filter(membership=membership).with_shown()
    return {entry.role.full_slug: entry.until.isoformat() if entry.until else None for entry in live}


def _finish(
    actor: Actor, action: Action, membership: Membership, before: Mapping[str, str | None], reason: str
) -> Membership:
    """Record a change, if it is one, and count it as one of the person at home."""
    after = _held(membership)
    if after != before:
        if membership.is_home:
            membership.user.touch()
            membership.user.save()
        roles: dict[str, dict[str, Any]] = {"before": {"roles": sorted(before)}, "after": {"roles": sorted(after)}}
        for held, state in ((before, roles["before"]), (after, roles["after"])):
            if ends := {slug: until for slug, until in held.items() if until}:
                state["until"] = ends
        audit.record(actor, action, membership, reason=reason_checked(reason), **roles)
    return membership


def roles_named(organization: Organization, named: Iterable[str]) -> list[Role]:
    """Find the roles that there are in an organization by id, slug or ``application/slug``.

    A bare slug is one of the organization or of the four, else the one application's that has it.

    :raises Invalid: naming the one that does not exist, or that several applications have
    """
    every = Role.objects.of(organization.pk).select_related("application")
    found: dict[str, Role] = {}
    for text in dict.fromkeys(named):
        rows = list(every.named(text)[: HELD + 1])
        own = [role for role in rows if role.application is None]
        if len(own or rows) > 1:
            choices = ", ".join(sorted(role.full_slug for role in rows[:HELD]))
            raise Invalid(
                f"Several applications have a role {text!r}.",
                remedy=f"Say which: {choices}.",
                fields={"roles": f"ambiguous: {text}"},
            )
        if not rows:
            raise Invalid(
                f"There is no role {text[:130]!r}.",
                remedy=f"One of {', '.join(BUILT_IN_ROLES)}, or one that the organization has: role_list.",
                fields={"roles": f"unknown: {text[:130]}"},
            )
        found[text] = (own or rows)[0]
    return list({role.pk: role for role in found.values()}.values())


def role_slugs(membership: Membership) -> list[str]:
    """List the roles on a membership that count now."""
    live = RoleAssignment.objects.live().filter(membership=membership).with_shown()
    return sorted(entry.role.full_slug for entry in live)


def give_role(
    actor: Actor, membership: Membership, role: Role, organization: Organization, *, until: datetime | None = None
) -> bool:
    """Put a role on a membership, in the caller's transaction; ``False`` if it is there already.

    ``member``, which permits nothing, needs no permission to give. One that has run out makes room.

    :raises NotAllowed: if the actor lacks something that the role permits, or has it for a shorter time
    :raises Conflict: if the person has a hundred roles there
    """
    if role.slug != "member":
        _require_giveable(policy.current(actor), role, organization, until)
    theirs = RoleAssignment.objects.filter(membership=membership)
    theirs.run_out().filter(role=role).delete()
    if theirs.filter(role=role).exists():
        return False
    if theirs.live().count() >= HELD:
        raise Conflict(f"The person has {HELD} roles there.", remedy="Take one away first: role_remove.")
    theirs.create(membership=membership, role=role, organization=organization, assigned_by=actor.user_id, until=until)
    return True


def _require_giveable(actor: Actor, role: Role, organization: Organization, until: datetime | None) -> None:
    policy.require_grantable(actor, role, organization, until=until)
    policy.require_shown_to_give(actor, role.permissions.values_list("permission", flat=True))


def take_role(actor: Actor, membership: Membership, role: Role, organization: Organization) -> bool:
    """Take a role off a membership, in the caller's transaction; ``False`` if it is not there.

    :raises NotAllowed: if the actor lacks something that the role permits
    :raises Conflict: for the last owner
    """
    assignment = RoleAssignment.objects.live().filter(membership=membership, role=role).first()
    if assignment is None:
        return False
    policy.require_grantable(policy.current(actor), role, organization, action=Action.ROLE_REMOVE)
    if role.is_owner and assignment.until is None:
        guard_last_owner(membership.user, organization.pk)
    assignment.delete()
    return True


def roles_run_out() -> int:
    """Remove assignments whose time is over, each with its event; they have not counted since that second.

    Those of the same membership go together; at most so many in one sweep.
    """
    over = RoleAssignment.objects.run_out().order_by("until").values_list("membership_id", flat=True)[:BATCH]
    return sum(_run_out(Membership.objects.filter(pk=membership_id).first()) for membership_id in sorted(set(over)))


@transaction.atomic
def _run_out(membership: Membership | None) -> int:
    """Remove from one membership what has run out; of two at once the second finds nothing."""
    if membership is None:
        return 0
    Organization.objects.locked(membership.organization_id)
    gone = list(RoleAssignment.objects.run_out().filter(membership=membership).with_shown())
    if gone:
        RoleAssignment.objects.filter(pk__in=[entry.pk for entry in gone]).delete()
        before = {entry.role.full_slug: entry.until.isoformat() for entry in gone if entry.until}
        audit.record(
            policy.system(),
            Action.ROLE_REMOVE,
            membership,
            reason="Its time is over.",
            before={"roles": sorted(before), "until": before},
            after={"roles": role_slugs(membership)},
        )
    return len(gone)
