"""Organizations and memberships."""

import factory

from accounts.models import Membership, Organization, Role, RoleAssignment, User

__all__ = ["OrganizationFactory", "give", "make_guest", "make_organization"]


class OrganizationFactory(factory.django.DjangoModelFactory[Organization]):
    """An organization."""

    class Meta:
        model = Organization

    slug = factory.Sequence(lambda number: f"organization-{number}")
    name = factory.LazyAttribute(lambda made: made.slug.capitalize())


def make_organization(slug: str) -> Organization:
    """Make an organization, or give the one that is there."""
    existing = Organization.objects.filter(slug=slug).first()
    return existing or OrganizationFactory.create(slug=slug)


def give(user: User, organization: Organization, role: str) -> RoleAssignment:
    """Put a built-in role on a membership, which is made if it is not there."""
    membership, _ = Membership.objects.get_or_create(user=user, organization=organization)
    built_in = Role.objects.built_in().get(slug=role)
    return RoleAssignment.objects.get_or_create(
        membership=membership, role=built_in, defaults={"organization": organization}
    )[0]


def make_guest(user: User, organization: Organization) -> Membership:
    """Make somebody a guest."""
    return give(user, organization, "member").membership
