"""People in bulk, as the operations would leave them, and time."""

import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from accounts import ids
from accounts.models import (
    AuditChain,
    AuditEvent,
    AuditPart,
    Membership,
    Organization,
    Role,
    RoleAssignment,
    Session,
    User,
    UserSearch,
    UserTag,
)

__all__ = ["analyzed", "load", "load_histories", "timed"]

BATCH = 5_000
REPEATS = 15
HASH = "0" * 64
"""Nobody verifies this trail."""


def load(organization: Organization, number: int, *, first: int = 0) -> None:
    """Put users there as ``user_create`` would leave them, without events.

    One in ten has something to say about the next.
    """
    member = Role.objects.built_in().get(slug="member")
    for start in range(first, number, BATCH):
        with transaction.atomic():
            users = User.objects.bulk_create(
                User(
                    organization=organization,
                    email=f"person{place}@{organization.slug}.example",
                    email_key=f"person{place}@{organization.slug}.example",
                    username=f"person{place}-{organization.slug}",
                    username_key=f"person{place}-{organization.slug}",
                    name=f"Person {place}",
                    name_key=f"person {place}",
                    bio="" if place % 10 else f"Please ask person{place + 1}@{organization.slug}.example.",
                )
                for place in range(start, min(start + BATCH, number))
            )
            UserSearch.objects.bulk_create(UserSearch(user=user, text=user.search_text) for user in users)
            memberships = Membership.objects.bulk_create(
                Membership(user=user, organization=organization) for user in users
            )
            RoleAssignment.objects.bulk_create(
                RoleAssignment(organization=organization, membership=entry, role=member) for entry in memberships
            )


def load_histories(organization: Organization) -> None:
    """Give everybody there who has none two sessions, two tags and three events with five parts."""
    while True:
        without = User.objects.filter(organization=organization, sessions=None).order_by("pk")
        people = list(without.values_list("pk", "email")[:BATCH])
        if not people:
            return
        with transaction.atomic():
            _load_histories(organization, people)


def _load_histories(organization: Organization, people: list[tuple[UUID, str | None]]) -> None:
    Session.objects.bulk_create(
        Session(
            organization=organization,
            user_id=pk,
            key_hash=f"{ids.new().hex}{place}",
            idle_at=timezone.now() + timedelta(hours=12),
            expires_at=timezone.now() + timedelta(hours=12),
            ip="192.0.2.7",
            device="Chrome/macOS",
        )
        for pk, _ in people
        for place in range(2)
    )
    UserTag.objects.bulk_create(
        UserTag(organization=organization, user_id=pk, name=name) for pk, _ in people for name in ("staff", "floor-7")
    )
    head, _ = AuditChain.objects.get_or_create(pk=organization.pk)
    events, parts = [], []
    for pk, email in people:
        told: dict[str, dict[str, dict[str, Any]]] = {
            "user.create": {"subject": {"after": {"email": email, "locale": "de", "tags": []}}},
            "user.tag": {"subject": {"before": {"tags": []}, "after": {"tags": ["staff", "floor-7"]}}},
            "session.start": {
                "subject": {"kind": "browser", "method": "password"},
                "actor": {"device": "Chrome/macOS"},
                "network": {"ip": "192.0.2.7"},
            },
        }
        for action, payloads in told.items():
            head.sequence += 1
            event = AuditEvent(
                chain=head.pk,
                sequence=head.sequence,
                key_id="bench",
                action=action,
                outcome="done",
                actor_kind="user" if action == "session.start" else "operator",
                actor_id=pk if action == "session.start" else None,
                subject_kind="user",
                subject_id=pk,
                person_id=pk,
                organization_id=organization.pk,
                door="admin",
                occurred_at=timezone.now(),
                hash=HASH,
                **{f"{kind}_commitment": HASH for kind in payloads},
            )
            events.append(event)
            parts += [
                AuditPart(
                    event=event,
                    kind=kind,
                    person_id=pk,
                    organization_id=organization.pk,
                    salt=HASH,
                    payload=payload,
                )
                for kind, payload in payloads.items()
            ]
    AuditEvent.objects.bulk_create(events)
    AuditPart.objects.bulk_create(parts)
    AuditChain.objects.filter(pk=head.pk).update(sequence=head.sequence, hash=HASH)


def analyzed() -> None:
    """Let the planner know what there is."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def timed(call: Callable[[], object]) -> float:
    """Give the median of some calls, after one to warm up."""
    call()
    lengths = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        call()
        lengths.append(time.perf_counter() - started)
    return median(lengths)
