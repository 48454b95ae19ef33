"""Applications, roles of one's own, and who has them."""

from datetime import datetime

from accounts.models import Application, Membership, Organization, Permission, Role, RoleAssignment, User

__all__ = ["give_custom", "make_application", "make_role"]


def make_application(organization: Organization, slug: str = "crm", *words: str) -> Application:
    """Make an application, which defines these words."""
    made = Application.objects.create(organization=organization, slug=slug, name=slug.capitalize())
    for word in words:
        Permission.objects.create(organization=organization, application=made, word=word)
    return made


def make_role(organization: Organization, slug: str, *permissions: str, application: Application | None = None) -> Role:
    """Make a role that permits this."""
    made = Role.objects.create(organization=organization, application=application, slug=slug, name=slug.capitalize())
    for permission in permissions:
        made.permissions.create(permission=permission)
    return made


def give_custom(whom: Membership | User, role: Role, *, until: datetime | None = None) -> RoleAssignment:
    """Put a role on a membership, of a user on that in the role's organization."""
    assert role.organization is not None
    membership = whom if isinstance(whom, Membership) else whom.memberships.get(organization=role.organization)
    return RoleAssignment.objects.create(
        membership=membership, role=role, organization=membership.organization, until=until
    )
