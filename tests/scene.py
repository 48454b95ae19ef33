"""The people and things that the examples of help, documentation and README speak of."""

import json
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from accounts import ids, policy
from accounts.actors import Door
from accounts.models import (
    APIKey,
    Application,
    Invite,
    Organization,
    Outbox,
    Permission,
    Purpose,
    Role,
    RoleAssignment,
    User,
)
from accounts.operations.links import mint
from accounts.operations.tokens import token_start
from accounts.statuses import TRANSITIONS, Status
from gdpr.models import SubjectRequest
from gdpr.operations.holds import hold_place
from gdpr.operations.requests import request_open
from tests.factories.claims import make_claim, say
from tests.factories.factors import make_factor
from tests.factories.letters import make_failed_letter
from tests.factories.organizations import OrganizationFactory, make_guest, make_organization
from tests.factories.receipts import make_receipt
from tests.factories.roles import make_application
from tests.factories.users import PASSWORD, SessionFactory, make_user

__all__ = ["KNOWN", "build", "stage"]

KNOWN = "01h455vb4pex5vsknk084sn02q"
"""The digits of every id in an example."""


def build() -> dict[str, str]:
    """Make everything that an example names; gives the files that it reads, by name."""
    default = OrganizationFactory.create(slug="default", pk=ids.decode("org", f"org_{KNOWN}"))
    acme, other = make_organization("acme"), make_organization("other")
    bob = person(default, "bob", pk=ids.decode("usr", f"usr_{KNOWN}"))
    make_factor(person(default, "jane"), pk=ids.decode("fct", f"fct_{KNOWN}"))
    make_user(default, "alice", role="owner")
    make_user(default, "root", is_superuser=True)
    for name, role in (("bob", "member"), ("olga", "owner"), ("ole", "owner")):
        person(acme, name, role=role)
    make_guest(person(other, "dave"), acme)
    SessionFactory.create(user=bob, pk=ids.decode("ses", f"ses_{KNOWN}"))
    APIKey.objects.create(
        pk=ids.decode("key", f"key_{KNOWN}"),
        organization=default,
        name="example",
        scopes=["user.show"],
        lookup="0" * 12,
        secret_hash="0" * 64,
        expires_at=timezone.now() + timedelta(days=30),
    )
    iris = person(default, "iris", status=Status.INVITED)
    Invite.objects.create(
        pk=ids.decode("inv", f"inv_{KNOWN}"),
        organization=default,
        kind="email",
        email=iris.email,
        email_key=iris.email_key,
        user=iris,
        invited_by_kind="operator",
        expires_at=timezone.now() + timedelta(days=7),
    )
    for organization in (default, acme):
        define(organization, KNOWN if organization is default else "")
    namesake = User.objects.get(email="bob@example.com", organization=acme)
    reader = Role.objects.get(organization=acme, slug="reader")
    RoleAssignment.objects.create(membership=namesake.memberships.get(), role=reader, organization=acme)
    Outbox.objects.filter(pk=make_failed_letter(bob).pk).update(id=ids.decode("ltr", f"ltr_{KNOWN}"))
    jane = User.objects.get(email="jane@example.com")
    operator = policy.operator(os_user="tester")
    hold_place(actor=operator, user=jane, reason="Case 7", exemption="e")
    request = request_open(actor=operator, user=bob, kind="erasure")
    SubjectRequest.objects.filter(pk=request.pk).update(id=ids.decode("dsr", f"dsr_{KNOWN}"))
    department = make_claim(default)
    make_claim(default, "languages", type="strings")
    say(bob, department, "Engineering")
    make_claim(acme, "tier", application=make_application(acme), schema={"enum": ["gold", "basic"]})
    issued = token_start(
        actor=policy.anonymous(door=Door.CLI), organization=default, login="bob@example.com", password=PASSWORD
    )
    token = mint(bob, Purpose.PASSWORD_RESET).rstrip("/").rpartition("/")[2]
    return {
        "people.txt": "bob@example.com\njane@example.com\n",
        "user_ids.txt": f"usr_{KNOWN}\n",
        "known-by.txt": "gone@left.example\n",
        "receipt.json": json.dumps(make_receipt()),
        "password.txt": f"{PASSWORD}\n",
        "refresh.txt": f"{issued.refresh_token}\n",
        "token.txt": f"{issued.access_token}\n",
        "reset.txt": f"{token}\ncorrect horse battery staple\n",
    }


def define(organization: Organization, digits: str) -> None:
    """Make an application and roles."""
    billing = Application.objects.create(
        **({"pk": ids.decode("app", f"app_{digits}")} if digits else {}),
        organization=organization, slug="billing", name="Billing",
    )  # fmt: skip
    Permission.objects.create(organization=organization, application=billing, word="billing.refund")
    clerk = Role.objects.create(organization=organization, application=billing, slug="clerk", name="Clerk")
    clerk.permissions.create(permission="billing.refund")
    for slug in ("helpdesk", "reader"):
        role = Role.objects.create(organization=organization, slug=slug, name=slug.capitalize())
        role.permissions.create(permission="user.show")


def person(organization: Organization, name: str, **fields: object) -> User:
    """Make somebody with an address at example.com."""
    user = make_user(organization, name, **fields)  # type: ignore[arg-type]
    user.set_email(f"{name}@example.com", verified_at=None)
    user.save()
    return user


def stage(folder: Path, files: dict[str, str], command: str) -> None:
    """Lay the files out, and put bob and jane, or the organization, into a status from which the command leads on."""
    for name, text in files.items():
        (folder / name).write_text(text)
    noun, _, verb = command.partition("_")
    if noun == "org" and verb == "activate":
        Organization.objects.filter(slug="acme").update(status="suspended")
    if noun == "user" and verb in TRANSITIONS:
        status = TRANSITIONS[verb][0][0]
        before = Status.SUSPENDED if status is Status.RESTRICTED else ""
        people = User.objects.filter(email__in=["bob@example.com", "jane@example.com"])
        people.update(status=status, status_before=before)
