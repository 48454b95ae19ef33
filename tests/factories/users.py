"""Users, sessions."""

from datetime import timedelta
from typing import Any

import factory
from django.utils import timezone

from accounts.models import EmailChange, Membership, Organization, Role, RoleAssignment, Session, User
from accounts.passwords import hashed
from accounts.statuses import Status
from tests.factories.organizations import OrganizationFactory

__all__ = ["PASSWORD", "SessionFactory", "UserFactory", "make_email_change", "make_user"]

PASSWORD = "a long sentence nobody guesses"  # noqa: S105 -- of people who exist in tests only


class UserFactory(factory.django.DjangoModelFactory[User]):
    """A user without membership; ``make_user`` gives one with it."""

    class Meta:
        model = User

    organization = factory.SubFactory(OrganizationFactory)
    email = factory.Sequence(lambda number: f"person-{number}@example.com")
    email_key = factory.LazyAttribute(lambda made: made.email.lower() if made.email else None)


def make_user(
    organization: Organization, name: str, *, role: str = "member", status: Status = Status.ACTIVE, **fields: Any
) -> User:
    """Make somebody as the operations would leave them, without an event."""
    user = UserFactory.build(
        organization=organization,
        email=f"{name}@{organization.slug}.example",
        username=name,
        username_key=name,
        name=name.capitalize(),
        password=hashed(PASSWORD),
        status=status,
        status_before=Status.ACTIVE if status is Status.RESTRICTED else "",
        **fields,
    )
    user.save(force_insert=True)
    membership = Membership.objects.create(user=user, organization=organization)
    built_in = {role.slug: role for role in Role.objects.built_in()}
    RoleAssignment.objects.bulk_create(
        RoleAssignment(membership=membership, role=built_in[slug], organization=organization)
        for slug in sorted({"member", role})
    )
    return user


def make_email_change(user: User, email: str = "new@example.com") -> EmailChange:
    """Let an address wait to be confirmed by somebody, without an event and without a letter."""
    return EmailChange.objects.create(
        organization=user.organization, user=user, email=email, email_key=email.lower(),
        expires_at=timezone.now() + timedelta(days=3),
    )  # fmt: skip


class SessionFactory(factory.django.DjangoModelFactory[Session]):
    """A live session of a browser."""

    class Meta:
        model = Session

    organization = factory.SelfAttribute("user.organization")
    key_hash = factory.Sequence(lambda number: f"fac{number:037x}")  # none that a test writes by hand
    idle_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=1))
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=12))
    ip = "192.0.2.7"
    device = "Chrome/macOS"
