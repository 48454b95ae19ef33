"""Giving and taking roles, for the verbs that do it."""

from collections.abc import Iterable
from datetime import datetime

from accounts import policy
from accounts.actors import Actor
from accounts.errors import Invalid
from accounts.models import Membership, Organization, Role, RoleAssignment
from accounts.operations.credentials import guard_last_owner

__all__ = ["give_role", "role_slugs", "roles_named", "take_role"]


def roles_named(slugs: Iterable[str]) -> list[Role]:
    """Find built-in roles by slug.

    :raises Invalid: naming the one that does not exist
    """
    found = {role.slug: role for role in Role.objects.built_in()}
    wanted = list(dict.fromkeys(slugs))
    if unknown := [slug for slug in wanted if slug not in found]:
        raise Invalid(
            f"There is no role {unknown[0]!r}.",
            remedy=f"One of: {', '.join(sorted(found))}.",
            fields={"roles": f"unknown: {unknown[0]}"},
        )
    return [found[slug] for slug in wanted]


def role_slugs(membership: Membership) -> list[str]:
    """List the roles on a membership that count now."""
    return sorted(RoleAssignment.objects.live().filter(membership=membership).values_list("role__slug", flat=True))


def give_role(
    actor: Actor, membership: Membership, role: Role, organization: Organization, *, until: datetime | None = None
) -> bool:
    """Put a role on a membership, in the caller's transaction; ``False`` if it is there already.

    ``member``, which permits nothing, needs no permission to give.

    :raises NotAllowed: if the actor lacks something that the role permits
    """
    if role.slug != "member":
        policy.require_grantable(actor, role, organization)
    _, created = RoleAssignment.objects.get_or_create(
        membership=membership,
        role=role,
        defaults={"organization": organization, "assigned_by": actor.user_id, "until": until},
    )
    return created


def take_role(actor: Actor, membership: Membership, role: Role, organization: Organization) -> bool:
    """Take a role off a membership, in the caller's transaction; ``False`` if it is not there.

    :raises NotAllowed: if the actor lacks something that the role permits
    :raises Conflict: for the last owner
    """
    assignment = RoleAssignment.objects.filter(membership=membership, role=role).first()
    if assignment is None:
        return False
    policy.require_grantable(actor, role, organization)
    if role.is_owner:
        guard_last_owner(membership.user, organization.pk)
    assignment.delete()
    return True
